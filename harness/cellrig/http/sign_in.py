"""Tokens of the identity service, as every face checks them."""

from __future__ import annotations

from cellrig.http.auth import Authenticate, Caller, by_name
from cellrig.identity.service import Identity


def by_token(identity: Identity) -> Authenticate:
    """Return what tells whose token of the identity service it is."""
    names: dict[str, str] = {}

    def authenticate(secret: str | None) -> Caller | None:
        token = identity.validate(secret)
        if token is None:
            return None
        if not names.keys() >= set(token.roles):
            names.update((role.id, role.name) for role in identity.roles.all())
        roles = frozenset(names[id_] for id_ in token.roles if id_ in names)
        return Caller(token.user_id, token.scope.project_id or "", roles, token.access_rules)

    return authenticate


def by_token_or_name(identity: Identity) -> Authenticate:
    """Return the same for callers in the same process, who may also just say who they are."""
    check = by_token(identity)

    def authenticate(secret: str | None) -> Caller | None:
        return check(secret) or by_name(secret)

    return authenticate
