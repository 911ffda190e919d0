"""What the compute API works with."""

from __future__ import annotations

from collections.abc import Callable

from cellrig.cells import Cells
from cellrig.compute.interface import ComputeService
from cellrig.conductor.interface import SuperConductorService
from cellrig.db import ApiDatabase
from cellrig.errors import Invalid, NotFound
from cellrig.image import ImageClient
from cellrig.network.client import NetworkClient
from cellrig.placement.client import PlacementClient
from cellrig.runtime import Runtime
from cellrig.seams import Seams
from cellrig.volume.client import VolumeClient


class Surroundings:
    """The compute API's databases and the services it asks.

    Args:
        api, cells: the databases.
        placement, images, volumes, networks: other services' clients, behind their seams.
        has_networks: whether there is any network, past the seams: a cloud without is as one that
            has no network service.
        conductor: the super-conductor.
        compute: makes the client of a host's compute service.
        runtime, seams: of the rig.
        new_uuid: the rig's source of uuids.
        cross_cell_moves: whether cold migrations and resizes may end in another cell.
    """

    def __init__(
        self,
        *,
        api: ApiDatabase,
        cells: Cells,
        placement: PlacementClient,
        images: ImageClient,
        volumes: VolumeClient,
        networks: NetworkClient,
        has_networks: Callable[[], bool],
        conductor: SuperConductorService,
        compute: Callable[[str], ComputeService],
        runtime: Runtime,
        seams: Seams,
        new_uuid: Callable[[], str],
        cross_cell_moves: bool = False,
    ) -> None:
        self.api = api
        self.cells = cells
        self.placement = placement
        self.images = images
        self.volumes = volumes
        self.networks = networks
        self.has_networks = has_networks
        self.conductor = conductor
        self.compute = compute
        self.runtime = runtime
        self.seams = seams
        self.new_uuid = new_uuid
        self.cross_cell_moves = cross_cell_moves

    def cell_of_host(self, host: str) -> str:
        """Return the cell of a host that a request names.

        Raises:
            Invalid: there is no such host.
        """
        try:
            return self.api.mappings.cell_of_host(host)
        except NotFound as error:
            raise Invalid(f"compute host {host!r} does not exist: name another one") from error
