"""What the handlers of the network face call."""

from __future__ import annotations

from cellrig.context import RequestContext
from cellrig.http.calls import Call
from cellrig.http.errors import Refusal
from cellrig.network.client import NetworkClient

NetworkCall = Call[NetworkClient]


def context_of(call: NetworkCall) -> RequestContext:
    """Return the context of a request.

    Raises:
        Refusal: 403 for a token that is scoped to no project.
    """
    caller = call.caller
    if caller is None:
        raise Refusal(401, "a token is needed")
    if not caller.project_id:
        raise Refusal(403, "this takes a token that is scoped to a project")
    return RequestContext(call.request_id, caller.user_id, caller.project_id, caller.is_admin)
