"""Live moves: the two hypervisors move the guest, the driver prepares, watches and tidies up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from cellrig.driver import (
    Device,
    Disk,
    DriverContext,
    Guest,
    GuestEvent,
    GuestEventKind,
    HostState,
    MigrateData,
    MigrationError,
    MigrationFailure,
    MigrationPreCheckError,
    Post,
    PowerState,
    Progress,
    Recover,
)
from cellrig_libvirt.disk_files import DiskFiles
from cellrig_libvirt.errors import speaking
from cellrig_libvirt.hypervisor import Hypervisor
from cellrig_libvirt.migration_job import Job, all_done, progress_of
from cellrig_libvirt.migration_xml import moved_document, sources_of
from cellrig_libvirt.options import LibvirtOptions
from cellrig_libvirt.spawning import local_disks

#: How often a migration is asked how far it has come, in seconds of the hypervisor's clock.
_LOOK = 0.2
#: MiB/s that are more than any network has. What is beyond an integer of 32 bits QEMU refuses.
_NO_LIMIT = 1 << 20


class LiveMoves:
    """The live migrations that one host sends and receives.

    Args:
        hypervisor: the host's.
        files: makes local disks.
        options: the driver's.
        context: the driver's.
    """

    def __init__(
        self,
        hypervisor: Hypervisor,
        files: DiskFiles,
        options: LibvirtOptions,
        context: DriverContext,
    ) -> None:
        self._hypervisor = hypervisor
        self._files = files
        self._options = options
        self._context = context
        self._jobs: dict[str, Job] = {}

    # At the destination

    def check_destination(self, guest: Guest, source: HostState, block: bool) -> MigrateData:
        """See whether a guest can come. Changes nothing.

        Raises:
            MigrationPreCheckError: it cannot.
        """
        hypervisor, host = self._hypervisor, self._context.host
        node = hypervisor.node
        if source.hypervisor_type != node.hypervisor_type:
            told = f"from {source.hypervisor_type} to {node.hypervisor_type}"
            raise MigrationPreCheckError(guest.uuid, told)
        if source.hypervisor_version > node.hypervisor_version:
            told = f"hypervisor {node.hypervisor_version} of {host} is older"
            raise MigrationPreCheckError(guest.uuid, told)
        if hypervisor.find(guest.uuid) is not None:
            raise MigrationPreCheckError(guest.uuid, f"{host} has it already")
        data = {
            "uri": self._options.uri,
            "address": self._options.migration_address,
            "instances": str(hypervisor.instances.path),
        }
        return MigrateData(
            source_host="",
            destination_host=host,
            block_migration=block,
            shared_storage=source.storage == hypervisor.instances.identity,
            driver_data=data,
        )

    def prepare(
        self, guest: Guest, disks: Sequence[Disk], devices: Sequence[Device], data: MigrateData
    ) -> MigrateData:
        """Make the local disks that the guest's data are copied into; tell where its disks are.

        Raises:
            GuestExists: the guest is here.
        """
        hypervisor, instances = self._hypervisor, self._hypervisor.instances
        document = hypervisor.build(guest, None, disks, devices)
        if not data.shared_storage:
            try:
                directory = instances.make(guest.uuid)
                for name, size in data.driver_data.get("local_disks", {}).items():
                    if not (directory / name).exists():
                        self._files.create(directory / name, -(-int(size) >> 30))
                        instances.lend(directory / name)
            except BaseException:
                instances.remove(guest.uuid)
                raise
        told = {**data.driver_data, "volumes": sources_of(document), "node": guest.node}
        return msgspec.structs.replace(data, driver_data=told)

    def make_lasting(self, guest: Guest) -> GuestEvent:
        """See that a guest has arrived, and return what is to be told of it.

        Raises:
            GuestNotFound: it has not.
        """
        power_state = self._hypervisor.power_state(self._hypervisor.domain(guest.uuid))
        return GuestEvent(guest.uuid, GuestEventKind.MIGRATED, power_state)

    def roll_back(self, guest: Guest, data: MigrateData, destroy_disks: bool) -> None:
        """Remove what was prepared for a guest that has not come. Twice is harmless."""
        hypervisor = self._hypervisor
        if destroy_disks and not data.shared_storage and hypervisor.find(guest.uuid) is None:
            hypervisor.instances.remove(guest.uuid)

    # At the source

    def check_source(self, guest: Guest, data: MigrateData) -> MigrateData:
        """See whether a guest can go. Changes nothing.

        Raises:
            MigrationPreCheckError: it cannot.
            GuestNotFound: there is no such guest.
        """
        hypervisor, instances = self._hypervisor, self._hypervisor.instances
        domain = hypervisor.domain(guest.uuid)
        info = hypervisor.info(domain)
        if info.power_state not in (PowerState.RUNNING, PowerState.PAUSED):
            told = f"it is {info.power_state.name}, not running or paused"
            raise MigrationPreCheckError(guest.uuid, told)
        if any(device.address for device in info.devices):
            told = "it has devices of its host, which stay there"
            raise MigrationPreCheckError(guest.uuid, told)
        shared = data.shared_storage
        directory = instances.directory(guest.uuid)
        names = [name for name, _gb in local_disks(hypervisor.plugs.document(domain), directory)]
        if data.block_migration and shared:
            told = "block migration cannot be used with shared storage"
            raise MigrationPreCheckError(guest.uuid, told)
        if names and not data.block_migration and not shared:
            told = "its local disks are not on shared storage, which needs a block migration"
            raise MigrationPreCheckError(guest.uuid, told)
        sizes = {name: self._files.virtual_size(directory / name) for name in names}
        return msgspec.structs.replace(
            data,
            source_host=self._context.host,
            block_migration=data.block_migration and bool(names),
            driver_data={**data.driver_data, "local_disks": sizes},
        )

    def migrate(
        self,
        guest: Guest,
        post: Post,
        recover: Recover,
        data: MigrateData,
        progress: Progress | None,
    ) -> None:
        """Move a guest, then call one of `post` and `recover`."""
        failure = None
        try:
            self._move(guest, data, progress)
        except _Aborted as error:
            failure = MigrationFailure(str(error), cancelled=True)
        except Exception as error:  # noqa: BLE001 - whatever it is, the guest's server must hear
            failure = MigrationFailure(str(error) or type(error).__name__)
        # Outside of the `try`: what a continuation raises is not for the other one to hear.
        if failure is None:
            post()
        else:
            recover(failure)

    def abort(self, guest: Guest) -> None:
        """End a migration; it recovers. Without one: harmless."""
        job = self._jobs.get(guest.uuid)
        if job is None:
            return
        job.aborted = True
        lv = self._hypervisor.library
        try:
            self._hypervisor.domain(guest.uuid).abortJob()
        except lv.libvirtError as error:
            # It has not begun to copy, and is asked again when it does; or it is over.
            if error.get_error_code() != lv.VIR_ERR_OPERATION_INVALID:
                raise

    def force_complete(self, guest: Guest) -> None:
        """Stop a guest that is being migrated, so that its memory changes no more.

        It runs again at its destination. While it stands still it gets all the bandwidth there is.

        Raises:
            MigrationError: it is not being migrated.
        """
        job = self._jobs.get(guest.uuid)
        if job is None:
            raise MigrationError(guest.uuid, "it is not being migrated")
        job.forced = True
        lv = self._hypervisor.library
        try:
            self._force(self._hypervisor.domain(guest.uuid))
        except lv.libvirtError as error:
            # It is over; where it has not begun, it is forced when it does.
            if error.get_error_code() != lv.VIR_ERR_OPERATION_INVALID:
                raise

    def tidy_up(self, guest: Guest, data: MigrateData) -> None:
        """Remove the files of a guest that has left. Twice is harmless."""
        if not data.shared_storage and self._hypervisor.find(guest.uuid) is None:
            self._hypervisor.instances.remove(guest.uuid)

    # Inside

    def _move(self, guest: Guest, data: MigrateData, progress: Progress | None) -> None:
        hypervisor, host = self._hypervisor, self._context.host
        if guest.uuid in self._jobs:
            raise MigrationError(guest.uuid, "it is being migrated already")
        with speaking(hypervisor.library, host, guest.uuid):
            domain = hypervisor.domain(guest.uuid)
            uri, parameters, flags = self._arguments(guest, domain, data)
            job = Job(lambda: domain.migrateToURI3(uri, parameters, flags))
            self._jobs[guest.uuid] = job
            try:
                while not job.is_over(_LOOK):
                    self._look(domain, job, progress)
            finally:
                del self._jobs[guest.uuid]
            if job.error is not None and self._is_here(guest.uuid):
                if job.aborted:
                    raise _Aborted(guest.uuid, "the live migration was aborted") from job.error
                raise job.error
        if progress is not None:
            progress(all_done(guest))

    def _is_here(self, uuid: str) -> bool:
        """Whether a guest still runs here: the end of its move may be lost, and not the move."""
        domain = self._hypervisor.find(uuid)
        return domain is not None and bool(domain.isActive())

    def _force(self, domain: Any) -> None:
        """Stop a guest whose memory moves, and give it all the bandwidth there is.

        A guest that stands still before that would stand still at its destination, too; and its
        first speed is set when its memory begins to move.
        """
        if domain.jobStats().get("memory_total"):
            if self._hypervisor.power_state(domain) is PowerState.RUNNING:
                domain.suspend()
            domain.migrateSetMaxSpeed(_NO_LIMIT)

    def _look(self, domain: Any, job: Job, progress: Progress | None) -> None:
        lv = self._hypervisor.library
        try:
            if job.aborted:
                domain.abortJob()
            elif job.forced:
                self._force(domain)
            told: Mapping[str, int] = domain.jobStats() if progress is not None else {}
        except lv.libvirtError:
            return  # it has not begun, or is over: there is nothing to tell
        if progress is not None and told.get("memory_total"):
            progress(progress_of(told))

    def _arguments(
        self, guest: Guest, domain: Any, data: MigrateData
    ) -> tuple[str, dict[str, object], int]:
        lv = self._hypervisor.library
        told = data.driver_data
        source = self._hypervisor.instances.path / guest.uuid
        target = source if data.shared_storage else f"{told['instances']}/{guest.uuid}"
        flags = (
            lv.VIR_MIGRATE_LIVE
            | lv.VIR_MIGRATE_PEER2PEER
            | lv.VIR_MIGRATE_PERSIST_DEST
            | lv.VIR_MIGRATE_UNDEFINE_SOURCE
            # Volumes in files are the same file on both hosts, by word of block storage, and no
            # disk is cached: what libvirt calls unsafe is not so here.
            | lv.VIR_MIGRATE_UNSAFE
        )
        live = lv.VIR_DOMAIN_XML_MIGRATABLE | lv.VIR_DOMAIN_XML_SECURE
        documents = [
            self._hypervisor.outgoing.text(
                moved_document(domain.XMLDesc(kind), str(source), str(target), told)
            )
            for kind in (live, live | lv.VIR_DOMAIN_XML_INACTIVE)
        ]
        parameters: dict[str, object] = {
            lv.VIR_MIGRATE_PARAM_URI: f"tcp://{told['address']}",
            lv.VIR_MIGRATE_PARAM_DEST_XML: documents[0],
            lv.VIR_MIGRATE_PARAM_PERSIST_XML: documents[1],
        }
        if self._options.migration_bandwidth:
            parameters[lv.VIR_MIGRATE_PARAM_BANDWIDTH] = self._options.migration_bandwidth
        if data.block_migration:
            flags |= lv.VIR_MIGRATE_NON_SHARED_DISK
            info = self._hypervisor.info(domain)
            parameters[lv.VIR_MIGRATE_PARAM_MIGRATE_DISKS] = [
                disk.target for disk in info.disks if disk.serial is None
            ]
        return str(told["uri"]), parameters, int(flags)


class _Aborted(MigrationError):
    """Aborted on request."""
