"""What the compute API works with."""

from __future__ import annotations

from collections.abc import Callable

from cellrig.cells import Cells
from cellrig.compute.interface import ComputeService
from cellrig.conductor.interface import SuperConductorService
from cellrig.db import ApiDatabase
from cellrig.image import ImageService
from cellrig.placement.client import PlacementClient
from cellrig.runtime import Runtime
from cellrig.seams import Seams


class Surroundings:
    """The compute API's databases and the services it asks.

    Args:
        api, cells: the databases.
        placement, images: other services' clients, behind their seams.
        conductor: the super-conductor.
        compute: makes the client of a host's compute service.
        runtime, seams: of the rig.
        new_uuid: the rig's source of uuids.
    """

    def __init__(
        self,
        *,
        api: ApiDatabase,
        cells: Cells,
        placement: PlacementClient,
        images: ImageService,
        conductor: SuperConductorService,
        compute: Callable[[str], ComputeService],
        runtime: Runtime,
        seams: Seams,
        new_uuid: Callable[[], str],
    ) -> None:
        self.api = api
        self.cells = cells
        self.placement = placement
        self.images = images
        self.conductor = conductor
        self.compute = compute
        self.runtime = runtime
        self.seams = seams
        self.new_uuid = new_uuid
