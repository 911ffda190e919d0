"""The rig: a running cloud, built from a topology, private to whoever built it."""

from __future__ import annotations

import gc
import logging
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any, Self, TypeVar

import msgspec

from cellrig.client import Caller, Client
from cellrig.client.servers import ServerRef, id_of
from cellrig.cloud import COMPUTE, Cloud, Sources
from cellrig.compute.api import Surroundings
from cellrig.context import RequestContext
from cellrig.db.places import place_of
from cellrig.driver.context import DriverContext
from cellrig.driver.fabric import Fabric
from cellrig.driver.interface import ComputeDriver
from cellrig.driver.loading import driver_options, load_driver
from cellrig.driver.reports import GuestInfo
from cellrig.errors import CellrigError, Conflict, NotFound
from cellrig.identity import Identity
from cellrig.image import StoredImage
from cellrig.placement import Placement, PlacementClient
from cellrig.plugins import plugin_manager, register_plugins
from cellrig.runtime import Runtime, Task
from cellrig.runtime.live import LiveRuntime
from cellrig.runtime.virtual import VirtualRuntime
from cellrig.seams import Seams
from cellrig.snapshot import Snapshot, Snapshots
from cellrig.topology import DEFAULT_IMAGE, NamedHost, Topology
from cellrig.volume.starting import StorageRequest

T = TypeVar("T")

ADMIN = ("admin", "admin", True)


class RigNotClean(CellrigError):
    """A rig ended, and something was wrong with it: one sentence each.

    Args: the sentences.
    """

    def __str__(self) -> str:
        findings = "\n".join(f"  - {finding}" for finding in self.args[0])
        return f"the rig was not clean when it ended:\n{findings}"


