"""How a cloud is put together: which service is built with what.

Law 1 of the architecture is visible here: a cell's conductor gets its cell's database, placement
and the bus, and a compute service gets clients of its conductor, of placement and of images. They
are given no handle on the API database or on the scheduler, so they cannot call up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from cellrig.bus import Bus, topic_of
from cellrig.cells import Cells, Scatter
from cellrig.compute.api import Servers, Surroundings, Tasks, VolumeAttachments, VolumeEvents
from cellrig.compute.host import CellClients, ComputeHost
from cellrig.compute.interface import ComputeService
from cellrig.compute.manager import ComputeManager
from cellrig.compute.options import ComputeOptions
from cellrig.conductor import (
    CellConductor,
    CellConductorService,
    SuperConductor,
    SuperConductorService,
)
from cellrig.conductor.super import SWEEP_INTERVAL
from cellrig.context import RequestContext
from cellrig.db import ApiDatabase, CellDatabase, Database
from cellrig.db.actions import ActionStore
from cellrig.db.api_tables import API_SCHEMA
from cellrig.db.block_devices import BlockDeviceStore
from cellrig.db.cell_tables import CELL_SCHEMA
from cellrig.db.hosts import HostStore
from cellrig.db.instances import InstanceStore
from cellrig.db.migrations import MigrationStore
from cellrig.db.places import Place
from cellrig.db.schema import Schema
from cellrig.db.steps import StepStore
from cellrig.driver.interface import ComputeDriver
from cellrig.identity import IDENTITY_SCHEMA, Identity
from cellrig.image import (
    IMAGES_SCHEMA,
    ImageClient,
    ImageFiles,
    ImageOptions,
    ImageService,
)
from cellrig.model import CELL0, CellMapping
from cellrig.network.client import NetworkClient
from cellrig.network.service import Networking
from cellrig.network.tables import NETWORKS_SCHEMA
from cellrig.placement.client import PlacementClient
from cellrig.placement.service import Placement
from cellrig.placement.tables import PLACEMENT_SCHEMA
from cellrig.runtime import Runtime
from cellrig.scheduler.interface import SchedulerService
from cellrig.scheduler.options import SchedulerOptions
from cellrig.scheduler.scheduler import Scheduler
from cellrig.seams import Process, Seams
from cellrig.sources import Sources
from cellrig.volume.client import VolumeClient
from cellrig.volume.service import VOLUME
from cellrig.volume.starting import StorageRequest, start_block_storage
from cellrig.volume.tables import VOLUMES_SCHEMA

#: Service names, as they stand in topics and labels.
SCHEDULER = "scheduler"
CONDUCTOR = "conductor"
COMPUTE = "compute"
API = "api"


def database_schemas(cells: Iterable[str]) -> dict[str, Schema]:
    """Return the databases of a cloud: their names, and what tables each has.

    Args:
        cells: the names of its cells, besides cell0.
    """
    return {
        "api": API_SCHEMA,
        "placement": PLACEMENT_SCHEMA,
        "images": IMAGES_SCHEMA,
        "volumes": VOLUMES_SCHEMA,
        "identity": IDENTITY_SCHEMA,
        "networks": NETWORKS_SCHEMA,
        **dict.fromkeys((CELL0, *cells), CELL_SCHEMA),
    }


class Cloud:
    """The databases and services of one rig.

    Args:
        cells: the names of the cells.
        scheduler_options: how scheduling is set up.
        compute_options: how moves are done.
        runtime, seams, sources: of the rig.
        storage: what block storage is made of.
        place: where the databases are.
        image_options: how the image service is set up.
        resumes: services go on with what others have left who had these databases before.
        placement: from the cloud's own placement service to what is asked in its place; None for
            that service itself.
    """

    def __init__(
        self,
        cells: tuple[str, ...],
        scheduler_options: SchedulerOptions,
        compute_options: ComputeOptions,
        runtime: Runtime,
        seams: Seams,
        sources: Sources,
        storage: StorageRequest,
        place: Place,
        placement: Callable[[Placement], PlacementClient] | None = None,
        image_options: ImageOptions | None = None,
        *,
        resumes: bool = False,
    ) -> None:
        self.cell_names = cells
        self.bus = Bus(runtime, seams)
        self._place = place
        self.databases = _opened(database_schemas(cells), place, runtime)
        own = Placement(self.databases["placement"])
        self.placement: PlacementClient = own if placement is None else placement(own)
        self.images = ImageService(
            self.databases["images"],
            ImageFiles(lambda: storage.make_directory("images.data")),
            image_options,
        )
        self.identity = Identity(self.databases["identity"], runtime.now, sources.new_uuid)
        self.networks = Networking(self.databases["networks"], sources.new_uuid)
        self.volumes = start_block_storage(
            self.databases["volumes"], storage, self.images, runtime, seams, sources.new_uuid
        )
        self.drivers: dict[str, ComputeDriver] = {}
        self.processes: dict[str, Process] = {}
        self._host_cells: dict[str, str] = {}
        self._options = scheduler_options
        self._compute_options = compute_options
        self._runtime = runtime
        self._seams = seams
        self._sources = sources
        self._resumes = resumes
        if resumes:
            self.images.find_files()

    # -- what services are built with ------------------------------------------------------------

    def api_side(self, process: Process) -> tuple[ApiDatabase, Cells]:
        """Return the API database and all cells, for a process above the cells."""
        api = ApiDatabase(self.databases["api"], self._seams, process)
        cells = {name: self.cell(name, process) for name in (CELL0, *self.cell_names)}
        return api, Cells(api, cells, Scatter(self._runtime, self._seams, process))

    def cell(self, name: str, process: Process) -> CellDatabase:
        """Return one cell's database."""
        return CellDatabase(self.databases[name], self._runtime.now, self._seams, process)

    def placement_client(self, process: Process) -> PlacementClient:
        """Return placement behind its seams."""
        return self._seams.wrap("placement.", self.placement, process)

    def image_client(self, process: Process) -> ImageClient:
        """Return the image service behind its seams."""
        images: ImageClient = self.images
        return self._seams.wrap("image.", images, process)

    def volume_client(self, process: Process) -> VolumeClient:
        """Return block storage behind its seams."""
        return self._seams.wrap("volume.", self.volumes.serving(process), process)

    def network_client(self, process: Process) -> NetworkClient:
        """Return the network service behind its seams."""
        return self._seams.wrap("network.", self.networks, process)

    def compute_clients(self, process: Process) -> Callable[[str], ComputeService]:
        """Return what makes the client of a host's compute service."""
        clients: dict[str, ComputeService] = {}

        def client(host: str) -> ComputeService:
            known = clients.get(host)
            if known is None:
                known = clients[host] = self.bus.client(
                    ComputeService,  # type: ignore[type-abstract]
                    COMPUTE,
                    process,
                    host,
                )
            return known

        return client

    # -- services --------------------------------------------------------------------------------

    def map_cells(self, hosts: dict[str, list[str]]) -> None:
        """Write the cell and host mappings that are not there; `hosts` by cell."""
        api, _cells = self.api_side(Process(API))
        known, mapped = {cell.name for cell in api.mappings.cells()}, api.mappings.hosts()
        for name in (CELL0, *self.cell_names):
            if name not in known:
                api.mappings.cell_create(CellMapping(self._sources.new_uuid(), name))
        for name in self.cell_names:
            new = [host for host in hosts.get(name, []) if host not in mapped]
            api.mappings.host_create(new, name)
            self._host_cells.update(dict.fromkeys(hosts.get(name, []), name))

    def surroundings(self) -> Surroundings:
        """Start the compute API and return what its operations work with."""
        process = self._new_process(API)
        api, cells = self.api_side(process)
        around = Surroundings(
            api=api,
            cells=cells,
            placement=self.placement_client(process),
            images=self.image_client(process),
            volumes=self.volume_client(process),
            networks=self.network_client(process),
            has_networks=self.networks.has_networks,
            conductor=self.bus.client(
                SuperConductorService,  # type: ignore[type-abstract]
                CONDUCTOR,
                process,
            ),
            compute=self.compute_clients(process),
            runtime=self._runtime,
            seams=self._seams,
            new_uuid=self._sources.new_uuid,
            cross_cell_moves=self._compute_options.allow_cross_cell_moves,
        )
        servers = Servers(around)
        events = VolumeEvents(
            around, servers, VolumeAttachments(around, servers, Tasks(around, servers))
        )
        self.volumes.notify = self._seams.wrap("compute_api.", events, Process(VOLUME))
        return around

    def start(self, label: str) -> None:
        """Start (again) the service that reports call `label`, in a new process."""
        service, _at, place = label.partition("@")
        if service == COMPUTE:
            self.map_cells({self._host_cells[place]: [place]})  # it may have been deleted
            self.start_compute(place)
        elif service == CONDUCTOR and place:
            self.start_cell_conductor(place)
        elif service == CONDUCTOR:
            self.start_super_conductor()
        else:
            self.start_scheduler()

    def start_scheduler(self) -> None:
        """Start the scheduler."""
        process = self._new_process(SCHEDULER)
        api, cells = self.api_side(process)
        scheduler = Scheduler(
            self.placement_client(process),
            cells,
            api,
            self._runtime,
            self._sources.random(SCHEDULER),
            self._options,
            self._seams,
        )
        self.bus.serve(SCHEDULER, SchedulerService, scheduler, process)

    def start_super_conductor(self) -> None:
        """Start the super-conductor; one that restarts buries what its predecessor had in hand."""
        again = self._resumes or CONDUCTOR in self.processes
        process = self._new_process(CONDUCTOR)
        api, cells = self.api_side(process)
        conductor = SuperConductor(
            api,
            cells,
            self.bus.client(
                SchedulerService,  # type: ignore[type-abstract]
                SCHEDULER,
                process,
            ),
            self.placement_client(process),
            self.compute_clients(process),
            self._options.max_attempts,
            self._runtime,
            self._seams,
            self._sources.new_uuid,
            self._compute_options,
            self.image_client(process),
        )
        self.bus.serve(CONDUCTOR, SuperConductorService, conductor, process)
        self._runtime.every(
            SWEEP_INTERVAL,
            partial(conductor.sweep_lost_moves, self._sources.service_context),
            name="sweep lost moves",
            owner=process,
        )
        if again:
            self._sweep(conductor.sweep_lost_builds, process)

    def start_cell_conductor(self, cell: str) -> None:
        """Start a cell's conductor; one that restarts ends what its predecessor had in hand."""
        process = Process(CONDUCTOR, cell=cell)
        again = self._resumes or process.label in self.processes
        self._enrol(process)
        database = self.cell(cell, process)
        conductor = CellConductor(
            database,
            self.placement_client(process),
            self.compute_clients(process),
            self._runtime,
            self._seams,
        )
        serve = partial(self._serve_part, cell, process)
        serve("", CellConductorService, conductor)
        serve("instance", InstanceStore, database.instances)
        serve("block_device", BlockDeviceStore, database.block_devices)
        serve("migration", MigrationStore, database.migrations)
        serve("step", StepStore, database.steps)
        serve("action", ActionStore, database.actions)
        serve("host", HostStore, database.hosts)
        if again:
            self._sweep(conductor.sweep_lost_builds, process)

    def _serve_part(
        self, cell: str, process: Process, part: str, interface: type, target: object
    ) -> None:
        self.bus.serve(topic_of(CONDUCTOR, cell, part), interface, target, process)

    def _sweep(self, sweep: Callable[[RequestContext], None], process: Process) -> None:
        self._runtime.spawn(
            lambda: sweep(self._sources.service_context()), name="end lost builds", owner=process
        )

    def start_compute(self, host: str) -> None:
        """Start a host's compute service: init_host first, then the bus, then periodic work."""
        cell = self._host_cells[host]
        again = self._resumes or f"{COMPUTE}@{host}" in self.processes
        process = Process(COMPUTE, host=host, cell=cell)
        self._enrol(process)
        client = partial(self.bus.client, service=CONDUCTOR, process=process, server=cell)
        manager = ComputeManager(
            ComputeHost(
                name=host,
                cell=cell,
                driver=self._seams.wrap("driver.", self.drivers[host], process),
                clients=CellClients(
                    conductor=client(CellConductorService),  # type: ignore[type-abstract]
                    instances=client(InstanceStore, part="instance"),
                    block_devices=client(BlockDeviceStore, part="block_device"),
                    migrations=client(MigrationStore, part="migration"),
                    steps=client(StepStore, part="step"),
                    actions=client(ActionStore, part="action"),
                    hosts=client(HostStore, part="host"),
                ),
                compute=self.compute_clients(process),
                placement=self.placement_client(process),
                images=self.image_client(process),
                volumes=self.volume_client(process),
                networks=self.network_client(process),
                options=self._compute_options,
                runtime=self._runtime,
                seams=self._seams,
                process=process,
            ),
            self._sources.service_context(),
            self._sources.new_uuid,
        )
        manager.init_host()
        self.bus.serve(topic_of(COMPUTE, host), ComputeService, manager, process)
        if again:
            self._runtime.spawn(manager.after_start, name=f"{host} after start", owner=process)
        manager.start_periodics()

    def _new_process(self, service: str) -> Process:
        process = Process(service)
        self._enrol(process)
        return process

    def _enrol(self, process: Process) -> None:
        self.processes[process.label] = process
        process.at_death(lambda: self._runtime.kill(process))

    def close(self) -> None:
        """Give everything back."""
        self.volumes.close()
        for database in self.databases.values():
            database.close()
        self._place.close()


def _opened(schemas: Mapping[str, Schema], place: Place, runtime: Runtime) -> dict[str, Database]:
    """Open databases, all of them or none."""
    databases: dict[str, Database] = {}
    try:
        for name, schema in schemas.items():
            storage = place.storage(name, schema)
            databases[name] = Database(name, schema.image, runtime, storage)
    except BaseException:
        for database in databases.values():
            database.close()
        place.close()
        raise
    return databases
