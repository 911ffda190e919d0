"""Actions that move a server, give it another size, or put it away."""

from __future__ import annotations

from msgspec.structs import replace

from cellrig.http.calls import Answer
from cellrig.http.compute.schemas.parts import true
from cellrig.http.compute.server_bodies import flavor_id
from cellrig.http.compute.servers import named_in_body, new_password
from cellrig.http.compute.service import ComputeCall, context_of
from cellrig.http.errors import Refusal
from cellrig.model import VmState


def resize(call: ComputeCall) -> Answer:
    """Give a server another flavor."""
    context, service, server_id = context_of(call), call.service, call.parameters["server_id"]
    server = service.servers.show(context, server_id)
    with named_in_body():
        flavor = service.flavors.find(context, flavor_id(call.body["resize"]["flavorRef"]))
    service.quotas.check_resize(context, server.project_id, server.flavor, flavor)
    service.moves.resize(context, server_id, flavor.id)
    if wanted := call.body["resize"].get("OS-DCF:diskConfig"):
        service.presentations.change(
            context, server_id, lambda known: replace(known, disk_config=wanted)
        )
    return Answer(202)


def confirm_resize(call: ComputeCall) -> Answer:
    """Confirm a resize or a cold migration."""
    call.service.moves.confirm(context_of(call), call.parameters["server_id"])
    return Answer(204)


def revert_resize(call: ComputeCall) -> Answer:
    """Revert a resize or a cold migration."""
    call.service.moves.revert(context_of(call), call.parameters["server_id"])
    return Answer(202)


def migrate(call: ComputeCall) -> Answer:
    """Move a server to another host while it is shut down; from 2.56 on to one that is named."""
    given = call.body["migrate"] or {}
    host = given.get("host") if call.version >= (2, 56) else None
    call.service.moves.migrate(context_of(call), call.parameters["server_id"], host)
    return Answer(202)


def live_migrate(call: ComputeCall) -> Answer:
    """Move a running server to another host."""
    given = call.body["os-migrateLive"]
    block = given["block_migration"]
    call.service.running_moves.live_migrate(
        context_of(call),
        call.parameters["server_id"],
        given["host"],
        force=true(given.get("force", False)) if call.version >= (2, 30) else bool(given["host"]),
        block_migration=None if block == "auto" else true(block),
    )
    return Answer(202)


def evacuate(call: ComputeCall) -> Answer:
    """Build a server on another host because its own is dead."""
    given = call.body["evacuate"]
    if true(given.get("force", False)) and "host" not in given:
        raise Refusal(400, "Can't force to a non-provided destination")
    if call.version >= (2, 14) and "adminPass" in given and given["adminPass"] == "":
        raise Refusal(400, "admin password can't be empty")
    call.service.running_moves.evacuate(
        context_of(call),
        call.parameters["server_id"],
        given.get("host"),
        stopped=call.version >= (2, 95),
    )
    if call.version < (2, 14):
        return Answer(200, {"adminPass": new_password(call, given)})
    return Answer(200)


def shelve(call: ComputeCall) -> Answer:
    """Put a server away."""
    call.service.shelving.shelve(context_of(call), call.parameters["server_id"])
    return Answer(202)


def shelve_offload(call: ComputeCall) -> Answer:
    """Let a shelved server leave its host."""
    call.service.shelving.offload(context_of(call), call.parameters["server_id"])
    return Answer(202)


def unshelve(call: ComputeCall) -> Answer:
    """Bring a shelved server back, from 2.77 on in a zone, from 2.91 on on a host."""
    given = (call.body["unshelve"] or {}) if call.version >= (2, 77) else {}
    context, service, server_id = context_of(call), call.service, call.parameters["server_id"]
    zone, host = given.get("availability_zone"), given.get("host")
    if call.version >= (2, 91) and "availability_zone" in given and host is None:
        server = service.servers.show(context, server_id)
        if zone is None and server.vm_state == VmState.SHELVED_OFFLOADED:
            service.details.pin(context, server_id, None)
    service.shelving.unshelve(context, server_id, zone=zone, host=host)
    return Answer(202)
