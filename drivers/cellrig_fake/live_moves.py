"""Live moves of the fake hypervisor: the guest goes over the rig's fabric."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from cellrig.driver import (
    Device,
    Disk,
    DriverContext,
    DriverError,
    Guest,
    GuestDisk,
    HostState,
    MigrateData,
    MigrationError,
    MigrationFailure,
    MigrationPreCheckError,
    MigrationProgress,
    Post,
    PowerState,
    Progress,
    Recover,
)
from cellrig.runtime import DeadlineExceeded, Event
from cellrig_fake.behaviours import Misconduct
from cellrig_fake.building import make_domain
from cellrig_fake.hypervisor import Hypervisor
from cellrig_fake.locks import DiskLocks
from cellrig_fake.options import FakeOptions
from cellrig_fake.state import Arrival

#: How often a migration that takes time tells how far it has come.
_STEPS = 4


class Job:
    """A live migration under way: an event that ends it early, and how it was ended."""

    __slots__ = ("end", "wish")

    def __init__(self, end: Event) -> None:
        self.end = end
        self.wish: Literal["abort", "complete"] | None = None


class LiveMoves:
    """The live migrations that this host sends and receives.

    Args:
        hypervisor: the host's.
        options: the driver's.
        context: the driver's.
        misconduct: what goes wrong.
        check_answers: raises `HypervisorUnavailable` while the hypervisor is gone.
    """

    def __init__(
        self,
        hypervisor: Hypervisor,
        options: FakeOptions,
        context: DriverContext,
        misconduct: Misconduct,
        check_answers: Callable[[], None],
    ) -> None:
        self._hypervisor = hypervisor
        self._options = options
        self._context = context
        self._misconduct = misconduct
        self._check_answers = check_answers
        self._jobs: dict[str, Job] = {}

    # At the destination

    def check_destination(self, guest: Guest, source: HostState, block: bool) -> MigrateData:
        """See whether a guest can come. Changes nothing.

        Raises:
            MigrationPreCheckError: it cannot.
        """
        options = self._options
        if source.hypervisor_type != options.hypervisor_type:
            told = f"from {source.hypervisor_type} to {options.hypervisor_type}"
            raise MigrationPreCheckError(guest.uuid, told)
        if source.hypervisor_version > options.hypervisor_version:
            told = f"hypervisor {options.hypervisor_version} of {self._hypervisor.host} is older"
            raise MigrationPreCheckError(guest.uuid, told)
        try:
            self._hypervisor.check_room(guest, guest.root_gb if block else 0)
        except DriverError as error:
            raise MigrationPreCheckError(guest.uuid, str(error)) from error
        return MigrateData(
            source_host="",
            destination_host=self._hypervisor.host,
            block_migration=block,
            shared_storage=options.shared_storage,
        )

    def prepare(
        self, guest: Guest, disks: Sequence[Disk], devices: Sequence[Device], data: MigrateData
    ) -> MigrateData:
        """Set aside what a guest will need. Twice is harmless.

        Raises:
            ComputeResourcesUnavailable: too little is left.
        """
        hypervisor = self._hypervisor
        if guest.uuid not in hypervisor.state.incoming:
            domain = make_domain(hypervisor, guest, None, disks, devices)
            hypervisor.define(domain, hypervisor.state.incoming)
            place = hypervisor.expected(hypervisor.host)
            self._context.fabric.put(place, guest.uuid, hypervisor.volumes(domain))
        document = hypervisor.state.incoming[guest.uuid].document.decode()
        return msgspec.structs.replace(data, driver_data={**data.driver_data, "xml": document})

    def roll_back(self, guest: Guest) -> None:
        """Give back what was set aside. Nothing set aside is harmless."""
        hypervisor = self._hypervisor
        hypervisor.undefine(guest.uuid, hypervisor.state.incoming, guest.uuid)
        self._context.fabric.remove(hypervisor.expected(hypervisor.host), guest.uuid)

    # At the source

    def check_source(self, guest: Guest, data: MigrateData) -> MigrateData:
        """See whether a guest can go. Changes nothing.

        Raises:
            MigrationPreCheckError: it cannot.
            GuestNotFound: there is no such guest.
        """
        domain = self._hypervisor.domain(guest.uuid)
        if domain.power_state not in (PowerState.RUNNING, PowerState.PAUSED):
            told = f"it is {domain.power_state.name}, not running or paused"
            raise MigrationPreCheckError(guest.uuid, told)
        shared = data.shared_storage and self._options.shared_storage
        if data.block_migration and shared:
            told = "block migration cannot be used with shared storage"
            raise MigrationPreCheckError(guest.uuid, told)
        if domain.disk_gb and not data.block_migration and not shared:
            told = "its local disks are not on shared storage, which needs a block migration"
            raise MigrationPreCheckError(guest.uuid, told)
        return msgspec.structs.replace(
            data, source_host=self._hypervisor.host, shared_storage=shared
        )

    def migrate(
        self,
        guest: Guest,
        destination: str,
        post: Post,
        recover: Recover,
        progress: Progress | None,
    ) -> None:
        """Move a guest, then call one of `post` and `recover`."""
        failure = None
        try:
            self._move(guest, destination, progress)
        except (DriverError, DeadlineExceeded) as error:
            cancelled = isinstance(error, _Cancelled)
            failure = MigrationFailure(str(error), cancelled)
        # Outside of the `try`: what a continuation raises is not for the other one to hear.
        if failure is None:
            post()
        else:
            recover(failure)

    def end(self, guest: Guest, wish: Literal["abort", "complete"]) -> bool:
        """End a migration early; False where there is none."""
        job = self._jobs.get(guest.uuid)
        if job is None:
            return False
        if job.wish is None:
            job.wish = wish
            job.end.set()
        return True

    def _move(self, guest: Guest, destination: str, progress: Progress | None) -> None:
        self._check_answers()
        domain = self._hypervisor.domain(guest.uuid)
        due = self._misconduct.due("live_migration", guest)
        hold = any(behaviour.does == "hold" for behaviour in due)
        name = f"the end of the live migration of {guest.name}"
        # A held one waits for the test; one that takes time waits for the clock.
        job = Job(self._context.runtime.event(name, external=hold))
        if guest.uuid in self._jobs:
            raise MigrationError(guest.uuid, "it is being migrated already")
        self._jobs[guest.uuid] = job
        try:
            for behaviour in due:
                if behaviour.does == "hang":
                    self._misconduct.hang("live_migration", guest)
                elif behaviour.does == "fail":
                    behaviour.raise_error(guest, self._hypervisor.host)
            self._check_expected(guest, destination)
            self._copy(domain.memory_mb, job, hold, progress)
            self._check_answers()  # it may have gone meanwhile
            if job.wish == "abort":
                raise _Cancelled(guest.uuid, "the live migration was aborted")
            volumes = self._check_expected(guest, destination)
        finally:
            del self._jobs[guest.uuid]
        self._hand_over(guest, destination, volumes)

    def _copy(self, memory_mb: int, job: Job, hold: bool, progress: Progress | None) -> None:
        latency = self._options.latencies.get("live_migration", 0)
        for step in range(_STEPS + 1):
            if progress is not None:
                progress(_progress(memory_mb, step / _STEPS))
            if step == _STEPS or job.wish is not None:
                return
            if hold:
                job.end.wait()
            elif latency:
                self._wait(job.end, latency / _STEPS)

    def _wait(self, end: Event, seconds: float) -> None:
        due = self._context.runtime.now() + seconds
        try:
            with self._context.runtime.deadline(seconds, "the copying of memory"):
                end.wait()
        except DeadlineExceeded:
            # A deadline of the caller that passed before ours is the caller's business.
            if self._context.runtime.now() < due:
                raise

    def _check_expected(self, guest: Guest, destination: str) -> list[GuestDisk]:
        """Return the volumes that the guest will have at the destination."""
        place = self._hypervisor.expected(destination)
        volumes = self._context.fabric.get(place, guest.uuid, list[GuestDisk])
        if volumes is None:
            raise MigrationError(guest.uuid, f"{destination} does not expect it")
        return volumes

    def _hand_over(self, guest: Guest, destination: str, volumes: list[GuestDisk]) -> None:
        hypervisor = self._hypervisor
        domain = hypervisor.domain(guest.uuid)
        # First there, then not here: the locks on its volumes are held all the time.
        DiskLocks(self._context.fabric, destination).open(guest.uuid, volumes)
        document = None if domain.lasting is None else domain.document
        arrival = Arrival(domain.power_state, document)
        self._context.fabric.put(hypervisor.arrivals(destination), guest.uuid, arrival)
        hypervisor.undefine(guest.uuid, hypervisor.domains(), guest.uuid)


class _Cancelled(MigrationError):
    """Aborted on request."""


def _progress(memory_mb: int, part: float) -> MigrationProgress:
    total = memory_mb << 20
    done = int(total * part)
    return MigrationProgress(
        memory_total=total, memory_processed=done, memory_remaining=total - done
    )
