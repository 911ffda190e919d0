"""The audit over the control face."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cellrig.http.calls import Answer, Call
from cellrig.http.rig.table import control_route
from cellrig.http.routes import Route

if TYPE_CHECKING:
    from cellrig_audit.audit import Audit


def routes(audit: Audit) -> tuple[Route[Any], ...]:
    """Return what can be asked of an audit."""

    def show(call: Call[Any]) -> Answer:
        """Let all come to rest, and say what does not agree then, one sentence each."""
        with call.service.alone():
            return Answer(body={"findings": audit.findings()})

    return (control_route("GET", "/audit", show),)
