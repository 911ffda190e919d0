"""Cold moves: the source keeps a guest's files, and the destination copies its disks from there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cellrig_domxml
from cellrig.driver import (
    Device,
    Disk,
    Guest,
    GuestNotFound,
    Image,
    MigrateData,
    MigrationError,
)
from cellrig_libvirt.disk_files import DiskFiles
from cellrig_libvirt.hypervisor import Hypervisor
from cellrig_libvirt.options import LibvirtOptions
from cellrig_libvirt.spawning import local_disks


class ColdMoves:
    """Guests that leave one host, and come to it, while they are shut down.

    Args:
        hypervisor: the host's.
        files: makes local disks.
        options: the driver's.
    """

    def __init__(self, hypervisor: Hypervisor, files: DiskFiles, options: LibvirtOptions) -> None:
        self._hypervisor = hypervisor
        self._files = files
        self._options = options

    def leave(
        self, guest: Guest, resized: Guest, source: str, destination: str, timeout: int
    ) -> MigrateData:
        """Shut a guest down and keep it for a revert. Twice is harmless.

        Raises:
            GuestNotFound: there is no such guest, and none is kept.
            MigrationError: its root disk would shrink.
        """
        hypervisor, instances = self._hypervisor, self._hypervisor.instances
        domain = hypervisor.find(guest.uuid)
        if domain is None:
            if instances.kept_document(guest.uuid) is None:
                raise GuestNotFound(guest.uuid)
        else:
            if resized.root_gb and resized.root_gb < guest.root_gb:
                told = f"its root disk of {guest.root_gb} GiB does not shrink to {resized.root_gb}"
                raise MigrationError(guest.uuid, told)
            hypervisor.shut_down(domain, min(timeout, self._options.shutdown_wait))
            document = cellrig_domxml.serialize(hypervisor.lasting_document(domain)).decode()
            hypervisor.remove(guest.uuid)
            instances.keep(guest.uuid, document)
        return MigrateData(
            source_host=source,
            destination_host=destination,
            driver_data={"kept": str(instances.kept_directory(guest.uuid))},
        )

    def arrive(
        self,
        guest: Guest,
        image: Image | None,
        data: MigrateData,
        disks: Sequence[Disk],
        devices: Sequence[Device],
        power_on: bool,
    ) -> None:
        """Define a guest here with copies of the disks that its source keeps.

        Raises:
            MigrationError: they are not where this host can read them.
        """
        hypervisor, instances = self._hypervisor, self._hypervisor.instances
        kept = Path(str(data.driver_data.get("kept", "")))
        document = hypervisor.build(guest, image, disks, devices)
        if not data.driver_data.get("kept") or not kept.is_dir():
            told = f"its disks have not come from {data.source_host}: {kept} cannot be read here"
            raise MigrationError(guest.uuid, told)
        try:
            directory = instances.make(guest.uuid)
            for name, size_gb in local_disks(document, directory):
                path = directory / name
                path.unlink(missing_ok=True)
                if not self._files.take_over(kept / name, path, size_gb):
                    self._files.create(path, size_gb)
                instances.lend(path)
            hypervisor.start_anew(document, power_on=power_on)
        except BaseException:
            instances.remove(guest.uuid)
            raise

    def forget(self, guest: Guest) -> None:
        """Erase what was kept. Nothing kept is harmless."""
        self._hypervisor.instances.forget(guest.uuid)

    def come_back(self, guest: Guest, disks: Sequence[Disk], power_on: bool) -> None:
        """Bring back what was kept, with the volumes that it has by then.

        A guest that is here already is harmless.

        Raises:
            GuestNotFound: nothing was kept.
            HypervisorError: it cannot start; it is still kept.
        """
        hypervisor, instances = self._hypervisor, self._hypervisor.instances
        kept = instances.kept_document(guest.uuid)
        if hypervisor.find(guest.uuid) is not None:
            return
        if kept is None:
            raise GuestNotFound(guest.uuid)
        document = cellrig_domxml.parse(kept.encode())
        cellrig_domxml.set_volumes(document, disks)
        hypervisor.lend(disks)
        instances.bring_back(guest.uuid)
        try:
            hypervisor.start_anew(document, power_on=power_on)
        except BaseException:
            instances.keep(guest.uuid, kept)
            raise
