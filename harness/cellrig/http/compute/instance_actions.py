"""What was asked of servers, and how it went."""

from __future__ import annotations

from typing import Any

from cellrig.errors import NotFound
from cellrig.http.calls import Answer
from cellrig.http.compute.links import next_page
from cellrig.http.compute.paging import MAX_LIMIT, is_full, limit_of, seconds_of
from cellrig.http.compute.server_views import host_id
from cellrig.http.compute.service import ComputeCall, context_of
from cellrig.http.dates import naive
from cellrig.model import ActionEvent, InstanceAction


def list_actions(call: ComputeCall) -> Answer:
    """List what was asked of a server, the newest first."""
    server_id, context = call.parameters["server_id"], context_of(call)
    _check_seen(call)
    paged = call.version >= (2, 58)
    before = call.single("changes-before") if call.version >= (2, 66) else None
    found = call.service.servers.actions(
        context,
        server_id,
        changes_since=seconds_of("changes-since", call.single("changes-since")) if paged else None,
        changes_before=seconds_of("changes-before", before),
        limit=limit_of(call) if paged else MAX_LIMIT,
        marker=call.single("marker") if paged else None,
    )
    told: dict[str, Any] = {"instanceActions": [_view(call, action) for action in found]}
    if paged and is_full(call, found):
        path = f"servers/{server_id}/os-instance-actions"
        told["links"] = next_page(call, path, found[-1].request_id)
    return Answer(body=told)


def show_action(call: ComputeCall) -> Answer:
    """Show what one request has asked of a server, with the steps."""
    server_id, request_id = call.parameters["server_id"], call.parameters["request_id"]
    _check_seen(call)
    for action in call.service.servers.actions(context_of(call), server_id):
        if action.request_id == request_id:
            told = _view(call, action)
            if context_of(call).is_admin or call.version >= (2, 51):
                told["events"] = [_event(call, action, event) for event in action.events]
            return Answer(body={"instanceAction": told})
    raise NotFound("action of the server", request_id)


def _check_seen(call: ComputeCall) -> None:
    """Check that a server is there: before 2.21 deleted ones are not."""
    if call.version < (2, 21):
        call.service.servers.find(context_of(call), call.parameters["server_id"])


def _view(call: ComputeCall, action: InstanceAction) -> dict[str, Any]:
    told: dict[str, Any] = {
        "action": action.action,
        "instance_uuid": action.instance_uuid,
        "request_id": action.request_id,
        "user_id": action.user_id,
        "project_id": action.project_id,
        "start_time": naive(action.start_time),
        "message": action.message,
    }
    if call.version >= (2, 58):
        told["updated_at"] = naive(action.finish_time or action.start_time)
    return told


def _event(call: ComputeCall, action: InstanceAction, event: ActionEvent) -> dict[str, Any]:
    told: dict[str, Any] = {
        "event": event.name,
        "start_time": naive(event.start_time),
        "finish_time": None if event.finish_time is None else naive(event.finish_time),
        "result": event.result,
    }
    is_admin = context_of(call).is_admin
    if is_admin or call.version < (2, 51):
        told["traceback"] = event.traceback
    if call.version >= (2, 62):
        told["hostId"] = host_id(event.host, action.project_id)
        if is_admin:
            told["host"] = event.host
    if call.version >= (2, 84):
        told["details"] = None if event.traceback is None else _last_line(event.traceback)
    return told


def _last_line(traceback: str) -> str:
    lines = traceback.strip().splitlines()
    return lines[-1] if lines else ""
