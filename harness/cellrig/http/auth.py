"""Who is asking: the token header, for as long as there is no identity service.

``admin`` (also ``admin:project``) is an administrator, ``user:project`` a plain user of a project,
``user`` one of a project of the same name.
"""

from __future__ import annotations

from typing import NamedTuple

TOKEN_HEADER = "X-Auth-Token"  # noqa: S105 - a header's name
ADMINISTRATOR = "admin"


class Caller(NamedTuple):
    """Who sent a request. A plain user has the role ``reader`` in the project, and no other."""

    user_id: str
    project_id: str

    @property
    def is_admin(self) -> bool:
        """Whether the caller may do everything."""
        return self.user_id == ADMINISTRATOR


def caller_of(token: str | None) -> Caller | None:
    """Return whose token it is; None where there is no token."""
    if not token:
        return None
    user_id, _, project_id = token.partition(":")
    return Caller(user_id, project_id or user_id)
