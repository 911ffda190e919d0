"""What one host's compute service works with. It has no database and no scheduler."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import msgspec

from cellrig.compute.interface import ComputeService
from cellrig.compute.options import ComputeOptions
from cellrig.conductor.interface import CellConductorService
from cellrig.context import RequestContext
from cellrig.db.actions import ActionStore
from cellrig.db.block_devices import BlockDeviceStore
from cellrig.db.hosts import HostStore
from cellrig.db.instances import InstanceStore
from cellrig.db.migrations import MigrationStore
from cellrig.db.steps import StepStore
from cellrig.driver.errors import GuestNotFound
from cellrig.driver.interface import ComputeDriver
from cellrig.errors import CellrigError, Conflict, NotFound
from cellrig.image import ImageClient
from cellrig.model import (
    Event,
    Instance,
    InstanceChanges,
    InstanceFault,
    MovingServer,
    PowerState,
    Step,
    TaskState,
    VmState,
)
from cellrig.network.client import NetworkClient
from cellrig.placement.client import PlacementClient
from cellrig.placement.types import ConsumerAllocations
from cellrig.runtime import Lock, Runtime
from cellrig.seams import Process, Seams
from cellrig.volume.client import VolumeClient

T = TypeVar("T")


class DriverBug(CellrigError):
    """A driver has raised what no driver may. Args: one sentence."""


class CellClients(msgspec.Struct, frozen=True):
    """The cell's conductor, as its compute services reach it: over the bus.

    Args:
        conductor: hands builds on.
        instances, block_devices, migrations, steps, actions, hosts: the cell's stores, as the
            conductor serves them.
    """

    conductor: CellConductorService
    instances: InstanceStore
    block_devices: BlockDeviceStore
    migrations: MigrationStore
    steps: StepStore
    actions: ActionStore
    hosts: HostStore


class ComputeHost:
    """The surroundings of one compute service.

    Args:
        name, cell: of the host.
        driver: behind its seams.
        clients: the cell's conductor.
        compute: makes the client of another host's compute service.
        placement, images, volumes, networks: other services' clients, behind their seams.
        options: how things are done here.
        runtime, seams: of the rig.
        process: the service's own.
    """

    def __init__(
        self,
        *,
        name: str,
        cell: str,
        driver: ComputeDriver,
        clients: CellClients,
        compute: Callable[[str], ComputeService],
        placement: PlacementClient,
        images: ImageClient,
        volumes: VolumeClient,
        networks: NetworkClient,
        options: ComputeOptions,
        runtime: Runtime,
        seams: Seams,
        process: Process,
    ) -> None:
        self.name = name
        self.cell = cell
        self.driver = driver
        self.compute = compute
        self.conductor = clients.conductor
        self.instances = clients.instances
        self.block_devices = clients.block_devices
        self.migrations = clients.migrations
        self.steps = clients.steps
        self.actions = clients.actions
        self.hosts = clients.hosts
        self.placement = placement
        self.images = images
        self.volumes = volumes
        self.networks = networks
        self.options = options
        self.runtime = runtime
        self.seams = seams
        self.process = process
        self._locks: dict[str, tuple[Lock, int]] = {}

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Let one task of this host at a time work on `name` (an instance's uuid, a group's)."""
        lock, users = self._locks.get(name) or (self.runtime.lock(f"{self.name}/{name}"), 0)
        self._locks[name] = (lock, users + 1)
        try:
            with lock:
                yield
        finally:
            _lock, users = self._locks[name]
            if users == 1:
                del self._locks[name]
            else:
                self._locks[name] = (lock, users - 1)

    def is_locked(self, name: str) -> bool:
        """Whether a task of this host works on `name`, or waits to do so."""
        return name in self._locks

    @contextmanager
    def event(self, context: RequestContext, instance_uuid: str, name: str) -> Iterator[None]:
        """Record the block as a step of the request's action, and how it ended."""
        self.seams.insist(
            lambda: self.actions.event_start(instance_uuid, context.request_id, name, self.name),
            "record that a step begins",
        )
        with self.begun_event(context, instance_uuid, name):
            yield

    def beginning(self, context: RequestContext, name: str) -> Event:
        """Return the step `name` of the request's action, to begin here; see `begun_event`."""
        return Event(name, context.request_id, self.name)

    def take_step(self, step: Step, what: str) -> MovingServer:
        """Insist on a step of a move; see `StepStore.take`.

        Args:
            step: harmless when done twice.
            what: in a few words, for the report.
        """
        return self.seams.insist(lambda: self.steps.take(step), what)

    def note_step(self, step: Step, what: str) -> None:
        """Insist on a step that nothing has to be known of; see `take_step`."""
        self.seams.insist(lambda: self.steps.note(step), what)

    @contextmanager
    def begun_event(self, context: RequestContext, instance_uuid: str, name: str) -> Iterator[None]:
        """Record how the block ended, a step of the request's action that has begun."""
        try:
            yield
        except Exception as error:
            told = "".join(traceback.format_exception(error))
            self._finish_event(context, instance_uuid, name, told)
            raise
        self._finish_event(context, instance_uuid, name, None)

    def _finish_event(
        self, context: RequestContext, instance_uuid: str, name: str, told: str | None
    ) -> None:
        """Record how a step ended; that it is not recorded changes nothing about that."""
        try:
            self.seams.insist(
                lambda: self.actions.event_finish(instance_uuid, context.request_id, name, told),
                "record how a step ended",
            )
        except CellrigError as error:
            self.seams.handled(error, "the step's record stays open")

    def fail(
        self,
        instance_uuid: str,
        error: Exception,
        changes: InstanceChanges,
        because: str,
        expected_task_states: tuple[TaskState | None, ...] | None = None,
    ) -> None:
        """Let an operation on a server have failed: change its record, keep the reason as a fault.

        Args:
            instance_uuid: the server.
            error: the reason.
            changes: what its record says from now on.
            because: in a few words, what the error ended.
            expected_task_states: the task that it was; another one is somebody else's.
        """
        fault = InstanceFault(
            instance_uuid,
            500,
            explain(error),
            "".join(traceback.format_exception(error)),
            self.name,
            self.runtime.now(),
        )
        try:
            self.seams.insist(
                lambda: self.instances.update(
                    instance_uuid, changes, expected_task_states, fault=fault
                ),
                "record a failure",
            )
        except (Conflict, NotFound) as gone:
            self.seams.handled(gone, "the server is deleted, or somebody else goes on with it")
        except CellrigError as lost:
            self.seams.handled(lost, "the server is left to the periodic work")
        self.seams.handled(error, because)

    def undo(self, action: Callable[[], T], what: str) -> T:
        """Insist on what gives something back, also where the driver raises what it must not.

        Args:
            action: harmless when done twice.
            what: in a few words, for the report.

        Raises:
            CellrigError: the last failure, when all attempts have failed.
        """

        def attempt() -> T:
            try:
                return action()
            except CellrigError:
                raise
            except Exception as error:
                raise DriverBug(explain(error)) from error

        return self.seams.insist(attempt, what)

    def held(self) -> dict[str, ConsumerAllocations]:
        """Return what is held of this host's providers, by consumer."""
        return {
            consumer.consumer_uuid: consumer
            for node in self.hosts.nodes_of_host(self.name)
            for provider in self.placement.get_provider_tree(node.uuid)
            for consumer in self.placement.get_provider_allocations(provider.uuid).consumers
        }

    def release(self, instance_uuid: str) -> None:
        """Give back all that placement holds for a server."""
        self.seams.insist(
            lambda: self.placement.delete_allocations(instance_uuid), "give back an allocation"
        )


