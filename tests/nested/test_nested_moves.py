"""Moves of guests that have devices or other things of child providers, and what holds them."""

from __future__ import annotations

import pytest
from nested_moves import (
    FORMS,
    MOVES,
    ONE_EACH,
    PUBLIC,
    addresses,
    cards,
    check_devices,
    check_empty,
    cloud,
    functions,
    held,
    of_devices,
    owned,
    the_move,
)

from cellrig_pytest import RigFactory

# -- every kind of move ------------------------------------------------------------------------


@pytest.mark.parametrize("numa_cells", [0, 2])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", MOVES)
def test_44_a_moved_guest_has_functions_there_and_gives_back_what_it_had(
    rig_factory: RigFactory, kind: str, form: str, numa_cells: int
) -> None:
    options = cards(form, numa_cells=numa_cells)
    rig = rig_factory(cloud(options, options))
    rig.flavors.create("each", memory_mb=512, root_gb=1, extra_specs=ONE_EACH)
    neighbour = rig.servers.create(flavor="each", host="host2")
    server = rig.servers.create(flavor="each", host="host1")
    before = addresses(rig, server)
    cell = "_NUMA0" if numa_cells else ""

    moved = MOVES[kind](rig, server)

    assert (moved.status, moved.host, moved.fault) == ("ACTIVE", "host2", None)
    now = held(rig, server.id)
    assert of_devices(now) == functions(form, "host2", place=1)
    assert set(now) == {"host2", f"host2{cell}", *functions(form, "host2", place=1)}
    flavor = moved.flavor
    general = {"VCPU": flavor.vcpus, "MEMORY_MB": flavor.memory_mb}
    assert {**now["host2"], **now[f"host2{cell}"]} == {"DISK_GB": flavor.root_gb, **general}
    check_devices(rig, moved)
    check_devices(rig, neighbour)
    assert set(addresses(rig, moved)).isdisjoint(addresses(rig, neighbour))
    assert addresses(rig, moved) != before
    check_empty(rig, "host1")
    assert rig.audit.findings() == []


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", ["cold", "live"])
def test_44_while_a_guest_moves_both_sides_are_held_and_nothing_else(
    rig_factory: RigFactory, kind: str, form: str
) -> None:
    rig = rig_factory(cloud(cards(form), cards(form)))
    rig.flavors.create("each", memory_mb=512, root_gb=1, extra_specs=ONE_EACH)
    server = rig.servers.create(flavor="each", host="host1")
    source = held(rig, server.id)
    seam = {"cold": "driver.finish_migration", "live": "driver.live_migration"}[kind]
    hold = rig.faults.hold(seam, times=1)
    with rig.holding():
        MOVES["live"](rig, server) if kind == "live" else rig.servers.migrate(server)
        rig.settle()
        assert hold.reached
        migration = the_move(rig, server)
        assert held(rig, migration.uuid) == source
        there = {name.replace("host1", "host2"): amounts for name, amounts in source.items()}
        assert held(rig, server.id) == there
        hold.release()
        rig.settle()
    assert rig.servers.show(server).host == "host2"
    assert rig.audit.findings() == []


# -- back again --------------------------------------------------------------------------------


@pytest.mark.parametrize("numa_cells", [0, 2])
@pytest.mark.parametrize("form", (*FORMS, "root"))
@pytest.mark.parametrize("same_host", [False, True])
def test_44_a_reverted_move_brings_back_the_very_devices(
    rig_factory: RigFactory, form: str, same_host: bool, numa_cells: int
) -> None:
    card = {**PUBLIC, "tree": form}
    options = {"sriov": [card], "numa_cells": numa_cells}
    rig = rig_factory(cloud(*[options] * (1 if same_host else 2), same_host=same_host))
    rig.flavors.create("vf", memory_mb=512, root_gb=1, extra_specs={"resources:SRIOV_NET_VF": "1"})
    rig.flavors.create(
        "two", memory_mb=1024, root_gb=1, extra_specs={"resources:SRIOV_NET_VF": "1"}
    )
    server = rig.servers.create(flavor="vf", host="host1")
    had, before = addresses(rig, server), held(rig, server.id)

    resized = rig.servers.resize(server, "two")
    assert (resized.status, resized.fault) == ("VERIFY_RESIZE", None)
    assert resized.host == ("host1" if same_host else "host2")
    assert held(rig, the_move(rig, server).uuid) == before
    check_devices(rig, resized)
    assert len(addresses(rig, resized)) == 1
    if same_host:
        assert addresses(rig, resized) != had

    back = rig.servers.revert_resize(server)
    assert (back.status, back.host, back.fault) == ("ACTIVE", "host1", None)
    assert addresses(rig, back) == had
    assert held(rig, server.id) == before
    assert owned(rig, "host1") == {server.id: of_devices(before)}
    if not same_host:
        check_empty(rig, "host2")


@pytest.mark.parametrize("form", FORMS)
def test_50_a_guest_resized_on_its_host_gets_its_own_functions_only(
    rig_factory: RigFactory, form: str
) -> None:
    rig = rig_factory(cloud(cards(form), same_host=True))
    rig.flavors.create("each", memory_mb=512, root_gb=1, extra_specs=ONE_EACH)
    rig.flavors.create("more", memory_mb=1024, root_gb=1, extra_specs=ONE_EACH)
    server = rig.servers.create(flavor="each")
    had = addresses(rig, server)
    resized = rig.servers.resize(server, "more")
    assert resized.status == "VERIFY_RESIZE", resized.fault
    assert len(addresses(rig, resized)) == 2
    assert set(addresses(rig, resized)).isdisjoint(had)
    check_devices(rig, resized)
    # Both sizes together hold all functions of both cards.
    third = rig.servers.create(flavor="each")
    assert third.status == "ERROR"
    confirmed = rig.servers.confirm_resize(server)
    assert addresses(rig, confirmed) == addresses(rig, resized)
    assert rig.servers.create(flavor="each").status == "ACTIVE"


@pytest.mark.parametrize("form", FORMS)
def test_50_lost_allocations_are_healed_also_while_a_resize_on_the_same_host_waits(
    rig_factory: RigFactory, form: str
) -> None:
    rig = rig_factory(cloud(cards(form), same_host=True))
    rig.flavors.create("each", memory_mb=512, root_gb=1, extra_specs=ONE_EACH)
    rig.flavors.create("more", memory_mb=1024, root_gb=1, extra_specs=ONE_EACH)
    server = rig.servers.create(flavor="each")
    rig.servers.resize(server, "more")
    lost = held(rig, server.id)
    rig.placement.delete_allocations(server.id)
    rig.advance(61.0)
    assert held(rig, server.id) == lost
    assert rig.servers.confirm_resize(server).status == "ACTIVE"
