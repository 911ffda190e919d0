"""Server groups."""

from __future__ import annotations

from typing import Any

from cellrig.http.calls import Answer
from cellrig.http.compute.paging import limit_of, number_of
from cellrig.http.compute.schemas.parts import whole
from cellrig.http.compute.service import ComputeCall, context_of
from cellrig.http.errors import Refusal
from cellrig.model import ServerGroup


def _view(call: ComputeCall, group: ServerGroup) -> dict[str, Any]:
    told: dict[str, Any] = {"id": group.uuid, "name": group.name, "members": group.members}
    if call.version >= (2, 64):
        told |= {"policy": group.policy, "rules": group.rules}
    else:
        told |= {"policies": [group.policy], "metadata": {}}
    if call.version >= (2, 13):
        told |= {"project_id": group.project_id, "user_id": group.user_id}
    return told


def list_groups(call: ComputeCall) -> Answer:
    """List the server groups of the project; of all projects, to administrators who ask for it."""
    context = context_of(call)
    found = call.service.groups.all(context)
    if not (context.is_admin and "all_projects" in dict(call.query)):
        found = [group for group in found if group.project_id == context.project_id]
    first, count = number_of(call, "offset", 0), limit_of(call)
    shown = found[first : first + count]
    return Answer(body={"server_groups": [_view(call, group) for group in shown]})


def create_group(call: ComputeCall) -> Answer:
    """Create a server group."""
    given, context = call.body["server_group"], context_of(call)
    policy = given["policy"] if call.version >= (2, 64) else given["policies"][0]
    rules = {name: whole(value, name, 1) for name, value in given.get("rules", {}).items()}
    if rules and policy != "anti-affinity":
        raise Refusal(400, "Only anti-affinity policy supports rules.")
    call.service.quotas.check_groups(context)
    group = call.service.groups.create(context, given["name"].strip(), policy, rules)
    return Answer(body={"server_group": _view(call, group)})


def show_group(call: ComputeCall) -> Answer:
    """Show one server group."""
    group = call.service.groups.show(context_of(call), call.parameters["group_id"])
    return Answer(body={"server_group": _view(call, group)})


def delete_group(call: ComputeCall) -> Answer:
    """Delete a server group."""
    call.service.groups.delete(context_of(call), call.parameters["group_id"])
    return Answer(204)
