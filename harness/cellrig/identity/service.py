"""The identity service: who somebody is, and what a token stands for."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec
from sqlalchemy import bindparam, delete

from cellrig.db.database import Database, Statement
from cellrig.db.statements import delete_by, insert_into, select_by
from cellrig.errors import Invalid, NotFound
from cellrig.identity import tables
from cellrig.identity.errors import Immutable, Unauthorized
from cellrig.identity.passwords import fingerprint, hashed, matches, new_secret
from cellrig.identity.things import Things
from cellrig.identity.types import (
    DEFAULT_DOMAIN,
    IMPLIED_ROLES,
    ROLES,
    ApplicationCredential,
    Assignment,
    Domain,
    Project,
    Role,
    Scope,
    Token,
    User,
)

#: Seconds for which a token holds (the field's default).
TOKEN_LIFE = 3600.0

_decode_token = msgspec.json.Decoder(Token).decode
_EXPIRED = Statement(delete(tables.tokens).where(tables.tokens.c.expires_at <= bindparam("now")))


class Identity:
    """Domains, projects, users, roles, assignments and tokens of one rig.

    Args:
        database: the identity service's own.
        now: the rig's clock, on which tokens expire.
        new_uuid: the rig's source of uuids.

    Attributes:
        domains, projects, users, roles, credentials: what there is, by id and name.
    """

    def __init__(
        self, database: Database, now: Callable[[], float], new_uuid: Callable[[], str]
    ) -> None:
        self._database = database
        self._now = now
        self._new_uuid = new_uuid
        self.domains = Things(database, tables.domains, Domain, "domain", ("name",))
        self.projects = Things(database, tables.projects, Project, "project", ("domain_id", "name"))
        self.users = Things(database, tables.users, User, "user", ("domain_id", "name"))
        self.roles = Things(database, tables.roles, Role, "role", ("name",))
        self.credentials = Things(
            database,
            tables.credentials,
            ApplicationCredential,
            "application credential",
            ("user_id", "name"),
        )

    def found(self) -> None:
        """Make what every cloud has: the default domain and the roles. Twice is harmless."""
        if self.domains.find(name="Default") is None:
            self.domains.create(Domain(id=DEFAULT_DOMAIN, name="Default"))
        for name in ROLES:
            if self.roles.find(name=name) is None:
                self.roles.create(Role(id=self.new_id(), name=name))

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
        for credential in self.credentials.all({"user_id": user_id}):
            self.credentials.delete(credential.id)
        self._drop_assignments("user_id", user_id)

    def delete_project(self, project_id: str) -> None:
        """Remove a project, and the roles in it."""
        self.projects.delete(project_id)
        for credential in self.credentials.all({"project_id": project_id}):
            self.credentials.delete(credential.id)
        self._drop_assignments("target", project_id)

    def update_role(self, role: Role) -> Role:
        """Let a role be as given.

        Raises:
            Immutable: it is one that every cloud has, and its name is another one.
        """
        known = self.roles.get(role.id)
        if known.name in ROLES and role.name != known.name:
            raise Immutable("role", known.name)
        return self.roles.replace(role)

    def delete_role(self, role_id: str) -> None:
        """Remove a role.

        Raises:
            Immutable: it is one that every cloud has.
        """
        role = self.roles.get(role_id)
        if role.name in ROLES:
            raise Immutable("role", role.name)
        self.roles.delete(role_id)
        self._drop_assignments("role_id", role_id)

    def _drop_assignments(self, key: str, value: str) -> None:
        with self._database.transaction() as transaction:
            transaction.run(delete_by(tables.assignments, key), **{key: value})

    # -- roles in projects, domains and the system ----------------------------------------------

    def grant(self, assignment: Assignment) -> None:
        """Give a role; twice is harmless.

        Raises:
            NotFound: there is no such user, role, project or domain.
        """
        self._check(assignment)
        keys = msgspec.structs.asdict(assignment)
        with self._database.transaction() as transaction:
            if transaction.one(select_by(tables.assignments, *keys), **keys) is None:
                transaction.run(insert_into(tables.assignments), **keys)

    def revoke(self, assignment: Assignment) -> None:
        """Take a role away, and the tokens that have it.

        Raises:
            NotFound: it was not given.
        """
        self._check(assignment)
        keys = msgspec.structs.asdict(assignment)
        with self._database.transaction() as transaction:
            if not transaction.run(delete_by(tables.assignments, *keys), **keys):
                raise NotFound("role assignment", f"{assignment.role_id} of {assignment.user_id}")
        self.revoke_all(assignment.user_id)

    def _check(self, assignment: Assignment) -> None:
        self.users.get(assignment.user_id)
        self.roles.get(assignment.role_id)
        if assignment.scope == "project":
            self.projects.get(assignment.target)
        elif assignment.scope == "domain":
            self.domains.get(assignment.target)

    def assignments(self, **wanted: str) -> list[Assignment]:
        """Return the roles that are given, those with these fields."""
        with self._database.transaction() as transaction:
            rows = transaction.all(select_by(tables.assignments, *wanted), **wanted)
        return [
            Assignment(user_id=row[0], role_id=row[1], scope=row[2], target=row[3]) for row in rows
        ]

    def roles_in(self, user_id: str, scope: Scope) -> tuple[str, ...]:
        """Return the ids of the roles that a user has, with those that they imply."""
        if scope.project_id is not None:
            place = {"scope": "project", "target": scope.project_id}
        elif scope.domain_id is not None:
            place = {"scope": "domain", "target": scope.domain_id}
        elif scope.system:
            place = {"scope": "system", "target": "all"}
        else:
            return ()
        given = {each.role_id for each in self.assignments(user_id=user_id, **place)}
        return self._with_implied(given)

    def _with_implied(self, role_ids: Iterable[str]) -> tuple[str, ...]:
        by_name = {role.name: role.id for role in self.roles.all()}
        by_id = {id_: name for name, id_ in by_name.items()}
        found: dict[str, None] = {}
        for role_id in sorted(role_ids):
            name: str | None = by_id.get(role_id)
            while name is not None:
                found[by_name[name]] = None
                name = IMPLIED_ROLES.get(name)
        return tuple(found)

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

    def credential_by_secret(
        self, credential: ApplicationCredential | None, secret: str
    ) -> ApplicationCredential:
        """Return the application credential whose secret it is.

        Raises:
            Unauthorized: it is not, or it has expired.
        """
        if credential is None or fingerprint(secret) != credential.secret:
            raise Unauthorized
        expires_at = credential.expires_at
        if expires_at is not None and expires_at <= self._now():
            raise Unauthorized
        return credential

    def create_credential(
        self,
        user_id: str,
        project_id: str,
        name: str,
        *,
        secret: str | None = None,
        roles: tuple[str, ...] | None = None,
        description: str = "",
        unrestricted: bool = False,
        expires_at: float | None = None,
    ) -> tuple[ApplicationCredential, str]:
        """Make an application credential; return it and its secret, which is told only once.

        Raises:
            NameTaken: the user has one of this name.
            Invalid: it asks for roles that its user does not have in the project.
        """
        own = self.roles_in(user_id, Scope(project_id=project_id))
        asked = own if roles is None else roles
        if not set(asked) <= set(own):
            raise Invalid("an application credential has roles of its user in the project only")
        told = secret or new_secret()
        credential = ApplicationCredential(
            id=self.new_id(),
            name=name,
            user_id=user_id,
            project_id=project_id,
            roles=tuple(asked),
            secret=fingerprint(told),
            description=description,
            unrestricted=unrestricted,
            expires_at=expires_at,
        )
        return self.credentials.create(credential), told

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
            methods: how.
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
            methods=methods,
            issued_at=now,
            expires_at=expires_at,
            audit_ids=(audit_id,) if parent is None else (audit_id, parent.audit_ids[-1]),
            application_credential_id=None if credential is None else credential.id,
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
        with self._database.transaction() as transaction:
            row = transaction.one(
                select_by(tables.tokens, "fingerprint"), fingerprint=fingerprint(secret)
            )
        if row is None or row[2] <= self._now():
            return None
        return _decode_token(row[3])

    def end_token(self, secret: str) -> None:
        """End one token; one that is none is harmless."""
        with self._database.transaction() as transaction:
            transaction.run(
                delete_by(tables.tokens, "fingerprint"), fingerprint=fingerprint(secret)
            )

    def revoke_all(self, user_id: str) -> None:
        """End all tokens of a user."""
        with self._database.transaction() as transaction:
            transaction.run(delete_by(tables.tokens, "user_id"), user_id=user_id)


#: Of nobody: compared with where there is no user, so that asking takes as long.
_NOBODYS = f"{'00' * 16}${'00' * 32}"
