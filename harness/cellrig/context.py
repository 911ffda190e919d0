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
        is_limited: whether block storage's quotas hold for the request. They do for those that
            came over REST; a test in the same process has as much as it wants.
    """

    request_id: str
    user_id: str
    project_id: str
    is_admin: bool = True
    is_limited: bool = False

    def elevated(self) -> RequestContext:
        """Return the same request with an administrator's rights.

        For what a service does with what belongs to a server, whoever it is that may use the
        server: a volume of another project, for example, that an administrator has attached.
        """
        return msgspec.structs.replace(self, is_admin=True)