class Rig:
    """A running cloud.

    Use it as a context manager, or call `start` and `stop`. ``rig.servers``, ``rig.flavors``,
    ``rig.images``, ``rig.server_groups``, ``rig.services``, ``rig.hypervisors``,
    ``rig.aggregates``, ``rig.volumes``, ``rig.volume_types`` and ``rig.volume_snapshots`` act as an
    administrator; `as_user` gives the same for somebody else. A plugin
    is reached by its name: ``rig.faults``, ``rig.timeline``, ``rig.session``.

    Every call settles: it returns when all that it started has come to an end. Inside
    ``with rig.holding():`` it returns as soon as the API would have answered.

    Args:
        topology: what to build; one cell with two fake hosts where none is given.
        seed: draws the order of tasks from this number; None runs them first-in first-out.
        live: run on threads and the wall clock instead of greenlets and a virtual clock.
        plugins: names of the plugins to use; None for all that are installed.
        audit: check everything when the rig ends.
        placement: how all services reach placement: takes the rig's own placement service and
            returns what they call, for example a `cellrig.placement.rest.RestPlacement`. One that
            keeps its data elsewhere is not in snapshots, and `audit` must be off.
    """

    def __init__(
        self,
        topology: Topology | None = None,
        *,
        seed: int | None = None,
        live: bool = False,
        plugins: Sequence[str] | None = None,
        audit: bool = True,
        placement: Callable[[Placement], PlacementClient] | None = None,
    ) -> None:
        self.topology = topology or Topology()
        self.seed = seed or 0
        self.audited = audit
        self._hosts = self.topology.check()
        self._host_options = _driver_options(self._hosts)
        self._random: dict[str, Random] = {}
        self._holding = 0
        self._started = False
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        self.plugins = plugin_manager()
        self.runtime: Runtime = (
            LiveRuntime(self._task_failed) if live else VirtualRuntime(seed, self._task_failed)
        )
        self.seams = Seams(self.runtime, self.plugins)
        self.fabric = Fabric()
        self.cloud = Cloud(
            tuple(cell.name for cell in self.topology.cells),
            self.topology.scheduler,
            self.topology.compute,
            self.runtime,
            self.seams,
            Sources(self.new_uuid, self.random, self._service_context),
            StorageRequest(
                self.topology.volume_backends, self.topology.volume_types, self._state_directory
            ),
            place_of(self.topology.database),
            placement,
        )
        self._snapshots = Snapshots(
            self.cloud, self.fabric, self.runtime, self._random, self.plugins
        )
        self.databases = self.cloud.databases
        self.placement = self.cloud.placement
        register_plugins(self.plugins, self, None if plugins is None else tuple(plugins))

    # -- life ------------------------------------------------------------------------------------

    def start(self) -> Self:
        """Start every service; with this done the cloud answers."""
        for host, options in zip(self._hosts, self._host_options, strict=True):
            self.cloud.drivers[host.name] = load_driver(
                host.driver, options, self._driver_context(host)
            )
        with _without_collection():
            self.runtime.run(self._start_services, name="start")
            self.runtime.settle()
        self._started = True
        self.plugins.hook.cellrig_rig_started()
        return self

    def _start_services(self) -> None:
        by_cell: dict[str, list[str]] = {}
        for host in self._hosts:
            by_cell.setdefault(host.cell, []).append(host.name)
        cloud = self.cloud
        cloud.map_cells(by_cell)
        for cell in cloud.cell_names:
            cloud.start_cell_conductor(cell)
        cloud.start_scheduler()
        cloud.start_super_conductor()
        for host in self._hosts:
            cloud.start_compute(host.name)
        self._around = cloud.surroundings()
        self._fill_catalog()
        self.admin = self._client(*ADMIN)
        self.servers = self.admin.servers
        self.flavors = self.admin.flavors
        self.images = self.admin.images
        self.server_groups = self.admin.server_groups
        self.migrations = self.admin.migrations
        self.services = self.admin.services
        self.hypervisors = self.admin.hypervisors
        self.aggregates = self.admin.aggregates
        self.volumes = self.admin.volumes
        self.volume_types = self.admin.volume_types
        self.volume_snapshots = self.admin.volume_snapshots
        for zone, hosts in self.topology.zones.items():
            self.aggregates.create(zone, zone=zone, hosts=hosts)

    @property
    def identity(self) -> Identity:
        """Who may ask over HTTP: its domain and roles are made when it is first asked for."""
        self.request(self.cloud.identity.found, "found the identity service")
        return self.cloud.identity

    def _fill_catalog(self) -> None:
        for flavor in self.topology.flavors:
            self._around.api.flavors.create(flavor)
        self.cloud.images.create(
            StoredImage(self.new_uuid(), DEFAULT_IMAGE, size=16_300_544, disk_format="qcow2")
        )

    def stop(self) -> None:
        """Stop everything and give it back.

        Raises:
            RigNotClean: the audit, or a plugin, found something wrong.
        """
        if not self._started:
            self._close()
            return
        self._started = False
        try:
            findings = self._findings()
        finally:
            self._close()
        if findings:
            raise RigNotClean(findings)

    def _findings(self) -> list[str]:
        if not self.audited:
            return []
        told = self.plugins.hook.cellrig_rig_stopping()
        return [finding for findings in told for finding in findings]

    def _close(self) -> None:
        self.runtime.close()
        self._let_hypervisors_go()
        self.cloud.close()
        if self._directory is not None:
            self._directory.cleanup()

    def _let_hypervisors_go(self) -> None:
        for host, driver in self.cloud.drivers.items():
            try:
                driver.cleanup_host()
            except CellrigError as error:
                self.seams.handled(error, f"the driver of {host} is left as it is")

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.stop()
            return
        try:
            self.stop()
        except RigNotClean as findings:
            error.add_note(str(findings))

    # -- requests --------------------------------------------------------------------------------

    def request(self, function: Callable[[], T], name: str = "request") -> T:
        """Run `function` as a task and settle, unless the rig is held; return its result."""
        try:
            result = self.runtime.run(function, name=name)
        except Exception as error:
            self.seams.handled(error, "raised to the test")
            self._settle()
            raise
        self._settle()
        return result

    def answer(self, function: Callable[[], T], name: str) -> T:
        """Run `function` as the request of a client that looks again for what it has started.

        On threads that goes on by itself, and the answer does not wait for it. On the virtual
        runtime it is settled, unless the rig is held: nothing else would make it go on.
        """
        if isinstance(self.runtime, LiveRuntime):
            return self.runtime.run(function, name=name)
        return self.request(function, name)

    def _settle(self) -> None:
        if not self._holding and not self.runtime.is_inside():
            self.settle()

    def settle(self) -> None:
        """Run all that was started until nothing is left to do.

        Raises:
            Deadlock: tasks wait for each other; says who for whom and where.
        """
        self.runtime.settle()
        self.plugins.hook.cellrig_settled()

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Let calls return before what they started has happened; settle at the end."""
        self._holding += 1
        try:
            yield
        finally:
            self._holding -= 1
        self._settle()

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass: periodic work, timeouts and all that falls due on the way."""
        self.runtime.advance(seconds)
        self._settle()

    def spawn(self, function: Callable[[], Any], name: str = "test") -> Task:
        """Start `function` beside the test; it runs when the rig settles next."""
        return self.runtime.spawn(function, name=name)

    def concurrently(self, *functions: Callable[[], Any]) -> list[Any]:
        """Run `functions` at the same time; return what each returned, or the error it raised."""
        outcomes: list[Any] = [None] * len(functions)

        def run(index: int, function: Callable[[], Any]) -> None:
            try:
                outcomes[index] = function()
            except Exception as error:  # noqa: BLE001 - it is the outcome
                self.seams.handled(error, "returned to the test")
                outcomes[index] = error

        for index, function in enumerate(functions):
            self.spawn(
                lambda index=index, function=function: run(index, function),  # type: ignore[misc]
                name=f"test {index + 1}",
            )
        self.settle()
        return outcomes

    def as_user(self, user_id: str, project_id: str, *, is_admin: bool = False) -> Client:
        """Return what somebody else can ask for."""
        return self._client(user_id, project_id, is_admin)

    def _client(self, user_id: str, project_id: str, is_admin: bool) -> Client:
        flavors = self.topology.flavors
        return Client(
            Caller(self, user_id, project_id, is_admin),
            self._around,
            flavors[0].id if flavors else "",
            DEFAULT_IMAGE,
        )

    # -- what is inside --------------------------------------------------------------------------

    def guest(self, server: ServerRef) -> GuestInfo:
        """Return a server's guest, as its hypervisor has it.

        Raises:
            Conflict: the server is on no host.
            GuestNotFound: the hypervisor has no such guest.
        """
        shown = self.servers.show(id_of(server))
        if shown.host is None:
            raise Conflict(f"server {shown.id} is on no host: it has no guest")
        return self.runtime.run(
            lambda: self.driver(str(shown.host)).get_guest(shown.id), name="look at a guest"
        )

    def driver(self, host: str) -> ComputeDriver:
        """Return the driver of a host, for a test that looks at the hypervisor itself."""
        if host not in self.cloud.drivers:
            raise NotFound("host", host)
        return self.cloud.drivers[host]

    @property
    def host_names(self) -> tuple[str, ...]:
        """The names of all hosts, in the topology's order."""
        return tuple(host.name for host in self._hosts)

    def crash(self, service: str) -> None:
        """Let a service die where it stands.

        Args:
            service: ``compute@cell1-host1``, ``conductor@cell1``, ``conductor`` or ``scheduler``;
                a host's name means its compute service.
        """
        self.cloud.processes[self._label(service)].crash()
        self._settle()

    def restart(self, service: str) -> None:
        """Start a service again, after letting it die if it runs; see `crash` for names."""
        label = self._label(service)
        self.cloud.processes[label].crash()
        self.request(lambda: self.cloud.start(label), f"restart {label}")

    def _label(self, service: str) -> str:
        label = f"{COMPUTE}@{service}" if service in self.cloud.drivers else service
        if label not in self.cloud.processes:
            known = ", ".join(sorted(self.cloud.processes))
            raise NotFound("service", f"{service} (there are: {known})")
        return label

    def snapshot(self) -> Snapshot:
        """Return all of the rig as one value: databases, hypervisors, clock, random numbers.

        Raises:
            Conflict: something is going on, or a driver cannot take part.
        """
        return self._snapshots.take()

    def restore(self, snapshot: Snapshot) -> None:
        """Let the rig be what it was when `snapshot` was taken, byte for byte.

        Raises:
            Conflict: something is going on.
        """
        self._snapshots.restore(snapshot)

    # -- sources ---------------------------------------------------------------------------------

    @property
    def compute(self) -> Surroundings:
        """What the compute API works with, for the faces that speak it."""
        return self._around

    def random(self, name: str) -> Random:
        """Return the rig's source of random numbers for `name`, seeded by the rig's seed."""
        known = self._random.get(name)
        if known is None:
            known = self._random[name] = Random(f"{self.seed}/{name}")
        return known

    def new_uuid(self) -> str:
        """Return the next uuid; the same seed gives the same ones."""
        return str(uuid.UUID(int=self.random("uuids").getrandbits(128), version=4))

    def new_context(self, user_id: str, project_id: str, is_admin: bool) -> RequestContext:
        """Return the context of a new request."""
        return RequestContext(f"req-{self.new_uuid()}", user_id, project_id, is_admin)

    def _service_context(self) -> RequestContext:
        return self.new_context(*ADMIN)

    def _driver_context(self, host: NamedHost) -> DriverContext:
        return DriverContext(
            host=host.name,
            runtime=self.runtime,
            make_state_directory=lambda: self._state_directory(host.name),
            logger=logging.getLogger(f"cellrig.driver.{host.driver}"),
            new_uuid=self.new_uuid,
            rng=self.random("drivers"),
            fabric=self.fabric,
        )

    def _state_directory(self, host: str) -> Path:
        if self._directory is None:
            self._directory = tempfile.TemporaryDirectory(prefix="cellrig-")
        path = Path(self._directory.name) / host
        path.mkdir()
        return path

    def _task_failed(self, task: Task, error: BaseException) -> None:
        self.plugins.hook.cellrig_task_failed(task=task, error=error)

    def __getattr__(self, name: str) -> Any:
        manager = self.__dict__.get("plugins")
        plugin = None if manager is None else manager.get_plugin(name)
        if plugin is None:
            known = sorted(n for n, p in manager.list_name_plugin() if p) if manager else []
            raise AttributeError(
                f"a rig has no {name!r}, and no plugin of this name is registered; "
                f"registered are: {', '.join(known) or 'none'}"
            )
        return plugin


@contextmanager
def _without_collection() -> Iterator[None]:
    """Let Python look for no garbage: while a rig is built, all that is made stays."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _driver_options(hosts: Sequence[NamedHost]) -> list[msgspec.Struct]:
    """Return each host's validated options; hosts that were told the same share them."""
    checked: dict[tuple[str, int], msgspec.Struct] = {}
    options = []
    for host in hosts:
        key = (host.driver, id(host.options))
        if key not in checked:
            checked[key] = driver_options(host.driver, host.options)
        options.append(checked[key])
    return options
