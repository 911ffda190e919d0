"""What other services tell compute: external events, assisted volume snapshots."""

from __future__ import annotations

from typing import Any

from cellrig.http.calls import Answer
from cellrig.http.compute.service import ComputeCall, context_of
from cellrig.http.errors import Refusal

_GOOD = 200
_PARTLY = 207


def create_events(call: ComputeCall) -> Answer:
    """Tell events of servers; each is answered with a code of its own."""
    context = context_of(call)
    told: list[dict[str, Any]] = []
    for event in call.body["events"]:
        code = call.service.events.take(
            context, event["server_uuid"], event["name"], event.get("tag")
        )
        told.append({**event, "status": _status(event, code), "code": code})
    codes = {event["code"] for event in told}
    return Answer(_GOOD if codes <= {_GOOD} else _PARTLY, {"events": told})


def _status(event: dict[str, Any], code: int) -> str:
    return str(event.get("status", "completed")) if code == _GOOD else "failed"


def create_assisted_snapshot(call: ComputeCall) -> Answer:
    """Take a snapshot of a volume with the help of its guest's hypervisor: no driver can."""
    volume_id = call.body["snapshot"]["volume_id"]
    raise Refusal(400, f"no driver takes a snapshot of volume {volume_id} for block storage")


def delete_assisted_snapshot(call: ComputeCall) -> Answer:
    """Delete such a snapshot: there is none."""
    if call.single("delete_info") is None:
        raise Refusal(400, "the query takes delete_info")
    raise Refusal(404, f"snapshot {call.parameters['snapshot_id']} does not exist")
