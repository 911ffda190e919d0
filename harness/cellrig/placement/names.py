"""Resource classes and traits: the standard ones, and custom ones that live in the database."""

from __future__ import annotations

import re
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from functools import cache

from sqlalchemy import bindparam, delete, insert, select, update

from cellrig.db.database import Statement, Transaction
from cellrig.placement import changes
from cellrig.placement.errors import (
    InvalidWrite,
    ResourceClassExists,
    ResourceClassInUse,
    ResourceClassNotFound,
    TraitInUse,
    TraitNotFound,
)
from cellrig.placement.tables import (
    allocations,
    custom_resource_classes,
    custom_traits,
    inventories,
    provider_traits,
    resource_providers,
)

_CUSTOM = re.compile(r"CUSTOM_[A-Z0-9_]+")
_LONGEST = 255

_CLASSES = Statement(select(custom_resource_classes.c.name).order_by("name"))
_CLASSES_AMONG = Statement(
    select(custom_resource_classes.c.name).where(
        custom_resource_classes.c.name.in_(bindparam("names", expanding=True))
    )
)
_CLASS_TIMES = Statement(
    select(custom_resource_classes.c.updated_at).where(
        custom_resource_classes.c.name.in_(bindparam("names", expanding=True))
    )
)
_ADD_CLASS = Statement(insert(custom_resource_classes))
_TOUCH_CLASS = Statement(
    update(custom_resource_classes)
    .where(custom_resource_classes.c.name == bindparam("of"))
    .values(updated_at=bindparam("at"))
)
_DROP_CLASS = Statement(
    delete(custom_resource_classes).where(custom_resource_classes.c.name == bindparam("of"))
)
_CLASS_USED = Statement(
    select(inventories.c.provider_id)
    .where(inventories.c.resource_class == bindparam("of"))
    .limit(1)
)
_RENAME_CLASS = tuple(
    Statement(
        update(column.table).where(column == bindparam("of")).values({column: bindparam("to")})
    )
    for column in (
        custom_resource_classes.c.name,
        inventories.c.resource_class,
        allocations.c.resource_class,
    )
)
_TREES_WITH_CLASS = Statement(
    select(resource_providers.c.root_id)
    .distinct()
    .select_from(
        inventories.join(resource_providers, resource_providers.c.id == inventories.c.provider_id)
    )
    .where(inventories.c.resource_class == bindparam("of"))
)

_TRAITS = Statement(select(custom_traits.c.name).order_by("name"))
_TRAITS_AMONG = Statement(
    select(custom_traits.c.name).where(custom_traits.c.name.in_(bindparam("names", expanding=True)))
)
_TRAIT_TIMES = Statement(
    select(custom_traits.c.updated_at).where(
        custom_traits.c.name.in_(bindparam("names", expanding=True))
    )
)
_ADD_TRAIT = Statement(insert(custom_traits))
_DROP_TRAIT = Statement(delete(custom_traits).where(custom_traits.c.name == bindparam("of")))
_TRAIT_USED = Statement(
    select(provider_traits.c.provider_id).where(provider_traits.c.trait == bindparam("of")).limit(1)
)
_TRAITS_ASSOCIATED = Statement(select(provider_traits.c.trait).distinct())


@cache
def standard_resource_classes() -> dict[str, None]:
    """Return the names in os-resource-classes, in their order there."""
    import os_resource_classes

    return dict.fromkeys(os_resource_classes.STANDARDS)


@cache
def standard_traits() -> frozenset[str]:
    """Return the names in os-traits."""
    import os_traits  # takes some 50 ms, and a rig without traits needs none of it

    return frozenset(os_traits.get_traits())


def unknown_resource_classes(transaction: Transaction, names: Iterable[str]) -> list[str]:
    """Return those of `names` that are no resource classes, sorted."""
    custom = [name for name in names if name not in standard_resource_classes()]
    if not custom:
        return []
    known = {name for (name,) in transaction.all(_CLASSES_AMONG, names=custom)}
    return sorted(set(custom) - known)


def unknown_traits(transaction: Transaction, names: Iterable[str]) -> list[str]:
    """Return those of `names` that are no traits, sorted."""
    custom = []
    for name in names:
        if name.startswith("CUSTOM_") or name not in standard_traits():
            custom.append(name)  # noqa: PERF401 - the order of the tests spares an import
    if not custom:
        return []
    known = {name for (name,) in transaction.all(_TRAITS_AMONG, names=custom)}
    return sorted(set(custom) - known)


