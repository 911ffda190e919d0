"""Moves between hosts of different builds, and between hosts that share storage."""

from __future__ import annotations

from typing import Any

import pytest
from nested_moves import (
    MOVES,
    ON_PUBLIC,
    ONE_EACH,
    PUBLIC,
    STORAGE,
    addresses,
    cards,
    check_devices,
    check_empty,
    cloud,
    held,
    the_move,
)

from cellrig import Rig
from cellrig.placement.types import Inventory
from cellrig_pytest import RigFactory

# -- from and to hosts of another build --------------------------------------------------------


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("kind", ["functions", "numa"])
def test_45_between_flat_and_nested_hosts_a_guest_moves_by_each_hosts_own_candidates(
    rig_factory: RigFactory, kind: str, force: bool
) -> None:
    builds: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
        "functions": ({"sriov": [{**PUBLIC, "tree": "root"}]}, {"sriov": [PUBLIC]}),
        "numa": ({}, {"numa_cells": 2}),
    }
    rig = rig_factory(cloud(*builds[kind]))
    specs = {"resources:SRIOV_NET_VF": "1"} if kind == "functions" else {}
    rig.flavors.create("plain", memory_mb=512, root_gb=1, extra_specs=specs)
    server = rig.servers.create(flavor="plain", host="host1")
    flat_held = held(rig, server.id)
    assert set(flat_held) == {"host1"}

    there = rig.servers.live_migrate(server, "host2", force=force)
    assert (there.status, there.host, there.fault) == ("ACTIVE", "host2", None)
    child = "host2_0000:81:00.0" if kind == "functions" else "host2_NUMA0"
    assert set(held(rig, server.id)) == {"host2", child}
    check_devices(rig, there)
    check_empty(rig, "host1")

    back = rig.servers.live_migrate(server, "host1", force=force)
    assert (back.status, back.host, back.fault) == ("ACTIVE", "host1", None)
    assert held(rig, server.id) == flat_held
    check_devices(rig, back)
    check_empty(rig, "host2")


@pytest.mark.parametrize("force", [False, True])
def test_45_a_forced_move_to_a_host_without_such_devices_fails_and_changes_nothing(
    rig_factory: RigFactory, force: bool
) -> None:
    rig = rig_factory(cloud(cards("inventory"), {}))
    rig.flavors.create("each", memory_mb=512, root_gb=1, extra_specs=ONE_EACH)
    server = rig.servers.create(flavor="each", host="host1")
    before, had = held(rig, server.id), addresses(rig, server)
    stays = rig.servers.live_migrate(server, "host2", force=force)
    assert (stays.status, stays.host) == ("ACTIVE", "host1")
    assert stays.fault is not None
    assert "SRIOV_NET_VF" in stays.fault.message
    assert (held(rig, server.id), addresses(rig, server)) == (before, had)
    check_empty(rig, "host2")


def test_50_a_card_on_another_network_is_no_destination(rig_factory: RigFactory) -> None:
    options = {"sriov": [STORAGE]}
    rig = rig_factory(cloud({"sriov": [PUBLIC]}, options))
    rig.flavors.create("public", memory_mb=512, root_gb=1, extra_specs=ON_PUBLIC)
    server = rig.servers.create(flavor="public")
    assert server.host == "host1"
    for move in (rig.servers.migrate, rig.servers.live_migrate):
        stays = move(server)
        assert (stays.status, stays.host) == ("ACTIVE", "host1")
    check_devices(rig, rig.servers.show(server))


# -- who shares storage ------------------------------------------------------------------------


def share_storage(rig: Rig, *hosts: str) -> str:
    """Let hosts take their disks of one provider; return its uuid."""
    uuid, aggregate = rig.new_uuid(), rig.new_uuid()
    placement = rig.placement
    placement.create_provider("storage", uuid=uuid)
    generation = placement.set_inventories(uuid, {"DISK_GB": Inventory(1000)}, generation=0)
    generation = placement.set_traits(
        uuid, frozenset({"MISC_SHARES_VIA_AGGREGATE"}), generation=generation
    )
    placement.set_aggregates(uuid, frozenset({aggregate}), generation=generation)
    for host in hosts:
        # Its own tree is made anew, so that the provider that shares with it is the older one.
        (root,) = placement.list_providers(name=host)
        for record in reversed(placement.get_provider_tree(root.uuid)):
            placement.delete_provider(record.uuid)
    rig.advance(61)
    for host in hosts:
        (root,) = placement.list_providers(name=host)
        placement.set_aggregates(root.uuid, frozenset({aggregate}), generation=root.generation)
    return uuid


@pytest.mark.parametrize("end", ["confirm", "revert"])
@pytest.mark.parametrize("kind", ["cold", "live", "evacuate", "shelve"])
def test_44_shared_storage_is_held_by_both_owners_while_a_server_moves(
    rig_factory: RigFactory, kind: str, end: str
) -> None:
    # No disk of a host's own is as large as the flavor's: it comes from elsewhere.
    options = cards("inventory", disk_gb=3, disk_allocation_ratio=2)
    rig = rig_factory(cloud(options, options))
    share_storage(rig, "host1", "host2")
    rig.flavors.create("disk", memory_mb=512, root_gb=5, extra_specs=ONE_EACH)
    server = rig.servers.create(flavor="disk", host="host1")
    assert server.status == "ACTIVE", server.fault
    before = held(rig, server.id)
    assert before["storage"] == {"DISK_GB": 5}
    if kind == "cold":
        moved = rig.servers.migrate(server)
        assert moved.status == "VERIFY_RESIZE", moved.fault
        assert held(rig, the_move(rig, server).uuid) == before
        assert held(rig, server.id)["storage"] == {"DISK_GB": 5}
        moved = (rig.servers.confirm_resize if end == "confirm" else rig.servers.revert_resize)(
            server
        )
    else:
        moved = MOVES[kind](rig, server)
    where = "host1" if (kind, end) == ("cold", "revert") else "host2"
    assert (moved.status, moved.host) == ("ACTIVE", where), moved.fault
    after = {name.replace("host1", where): amounts for name, amounts in before.items()}
    assert held(rig, server.id) == after
    check_devices(rig, moved)
    (storage,) = rig.placement.list_providers(name="storage")
    assert rig.placement.get_provider_usages(storage.uuid) == {"DISK_GB": 5}
