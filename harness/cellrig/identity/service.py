"""The identity service: who somebody is, and what a token stands for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from sqlalchemy import bindparam, delete

from cellrig.db.database import Database, Statement
from cellrig.db.statements import delete_by, insert_into, select_by
from cellrig.identity import tables
from cellrig.identity.application_credentials import ApplicationCredentials
from cellrig.identity.errors import Immutable, Unauthorized
from cellrig.identity.grants import Grants, Place, place_of
from cellrig.identity.groups import Memberships
from cellrig.identity.implications import Implications
from cellrig.identity.passwords import fingerprint, hashed, matches, new_secret
from cellrig.identity.records import Records
from cellrig.identity.things import Things
from cellrig.identity.tree import below
from cellrig.identity.types import (
    DEFAULT_DOMAIN,
    IMPLIED_ROLES,
    ROLES,
    ApplicationCredential,
    Assignment,
    Domain,
    Group,
    Project,
    Role,
    Scope,
    Token,
    User,
)

#: Seconds for which a token holds (the field's default).
TOKEN_LIFE = 3600.0
#: The most tokens that are kept in memory, to answer without a look into the database.
_MOST_KNOWN = 4096

_decode_token = msgspec.json.Decoder(Token).decode
_EXPIRED = Statement(delete(tables.tokens).where(tables.tokens.c.expires_at <= bindparam("now")))


class Identity:
    """Domains, projects, users, roles, assignments and tokens of one rig.

    Args:
        database: the identity service's own.
        now: the rig's clock, on which tokens expire.
        new_uuid: the rig's source of uuids.

    Attributes:
        domains, projects, users, groups, roles: what there is, by id and name.
        credentials: application credentials, with the rules that they are held to.
        memberships: which users are in which group.
        grants: which roles were given, and which ones users have by that.
        implications: which roles come with which.
        secrets: what users keep here for other services (``/v3/credentials``).
    """

    def __init__(
        self, database: Database, now: Callable[[], float], new_uuid: Callable[[], str]
    ) -> None:
        self._database = database
        self._now = now
        self._new_uuid = new_uuid
        # Tokens by fingerprint, since so many replacements of the database. Whenever one ends
        # there is another dictionary, so that nobody who has read the database before that puts
        # it back.
        self._known: dict[str, Token] = {}
        self._known_since = database.replacements
        self.domains = Things(database, tables.domains, Domain, "domain", ("name",))
        self.projects = Things(database, tables.projects, Project, "project", ("domain_id", "name"))
        self.users = Things(database, tables.users, User, "user", ("domain_id", "name"))
        self.groups = Things(database, tables.groups, Group, "group", ("domain_id", "name"))
        self.roles = Things(database, tables.roles, Role, "role", ("domain_id", "name"))
        self.memberships = Memberships(database)
        self.implications = Implications(database, self.roles)
        self.grants = Grants(database, self.projects, self.memberships, self.implications)
        self.credentials = ApplicationCredentials(database, now, self.new_id, self.grants)
        self.secrets = self.records("credential", "credential")

    def records(self, kind: str, called: str) -> Records:
        """Return a place for what is only kept and shown; see `Records`."""
        return Records(self._database, kind, called)

    def found(self) -> None:
        """Make what every cloud has: the default domain and the roles. Twice is harmless."""
        if self.domains.find(name="Default") is None:
            self.domains.create(Domain(id=DEFAULT_DOMAIN, name="Default"))
        for name in reversed(ROLES):
            if self.roles.find(domain_id="", name=name) is None:
                role = self.roles.create(Role(id=self.new_id(), name=name))
                implied = IMPLIED_ROLES.get(name)
                if implied is not None:
                    known = self.roles.find(domain_id="", name=implied)
                    assert known is not None  # noqa: S101 - it comes after this one in ROLES
                    self.implications.add(role.id, known.id)

    def new_id(self) -> str:
        """Return an id as the identity service makes them: a uuid without dashes."""
        return self._new_uuid().replace("-", "")

    # -- users and what goes with them ----------------------------------------------------------

    def create_user(
        self,
        name: str,
        password: str | None,
        *,
        id_: str | None = None,
        domain_id: str = DEFAULT_DOMAIN,
        default_project_id: str | None = None,
        description: str = "",
        email: str | None = None,
        enabled: bool = True,
        extra: Mapping[str, Any] | None = None,
    ) -> User:
        """Add a user; of the password only a hash is kept.

        Raises:
            NameTaken: the domain has a user of this name.
        """
        return self.users.create(
            User(
                id=id_ or self.new_id(),
                name=name,
                domain_id=domain_id,
                description=description,
                enabled=enabled,
                email=email,
                default_project_id=default_project_id,
                password=None if password is None else hashed(password),
                extra=dict(extra or {}),
            )
        )

    def set_password(self, user: User, password: str) -> User:
        """Give a user another password; their tokens end."""
        self.revoke_all(user.id)
        return self.users.replace(msgspec.structs.replace(user, password=hashed(password)))

    def delete_user(self, user_id: str) -> None:
        """Remove a user with all that they have."""
        self.users.delete(user_id)
        self.revoke_all(user_id)
        self.credentials.drop(user_id)
        self.secrets.drop(user_id)
        self.memberships.drop(user_id=user_id)
        self.grants.drop(actor="user", actor_id=user_id)

    def delete_group(self, group_id: str) -> None:
        """Remove a group; who was in it loses the roles of it, and their tokens."""
        self.groups.delete(group_id)
        members = self.memberships.members_of(group_id)
        self.memberships.drop(group_id=group_id)
        self.grants.drop(actor="group", actor_id=group_id)
        for user_id in members:
            self.revoke_all(user_id)

    def leave_group(self, user_id: str, group_id: str) -> None:
        """Take a user out of a group; their tokens end.

        Raises:
            NotFound: there is no such group, or they are not in it.
        """
        self.groups.get(group_id)
        self.memberships.remove(user_id, group_id)
        self.revoke_all(user_id)

    def delete_project(self, project_id: str) -> None:
        """Remove a project, and the roles in it."""
        self.projects.delete(project_id)
        for credential in self.credentials.all({"project_id": project_id}):
            self.credentials.delete(credential.id)
        self.grants.drop(scope="project", target=project_id)

    def delete_domain(self, domain_id: str) -> None:
        """Remove a domain with all that is in it.

        Raises:
            NotFound: there is none.
            Immutable: it is the one that every cloud has.
        """
        domain = self.domains.get(domain_id)
        if domain.id == DEFAULT_DOMAIN:
            raise Immutable("domain", domain.name)
        for project in reversed(below(self.projects, domain_id)):
            self.delete_project(project.id)
        for user in self.users.all({"domain_id": domain_id}):
            self.delete_user(user.id)
        for group in self.groups.all({"domain_id": domain_id}):
            self.delete_group(group.id)
        for role in self.roles.all({"domain_id": domain_id}):
            self.delete_role(role.id)
        self.domains.delete(domain_id)
        self.grants.drop(scope="domain", target=domain_id)

    def update_role(self, role: Role) -> Role:
        """Let a role be as given.

        Raises:
            Immutable: it is one that every cloud has, and its name is another one.
        """
        known = self.roles.get(role.id)
        if _is_founded(known) and role.name != known.name:
            raise Immutable("role", known.name)
        return self.roles.replace(role)

    def delete_role(self, role_id: str) -> None:
        """Remove a role.

        Raises:
            Immutable: it is one that every cloud has.
        """
        role = self.roles.get(role_id)
        if _is_founded(role):
            raise Immutable("role", role.name)
        self.roles.delete(role_id)
        self.implications.drop(role_id)
        self.grants.drop(role_id=role_id)

    # -- roles in projects, domains and the system ----------------------------------------------

    def grant(self, assignment: Assignment) -> None:
        """Give a role; twice is harmless.

        Raises:
            NotFound: there is no such user, group, role, project or domain.
        """
        self._check(assignment)
        self.grants.add(assignment)

    def revoke(self, assignment: Assignment) -> None:
        """Take a role away, and with it the tokens and application credentials that have it.

        Raises:
            NotFound: it was not given.
        """
        self._check(assignment)
        self.grants.remove(assignment)
        if assignment.actor == "user":
            users = [assignment.actor_id]
        else:
            users = self.memberships.members_of(assignment.actor_id)
        for user_id in users:
            self._revoke_in(user_id, assignment)

    def _check(self, assignment: Assignment) -> None:
        if assignment.actor == "user":
            self.users.get(assignment.actor_id)
        else:
            self.groups.get(assignment.actor_id)
        self.roles.get(assignment.role_id)
        if assignment.scope == "project":
            self.projects.get(assignment.target)
        elif assignment.scope == "domain":
            self.domains.get(assignment.target)

    def roles_in(self, user_id: str, scope: Scope) -> tuple[str, ...]:
        """Return the ids of the roles that a user has, with those that they imply."""
        return self.grants.roles_in(user_id, scope)

    # -- signing in -----------------------------------------------------------------------------

    def user_by_password(self, user: User | None, password: str) -> User:
        """Return the user whose password it is.

        Raises:
            Unauthorized: there is no such user, the password is another one, or they are disabled.
        """
        kept = _NOBODYS if user is None or user.password is None else user.password
        if not matches(password, kept) or user is None or not user.enabled:
            raise Unauthorized
        return user

    def issue(
        self,
        user: User,
        scope: Scope,
        methods: tuple[str, ...],
        *,
        credential: ApplicationCredential | None = None,
        parent: Token | None = None,
    ) -> tuple[str, Token]:
        """Make a token; return the secret that stands for it, and the token.

        Args:
            user: who has signed in.
            scope: what it is for.
            methods: how; those of `parent` are added.
            credential: what they have signed in with in place of a password.
            parent: the token that they have signed in with; the new one holds no longer.

        Raises:
            Unauthorized: the user has no role there.
        """
        roles = self.roles_in(user.id, scope) if credential is None else credential.roles
        is_scoped = scope != Scope()
        if is_scoped and (not roles or not self._is_open(scope)):
            raise Unauthorized
        now = self._now()
        expires_at = now + TOKEN_LIFE if parent is None else parent.expires_at
        audit_id = self._new_uuid()[:22]
        token = Token(
            user_id=user.id,
            scope=scope,
            roles=roles,
            methods=tuple(dict.fromkeys((*(parent.methods if parent else ()), *methods))),
            issued_at=now,
            expires_at=expires_at,
            audit_ids=(audit_id,) if parent is None else (audit_id, parent.audit_ids[-1]),
            application_credential_id=None if credential is None else credential.id,
            access_rules=None if credential is None else self.credentials.held_to(credential),
        )
        secret = new_secret()
        with self._database.transaction() as transaction:
            transaction.run(_EXPIRED, now=now)
            transaction.run(
                insert_into(tables.tokens),
                fingerprint=fingerprint(secret),
                user_id=user.id,
                expires_at=expires_at,
                value=msgspec.json.encode(token).decode(),
            )
        return secret, token

    def _is_open(self, scope: Scope) -> bool:
        if scope.project_id is None:
            return True
        project = self.projects.find(id=scope.project_id)
        return project is not None and project.enabled

    def validate(self, secret: str | None) -> Token | None:
        """Return the token that a secret stands for; None where it stands for none (any more)."""
        if not secret:
            return None
        replacements = self._database.replacements
        if self._known_since != replacements or len(self._known) > _MOST_KNOWN:
            self._known = {}
            self._known_since = replacements
        known, name = self._known, fingerprint(secret)
        token = known.get(name)
        if token is None or self._database.refusal is not None:
            row = self._database.one(select_by(tables.tokens, "fingerprint"), fingerprint=name)
            if row is None:
                return None
            token = known[name] = _decode_token(row[3])
        return token if token.expires_at > self._now() else None

    def end_token(self, secret: str) -> None:
        """End one token; one that is none is harmless."""
        with self._database.transaction() as transaction:
            transaction.run(
                delete_by(tables.tokens, "fingerprint"), fingerprint=fingerprint(secret)
            )
        self._known = {}

    def revoke_all(self, user_id: str) -> None:
        """End all tokens of a user."""
        with self._database.transaction() as transaction:
            transaction.run(delete_by(tables.tokens, "user_id"), user_id=user_id)
        self._known = {}

    def _revoke_in(self, user_id: str, assignment: Assignment) -> None:
        """End a user's tokens and application credentials for where a role was taken away."""
        if assignment.inherited:
            ends = {Place("project", each.id) for each in below(self.projects, assignment.target)}
        else:
            ends = {Place(assignment.scope, assignment.target)}
        for credential in self.credentials.all({"user_id": user_id}):
            if Place("project", credential.project_id) in ends:
                self.credentials.delete(credential.id)
        self._end_tokens(user_id, lambda token: place_of(token.scope) in ends)

    def delete_credential(self, credential: ApplicationCredential) -> None:
        """Remove an application credential, and the tokens that came of it."""
        self.credentials.delete(credential.id)
        self._end_tokens(
            credential.user_id, lambda token: token.application_credential_id == credential.id
        )

    def _end_tokens(self, user_id: str, ends: Callable[[Token], bool]) -> None:
        with self._database.transaction() as transaction:
            for row in transaction.all(select_by(tables.tokens, "user_id"), user_id=user_id):
                if ends(_decode_token(row[3])):
                    transaction.run(delete_by(tables.tokens, "fingerprint"), fingerprint=row[0])
        self._known = {}


def _is_founded(role: Role) -> bool:
    return role.name in ROLES and not role.domain_id


#: Of nobody: compared with where there is no user, so that asking takes as long.
_NOBODYS = f"{'00' * 16}${'00' * 32}"
