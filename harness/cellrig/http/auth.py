"""Who is asking: what a token stands for.

Every face is given an `Authenticate`: the identity service's, or `by_name` where a face is served
alone. With that one ``admin`` (also ``admin:project``) is an administrator, ``user:project`` a
plain user of a project, ``user`` one of a project of the same name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from cellrig.identity.types import AccessRule

TOKEN_HEADER = "X-Auth-Token"  # noqa: S105 - a header's name
ADMINISTRATOR = "admin"


class Caller(NamedTuple):
    """Who sent a request.

    Attributes:
        user_id: who that is.
        project_id: what the token is scoped to; empty for an unscoped one.
        roles: in that project, with those that they imply.
        rules: what alone may be asked with the token; None for everything.
    """

    user_id: str
    project_id: str
    roles: frozenset[str] = frozenset({"reader"})
    rules: tuple[AccessRule, ...] | None = None

    @property
    def is_admin(self) -> bool:
        """Whether the caller may do everything."""
        return ADMINISTRATOR in self.roles


#: Returns whose token it is; None where it is nobody's (any more), or there is none.
Authenticate = Callable[[str | None], Caller | None]

_EVERY_ROLE = frozenset({ADMINISTRATOR, "manager", "member", "reader"})
_NO_MORE_THAN_A_READER = frozenset({"reader"})


def by_name(token: str | None) -> Caller | None:
    """Take a token for the name of its user; a plain one is a reader in the project."""
    if not token:
        return None
    user_id, _, project_id = token.partition(":")
    roles = _EVERY_ROLE if user_id == ADMINISTRATOR else _NO_MORE_THAN_A_READER
    return Caller(user_id, project_id or user_id, roles)
