"""Failures of placement, each with the stable code that the Placement API gives it since 1.23.

The codes are those of the API reference; what has none there has ``placement.undefined_code``.
"""

from __future__ import annotations

from typing import ClassVar

from cellrig.errors import Conflict, Invalid, NotFound

UNDEFINED_CODE = "placement.undefined_code"


class _Missing(NotFound):
    """Something that was named by its name or uuid alone.

    Args:
        name: what was given.
    """

    thing: ClassVar[str]
    code: ClassVar[str] = UNDEFINED_CODE

    @property
    def kind(self) -> str:
        """What sort of thing was looked for."""
        return self.thing

    @property
    def name(self) -> str:
        """The name or uuid that was given."""
        return str(self.args[0])


class ProviderNotFound(_Missing):
    """No resource provider has this uuid."""

    template = "resource provider {0} does not exist"
    thing = "resource provider"
    code = "placement.resource_provider.not_found"


class TraitNotFound(_Missing):
    """No trait has this name."""

    template = "trait {0} does not exist"
    thing = "trait"


class ResourceClassNotFound(_Missing):
    """No resource class has this name."""

    template = "resource class {0} does not exist"
    thing = "resource class"


class ConcurrentUpdate(Conflict):
    """Somebody else has written since the caller read.

    Args:
        what: the provider or consumer.
        given: the generation that the caller named.
        actual: the generation that it has; None where it does not exist.
    """

    template = "{0} has generation {2}, not {1}: it was changed in between"
    code: ClassVar[str] = "placement.concurrent_update"


class DuplicateName(Conflict):
    """Another provider has the name or the uuid."""

    template = "a resource provider with {0} {1} exists already"
    code: ClassVar[str] = "placement.duplicate_name"


class InventoryInUse(Conflict):
    """An inventory that has allocations cannot go."""

    template = "resource provider {0} has allocations of {1}, so that inventory must stay"
    code: ClassVar[str] = "placement.inventory.inuse"


class ProviderInUse(Conflict):
    """A provider that has allocations cannot go."""

    template = "resource provider {0} has allocations, so it must stay"
    code: ClassVar[str] = "placement.resource_provider.inuse"


class ProviderHasChildren(Conflict):
    """A provider that is a parent cannot go."""

    template = "resource provider {0} is the parent of others, so it must stay"
    code: ClassVar[str] = "placement.resource_provider.cannot_delete_parent"


class TraitInUse(Conflict):
    """A trait that a provider has cannot go."""

    template = "trait {0} is on resource providers, so it must stay"
    code: ClassVar[str] = UNDEFINED_CODE


class ResourceClassInUse(Conflict):
    """A resource class that a provider has an inventory of cannot go."""

    template = "resource class {0} has inventories, so it must stay"
    code: ClassVar[str] = UNDEFINED_CODE


class ResourceClassExists(Conflict):
    """A resource class cannot be given the name of another."""

    template = "resource class {0} exists already"
    code: ClassVar[str] = UNDEFINED_CODE


class AllocationRefused(Conflict):
    """A provider cannot give what was asked of it. The subclasses tell why."""

    code: ClassVar[str] = UNDEFINED_CODE


class NoInventory(AllocationRefused):
    """The provider has nothing of the class."""

    template = "resource provider {0} has no inventory of {1}"


class UnitsViolated(AllocationRefused):
    """The amount breaks the inventory's units."""

    template = (
        "resource provider {0} gives {1} in amounts from {3} to {4} "
        "that are multiples of {5}, not {2}"
    )


class CapacityExceeded(AllocationRefused):
    """The provider has not enough left."""

    template = "resource provider {0} has {3} of {4} {1} left, not the {2} that were asked for"


class InvalidQuery(Invalid):
    """A query of candidates or providers is wrong in itself."""

    code: ClassVar[str] = UNDEFINED_CODE


class ContradictoryQuery(InvalidQuery):
    """Parts of a query of candidates do not fit each other."""

    code: ClassVar[str] = "placement.query.bad_value"


class InvalidWrite(Invalid):
    """What shall be written names something that does not exist, or cannot be."""

    code: ClassVar[str] = UNDEFINED_CODE
