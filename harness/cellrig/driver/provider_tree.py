"""The tree of resource providers of one node, as a driver edits it.

The compute manager fills a tree with what placement knows, lets the driver describe the node by
editing it, and flushes only what differs. The tree checks everything that it is told and refuses
with the reason, so that placement never sees half of a wrong description.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from uuid import UUID

import msgspec
import os_resource_classes

from cellrig.driver.errors import ProviderTreeError
from cellrig.placement.types import Inventory

_WORD = re.compile(r"[A-Z0-9_]{1,255}")
_STANDARD_CLASSES = frozenset(os_resource_classes.STANDARDS)


class ProviderData(msgspec.Struct, frozen=True, kw_only=True):
    """One provider of a tree, as plain data.

    Args:
        uuid: the provider's uuid.
        name: unique in the cloud; the root's is the node's name.
        parent_uuid: None for the root.
        inventory: resource class to inventory.
        traits: sorted.
        aggregates: uuids, sorted.
    """

    uuid: str
    name: str
    parent_uuid: str | None = None
    inventory: dict[str, Inventory] = {}
    traits: tuple[str, ...] = ()
    aggregates: tuple[str, ...] = ()


class ProviderTree:
    """The providers of one or more nodes. A provider is named by its name or by its uuid.

    Args:
        new_uuid: where a new provider gets its uuid when the driver names none.
    """

    def __init__(self, new_uuid: Callable[[], str]) -> None:
        self._new_uuid = new_uuid
        #: By uuid, parents before their children: what `to_data` returns.
        self._providers: dict[str, ProviderData] = {}
        self._uuids: dict[str, str] = {}

    @classmethod
    def from_data(
        cls, providers: Iterable[ProviderData], new_uuid: Callable[[], str]
    ) -> ProviderTree:
        """Make a tree of plain data, parents before their children.

        Raises:
            ProviderTreeError: a name or uuid stands twice, or a parent is missing.
        """
        tree = cls(new_uuid)
        for provider in providers:
            tree._add(provider)
        return tree

    def to_data(self) -> tuple[ProviderData, ...]:
        """Return the tree as plain data, parents before their children."""
        return tuple(self._providers.values())

    # Reading

    def exists(self, provider: str) -> bool:
        """Whether there is a provider of this name or uuid."""
        return provider in self._uuids or provider in self._providers

    def data(self, provider: str) -> ProviderData:
        """Return one provider.

        Raises:
            ProviderTreeError: there is none of this name or uuid; the message names those there.
        """
        found = self._providers.get(self._uuids.get(provider, provider))
        if found is None:
            there = ", ".join(self._uuids) or "none"
            raise ProviderTreeError(provider, f"is not in the tree; there are: {there}")
        return found

    def names(self, root: str | None = None) -> tuple[str, ...]:
        """Names of all providers, or of `root` and all beneath it, parents first."""
        if root is None:
            return tuple(self._uuids)
        return tuple(provider.name for provider in self._subtree(root))

    def children(self, provider: str) -> tuple[str, ...]:
        """Names of the providers directly beneath `provider`."""
        uuid = self.data(provider).uuid
        return tuple(each.name for each in self._providers.values() if each.parent_uuid == uuid)

    # Shape

    def new_root(self, name: str, uuid: str | None = None) -> str:
        """Add a provider that has no parent, and return its uuid.

        Raises:
            ProviderTreeError: the name or uuid is there already or malformed.
        """
        return self._add(ProviderData(uuid=uuid or self._new_uuid(), name=name))

    def new_child(self, name: str, parent: str, uuid: str | None = None) -> str:
        """Add a provider beneath `parent`, and return its uuid.

        Raises:
            ProviderTreeError: the name or uuid is there already or malformed, or the parent is not.
        """
        if not self.exists(parent):
            raise ProviderTreeError(name, f"its parent {parent!r} is not in the tree")
        parent_uuid = self.data(parent).uuid
        return self._add(
            ProviderData(uuid=uuid or self._new_uuid(), name=name, parent_uuid=parent_uuid)
        )

    def remove(self, provider: str) -> None:
        """Remove a provider and all beneath it.

        Raises:
            ProviderTreeError: it is not in the tree.
        """
        for gone in self._subtree(provider):
            del self._providers[gone.uuid]
            del self._uuids[gone.name]

    # What a provider has

    def update_inventory(self, provider: str, inventory: Mapping[str, Inventory]) -> None:
        """Replace the inventory of a provider.

        Raises:
            ProviderTreeError: the provider is not there, a class is neither standard nor
                ``CUSTOM_...``, or the numbers of an inventory contradict each other.
        """
        known = self.data(provider)
        for resource_class, record in inventory.items():
            reason = _misfit_of_class(resource_class) or _misfit_of_inventory(record)
            if reason:
                raise ProviderTreeError(known.name, f"inventory {resource_class!r}: {reason}")
        self._replace(known, inventory=dict(inventory))

    def update_traits(self, provider: str, traits: Iterable[str]) -> None:
        """Replace the traits of a provider.

        Raises:
            ProviderTreeError: the provider is not there, or a trait is malformed.
        """
        known = self.data(provider)
        wanted = tuple(sorted(set(traits)))
        for trait in wanted:
            if not isinstance(trait, str) or not _WORD.fullmatch(trait):
                raise ProviderTreeError(
                    known.name,
                    f"trait {trait!r} is not of capital letters, digits and underscores",
                )
        self._replace(known, traits=wanted)

    def add_traits(self, provider: str, *traits: str) -> None:
        """Add traits to a provider; those that it has already are harmless."""
        self.update_traits(provider, (*self.data(provider).traits, *traits))

    def remove_traits(self, provider: str, *traits: str) -> None:
        """Remove traits from a provider; those that it does not have are harmless."""
        kept = [trait for trait in self.data(provider).traits if trait not in traits]
        self.update_traits(provider, kept)

    def update_aggregates(self, provider: str, aggregates: Iterable[str]) -> None:
        """Replace the aggregates, by uuid, that a provider is in.

        Raises:
            ProviderTreeError: the provider is not there, or an aggregate is not a uuid.
        """
        known = self.data(provider)
        wanted = tuple(sorted(set(aggregates)))
        for aggregate in wanted:
            if not _is_uuid(aggregate):
                raise ProviderTreeError(known.name, f"aggregate {aggregate!r} is not a uuid")
        self._replace(known, aggregates=wanted)

    # Inside

    def _add(self, provider: ProviderData) -> str:
        name = provider.name
        if not isinstance(name, str) or not name:
            raise ProviderTreeError(name, "a name is a string that is not empty")
        if name in self._uuids:
            raise ProviderTreeError(name, "the name is in the tree already")
        if not _is_uuid(provider.uuid):
            raise ProviderTreeError(name, f"{provider.uuid!r} is not a uuid")
        if provider.uuid in self._providers:
            other = self._providers[provider.uuid].name
            raise ProviderTreeError(name, f"uuid {provider.uuid} is that of {other!r}")
        if provider.parent_uuid is not None and provider.parent_uuid not in self._providers:
            raise ProviderTreeError(name, f"its parent {provider.parent_uuid} is not in the tree")
        self._providers[provider.uuid] = provider
        self._uuids[name] = provider.uuid
        return provider.uuid

    def _replace(self, provider: ProviderData, **changes: object) -> None:
        # A provider that stays as it was stays the same object: cheap for the manager to see.
        changed = msgspec.structs.replace(provider, **changes)
        if changed != provider:
            self._providers[provider.uuid] = changed

    def _subtree(self, root: str) -> list[ProviderData]:
        found = [self.data(root)]
        uuids = {found[0].uuid}
        # Parents stand before their children, so one pass finds all.
        for provider in self._providers.values():
            if provider.parent_uuid in uuids:
                uuids.add(provider.uuid)
                found.append(provider)
        return found


def _misfit_of_class(resource_class: object) -> str | None:
    if not isinstance(resource_class, str) or not _WORD.fullmatch(resource_class):
        return "a resource class is of capital letters, digits and underscores"
    if resource_class in _STANDARD_CLASSES or resource_class.startswith("CUSTOM_"):
        return None
    return "not a standard resource class; one of your own begins with CUSTOM_"


def _misfit_of_inventory(record: object) -> str | None:
    if not isinstance(record, Inventory):
        return f"takes an Inventory, got {type(record).__name__}"
    return _misfit_of_amounts(record) or _misfit_of_ratio(record.allocation_ratio)


def _misfit_of_amounts(record: Inventory) -> str | None:
    for name in ("total", "reserved", "min_unit", "max_unit", "step_size"):
        number = getattr(record, name)
        if not isinstance(number, int) or isinstance(number, bool):
            return f"{name} is {number!r}, takes a whole number"
        if number < (0 if name == "reserved" else 1):
            return f"{name} is {number}, takes {0 if name == 'reserved' else 1} or more"
    if record.reserved > record.total:
        return f"reserved is {record.reserved}, more than the total of {record.total}"
    if record.min_unit > record.max_unit:
        return f"min_unit is {record.min_unit}, more than max_unit, which is {record.max_unit}"
    return None


def _misfit_of_ratio(ratio: object) -> str | None:
    if not isinstance(ratio, int | float) or isinstance(ratio, bool) or not ratio > 0:
        return f"allocation_ratio is {ratio!r}, takes a number above 0"
    return None


def _is_uuid(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(UUID(value))
    except ValueError:
        return False
