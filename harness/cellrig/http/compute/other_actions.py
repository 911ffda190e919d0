"""Actions that change nothing that a host would know of, and those that no driver can do."""

from __future__ import annotations

from msgspec.structs import replace

from cellrig.errors import Conflict, NotFound
from cellrig.http.calls import Answer
from cellrig.http.compute.service import ComputeCall, context_of
from cellrig.http.errors import Refusal
from cellrig.model import Presentation


def add_security_group(call: ComputeCall) -> Answer:
    """Note that a security group is a server's."""
    name = call.body["addSecurityGroup"]["name"]

    def add(known: Presentation) -> Presentation:
        if name in known.security_groups:
            raise Conflict(f"security group {name!r} is the server's already")
        return replace(known, security_groups=(*known.security_groups, name))

    _change_ports(call, name, add=True)
    call.service.presentations.change(context_of(call), call.parameters["server_id"], add)
    return Answer(202)


def remove_security_group(call: ComputeCall) -> Answer:
    """Note that a security group is not a server's any more."""
    name = call.body["removeSecurityGroup"]["name"]

    def remove(known: Presentation) -> Presentation:
        if name not in known.security_groups:
            raise NotFound("security group of the server", name)
        kept = tuple(each for each in known.security_groups if each != name)
        return replace(known, security_groups=kept)

    call.service.presentations.change(context_of(call), call.parameters["server_id"], remove)
    _change_ports(call, name, add=False)
    return Answer(202)


def _change_ports(call: ComputeCall, name: str, *, add: bool) -> None:
    context, server_id = context_of(call), call.parameters["server_id"]
    if call.service.servers.show(context, server_id).network_info:
        call.service.interfaces.change_group(context, server_id, name, add=add)


def change_password(call: ComputeCall) -> Answer:
    """Set the password of a server's administrator: no driver can."""
    _found(call)
    raise Refusal(501, "no driver sets passwords in guests")


def trigger_crash_dump(call: ComputeCall) -> Answer:
    """Let a guest write a crash dump: no driver can."""
    _found(call)
    raise Refusal(400, "no driver lets guests write crash dumps")


def inject_network_info(call: ComputeCall) -> Answer:
    """Tell a guest of its networks, which it knows."""
    _found(call)
    return Answer(202)


def reset_network(call: ComputeCall) -> Answer:
    """Say that networks are not reset any more."""
    raise Refusal(410, "resetNetwork is no longer available")


def _found(call: ComputeCall) -> None:
    call.service.servers.find(context_of(call), call.parameters["server_id"])
