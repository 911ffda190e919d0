"""The compute API's operations: what a user or an administrator can ask for."""

from cellrig.compute.api.actions import ServerActions
from cellrig.compute.api.catalog import Flavors, ServerGroups
from cellrig.compute.api.infrastructure import Aggregates, Hypervisors, Services
from cellrig.compute.api.migrations import Migrations
from cellrig.compute.api.moves import Moves
from cellrig.compute.api.requests import ServerRequest
from cellrig.compute.api.running_moves import RunningMoves
from cellrig.compute.api.server_filters import ServerFilterArguments, ServerFilters
from cellrig.compute.api.server_interfaces import ServerInterfaces
from cellrig.compute.api.server_list import ServerLists, ServerQuery, ServerWalk
from cellrig.compute.api.servers import Servers
from cellrig.compute.api.shelving import Shelving
from cellrig.compute.api.surroundings import Surroundings
from cellrig.compute.api.tasks import Tasks
from cellrig.compute.api.volume_attachments import VolumeAttachments
from cellrig.compute.api.volume_events import VolumeEvents

__all__ = [
    "Aggregates",
    "Flavors",
    "Hypervisors",
    "Migrations",
    "Moves",
    "RunningMoves",
    "ServerActions",
    "ServerFilterArguments",
    "ServerFilters",
    "ServerGroups",
    "ServerInterfaces",
    "ServerLists",
    "ServerQuery",
    "ServerRequest",
    "ServerWalk",
    "Servers",
    "Services",
    "Shelving",
    "Surroundings",
    "Tasks",
    "VolumeAttachments",
    "VolumeEvents",
]
