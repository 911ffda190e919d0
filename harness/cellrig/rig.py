"""The rig: a running cloud, built from a topology, private to whoever built it."""

from __future__ import annotations

import gc
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from random import Random
from types import TracebackType
from typing import Any, Self

from cellrig.client import Caller, Client
from cellrig.client.server_requests import ServerRef, id_of
from cellrig.cloud import COMPUTE, Cloud
from cellrig.compute.api import Surroundings
from cellrig.context import RequestContext
from cellrig.db.places import place_of
from cellrig.driver.fabric import Fabric
from cellrig.driver.interface import ComputeDriver
from cellrig.driver.loading import load_driver
from cellrig.driver.reports import GuestInfo
from cellrig.errors import CellrigError, Conflict, Invalid, NotFound
from cellrig.hypervisors import driver_context, options_of_drivers
from cellrig.identity import Identity
from cellrig.image import StoredImage, Visibility, small_disk
from cellrig.lasting import LastingCloud
from cellrig.network.starting import start_networks
from cellrig.placement import Placement, PlacementClient
from cellrig.plugins import register_plugins
from cellrig.running import Running
from cellrig.snapshot import Snapshot, Snapshots
from cellrig.sources import ADMIN, Sources
from cellrig.topology import DEFAULT_IMAGE, Topology
from cellrig.volume.starting import StorageRequest


class RigNotClean(CellrigError):
    """A rig ended, and something was wrong with it: one sentence each.

    Args: the sentences.
    """

    def __str__(self) -> str:
        findings = "\n".join(f"  - {finding}" for finding in self.args[0])
        return f"the rig was not clean when it ended:\n{findings}"


class Rig(Running):
    """A running cloud.

    Use it as a context manager, or call `start` and `stop`. ``rig.servers``, ``rig.flavors``,
    ``rig.images``, ``rig.server_groups``, ``rig.services``, ``rig.hypervisors``,
    ``rig.aggregates``, ``rig.volumes``, ``rig.volume_types``, ``rig.volume_snapshots`` and
    ``rig.networks`` act as an administrator; `as_user` gives the same for somebody else. A plugin
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
        lasting: where the cloud stays when the rig ends, and where it may be already, built from
            this topology: then the rig goes on with it. The topology's database is not used. Only
            for a live rig.
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
        lasting: LastingCloud | None = None,
    ) -> None:
        if lasting is not None and not live:
            raise Invalid("a cloud that lasts goes by the wall's clock: Rig(live=True)")
        self.topology = topology or Topology()
        # What lasts has had the ids of its earlier seeds.
        self.seed = secrets.randbits(48) if lasting is not None and seed is None else seed or 0
        self.audited = audit
        self._hosts = self.topology.check()
        self._host_options = options_of_drivers(self._hosts)
        super().__init__(seed, live=live)
        self._started = False
        self.fabric = Fabric()
        self._lasting = None if lasting is None else lasting.open(self.runtime, self.topology)
        #: Whether there is nothing yet to go on with.
        self.is_new = self._lasting is None or self._lasting.is_new
        directory = None if self._lasting is None else self._lasting.directory
        self._sources = Sources(self.seed, directory)
        try:
            self.cloud = Cloud(
                tuple(cell.name for cell in self.topology.cells),
                self.topology.scheduler,
                self.topology.compute,
                self.runtime,
                self.seams,
                self._sources,
                StorageRequest(
                    self.topology.volume_backends,
                    self.topology.volume_types,
                    self._sources.state_directory,
                    self.is_new,
                ),
                place_of(self.topology.database) if self._lasting is None else self._lasting.place,
                placement,
                self.topology.images,
                resumes=not self.is_new,
            )
        except BaseException:
            if self._lasting is not None:
                self._lasting.close()
            raise
        self._snapshots = Snapshots(
            self.cloud, self.fabric, self.runtime, self._sources.randoms, self.plugins
        )
        self.databases = self.cloud.databases
        self.placement = self.cloud.placement
        register_plugins(self.plugins, self, None if plugins is None else tuple(plugins))

    # -- life ------------------------------------------------------------------------------------

    def start(self) -> Self:
        """Start every service; with this done the cloud answers."""
        for host, options in zip(self._hosts, self._host_options, strict=True):
            context = driver_context(host, self.cloud, self.runtime, self._sources, self.fabric)
            self.cloud.drivers[host.name] = load_driver(host.driver, options, context)
        if self._lasting is not None:
            self._lasting.begin()
            hypervisors = self._lasting.hypervisors(self.cloud.drivers, self.fabric)
            hypervisors.bring_back()
            self.plugins.register(hypervisors, "kept_hypervisors")
        with _without_collection():
            self.runtime.run(self._start_services, name="start")
            self.runtime.settle()
        if self._lasting is not None:
            self._lasting.complete()
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
        self.networks = self.admin.networks
        if self.is_new:
            self._fill()

    @property
    def identity(self) -> Identity:
        """Who may ask over HTTP: its domain and roles are made when it is first asked for."""
        self.request(self.cloud.identity.found, "found the identity service")
        return self.cloud.identity

    def _fill(self) -> None:
        for flavor in self.topology.flavors:
            self._around.api.flavors.create(flavor)
        image = StoredImage(self.new_uuid(), DEFAULT_IMAGE, visibility=Visibility.PUBLIC)
        self.cloud.images.create_with(image, small_disk())
        if self.topology.networks:
            start_networks(
                self.cloud.networks, self._sources.service_context(), self.topology.networks
            )
        for zone, hosts in self.topology.zones.items():
            self.aggregates.create(zone, zone=zone, hosts=hosts)

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
        if self._lasting is not None:
            self._lasting.close()
        self._sources.close()

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

    # -- users -----------------------------------------------------------------------------------

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
        with self.runtime.still():
            return self._snapshots.take()

    def restore(self, snapshot: Snapshot) -> None:
        """Let the rig be what it was when `snapshot` was taken, byte for byte.

        The wall's clock, which a live rig has, goes on.

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
        return self._sources.random(name)

    def new_uuid(self) -> str:
        """Return the next uuid; the same seed gives the same ones."""
        return self._sources.new_uuid()

    def new_context(self, user_id: str, project_id: str, is_admin: bool) -> RequestContext:
        """Return the context of a new request."""
        return self._sources.new_context(user_id, project_id, is_admin)

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
