"""The compute API's operations: what a user or an administrator can ask for."""

from cellrig.compute.api.actions import ServerActions
from cellrig.compute.api.catalog import Flavors, ServerGroups
from cellrig.compute.api.infrastructure import Aggregates, Hypervisors, Services
from cellrig.compute.api.requests import ServerRequest
from cellrig.compute.api.servers import Servers
from cellrig.compute.api.surroundings import Surroundings

__all__ = [
    "Aggregates",
    "Flavors",
    "Hypervisors",
    "ServerActions",
    "ServerGroups",
    "ServerRequest",
    "Servers",
    "Services",
    "Surroundings",
]
