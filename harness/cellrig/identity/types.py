"""The values of the identity service. All are frozen; times are seconds since the epoch."""

from __future__ import annotations

from typing import Any

import msgspec

#: The domain that everything is in that names none (Identity API v3).
DEFAULT_DOMAIN = "default"

#: The roles that every cloud has, each with the next one that it implies.
IMPLIED_ROLES = {"admin": "manager", "manager": "member", "member": "reader"}
ROLES = ("admin", "manager", "member", "reader", "service")


class Domain(msgspec.Struct, frozen=True, kw_only=True):
    """A domain: names of projects and users are unique in it."""

    id: str
    name: str
    description: str = ""
    enabled: bool = True


class Project(msgspec.Struct, frozen=True, kw_only=True):
    """A project: what servers and volumes belong to.

    Args:
        parent_id: the project above it; empty where that is its domain.
        tags: words that it can be found by.
        extra: attributes that clients have added.
    """

    id: str
    name: str
    domain_id: str = DEFAULT_DOMAIN
    description: str = ""
    enabled: bool = True
    parent_id: str = ""
    tags: tuple[str, ...] = ()
    extra: dict[str, Any] = {}


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A user.

    Args:
        password: hashed (see `passwords`); None of a user that cannot have one asked for.
        extra: attributes that clients have added.
    """

    id: str
    name: str
    domain_id: str = DEFAULT_DOMAIN
    description: str = ""
    enabled: bool = True
    email: str | None = None
    default_project_id: str | None = None
    password: str | None = None
    extra: dict[str, Any] = {}


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Users who have roles together.

    Args:
        extra: attributes that clients have added.
    """

    id: str
    name: str
    domain_id: str = DEFAULT_DOMAIN
    description: str = ""
    extra: dict[str, Any] = {}


class Role(msgspec.Struct, frozen=True, kw_only=True):
    """A role that users can have in projects, in domains, or in the whole system.

    Args:
        domain_id: of one that a domain keeps for itself, which is in no token: only what it implies
            is. Empty of all others.
    """

    id: str
    name: str
    description: str = ""
    domain_id: str = ""


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    """A role that a user or a group has somewhere.

    Args:
        actor: ``user`` or ``group``.
        actor_id: the user's or group's id.
        scope: ``project``, ``domain`` or ``system``.
        target: the project's or domain's id, ``all`` for the system.
        inherited: it is had in the projects below the target, and not there.
    """

    actor: str = "user"
    actor_id: str
    role_id: str
    scope: str
    target: str
    inherited: bool = False


class AccessRule(msgspec.Struct, frozen=True):
    """A request that an application credential may make.

    Args:
        service: the type of the service.
        method: of the request, in capitals.
        path: below the service's root; ``*`` stands for one segment, ``**`` for any number.
    """

    service: str
    method: str
    path: str


class ApplicationCredential(msgspec.Struct, frozen=True, kw_only=True):
    """What an application signs in with in place of its user, in one project.

    Args:
        roles: ids of the roles that it has, some of its user's there.
        secret: hashed.
        expires_at: None for never.
        access_rules: ids of what it is held to; None for nothing.
    """

    id: str
    name: str
    user_id: str
    project_id: str
    roles: tuple[str, ...]
    secret: str
    description: str = ""
    unrestricted: bool = False
    expires_at: float | None = None
    access_rules: tuple[str, ...] | None = None


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """What a token is for; all None of an unscoped one."""

    project_id: str | None = None
    domain_id: str | None = None
    system: bool = False


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A token, without the secret that stands for it.

    Args:
        methods: ``password``, ``token`` or ``application_credential``.
        roles: ids of the roles that the user has in the scope, with those that they imply.
        audit_ids: by which tokens that came from one another are known.
        access_rules: what alone may be asked with it; None for everything.
    """

    user_id: str
    scope: Scope
    roles: tuple[str, ...]
    methods: tuple[str, ...]
    issued_at: float
    expires_at: float
    audit_ids: tuple[str, ...]
    application_credential_id: str | None = None
    access_rules: tuple[AccessRule, ...] | None = None
