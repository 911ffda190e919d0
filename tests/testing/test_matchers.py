"""Matchers and assertions: each matches what it should, and says what it found where not."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import pytest

import cellrig.testing
from cellrig.errors import NotFound
from cellrig.testing import (
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
    assert_flavor_matches_allocation,
    assert_holds_nothing,
    assert_hypervisor_usage,
)

if TYPE_CHECKING:
    from testtools.matchers._impl import Matcher

    from cellrig import Rig

T = TypeVar("T")

TINY = {"VCPU": 1, "MEMORY_MB": 512, "DISK_GB": 1}


def _mismatch(matcher: Matcher[T], value: T) -> str:
    mismatch = matcher.match(value)
    return "" if mismatch is None else mismatch.describe()


def test_servers_are_matched_by_what_they_are(rig: Rig) -> None:
    server = rig.servers.create(tags=["b", "a"], metadata={"k": "v", "l": "w"}, host="cell1-host2")
    for matcher in (
        IsActive(),
        HasStatus("ACTIVE"),
        IsOnHost("cell1-host2"),
        IsInCell("cell1"),
        HasTags("a", "b"),
        HasMetadata(k="v"),
    ):
        assert matcher.match(server) is None
    told = {
        str(matcher): _mismatch(matcher, server)
        for matcher in (
            HasStatus("SHUTOFF"),
            IsInError("no room"),
            IsOnHost(None),
            IsInCell("cell2"),
            HasTags("a"),
            HasMetadata(k="w"),
        )
    }
    assert told == {
        "HasStatus('SHUTOFF')": f"server {server.id} is ACTIVE; expected SHUTOFF",
        "IsInError(containing='no room')": (
            f"server {server.id} is ACTIVE; expected ERROR with a fault that contains 'no room'"
        ),
        "IsOnHost(None)": (
            f"server {server.id} is ACTIVE is on host cell1-host2; expected host None"
        ),
        "IsInCell('cell2')": f"server {server.id} is ACTIVE is in cell cell1; expected cell cell2",
        "HasTags('a',)": f"server {server.id} has the tags ('a', 'b'); expected ('a',)",
        "HasMetadata({'k': 'w'})": (
            f"server {server.id} has the metadata {{'k': 'v', 'l': 'w'}}; expected {{'k': 'w'}}"
        ),
    }


def test_a_server_in_error_is_matched_by_its_fault(rig: Rig) -> None:
    rig.flavors.create("huge", memory_mb=10_000_000)
    server = rig.servers.create(flavor="huge")
    assert IsInError().match(server) is None
    assert IsInError(containing="no valid host").match(server) is None
    assert "no valid host" in _mismatch(IsActive(), server)
    assert "no valid host" in _mismatch(IsInError("out of paper"), server)


def test_allocations_are_matched_by_amounts_and_host(rig: Rig) -> None:
    server = rig.servers.create(host="cell1-host1")
    assert HasAllocations(rig, TINY).match(server) is None
    assert HasAllocations(rig, {**TINY, "SRIOV_NET_VF": 0}, "cell1-host1").match(server.id) is None
    assert HoldsItsFlavor(rig).match(server) is None
    assert _mismatch(HasAllocations(rig, {"VCPU": 2}), server) == (
        f"server {server.id} holds 1 DISK_GB, 512 MEMORY_MB, 1 VCPU; expected 2 VCPU"
    )
    assert _mismatch(HasAllocations(rig, TINY, "cell1-host2"), server) == (
        f"server {server.id} holds resources of cell1-host1; expected of host cell1-host2 only"
    )
    assert "expected nothing" in _mismatch(HoldsNothing(rig), server)
    rig.servers.delete(server)
    assert HoldsNothing(rig).match(server) is None
    assert "holds nothing; expected 1 DISK_GB" in _mismatch(HoldsItsFlavor(rig), server)


def test_hosts_are_matched_by_what_they_have_given(rig: Rig) -> None:
    rig.servers.create(count=2, host="cell1-host1")
    assert (
        HasUsage(rig, {name: 2 * amount for name, amount in TINY.items()}).match("cell1-host1")
        is None
    )
    assert HasUsage(rig, {}).match("cell1-host2") is None
    assert _mismatch(HasUsage(rig, TINY), "cell1-host2") == (
        "host cell1-host2 has given nothing; expected 1 DISK_GB, 512 MEMORY_MB, 1 VCPU"
    )
    with pytest.raises(NotFound, match="nowhere"):
        HasUsage(rig, {}).match("nowhere")


@pytest.mark.topology(audit=False)
def test_a_rig_is_matched_by_its_audit(rig: Rig) -> None:
    server = rig.servers.create()
    assert HasNoLeaks().match(rig) is None
    rig.placement.delete_allocations(server.id)
    assert server.id in _mismatch(HasNoLeaks(), rig)


def test_functions_assert_the_same_for_every_runner(rig: Rig) -> None:
    tiny, small = rig.flavors.show("m1.tiny"), rig.flavors.show("m1.small")
    server = rig.servers.create(host="cell1-host1")
    other = rig.servers.create(host="cell1-host1", flavor="m1.small")
    assert_flavor_matches_allocation(rig, server)
    assert_hypervisor_usage(rig, "cell1-host1", tiny, small)
    assert_hypervisor_usage(rig, "cell1-host2")
    with pytest.raises(AssertionError, match="host cell1-host1 has given 21 DISK_GB"):
        assert_hypervisor_usage(rig, "cell1-host1", tiny)
    with pytest.raises(AssertionError, match="expected nothing"):
        assert_holds_nothing(rig, other)
    rig.servers.delete(other)
    assert_holds_nothing(rig, other)
    with pytest.raises(AssertionError, match="holds nothing"):
        assert_flavor_matches_allocation(rig, other)


def test_an_assertion_passes_no_seam(rig: Rig) -> None:
    server = rig.servers.create()

    def look() -> None:
        assert_flavor_matches_allocation(rig, server)
        assert HasUsage(rig, TINY).match(str(server.host)) is None
        assert HasNoLeaks().match(rig) is None

    assert rig.faults.seams_passed(look) == []


def test_the_package_has_what_it_says_and_nothing_else() -> None:
    for name in cellrig.testing.__all__:
        assert getattr(cellrig.testing, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'IsGreen'"):
        _ = cellrig.testing.IsGreen