def explain(error: Exception) -> str:
    """Say in one sentence what failed; what is not the field's error is the driver's bug."""
    if isinstance(error, CellrigError):
        return str(error)
    return (
        f"the driver raised {type(error).__name__}: {error}; "
        "a driver raises the errors of cellrig.driver.errors only, so this is a bug of the driver"
    )


def state_after(error: Exception, state: VmState) -> VmState:
    """Return the vm_state after a failed operation: as it was, or ERROR after a driver's bug."""
    return state if isinstance(error, CellrigError) else VmState.ERROR


def has_guest(host: ComputeHost, instance_uuid: str) -> bool:
    """Ask the hypervisor whether it has a server's guest.

    Raises:
        DriverError: it does not answer.
    """
    try:
        host.driver.get_guest(instance_uuid)
    except GuestNotFound as error:
        host.seams.handled(error, "there is no guest")
        return False
    return True


def power_state_of(host: ComputeHost, instance: Instance) -> PowerState:
    """Ask the hypervisor for a guest's power state: NOSTATE where it has no such guest.

    A hypervisor that does not answer leaves the record as it is.
    """
    try:
        return host.driver.get_guest(instance.uuid).power_state
    except GuestNotFound as error:
        host.seams.handled(error, "there is no guest")
        return PowerState.NOSTATE
    except Exception as error:  # noqa: BLE001 - asked while something else fails already
        host.seams.handled(error, "the hypervisor tells no state")
        return instance.power_state
