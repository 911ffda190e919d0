"""What a test-suite uses of Cellrig beside the rig: a fixture, a test case, matchers, assertions.

For testtools and fixtures: `RigFixture`, `RigTestCase` and the matchers. For pytest: the fixture
``rig`` is there without importing anything, and the functions whose names begin with ``assert_``
raise plain `AssertionError`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cellrig.testing.assertions import (
        assert_flavor_matches_allocation,
        assert_holds_nothing,
        assert_hypervisor_usage,
    )
    from cellrig.testing.case import RigTestCase
    from cellrig.testing.ending import end
    from cellrig.testing.fixture import RigFixture
    from cellrig.testing.matchers import (
        HasAllocations,
        HasMetadata,
        HasNoLeaks,
        HasStatus,
        HasTags,
        HasUsage,
        HoldsItsFlavor,
        HoldsNothing,
        IsActive,
        IsInCell,
        IsInError,
        IsOnHost,
    )
    from cellrig.testing.story import story_of

__all__ = [
    "HasAllocations",
    "HasMetadata",
    "HasNoLeaks",
    "HasStatus",
    "HasTags",
    "HasUsage",
    "HoldsItsFlavor",
    "HoldsNothing",
    "IsActive",
    "IsInCell",
    "IsInError",
    "IsOnHost",
    "RigFixture",
    "RigTestCase",
    "assert_flavor_matches_allocation",
    "assert_holds_nothing",
    "assert_hypervisor_usage",
    "end",
    "story_of",
]

#: Imported when first used: who tests with pytest needs neither testtools nor fixtures.
_HOMES = {
    "RigFixture": "fixture",
    "RigTestCase": "case",
    "assert_flavor_matches_allocation": "assertions",
    "assert_holds_nothing": "assertions",
    "assert_hypervisor_usage": "assertions",
    "end": "ending",
    "story_of": "story",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'cellrig.testing' has no attribute {name!r}")
    from importlib import import_module

    home = import_module(f"cellrig.testing.{_HOMES.get(name, 'matchers')}")
    value: object = getattr(home, name)
    globals()[name] = value
    return value
