"""Resource providers: the nodes of the provider trees, their names, parents and generations."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import and_, bindparam, delete, insert, or_, select, update

from cellrig.db.database import Statement, Transaction
from cellrig.placement import changes
from cellrig.placement.errors import (
    ConcurrentUpdate,
    DuplicateName,
    InvalidWrite,
    ProviderHasChildren,
    ProviderInUse,
    ProviderNotFound,
)
from cellrig.placement.tables import (
    allocations,
    inventories,
    provider_aggregates,
    provider_traits,
    resource_providers,
)
from cellrig.placement.types import Provider


class ProviderRow(NamedTuple):
    """A provider as the database has it, with the uuids of its relatives."""

    id: int
    uuid: str
    name: str
    generation: int
    parent_id: int | None
    root_id: int
    parent_uuid: str | None
    root_uuid: str
    updated_at: float

    def value(self) -> Provider:
        """Return what callers get to see."""
        return Provider(
            self.uuid,
            self.name,
            self.generation,
            self.parent_uuid,
            self.root_uuid,
            self.updated_at,
        )


_own = resource_providers.alias("own")
_parent = resource_providers.alias("parent")
_root = resource_providers.alias("root")
_select = (
    select(
        _own.c.id,
        _own.c.uuid,
        _own.c.name,
        _own.c.generation,
        _own.c.parent_id,
        _own.c.root_id,
        _parent.c.uuid,
        _root.c.uuid,
        _own.c.updated_at,
    )
    .select_from(
        _own.join(_root, _root.c.id == _own.c.root_id).outerjoin(
            _parent, _parent.c.id == _own.c.parent_id
        )
    )
    .order_by(_own.c.id)
)
_ALL = Statement(_select)
_BY_UUID = Statement(_select.where(_own.c.uuid == bindparam("of")))
_BY_NAME = Statement(_select.where(_own.c.name == bindparam("of")))
_BY_ROOT = Statement(_select.where(_own.c.root_id == bindparam("of")))

_columns = resource_providers.c
_CREATE = Statement(
    insert(resource_providers).values(
        {column.name: bindparam(column.name) for column in list(_columns)[1:]}
    )
)
_NAMED = Statement(
    select(_columns.id, _columns.uuid).where(
        or_(_columns.uuid == bindparam("the_uuid"), _columns.name == bindparam("the_name"))
    )
)
_SET_ROOT = Statement(
    update(resource_providers)
    .where(_columns.id.in_(bindparam("of", expanding=True)))
    .values(root_id=bindparam("root"), updated_at=bindparam("at"))
)
_SET_NAME_AND_PARENT = Statement(
    update(resource_providers)
    .where(_columns.id == bindparam("of"))
    .values(name=bindparam("new_name"), parent_id=bindparam("parent"), updated_at=bindparam("at"))
)
_BUMP = Statement(
    update(resource_providers)
    .where(and_(_columns.id == bindparam("of"), _columns.generation == bindparam("before")))
    .values(generation=bindparam("after"), updated_at=bindparam("at"))
)
_CHILD = Statement(select(_columns.id).where(_columns.parent_id == bindparam("of")).limit(1))
_ALLOCATED = Statement(
    select(allocations.c.consumer_uuid).where(allocations.c.provider_id == bindparam("of")).limit(1)
)
_DELETE = tuple(
    Statement(delete(table).where(column == bindparam("of")))
    for table, column in (
        (inventories, inventories.c.provider_id),
        (provider_traits, provider_traits.c.provider_id),
        (provider_aggregates, provider_aggregates.c.provider_id),
        (resource_providers, _columns.id),
    )
)


def find(transaction: Transaction, uuid: str) -> ProviderRow:
    """Return the provider with this uuid; raise `ProviderNotFound` where there is none."""
    row = transaction.one(_BY_UUID, of=uuid)
    if row is None:
        raise ProviderNotFound(uuid)
    return ProviderRow(*row)


def tree_of(transaction: Transaction, uuid: str) -> list[ProviderRow]:
    """Return all providers of the tree that a provider is in, parents before children."""
    row = transaction.one(_BY_UUID, of=uuid)
    if row is None:
        return []
    rows = [ProviderRow(*row) for row in transaction.all(_BY_ROOT, of=ProviderRow(*row).root_id)]
    return _parents_first(rows)


def search(
    transaction: Transaction, name: str | None, uuid: str | None, in_tree: str | None
) -> list[ProviderRow]:
    """Return the providers that have all that is not None, ordered by id."""
    if uuid is not None:
        rows = transaction.all(_BY_UUID, of=uuid)
    elif name is not None:
        rows = transaction.all(_BY_NAME, of=name)
    elif in_tree is not None:
        return sorted(tree_of(transaction, in_tree))
    else:
        rows = transaction.all(_ALL)
    found = [ProviderRow(*row) for row in rows]
    if name is not None:
        found = [row for row in found if row.name == name]
    if in_tree is not None:
        members = {row.id for row in tree_of(transaction, in_tree)}
        found = [row for row in found if row.id in members]
    return found


def create(transaction: Transaction, uuid: str, name: str, parent_uuid: str | None) -> ProviderRow:
    """Create a provider of generation 0; see `PlacementClient.create_provider`."""
    _refuse_duplicates(transaction, None, uuid, name)
    now = transaction.now()
    parent = None if parent_uuid is None else _find_parent(transaction, uuid, parent_uuid)
    transaction.run(
        _CREATE,
        uuid=uuid,
        name=name,
        generation=0,
        parent_id=parent.id if parent else None,
        root_id=parent.root_id if parent else 0,
        updated_at=now,
    )
    ((provider_id, _uuid),) = transaction.all(_NAMED, the_uuid=uuid, the_name=name)
    if parent is None:
        transaction.run(_SET_ROOT, of=[provider_id], root=provider_id, at=now)
    root_id = parent.root_id if parent else provider_id
    changes.record(transaction, [root_id], ("create", uuid, name, parent_uuid))
    return find(transaction, uuid)


def change(transaction: Transaction, uuid: str, name: str, parent_uuid: str | None) -> ProviderRow:
    """Give a provider a name and a parent; see `PlacementClient.update_provider`."""
    row = find(transaction, uuid)
    _refuse_duplicates(transaction, row.id, uuid, name)
    now = transaction.now()
    parent = None if parent_uuid is None else _find_parent(transaction, uuid, parent_uuid)
    roots = {row.root_id}
    if parent_uuid != row.parent_uuid:
        root_id = parent.root_id if parent else row.id
        transaction.run(_SET_ROOT, of=_subtree(transaction, row, parent), root=root_id, at=now)
        roots.add(root_id)
    transaction.run(
        _SET_NAME_AND_PARENT,
        of=row.id,
        new_name=name,
        parent=parent.id if parent else None,
        at=now,
    )
    changes.record(transaction, roots, ("change", uuid, name, parent_uuid))
    return find(transaction, uuid)


def remove(transaction: Transaction, uuid: str) -> None:
    """Delete a provider that gives nothing and has no children, with all that belongs to it."""
    row = find(transaction, uuid)
    if transaction.one(_CHILD, of=row.id):
        raise ProviderHasChildren(uuid)
    if transaction.one(_ALLOCATED, of=row.id):
        raise ProviderInUse(uuid)
    for statement in _DELETE:
        transaction.run(statement, of=row.id)
    changes.record(transaction, [row.root_id], ("remove", uuid))


def check_generation(row: ProviderRow, given: int) -> None:
    """Raise `ConcurrentUpdate` where the provider is not of the generation that was given."""
    if row.generation != given:
        raise ConcurrentUpdate(f"resource provider {row.uuid}", given, row.generation)


def bump_generation(transaction: Transaction, provider_id: int, uuid: str, before: int) -> int:
    """Compare and swap: let the generation be one more than `before`, and return it."""
    after = before + 1
    if not transaction.run(_BUMP, of=provider_id, before=before, after=after, at=transaction.now()):
        raise ConcurrentUpdate(f"resource provider {uuid}", before, "another one")
    return after


def _refuse_duplicates(transaction: Transaction, own_id: int | None, uuid: str, name: str) -> None:
    for other_id, other_uuid in transaction.all(_NAMED, the_uuid=uuid, the_name=name):
        if other_id != own_id:
            raise DuplicateName(*(("uuid", uuid) if other_uuid == uuid else ("name", name)))


def _find_parent(transaction: Transaction, uuid: str, parent_uuid: str) -> ProviderRow:
    row = transaction.one(_BY_UUID, of=parent_uuid)
    if row is None or parent_uuid == uuid:
        raise InvalidWrite(
            f"resource provider {uuid} cannot have the parent {parent_uuid}: "
            + ("it is itself" if parent_uuid == uuid else "there is no such provider")
        )
    return ProviderRow(*row)


def _subtree(transaction: Transaction, row: ProviderRow, parent: ProviderRow | None) -> list[int]:
    """Return the ids of a provider and all below it, which `parent` must not be among."""
    below = {row.id}
    tree = transaction.all(_BY_ROOT, of=row.root_id)
    for member in _parents_first([ProviderRow(*member) for member in tree]):
        if member.parent_id in below:
            below.add(member.id)
    if parent is not None and parent.id in below:
        raise InvalidWrite(
            f"resource provider {row.uuid} cannot have the parent {parent.uuid}: it is below it"
        )
    return sorted(below)


def _parents_first(rows: list[ProviderRow]) -> list[ProviderRow]:
    """Order the providers of one tree: by level, then by id (a parent may be younger)."""
    children: dict[int | None, list[ProviderRow]] = {}
    for row in sorted(rows):
        children.setdefault(row.parent_id, []).append(row)
    ordered: list[ProviderRow] = []
    level = children.get(None, [])
    while level:
        ordered += level
        level = [child for row in level for child in children.get(row.id, ())]
    return ordered
