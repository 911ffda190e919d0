"""Accounts: a user with a role in a project, both made where they are missing."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from cellrig.errors import NotFound
from cellrig.identity.service import Identity
from cellrig.identity.types import Assignment, Project, User


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Who may sign in, for what.

    Args:
        user, project: names.
        password: None of a user for whom only the rig itself makes tokens.
        role: in the project.
        user_id, project_id: None for ones that are made up.
    """

    user: str
    project: str
    password: str | None = None
    role: str = "member"
    user_id: str | None = None
    project_id: str | None = None


class Opened(NamedTuple):
    """The user and the project of an account, and whether the user was made now."""

    user: User
    project: Project
    is_new: bool


def open_account(identity: Identity, account: Account) -> Opened:
    """Make an account's user and project, unless they are there, and give the role. Idempotent.

    A user who is there keeps their password.

    Raises:
        NotFound: there is no such role.
    """
    project = identity.projects.find(domain_id="default", name=account.project)
    if project is None:
        made = Project(id=account.project_id or identity.new_id(), name=account.project)
        project = identity.projects.create(made)
    known = user = identity.users.find(domain_id="default", name=account.user)
    if user is None:
        user = identity.create_user(
            account.user,
            account.password,
            id_=account.user_id,
            default_project_id=project.id,
        )
    role = identity.roles.find(domain_id="", name=account.role)
    if role is None:
        raise NotFound("role", account.role)
    identity.grant(
        Assignment(actor_id=user.id, role_id=role.id, scope="project", target=project.id)
    )
    return Opened(user, project, known is None)
