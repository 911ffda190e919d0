"""The value types that cross any boundary. All are frozen."""

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
from cellrig.model.scheduling import (
    ImageProperties,
    RequestSpec,
    SchedulingRequest,
    Selection,
    ServerGroup,
)
from cellrig.model.server import Server, ServerList, server_of
from cellrig.model.states import PowerState, TaskState, VmState, status_of

__all__ = [
    "CELL0",
    "ActionEvent",
    "Aggregate",
    "Build",
    "BuildRequest",
    "CellMapping",
    "ComputeNode",
    "Flavor",
    "ImageProperties",
    "Instance",
    "InstanceAction",
    "InstanceChanges",
    "InstanceFault",
    "InstanceMapping",
    "PowerState",
    "RequestSpec",
    "SchedulingRequest",
    "Selection",
    "Server",
    "ServerGroup",
    "ServerList",
    "Service",
    "TaskState",
    "VmState",
    "server_of",
    "status_of",
]
