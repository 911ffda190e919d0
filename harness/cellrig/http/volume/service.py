"""What the handlers of the block storage face call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from cellrig.context import RequestContext
from cellrig.errors import CellrigError
from cellrig.http.calls import Call
from cellrig.http.errors import Refusal, refusal_of
from cellrig.volume.api import StorageApi

VolumeCall = Call[StorageApi]


def context_of(call: VolumeCall) -> RequestContext:
    """Return the context of a request.

    Raises:
        Refusal: 403 for a token that is scoped to no project, 400 where the path names another
            project than the token's.
    """
    caller = call.caller
    if caller is None:
        raise Refusal(401, "a token is needed")
    if not caller.project_id:
        raise Refusal(403, "this takes a token that is scoped to a project")
    if call.parameters.get("project_id", caller.project_id) != caller.project_id:
        raise Refusal(400, "Malformed request url")
    return RequestContext(
        call.request_id, caller.user_id, caller.project_id, caller.is_admin, is_limited=True
    )


@contextmanager
def shown_by_status(call: VolumeCall) -> Iterator[None]:
    """Let a request be accepted that a backend then fails: the status of the thing tells it.

    What has a status of its own, because the request was wrong, is refused as ever.
    """
    try:
        yield
    except CellrigError as error:
        if refusal_of(error) is not None:
            raise
        call.service.seams.handled(error, "the status tells it")
