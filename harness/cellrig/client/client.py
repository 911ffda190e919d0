"""One user's view of a rig: everything that can be asked for, under one identity."""

from __future__ import annotations

from cellrig.client.catalog import FlavorClient, ImageClient, ServerGroupClient
from cellrig.client.infrastructure import AggregateClient, HypervisorClient, ServiceClient
from cellrig.client.migrations import MigrationClient
from cellrig.client.networks import NetworksClient
from cellrig.client.requests import Caller
from cellrig.client.server_requests import ServerApi
from cellrig.client.servers import ServerClient
from cellrig.client.volumes import VolumesClient, VolumeSnapshotsClient, VolumeTypesClient
from cellrig.compute.api import (
    Aggregates,
    Flavors,
    Hypervisors,
    Migrations,
    Moves,
    RunningMoves,
    ServerActions,
    ServerGroups,
    ServerInterfaces,
    ServerLists,
    Servers,
    Services,
    Shelving,
    Surroundings,
    Tasks,
    VolumeAttachments,
)


class Client:
    """What one user can ask for.

    Args:
        call: the user.
        around: the compute API's surroundings.
        flavor, image: what a server gets when a test names nothing.
    """

    def __init__(self, call: Caller, around: Surroundings, flavor: str, image: str) -> None:
        servers = Servers(around)
        tasks = Tasks(around, servers)
        moves = Moves(around, tasks)
        self.servers = ServerClient(
            call,
            ServerApi(
                servers,
                ServerLists(around),
                ServerActions(around, tasks),
                VolumeAttachments(around, servers, tasks),
                moves,
                RunningMoves(around, tasks, moves),
                Shelving(around, tasks),
                around.images,
            ),
            flavor,
            image,
        )
        self.flavors = FlavorClient(call, Flavors(around))
        self.images = ImageClient(call, around.images)
        self.server_groups = ServerGroupClient(call, ServerGroups(around))
        self.migrations = MigrationClient(call, Migrations(around, tasks))
        self.services = ServiceClient(call, Services(around))
        self.hypervisors = HypervisorClient(call, Hypervisors(around))
        self.aggregates = AggregateClient(call, Aggregates(around))
        self.volumes = VolumesClient(call, around.volumes)
        self.volume_types = VolumeTypesClient(call, around.volumes)
        self.volume_snapshots = VolumeSnapshotsClient(call, around.volumes)
        self.networks = NetworksClient(call, around.networks, ServerInterfaces(around, tasks))