def list_resource_classes(transaction: Transaction) -> tuple[str, ...]:
    """Return the standard classes, then the custom ones by name."""
    return (*standard_resource_classes(), *(name for (name,) in transaction.all(_CLASSES)))


def create_resource_class(transaction: Transaction, name: str) -> bool:
    """Create a custom class unless it exists; return whether it was created."""
    _check_custom("resource class", name)
    if transaction.one(_CLASSES_AMONG, names=[name]):
        return False
    transaction.run(_ADD_CLASS, name=name, updated_at=transaction.now())
    return True


def rename_resource_class(transaction: Transaction, name: str, new_name: str) -> None:
    """Give a custom class another name, in all inventories and allocations."""
    _check_custom("resource class", new_name)
    if name in standard_resource_classes():
        raise InvalidWrite(f"resource class {name} is a standard one and cannot be renamed")
    if not transaction.one(_CLASSES_AMONG, names=[name]):
        raise ResourceClassNotFound(name)
    if name == new_name:
        return
    if transaction.one(_CLASSES_AMONG, names=[new_name]):
        raise ResourceClassExists(new_name)
    roots = [root_id for (root_id,) in transaction.all(_TREES_WITH_CLASS, of=name)]
    for statement in _RENAME_CLASS:
        transaction.run(statement, of=name, to=new_name)
    transaction.run(_TOUCH_CLASS, of=new_name, at=transaction.now())
    changes.record(transaction, roots, ("rename", name, new_name))


def delete_resource_class(transaction: Transaction, name: str) -> None:
    """Delete a custom class that no provider has an inventory of."""
    if name in standard_resource_classes():
        raise InvalidWrite(f"resource class {name} is a standard one and cannot be deleted")
    if not transaction.one(_CLASSES_AMONG, names=[name]):
        raise ResourceClassNotFound(name)
    if transaction.one(_CLASS_USED, of=name):
        raise ResourceClassInUse(name)
    transaction.run(_DROP_CLASS, of=name)


def list_traits(
    transaction: Transaction, associated: bool | None, prefix: str, names: AbstractSet[str]
) -> tuple[str, ...]:
    """Return the traits that fit, by name; see `PlacementClient.list_traits`."""
    found = standard_traits().union(name for (name,) in transaction.all(_TRAITS))
    if associated is not None:
        on_providers = {name for (name,) in transaction.all(_TRAITS_ASSOCIATED)}
        found = found & on_providers if associated else found - on_providers
    if names:
        found &= names
    return tuple(sorted(name for name in found if name.startswith(prefix)))


def create_trait(transaction: Transaction, name: str) -> bool:
    """Create a custom trait unless it exists; return whether it was created."""
    _check_custom("trait", name)
    if transaction.one(_TRAITS_AMONG, names=[name]):
        return False
    transaction.run(_ADD_TRAIT, name=name, updated_at=transaction.now())
    return True


def delete_trait(transaction: Transaction, name: str) -> None:
    """Delete a custom trait that no provider has."""
    if not name.startswith("CUSTOM_") and name in standard_traits():
        raise InvalidWrite(f"trait {name} is a standard one and cannot be deleted")
    if not transaction.one(_TRAITS_AMONG, names=[name]):
        raise TraitNotFound(name)
    if transaction.one(_TRAIT_USED, of=name):
        raise TraitInUse(name)
    transaction.run(_DROP_TRAIT, of=name)


def newest_resource_class(transaction: Transaction, names: Iterable[str]) -> float | None:
    """Return when the youngest of these classes was written; None where none is a custom one."""
    return _newest(transaction, _CLASS_TIMES, names)


def newest_trait(transaction: Transaction, names: Iterable[str]) -> float | None:
    """Return when the youngest of these traits was written; None where none is a custom one."""
    return _newest(transaction, _TRAIT_TIMES, names)


def _newest(transaction: Transaction, times: Statement, names: Iterable[str]) -> float | None:
    custom = [name for name in names if name.startswith("CUSTOM_")]
    found = [time for (time,) in transaction.all(times, names=custom)] if custom else []
    return max(found, default=None)


def _check_custom(kind: str, name: str) -> None:
    if not _CUSTOM.fullmatch(name) or len(name) > _LONGEST:
        raise InvalidWrite(
            f"{kind} {name!r} cannot be created: the name of a custom {kind} is CUSTOM_ and "
            f"capital letters, digits or underscores, at most {_LONGEST} in all"
        )
