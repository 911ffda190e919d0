"""What the handlers of the compute face call."""

from __future__ import annotations

from cellrig.compute.api import (
    Aggregates,
    Flavors,
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
    VolumeEvents,
)
from cellrig.compute.api.backups import Backups
from cellrig.compute.api.external_events import ExternalEvents
from cellrig.compute.api.hypervisor_details import HypervisorDetails
from cellrig.compute.api.keypairs import Keypairs
from cellrig.compute.api.presentations import Presentations
from cellrig.compute.api.quotas import Quotas
from cellrig.compute.api.server_details import ServerDetails
from cellrig.compute.api.usages import Usages
from cellrig.context import RequestContext
from cellrig.http.calls import Call
from cellrig.http.errors import Refusal


class ComputeApi:
    """The compute API's operations, as one object.

    Args:
        around: the compute API's surroundings.
    """

    def __init__(self, around: Surroundings) -> None:
        tasks = Tasks(around, servers := Servers(around))
        self.servers = servers
        self.lists = ServerLists(around)
        self.details = ServerDetails(around, servers)
        self.presentations = Presentations(around, servers)
        self.actions = ServerActions(around, tasks)
        self.backups = Backups(around, tasks, self.actions)
        self.interfaces = ServerInterfaces(around, tasks)
        self.attachments = VolumeAttachments(around, servers, tasks)
        self.moves = Moves(around, tasks)
        self.running_moves = RunningMoves(around, tasks, self.moves)
        self.shelving = Shelving(around, tasks)
        self.migrations = Migrations(around, tasks)
        self.flavors = Flavors(around)
        self.groups = ServerGroups(around)
        self.services = Services(around)
        self.hypervisors = HypervisorDetails(around)
        self.aggregates = Aggregates(around)
        self.keypairs = Keypairs(around)
        self.quotas = Quotas(around)
        self.usages = Usages(around)
        events = VolumeEvents(around, servers, self.attachments)
        self.events = ExternalEvents(around, servers, events)
        self.volumes = around.volumes
        self.images = around.images
        self.networks = around.networks
        self.runtime = around.runtime
        self.seams = around.seams


ComputeCall = Call[ComputeApi]


def context_of(call: ComputeCall) -> RequestContext:
    """Return the context of a request: its actions are recorded under its request id.

    Raises:
        Refusal: 403 for a token that is scoped to no project.
    """
    caller = call.caller
    if caller is None:
        raise Refusal(401, "a token is needed")
    if not caller.project_id:
        raise Refusal(403, "this takes a token that is scoped to a project")
    return RequestContext(
        call.request_id, caller.user_id, caller.project_id, caller.is_admin, is_limited=True
    )
