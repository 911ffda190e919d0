"""What servers a query asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cellrig.compute.api import ServerFilters, ServerQuery
from cellrig.context import RequestContext
from cellrig.errors import Forbidden
from cellrig.http.compute.paging import limit_of, seconds_of, truth_of
from cellrig.http.compute.service import ComputeCall, context_of
from cellrig.http.errors import Refusal
from cellrig.model import MissingCells, PowerState, TaskState, VmState, status_of

#: Query parameter to the filter that takes its value as it is.
_PLAIN = {
    "name": "name",
    "reservation_id": "reservation_id",
    "availability_zone": "zone",
    "key_name": "key_name",
    "hostname": "hostname",
    "user_id": "user",
    "ip": "ip",
    "ip6": "ip6",
}
#: The same, of those that may be repeated.
_REPEATED = {"uuid": "ids", "image": "image", "image_ref": "image", "flavor": "flavor"}
#: What only administrators may ask by; from others it is not looked at.
_OF_ADMINISTRATORS = {"host": "host", "node": "node"}
#: What else only administrators may ask by until 2.82.
_OF_ADMINISTRATORS_FIRST = frozenset(
    {"availability_zone", "key_name", "user_id", "vm_state", "task_state", "power_state"}
)
_TAGS = {
    "tags": "tags",
    "tags-any": "tags_any",
    "not-tags": "not_tags",
    "not-tags-any": "not_tags_any",
}
_STATUSES = {status_of(state, task) for state in VmState for task in (None, *TaskState)}


def server_query(call: ComputeCall) -> ServerQuery | None:
    """Return what a query asks for; None where nothing can fit it.

    Raises:
        Refusal: 400 for a value that its parameter does not take.
        Forbidden: the servers of all projects are asked for by somebody who is no administrator.
    """
    context = context_of(call)
    filters = _filters(call, context)
    if filters is None:
        return None
    return ServerQuery(
        filters=filters,
        sort_keys=tuple(_sort_keys(call)),
        sort_dirs=tuple(call.every("sort_dir"))[: len(call.every("sort_key")) or 1],
        limit=limit_of(call),
        marker=call.single("marker"),
        missing_cells=MissingCells.RECORDS if call.version >= (2, 69) else MissingCells.SKIP,
    )


def _sort_keys(call: ComputeCall) -> list[str]:
    keys = call.every("sort_key")
    if call.version < (2, 73) and "locked" in keys:
        raise Refusal(400, "'locked' is a sort key from microversion 2.73 on")
    return keys


def _filters(call: ComputeCall, context: RequestContext) -> ServerFilters | None:
    found: dict[str, Any] = {"project": _project(call, context)}
    allowed = _allowed(call, context)
    for name, filter_ in {**_PLAIN, **_OF_ADMINISTRATORS}.items():
        value = call.single(name)
        if value is not None and allowed(name):
            found[filter_] = value
    for name, filter_ in _REPEATED.items():
        if values := call.every(name):
            found[filter_] = tuple(values)
    if call.version >= (2, 26):
        for name, filter_ in _TAGS.items():
            if value := call.single(name):
                found[filter_] = tuple(value.split(","))
    found |= _times(call)
    if call.version >= (2, 73) and (locked := call.single("locked")) is not None:
        found["locked"] = truth_of("locked", locked)
    if (deleted := call.single("deleted")) is not None:
        found |= _deleted(context, truth_of("deleted", deleted))
    states = _states(call, allowed)
    return None if states is None else ServerFilters(**{**found, **states})


def _allowed(call: ComputeCall, context: RequestContext) -> Callable[[str], bool]:
    """Return what tells whether a parameter is looked at."""
    hidden = frozenset(_OF_ADMINISTRATORS)
    if call.version < (2, 83):
        hidden |= _OF_ADMINISTRATORS_FIRST
    return lambda name: context.is_admin or name not in hidden


def _project(call: ComputeCall, context: RequestContext) -> str | None:
    """Return whose servers are listed; None for everybody's."""
    given = call.single("all_tenants")
    if given is None or (given and not truth_of("all_tenants", given)):
        return context.project_id
    if not context.is_admin:
        raise Forbidden(
            f"user {context.user_id} may not list the servers of all projects: "
            "this takes an administrator"
        )
    return call.single("project_id") or call.single("tenant_id")


def _times(call: ComputeCall) -> dict[str, float]:
    names = {"changes-since": "changes_since"}
    if call.version >= (2, 66):
        names["changes-before"] = "changes_before"
    times = {filter_: seconds_of(name, call.single(name)) for name, filter_ in names.items()}
    found = {filter_: time for filter_, time in times.items() if time is not None}
    if found.get("changes_since", 0.0) > found.get("changes_before", float("inf")):
        raise Refusal(
            400, "The value of changes-since must be less than or equal to changes-before."
        )
    return found


def _deleted(context: RequestContext, deleted: bool) -> dict[str, bool]:
    if deleted and not context.is_admin:
        raise Forbidden(
            f"user {context.user_id} may not list deleted servers: this takes an administrator"
        )
    return {"deleted": deleted}


def _states(call: ComputeCall, allowed: Callable[[str], bool]) -> dict[str, Any] | None:
    """Return the filters by state; None where all states that were given are unknown ones."""
    found: dict[str, Any] = {}
    if given := call.every("status"):
        known = tuple(word.upper() for word in given if word.upper() in _STATUSES)
        if not known:
            return None
        found["status"] = known
    if (given := call.every("vm_state")) and allowed("vm_state"):
        found["vm_state"] = tuple(VmState(word) for word in given if word in set(VmState))
    if (given := call.every("task_state")) and allowed("task_state"):
        found["task_state"] = tuple(TaskState(word) for word in given if word in set(TaskState))
    if (given := call.every("power_state")) and allowed("power_state"):
        numbers = {str(int(state)): state for state in PowerState}
        found["power_state"] = tuple(numbers[word] for word in given if word in numbers)
    return None if any(value == () for value in found.values()) else found
