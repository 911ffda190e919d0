"""What applications sign in with in place of their users, and what they may ask then."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from cellrig.db.database import Database
from cellrig.errors import Forbidden, Invalid, NotFound
from cellrig.identity import tables
from cellrig.identity.errors import Unauthorized
from cellrig.identity.grants import Grants
from cellrig.identity.passwords import fingerprint, new_secret
from cellrig.identity.records import Records
from cellrig.identity.things import Things
from cellrig.identity.types import AccessRule, ApplicationCredential, Scope

Rule = dict[str, str]


class ApplicationCredentials(Things[ApplicationCredential]):
    """The application credentials, by id and name.

    Args:
        database: the identity service's.
        now: the rig's clock, on which they expire.
        new_id: makes ids.
        grants: the roles that their users have.

    Attributes:
        rules: what users let their credentials ask; they outlive the credentials.
    """

    def __init__(
        self,
        database: Database,
        now: Callable[[], float],
        new_id: Callable[[], str],
        grants: Grants,
    ) -> None:
        called = "application credential"
        super().__init__(
            database, tables.credentials, ApplicationCredential, called, ("user_id", "name")
        )
        self._now = now
        self._new_id = new_id
        self._grants = grants
        self.rules = Records(database, "access_rule", "access rule")

    def by_secret(
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

    def make(
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
        rules: Iterable[Mapping[str, str]] | None = None,
    ) -> tuple[ApplicationCredential, str]:
        """Make an application credential; return it and its secret, which is told only once.

        Args:
            user_id, project_id: whose it is, and where.
            name: which none of the user's others has.
            secret: None for one that is made up.
            roles: ids of the roles that it has; None for all.
            description: for people.
            unrestricted: whether it may make credentials itself.
            expires_at: seconds since the epoch; None for never.
            rules: what alone may be asked with it, each by its fields, or by the ``id`` of one that
                the user has already; None for everything.

        Raises:
            NameTaken: the user has one of this name.
            Invalid: it asks for roles that its user does not have in the project.
            NotFound: the user has no such rule.
        """
        own = self._grants.roles_in(user_id, Scope(project_id=project_id))
        asked = own if roles is None else roles
        if not set(asked) <= set(own):
            raise Invalid("an application credential has roles of its user in the project only")
        told = secret or new_secret()
        credential = ApplicationCredential(
            id=self._new_id(),
            name=name,
            user_id=user_id,
            project_id=project_id,
            roles=tuple(asked),
            secret=fingerprint(told),
            description=description,
            unrestricted=unrestricted,
            expires_at=expires_at,
            access_rules=None
            if rules is None
            else tuple(self._rule_id(user_id, rule) for rule in rules),
        )
        return self.create(credential), told

    def _rule_id(self, user_id: str, asked: Mapping[str, str]) -> str:
        """Return the id of a user's rule, which is made where there is none like it."""
        for rule in self.rules.all(user_id):
            if all(rule[key] == value for key, value in asked.items()):
                return str(rule["id"])
        if "id" in asked:
            raise NotFound("access rule", asked["id"])
        made = self.rules.create({**asked, "id": self._new_id()}, user_id)
        return str(made["id"])

    def rule(self, user_id: str, rule_id: str) -> Rule:
        """Return a rule of a user's.

        Raises:
            NotFound: they have none with that id.
        """
        for rule in self.rules.all(user_id):
            if rule["id"] == rule_id:
                return rule
        raise NotFound("access rule", rule_id)

    def delete_rule(self, user_id: str, rule_id: str) -> None:
        """Remove a rule of a user's.

        Raises:
            NotFound: they have none with that id.
            Forbidden: a credential is held to it.
        """
        self.rule(user_id, rule_id)
        if any(rule_id in (each.access_rules or ()) for each in self.all({"user_id": user_id})):
            raise Forbidden(f"access rule {rule_id} is that of an application credential")
        self.rules.delete(rule_id)

    def held_to(self, credential: ApplicationCredential) -> tuple[AccessRule, ...] | None:
        """Return what alone may be asked with a credential; None for everything."""
        if credential.access_rules is None:
            return None
        rules = [self.rules.get(id_) for id_ in credential.access_rules]
        return tuple(AccessRule(each["service"], each["method"], each["path"]) for each in rules)

    def drop(self, user_id: str) -> None:
        """Remove all credentials and rules of a user."""
        for credential in self.all({"user_id": user_id}):
            self.delete(credential.id)
        self.rules.drop(user_id)
