"""The timeline over the control face."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cellrig.http.calls import Answer, Call
from cellrig.http.rig.table import control_route
from cellrig.http.routes import Route

if TYPE_CHECKING:
    from cellrig_timeline.timeline import Timeline

_TEXT = {"type": "string", "minLength": 1, "maxLength": 255}
_QUERY = {
    "type": "object",
    "properties": {
        "last": {"type": "string", "pattern": "^[1-9][0-9]{0,5}$"},
        "server": _TEXT,
        "seam": _TEXT,
        "host": _TEXT,
    },
    "additionalProperties": False,
}


def routes(timeline: Timeline) -> tuple[Route[Any], ...]:
    """Return what can be asked of a timeline."""

    def show(call: Call[Any]) -> Answer:
        """Show what happened, a line each, oldest first: the last 200, or as many as asked for."""
        lines = timeline.lines(
            int(call.single("last") or 200),
            server=call.single("server"),
            seam=call.single("seam") or "*",
            host=call.single("host"),
        )
        return Answer(body={"timeline": lines})

    return (control_route("GET", "/timeline", show, query=_QUERY),)
