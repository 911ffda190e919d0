"""The routes of the control face, and what makes those of plugins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cellrig.http.calls import Answer, Call
from cellrig.http.checking import Schema
from cellrig.http.rig import handlers
from cellrig.http.routes import Route

_TEXT = {"type": "string", "minLength": 1, "maxLength": 255}


def control_route(
    method: str,
    path: str,
    handler: Callable[[Call[Any]], Answer],
    status: int = 200,
    *,
    body: dict[str, Any] | None = None,
    query: dict[str, Any] | None = None,
) -> Route[Any]:
    """Make a route of the control face, which is for administrators.

    Args:
        method, path: of the call, the path below ``/rig``.
        handler: answers; ``call.service.rig`` is the rig.
        status: of its answers.
        body, query: what it takes, as JSON Schema; a query's values are text.
    """
    bodies = {} if body is None else {(1, 0): _schema(body, "the body does not fit")}
    queries = {} if query is None else {(1, 0): _schema(query, "the query does not fit")}
    return Route(method, path, handler, (status,), body=bodies, query=queries)


def _schema(definition: dict[str, Any], refusal: str) -> Schema:
    return Schema(definition, refusal=refusal, is_uuid=lambda value: isinstance(value, str))


def _body(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


#: At most a day at once: its periodic work is done, and nobody else is answered meanwhile.
_SECONDS = _body({"seconds": {"type": "number", "minimum": 0, "maximum": 86_400}}, "seconds")

RESET = control_route("POST", "/reset", handlers.reset, 204)

ROUTES: tuple[Route[Any], ...] = (
    RESET,
    control_route("GET", "/snapshots", handlers.list_snapshots),
    control_route("PUT", "/snapshots/{name}", handlers.take_snapshot, 204),
    control_route("DELETE", "/snapshots/{name}", handlers.delete_snapshot, 204),
    control_route("POST", "/snapshots/{name}/restore", handlers.restore_snapshot, 204),
    control_route("GET", "/clock", handlers.show_clock),
    control_route("POST", "/clock/advance", handlers.advance_clock, body=_SECONDS),
    control_route("GET", "/topology", handlers.show_topology),
    control_route("GET", "/services", handlers.list_services),
    control_route("POST", "/services/{service}/crash", handlers.crash_service),
    control_route("POST", "/services/{service}/restart", handlers.restart_service),
    control_route("GET", "/databases", handlers.list_databases),
    control_route(
        "POST",
        "/databases/{database}/take-down",
        handlers.take_down_database,
        body=_body({"reason": _TEXT}, "reason"),
    ),
    control_route("POST", "/databases/{database}/bring-back", handlers.bring_back_database),
)
