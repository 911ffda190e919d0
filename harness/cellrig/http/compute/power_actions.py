"""Actions that change what a server is doing: power, rescue, lock, state."""

from __future__ import annotations

from collections.abc import Callable

from cellrig.compute.api import ServerActions
from cellrig.context import RequestContext
from cellrig.http.calls import Answer
from cellrig.http.compute.servers import named_in_body, new_password
from cellrig.http.compute.service import ComputeCall, context_of
from cellrig.http.errors import Refusal


def _plain(
    do: Callable[[ServerActions, RequestContext, str], None],
) -> Callable[[ComputeCall], Answer]:
    def act(call: ComputeCall) -> Answer:
        do(call.service.actions, context_of(call), call.parameters["server_id"])
        return Answer(202)

    return act


#: The actions that take nothing.
BY_NAME = {
    "os-start": _plain(ServerActions.start),
    "os-stop": _plain(ServerActions.stop),
    "pause": _plain(ServerActions.pause),
    "unpause": _plain(ServerActions.unpause),
    "suspend": _plain(ServerActions.suspend),
    "resume": _plain(ServerActions.resume),
    "unrescue": _plain(ServerActions.unrescue),
}


def reboot(call: ComputeCall) -> Answer:
    """Reboot a server, softly or hard."""
    kind = call.body["reboot"]["type"].upper()
    call.service.actions.reboot(context_of(call), call.parameters["server_id"], kind)
    return Answer(202)


def lock(call: ComputeCall) -> Answer:
    """Lock a server, from 2.73 on with a reason."""
    given = call.body["lock"]
    reason = given.get("locked_reason") if call.version >= (2, 73) and given else None
    call.service.actions.lock(context_of(call), call.parameters["server_id"], reason)
    return Answer(202)


def unlock(call: ComputeCall) -> Answer:
    """Unlock a server."""
    call.service.actions.unlock(context_of(call), call.parameters["server_id"])
    return Answer(202)


def rescue(call: ComputeCall) -> Answer:
    """Boot a server from a rescue image."""
    given = call.body["rescue"] or {}
    server_id, image = call.parameters["server_id"], given.get("rescue_image_ref")
    context, service = context_of(call), call.service
    server = service.servers.show(context, server_id)
    if server.boots_from_volume and call.version < (2, 87):
        raise Refusal(
            400, f"server {server_id} boots from a volume: its rescue takes microversion 2.87"
        )
    with named_in_body():
        service.actions.rescue(context, server_id, image)
    return Answer(200, {"adminPass": new_password(call, given)})


def reset_state(call: ComputeCall) -> Answer:
    """Say what a server is, whatever it is."""
    state = call.body["os-resetState"]["state"]
    call.service.actions.reset_state(context_of(call), call.parameters["server_id"], state)
    return Answer(202)


def force_delete(call: ComputeCall) -> Answer:
    """Delete a server at once: here all deletions are."""
    call.service.servers.delete(context_of(call), call.parameters["server_id"])
    return Answer(202)


def restore(call: ComputeCall) -> Answer:
    """Bring a deleted server back, which takes one that is deleted softly: there is none."""
    server = call.service.servers.show(context_of(call), call.parameters["server_id"])
    raise Refusal(
        409, f"Cannot 'restore' instance {server.id} while it is in vm_state {server.vm_state}"
    )
