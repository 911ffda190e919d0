"""A small cloud without services: real databases, placement, seams, and the scheduler."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, TypeVar
from uuid import UUID

import pytest

from cellrig.cells import Cells, Scatter
from cellrig.context import RequestContext
from cellrig.db import ApiDatabase, CellDatabase, Database
from cellrig.db.api_tables import api_image
from cellrig.db.cell_tables import cell_image
from cellrig.hooks import hookimpl, plugin_manager
from cellrig.model import (
    CELL0,
    Aggregate,
    BuildRequest,
    CellMapping,
    ComputeNode,
    Flavor,
    ImageProperties,
    Instance,
    InstanceMapping,
    RequestSpec,
    SchedulingRequest,
    Selection,
    ServerGroup,
    Service,
    TaskState,
)
from cellrig.placement import Placement, PlacementClient, placement_image
from cellrig.placement.types import Inventory
from cellrig.runtime.virtual import VirtualRuntime
from cellrig.scheduler import SchedulerOptions
from cellrig.scheduler.scheduler import Scheduler
from cellrig.seams import Passage, Process, Seams

T = TypeVar("T")

SMALL = Flavor("1", "small", vcpus=1, memory_mb=1024, root_gb=10)


class Listening:
    """A plugin that notes what passes, and does what a test has put in the way."""

    def __init__(self) -> None:
        self.seams: list[str] = []
        self.handled: list[str] = []
        self.in_the_way: dict[str, Callable[[Passage], None]] = {}

    @hookimpl
    def cellrig_seam_enter(self, passage: Passage) -> None:
        self.seams.append(passage.seam)
        act = self.in_the_way.get(passage.seam)
        if act is not None:
            act(passage)

    @hookimpl
    def cellrig_error_handled(self, error: BaseException, because: str) -> None:
        self.handled.append(f"{type(error).__name__}: {because}")


class World:
    """Cells, hosts and servers that a test puts together, and one scheduler."""

    def __init__(self, *cells: str, options: SchedulerOptions | None = None, seed: int = 1) -> None:
        self._close = ExitStack()
        self._count = 0
        self.runtime = VirtualRuntime()
        self._close.callback(self.runtime.close)
        plugins = plugin_manager()
        self.listening = Listening()
        plugins.register(self.listening)
        self.seams = Seams(self.runtime, plugins)
        self.process = Process("scheduler")
        self.databases = {
            "api": self._database("api", api_image()),
            "placement": self._database("placement", placement_image()),
            **{name: self._database(name, cell_image()) for name in (CELL0, *cells)},
        }
        self.api = ApiDatabase(self.databases["api"], self.seams, self.process)
        self.cell_databases = {
            name: CellDatabase(self.databases[name], self.runtime.now, self.seams, self.process)
            for name in (CELL0, *cells)
        }
        self.cells = Cells(
            self.api, self.cell_databases, Scatter(self.runtime, self.seams, self.process)
        )
        client: PlacementClient = Placement(self.databases["placement"])
        self.placement = self.seams.wrap("placement.", client, self.process)
        for name in (CELL0, *cells):
            mapping = CellMapping(self.uuid(), name)
            self.run(lambda mapping=mapping: self.api.mappings.cell_create(mapping))  # type: ignore[misc]
        self.scheduler = self.new_scheduler(options or SchedulerOptions(), seed)

    def _database(self, name: str, image: bytes) -> Database:
        database = Database(name, image, self.runtime)
        self._close.callback(database.close)
        return database

    def new_scheduler(self, options: SchedulerOptions, seed: int = 1) -> Scheduler:
        return Scheduler(
            self.placement,
            self.cells,
            self.api,
            self.runtime,
            random.Random(seed),
            options,
            self.seams,
        )

    def close(self) -> None:
        self._close.close()

    def uuid(self) -> str:
        self._count += 1
        return str(UUID(int=self._count))

    def run(self, function: Callable[[], T]) -> T:
        return self.runtime.run(function, name="test")

    # -- putting things there ------------------------------------------------------------------

    def host(
        self,
        cell: str,
        name: str,
        *,
        vcpus: int = 8,
        memory_mb: int = 8192,
        disk_gb: int = 100,
        traits: tuple[str, ...] = (),
        node: str | None = None,
        failed_builds: int = 0,
        **service: Any,
    ) -> str:
        """Add a host, or one more node to it; return its root provider."""

        def add() -> str:
            uuid = self.uuid()
            hypervisor = node or name
            hosts = self.cell_databases[cell].hosts
            hosts.node_save(
                ComputeNode(
                    uuid, name, hypervisor, "fake", 1000, vcpus, memory_mb, disk_gb, failed_builds
                )
            )
            if name not in self.api.mappings.hosts():
                self.api.mappings.host_create([name], cell)
                service.setdefault("last_seen_up", self.runtime.now())
                hosts.service_register(Service(self.uuid(), name, "nova-compute", **service))
            self.placement.create_provider(hypervisor, uuid=uuid)
            inventories = {
                "VCPU": Inventory(vcpus),
                "MEMORY_MB": Inventory(memory_mb),
                "DISK_GB": Inventory(disk_gb),
            }
            given = {name: each for name, each in inventories.items() if each.total}
            self.placement.set_inventories(uuid, given, generation=0)
            self.add_traits(uuid, *traits)
            return uuid

        return self.run(add)

    def add_traits(self, provider: str, *traits: str) -> None:
        if traits:
            for trait in traits:
                if trait.startswith("CUSTOM_"):
                    self.placement.create_trait(trait)
            generation = self.placement.get_provider(provider).generation
            self.placement.set_traits(provider, frozenset(traits), generation=generation)

    def child(
        self, root: str, name: str, inventories: dict[str, int], traits: tuple[str, ...] = ()
    ) -> str:
        """Add a provider below another."""

        def add() -> str:
            uuid = self.uuid()
            self.placement.create_provider(name, uuid=uuid, parent_uuid=root)
            for resource_class in inventories:
                if resource_class.startswith("CUSTOM_"):
                    self.placement.create_resource_class(resource_class)
            given = {name: Inventory(total) for name, total in inventories.items()}
            self.placement.set_inventories(uuid, given, generation=0)
            self.add_traits(uuid, *traits)
            return uuid

        return self.run(add)

    def aggregate(self, name: str, roots: dict[str, str], **metadata: str) -> Aggregate:
        """Add an aggregate of hosts (name to root provider), mirrored into placement."""

        def add() -> Aggregate:
            aggregate = self.api.aggregates.create(self.uuid(), name, metadata)
            for host, root in roots.items():
                aggregate = self.api.aggregates.add_host(aggregate.id, host)
                known = self.placement.get_provider_tree(root)[0]
                self.placement.set_aggregates(
                    root, known.aggregates | {aggregate.uuid}, generation=None
                )
            return aggregate

        return self.run(add)

    def group(self, policy: str, **rules: int) -> ServerGroup:
        group = ServerGroup(self.uuid(), policy, "project", "user", policy, rules)
        self.run(lambda: self.api.server_groups.create(group))
        return group

    def server(
        self,
        cell: str,
        host: str | None,
        *,
        group: ServerGroup | None = None,
        task_state: TaskState | None = None,
    ) -> str:
        """Add a server to a cell's database, with its mapping and membership."""
        uuid = self.uuid()
        instance = Instance(
            uuid=uuid,
            name=uuid,
            project_id="project",
            user_id="user",
            host=host,
            node=host,
            task_state=task_state,
            flavor_id=SMALL.id,
            flavor=SMALL,
            server_group=None if group is None else group.uuid,
        )

        def add() -> None:

            spec = self.spec(uuid, group_uuid=None if group is None else group.uuid)
            self.api.requests.create([(BuildRequest(instance), spec)])
            self.cell_databases[cell].instances.create(instance)
            self.api.mappings.instance_place(uuid, cell)

        self.run(add)
        return uuid

    # -- asking --------------------------------------------------------------------------------

    def spec(self, instance_uuid: str, **changes: Any) -> RequestSpec:
        given: dict[str, Any] = {"flavor": SMALL, "image": ImageProperties("image"), **changes}
        return RequestSpec(
            instance_uuid=instance_uuid, project_id="project", user_id="user", **given
        )

    def select(
        self,
        count: int = 1,
        *,
        alternates: int = 0,
        ignore_hosts: tuple[str, ...] = (),
        only_cell: str | None = None,
        servers: tuple[str, ...] | None = None,
        **spec: Any,
    ) -> tuple[tuple[Selection, ...], ...]:
        servers = servers or tuple(self.uuid() for _ in range(count))
        request = SchedulingRequest(
            spec=self.spec(servers[0], **spec),
            instance_uuids=servers,
            alternates=alternates,
            ignore_hosts=ignore_hosts,
            only_cell=only_cell,
        )
        context = RequestContext("req-1", "user", "project")
        return self.run(lambda: self.scheduler.select_destinations(context, request))

    def hosts(self, count: int = 1, **request: Any) -> list[str]:
        """Select, and return the names of the hosts that were claimed."""
        return [selections[0].host for selections in self.select(count, **request)]

    def claimed(self) -> dict[str, str]:
        """Return the provider that each consumer holds most of, by consumer."""
        held = self.run(self.placement.list_allocations)
        return {each.consumer_uuid: next(iter(each.allocations)) for each in held}

    def mapping(self, server: str) -> InstanceMapping:
        return self.run(lambda: self.api.mappings.instance_get(server))


@pytest.fixture
def new_world() -> Iterator[Callable[..., World]]:
    """Make worlds that are closed at the end of the test."""
    with ExitStack() as worlds:

        def make(*cells: str, **options: Any) -> World:
            world = World(*cells, **options)
            worlds.callback(world.close)
            return world

        yield make


@pytest.fixture
def world(new_world: Callable[..., World]) -> World:
    """Two cells without hosts."""
    return new_world("cell1", "cell2")
