"""The value types that cross any boundary. All are frozen."""

from cellrig.model.block_device import (
    BlockDevice,
    BlockDeviceChanges,
    BlockDeviceMapping,
    DestinationType,
    SourceType,
)
from cellrig.model.building import Build, BuildRequest
from cellrig.model.flavor import Flavor
from cellrig.model.infrastructure import (
    CELL0,
    Aggregate,
    CellMapping,
    ComputeNode,
    InstanceMapping,
    Service,
)
from cellrig.model.instance import (
    ActionEvent,
    Instance,
    InstanceAction,
    InstanceChanges,
    InstanceFault,
)
from cellrig.model.keypair import Keypair, KeypairType
from cellrig.model.migration import (
    Migration,
    MigrationChanges,
    MigrationStatus,
    MigrationType,
    Move,
)
from cellrig.model.network import FixedIp, NetworkInterface, NetworkRequest
from cellrig.model.presentation import Presentation
from cellrig.model.scheduling import (
    ImageProperties,
    RequestSpec,
    SchedulingRequest,
    Selection,
    ServerGroup,
)
from cellrig.model.server import Server, server_of
from cellrig.model.server_list import BriefServer, MissingCells, ServerList, UnknownServer
from cellrig.model.states import PowerState, TaskState, VmState, status_of
from cellrig.model.step import Event, MovingServer, Step

__all__ = [
    "CELL0",
    "ActionEvent",
    "Aggregate",
    "BlockDevice",
    "BlockDeviceChanges",
    "BlockDeviceMapping",
    "BriefServer",
    "Build",
    "BuildRequest",
    "CellMapping",
    "ComputeNode",
    "DestinationType",
    "Event",
    "FixedIp",
    "Flavor",
    "ImageProperties",
    "Instance",
    "InstanceAction",
    "InstanceChanges",
    "InstanceFault",
    "InstanceMapping",
    "Keypair",
    "KeypairType",
    "Migration",
    "MigrationChanges",
    "MigrationStatus",
    "MigrationType",
    "MissingCells",
    "Move",
    "MovingServer",
    "NetworkInterface",
    "NetworkRequest",
    "PowerState",
    "Presentation",
    "RequestSpec",
    "SchedulingRequest",
    "Selection",
    "Server",
    "ServerGroup",
    "ServerList",
    "Service",
    "SourceType",
    "Step",
    "TaskState",
    "UnknownServer",
    "VmState",
    "server_of",
    "status_of",
]
