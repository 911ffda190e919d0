"""Who is asking: the request context that travels with every call between services."""

from __future__ import annotations

import msgspec


class RequestContext(msgspec.Struct, frozen=True):
    """The identity behind a request.

    Args:
        request_id: ``req-`` and a uuid; every action of the request is recorded under it.
        user_id: who asks.
        project_id: on whose behalf.
        is_admin: whether administrators' operations are allowed.
    """

    request_id: str
    user_id: str
    project_id: str
    is_admin: bool = True
