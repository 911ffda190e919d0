"""Reading a flavor's extra specs, as far as scheduling takes notice of them.

Names and rules are those of the Compute configuration guide, "Extra Specs"; ``in_tree`` and
``same_subtree`` are the Placement API's query parameters of the same name (microversions 1.31 and
1.36). Keys of other scopes (``hw:``, ``quota:``, ...) are for drivers and pass unread.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from uuid import UUID

import msgspec
import os_resource_classes

from cellrig.errors import Invalid
from cellrig.flavors.comparisons import check_comparison
from cellrig.placement.types import MAX_AMOUNT

#: Scopes whose values are comparisons: with an aggregate's metadata, with a node's own record.
AGGREGATE_SCOPE = "aggregate_instance_extra_specs:"
CAPABILITIES_SCOPE = "capabilities:"

_GROUP = r"([A-Za-z0-9_-]{1,64})?"
_RESOURCES = re.compile(rf"resources{_GROUP}:(.*)")
_TRAIT = re.compile(rf"trait{_GROUP}:(.*)")
_IN_TREE = re.compile(rf"in_tree{_GROUP}")
_SAME_SUBTREE = re.compile(rf"same_subtree{_GROUP}")
_CUSTOM = re.compile(r"CUSTOM_[A-Z0-9_]+")
_POLICIES = ("isolate", "none")
_TRAIT_VALUES = ("required", "forbidden")


class GroupSpecs(msgspec.Struct):
    """What the extra specs say about one request group; filled while they are read."""

    resources: dict[str, int] = {}
    required: list[str] = []
    forbidden: list[str] = []
    in_tree: str | None = None


class PlacementSpecs(msgspec.Struct):
    """What the extra specs say to placement.

    Args:
        groups: by suffix; the unnumbered one has the empty suffix.
        same_subtree: sets of suffixes.
    """

    groups: dict[str, GroupSpecs] = {}
    group_policy: str | None = None
    same_subtree: list[frozenset[str]] = []

    def group(self, suffix: str | None) -> GroupSpecs:
        """Return the group of a suffix, making it where it is new."""
        return self.groups.setdefault(suffix or "", GroupSpecs())


def read_extra_specs(extra_specs: Mapping[str, str]) -> PlacementSpecs:
    """Return what `extra_specs` ask of placement; check also what they ask of host filters.

    Raises:
        Invalid: names the key, its value, and what is taken.
    """
    specs = PlacementSpecs()
    for key, value in extra_specs.items():
        if key.startswith((AGGREGATE_SCOPE, CAPABILITIES_SCOPE)):
            check_comparison(key, value)
        else:
            _read(specs, key, value)
    if extra_specs:
        _check_groups(specs)
    return specs


def check_trait(key: str, value: str, trait: str) -> None:
    """Refuse the trait that an extra spec or image property names, unless it can exist.

    Raises:
        Invalid: it is neither a standard trait nor a custom one.
    """
    if not _CUSTOM.fullmatch(trait) and trait not in _standard_traits():
        raise _wrong(key, value, f"{trait!r} is no trait: it takes one of os-traits or CUSTOM_…")


def _read(specs: PlacementSpecs, key: str, value: str) -> None:
    if match := _RESOURCES.fullmatch(key):
        suffix, resource_class = match.groups()
        specs.group(suffix).resources[_class(key, value, resource_class)] = _amount(key, value)
    elif match := _TRAIT.fullmatch(key):
        suffix, trait = match.groups()
        _read_trait(specs.group(suffix), key, value, trait)
    elif key == "group_policy":
        if value not in _POLICIES:
            raise _wrong(key, value, "it takes 'isolate' or 'none'")
        specs.group_policy = value
    elif match := _IN_TREE.fullmatch(key):
        specs.group(match[1]).in_tree = _uuid(key, value)
    elif _SAME_SUBTREE.fullmatch(key):
        specs.same_subtree.append(frozenset(each.strip() for each in value.split(",")))
    elif key in ("resources", "trait") or re.match(r"(resources|trait)[A-Za-z0-9_-]*:", key):
        raise _wrong(
            key,
            value,
            "such a key is 'resources<group>:<CLASS>' or 'trait<group>:<TRAIT>', the group at most "
            "64 letters, digits, '_' or '-'",
        )


def _read_trait(group: GroupSpecs, key: str, value: str, trait: str) -> None:
    if value not in _TRAIT_VALUES:
        raise _wrong(key, value, "it takes 'required' or 'forbidden'")
    check_trait(key, value, trait)
    (group.required if value == "required" else group.forbidden).append(trait)


def _check_groups(specs: PlacementSpecs) -> None:
    numbered = sorted(suffix for suffix in specs.groups if suffix)
    in_subtrees: set[str] = set()
    for suffixes in specs.same_subtree:
        unknown = sorted(suffixes.difference(numbered))
        if unknown:
            raise _wrong(
                "same_subtree",
                ",".join(sorted(suffixes)),
                f"it takes groups of this flavor ({', '.join(numbered) or 'it has none'}), "
                f"not {', '.join(map(repr, unknown))}",
            )
        in_subtrees |= suffixes
    giving = [suffix for suffix in numbered if any(specs.groups[suffix].resources.values())]
    for suffix in numbered:
        if suffix not in giving and suffix not in in_subtrees:
            raise Invalid(
                f"extra specs ask for no resources in the group {suffix!r}: it takes a "
                f"'resources{suffix}:<CLASS>' of at least 1, or a place in 'same_subtree'"
            )
    if len(giving) > 1 and specs.group_policy is None:
        raise Invalid(
            f"extra spec 'group_policy' is missing: with the groups {', '.join(giving)} it takes "
            "'isolate' or 'none'"
        )


def _class(key: str, value: str, resource_class: str) -> str:
    if resource_class in _standard_classes() or _CUSTOM.fullmatch(resource_class):
        return resource_class
    raise _wrong(
        key,
        value,
        f"{resource_class!r} is no resource class: it takes one of os-resource-classes or CUSTOM_…",
    )


def _amount(key: str, value: str) -> int:
    if not (value.isascii() and value.isdigit() and int(value) <= MAX_AMOUNT):
        raise _wrong(key, value, f"it takes a whole number from 0 to {MAX_AMOUNT}")
    return int(value)


def _uuid(key: str, value: str) -> str:
    try:
        return str(UUID(value))
    except ValueError as error:
        raise _wrong(key, value, "it takes the uuid of a resource provider") from error


def _wrong(key: str, value: str, taken: str) -> Invalid:
    return Invalid(f"extra spec {key!r} is {value!r}: {taken}")


@cache
def _standard_classes() -> frozenset[str]:
    return frozenset(os_resource_classes.STANDARDS)


@cache
def _standard_traits() -> frozenset[str]:
    import os_traits  # some 50 ms, and most rigs name no trait

    return frozenset(os_traits.get_traits())
