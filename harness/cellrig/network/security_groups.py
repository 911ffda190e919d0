"""Security groups and their rules, as data: every project has one called ``default``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from cellrig.context import RequestContext
from cellrig.db.database import Transaction
from cellrig.errors import Conflict, NotFound
from cellrig.network.errors import SecurityGroupInUse
from cellrig.network.quotas import Quotas
from cellrig.network.rules import FAMILIES, checked_rule
from cellrig.network.store import Store, no_others, owns, project_for
from cellrig.network.types import SecurityGroup, SecurityGroupRule

DEFAULT = "default"
_SAME_RULE = ("id", "project_id", "description", "created_at", "updated_at")


class SecurityGroups:
    """The security groups and their rules.

    Args:
        store: the network service's things.
        quotas: of projects.
    """

    def __init__(self, store: Store, quotas: Quotas) -> None:
        self._store = store
        self._quotas = quotas

    def create(self, context: RequestContext, wanted: SecurityGroup) -> SecurityGroup:
        """Make a group; it lets everything out, and nothing in."""
        return self.create_all(context, [wanted])[0]

    def create_all(
        self, context: RequestContext, wanted: Sequence[SecurityGroup]
    ) -> tuple[SecurityGroup, ...]:
        """Make several groups, or none."""
        if any(each.name == DEFAULT for each in wanted):
            raise Conflict("a project has its default security group already")
        store, made = self._store, []
        with store.database.transaction() as transaction:
            for each in wanted:
                project_id = project_for(context, each.project_id)
                self.default_of(transaction, project_id)
                self._quotas.check(transaction, store.groups, "security_group", project_id)
                made.append(self._add(transaction, replace(each, project_id=project_id), ()))
        return tuple(made)

    def get(self, context: RequestContext, group_id: str) -> SecurityGroup:
        """Return a group."""
        with self._store.database.transaction() as transaction:
            return self._get(transaction, context, group_id)

    def all(self, context: RequestContext) -> tuple[SecurityGroup, ...]:
        """Return the caller's groups, or everybody's for an administrator, the oldest first."""
        with self._store.database.transaction() as transaction:
            self.default_of(transaction, context.project_id)
            found = self._store.groups.all(transaction)
        return tuple(each for each in found if owns(context, each.project_id))

    def update(
        self, context: RequestContext, group_id: str, changes: Mapping[str, Any]
    ) -> SecurityGroup:
        """Change a group's name or description."""
        no_others(changes, SecurityGroup.__struct_fields__)
        with self._store.database.transaction() as transaction:
            known = self._get(transaction, context, group_id)
            if changes.get("name", known.name) != known.name:
                if known.name == DEFAULT:
                    raise Conflict("the default security group keeps its name")
                if changes["name"] == DEFAULT:
                    raise Conflict("a project has its default security group already")
            changed = replace(known, **{**changes, "updated_at": transaction.now()})
            return self._store.groups.replace(transaction, changed)

    def delete(self, context: RequestContext, group_id: str) -> None:
        """Remove a group that no port has, with its rules and those that let its ports in."""
        store = self._store
        with store.database.transaction() as transaction:
            known = self._get(transaction, context, group_id)
            if known.name == DEFAULT and not context.is_admin:
                raise Conflict("the default security group of a project cannot be removed")
            if any(group_id in port.security_groups for port in store.ports.all(transaction)):
                raise SecurityGroupInUse(group_id)
            for rule in store.rules.all(transaction):
                if group_id in (rule.security_group_id, rule.remote_group_id):
                    store.rules.remove(transaction, rule.id)
            store.groups.remove(transaction, group_id)

    # -- rules -----------------------------------------------------------------------------------

    def rule_create(self, context: RequestContext, wanted: SecurityGroupRule) -> SecurityGroupRule:
        """Add a rule to a group."""
        return self.rule_create_all(context, [wanted])[0]

    def rule_create_all(
        self, context: RequestContext, wanted: Sequence[SecurityGroupRule]
    ) -> tuple[SecurityGroupRule, ...]:
        """Add several rules, or none."""
        checked = [checked_rule(each) for each in wanted]
        with self._store.database.transaction() as transaction:
            return tuple(self._add_asked(transaction, context, each) for each in checked)

    def _add_asked(
        self, transaction: Transaction, context: RequestContext, wanted: SecurityGroupRule
    ) -> SecurityGroupRule:
        store = self._store
        group = self._get(transaction, context, wanted.security_group_id)
        if wanted.remote_group_id is not None:
            self._get(transaction, context, wanted.remote_group_id)
        self._quotas.check(transaction, store.rules, "security_group_rule", group.project_id)
        for each in store.rules.all(transaction, security_group_id=group.id):
            if _said(each) == _said(wanted):
                raise Conflict(f"security group rule already exists: its id is {each.id}")
        return self._add_rule(transaction, group, wanted)

    def rule_get(self, context: RequestContext, rule_id: str) -> SecurityGroupRule:
        """Return a rule."""
        with self._store.database.transaction() as transaction:
            return self._rule(transaction, context, rule_id)

    def rules(self, context: RequestContext) -> tuple[SecurityGroupRule, ...]:
        """Return the rules of the caller's groups, the oldest first."""
        with self._store.database.transaction() as transaction:
            self.default_of(transaction, context.project_id)
            found = self._store.rules.all(transaction)
        return tuple(each for each in found if owns(context, each.project_id))

    def rule_delete(self, context: RequestContext, rule_id: str) -> None:
        """Remove a rule."""
        with self._store.database.transaction() as transaction:
            self._rule(transaction, context, rule_id)
            self._store.rules.remove(transaction, rule_id)

    # -- of ports --------------------------------------------------------------------------------

    def default_of(self, transaction: Transaction, project_id: str) -> SecurityGroup:
        """Return a project's default group, made where it is not there yet."""
        for each in self._store.groups.all(transaction, project_id=project_id, name=DEFAULT):
            return each
        wanted = SecurityGroup(
            name=DEFAULT, project_id=project_id, description="Default security group"
        )
        return self._add(transaction, wanted, FAMILIES)

    def ids_of(
        self, transaction: Transaction, context: RequestContext, names: Sequence[str]
    ) -> tuple[str, ...]:
        """Return the ids of the groups that are named, by name or id, in the caller's project.

        Raises:
            NotFound: there is no such group.
            Conflict: several have the name.
        """
        default = self.default_of(transaction, context.project_id)
        own = self._store.groups.all(transaction, project_id=context.project_id)
        found: dict[str, None] = {}
        for name in names or (default.id,):
            meant = [each.id for each in own if each.id == name]
            meant = meant or [each.id for each in own if each.name == name]
            if not meant:
                raise NotFound("security group", name)
            if len(meant) > 1:
                raise Conflict(f"several security groups are called {name!r}: use an id")
            found[meant[0]] = None
        return tuple(found)

    def _get(
        self, transaction: Transaction, context: RequestContext, group_id: str
    ) -> SecurityGroup:
        found = self._store.groups.get(transaction, group_id)
        if not owns(context, found.project_id):
            raise NotFound("security group", group_id)
        return found

    def _rule(
        self, transaction: Transaction, context: RequestContext, rule_id: str
    ) -> SecurityGroupRule:
        found = self._store.rules.get(transaction, rule_id)
        if not owns(context, found.project_id):
            raise NotFound("security group rule", rule_id)
        return found

    def _add(
        self, transaction: Transaction, wanted: SecurityGroup, from_itself: Sequence[str]
    ) -> SecurityGroup:
        now = transaction.now()
        group = replace(
            wanted, id=wanted.id or self._store.new_uuid(), created_at=now, updated_at=now
        )
        self._store.groups.add(transaction, group)
        for family in FAMILIES:
            rule = SecurityGroupRule(
                security_group_id=group.id, direction="egress", ethertype=family
            )
            self._add_rule(transaction, group, rule)
        for family in from_itself:
            rule = SecurityGroupRule(
                security_group_id=group.id, ethertype=family, remote_group_id=group.id
            )
            self._add_rule(transaction, group, rule)
        return group

    def _add_rule(
        self, transaction: Transaction, group: SecurityGroup, wanted: SecurityGroupRule
    ) -> SecurityGroupRule:
        now = transaction.now()
        rule = replace(
            wanted,
            id=self._store.new_uuid(),
            project_id=group.project_id,
            created_at=now,
            updated_at=now,
        )
        return self._store.rules.add(transaction, rule)


def _said(rule: SecurityGroupRule) -> tuple[Any, ...]:
    names = (name for name in rule.__struct_fields__ if name not in _SAME_RULE)
    return tuple(getattr(rule, name) for name in names)
