"""Moves that fail, are broken off or overlap: nothing is left at any child provider."""

from __future__ import annotations

import pytest
from nested_moves import (
    FORMS,
    MOVES,
    ONE_EACH,
    addresses,
    cards,
    check_devices,
    check_empty,
    cloud,
    held,
    the_move,
)

from cellrig import Rig, Server
from cellrig.placement.errors import ConcurrentUpdate
from cellrig_pytest import RigFactory

# -- what fails --------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("kind", "seam"),
    [
        ("cold", "driver.migrate_disk_and_power_off"),
        ("cold", "driver.finish_migration"),
        ("live", "driver.pre_live_migration"),
        ("live", "driver.live_migration"),
        ("evacuate", "driver.spawn"),
    ],
)
def test_44_a_move_that_fails_leaves_nothing_at_the_destinations_children(
    rig_factory: RigFactory, kind: str, seam: str, form: str
) -> None:
    rig = rig_factory(cloud(cards(form), cards(form)))
    rig.flavors.create("each", memory_mb=512, root_gb=1, extra_specs=ONE_EACH)
    server = rig.servers.create(flavor="each", host="host1")
    before, had = held(rig, server.id), addresses(rig, server)
    rig.faults.fail(seam, times=1)
    if kind == "cold":
        rig.servers.migrate(server)
    elif kind == "live":
        rig.servers.live_migrate(server)
    else:
        rig.crash("host1")
        rig.advance(70)
        rig.servers.evacuate(server)
        rig.restart("host1")
    rig.advance(70)
    assert rig.servers.show(server).host == "host1"
    assert held(rig, server.id) == before
    assert addresses(rig, server) == had
    assert held(rig, the_move(rig, server).uuid) == {}
    check_empty(rig, "host2")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("when", ["verify", "moving"])
def test_44_1848343_a_server_deleted_while_it_moves_leaves_nothing_at_any_child(
    rig_factory: RigFactory, form: str, when: str
) -> None:
    rig = rig_factory(cloud(cards(form), cards(form)))
    rig.flavors.create("each", memory_mb=512, root_gb=1, extra_specs=ONE_EACH)
    server = rig.servers.create(flavor="each", host="host1")
    if when == "verify":
        rig.servers.migrate(server)
        rig.servers.delete(server)
    else:
        hold = rig.faults.hold("driver.finish_migration", times=1)
        with rig.holding():
            rig.servers.migrate(server)
            rig.settle()
            rig.servers.delete(server)
            hold.release()
    rig.advance(70)
    check_empty(rig, "host1")
    check_empty(rig, "host2")


# -- on nested providers again -----------------------------------------------------------------


def make_server(rig: Rig) -> Server:
    """Create a server with a function of each network on host1."""
    rig.flavors.create("each", memory_mb=512, root_gb=1, extra_specs=ONE_EACH)
    return rig.servers.create(flavor="each", host="host1")


@pytest.mark.parametrize("form", FORMS)
def test_16_18_a_host_that_hands_a_move_on_keeps_nothing_of_it(
    rig_factory: RigFactory, form: str
) -> None:
    unable = cards(form, capabilities={"cold_migration": False}, vcpus=128)
    rig = rig_factory(cloud(cards(form), unable, cards(form)))
    server = make_server(rig)
    before = held(rig, server.id)
    prepared = rig.faults.seams_passed(lambda: rig.servers.migrate(server))
    assert sum(passed.seam == "bus.compute.prep_resize" for passed in prepared) == 2
    moved = rig.servers.show(server)
    assert (moved.status, moved.host) == ("VERIFY_RESIZE", "host3")
    assert held(rig, the_move(rig, server).uuid) == before
    check_devices(rig, moved)
    check_empty(rig, "host2")
    rig.servers.confirm_resize(server)
    check_empty(rig, "host1")


@pytest.mark.parametrize("form", FORMS)
def test_33_1821594_a_hypervisor_that_fails_to_forget_holds_no_child_back(
    rig_factory: RigFactory, form: str
) -> None:
    rig = rig_factory(cloud(cards(form), cards(form)))
    server = make_server(rig)
    rig.servers.migrate(server)
    rig.faults.fail("driver.confirm_migration", times=1)
    confirmed = rig.servers.confirm_resize(server)
    rig.advance(70)
    assert (confirmed.status, confirmed.host) == ("ACTIVE", "host2")
    assert held(rig, the_move(rig, server).uuid) == {}
    (root,) = rig.placement.list_providers(name="host1")
    for record in rig.placement.get_provider_tree(root.uuid):
        assert not any(record.usages.values())


@pytest.mark.parametrize("form", FORMS)
def test_37_1862633_an_unshelving_that_fails_takes_nothing_of_any_child(
    rig_factory: RigFactory, form: str
) -> None:
    rig = rig_factory(cloud(cards(form), cards(form)))
    server = make_server(rig)
    rig.servers.shelve(server)
    rig.faults.fail("driver.spawn", times=1)
    shelved = rig.servers.unshelve(server)
    assert (shelved.status, shelved.host) == ("SHELVED_OFFLOADED", None)
    for host in rig.host_names:
        check_empty(rig, host)
    back = rig.servers.unshelve(server)
    assert back.status == "ACTIVE"
    check_devices(rig, back)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("kind", "seam"),
    [
        ("migrate", "driver.migrate_disk_and_power_off"),
        ("migrate", "driver.finish_migration"),
        ("live", "driver.pre_live_migration"),
        ("live", "driver.live_migration"),
        ("evacuate", "driver.spawn"),
    ],
)
def test_40_49_1896463_the_periodic_work_takes_nothing_from_a_guest_that_moves(
    rig_factory: RigFactory, kind: str, seam: str, form: str
) -> None:
    rig = rig_factory(cloud(cards(form), cards(form)))
    server = make_server(rig)
    before = held(rig, server.id)
    there = {name.replace("host1", "host2"): amounts for name, amounts in before.items()}
    if kind == "evacuate":
        rig.crash("host1")
        rig.advance(70)
    act = {
        "migrate": rig.servers.migrate,
        "live": rig.servers.live_migrate,
        "evacuate": rig.servers.evacuate,
    }[kind]
    rig.advance(50)
    hold = rig.faults.hold(seam, times=1)
    with rig.holding():
        act(server)
        rig.settle()
        assert hold.reached
        # Who waits for a host to prepare itself waits for 60 s at most.
        for _round in range(2):
            rig.advance(20 if seam == "driver.pre_live_migration" else 61)
            assert held(rig, server.id) == there
            assert held(rig, the_move(rig, server).uuid) == before
        hold.release()
        rig.settle()
    moved = rig.servers.show(server)
    assert moved.host == "host2"
    check_devices(rig, moved)
    if kind == "evacuate":
        rig.restart("host1")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", ["confirm", "revert", "live", "evacuate"])
@pytest.mark.parametrize("seam", ["placement.post_allocations", "placement.put_allocations"])
def test_42_a_claim_or_a_change_of_owners_that_comes_too_late_is_made_again(
    rig_factory: RigFactory, seam: str, kind: str, form: str
) -> None:
    rig = rig_factory(cloud(cards(form), cards(form), cards(form)))
    server = make_server(rig)
    before = held(rig, server.id)
    late = ConcurrentUpdate("consumer", 1, 2)
    rig.faults.fail(seam, late, times=1)
    if kind in ("confirm", "revert"):
        rig.servers.migrate(server)
        if seam == "placement.post_allocations" and kind == "revert":
            rig.faults.fail(seam, late, times=1)
        end = rig.servers.confirm_resize if kind == "confirm" else rig.servers.revert_resize
        moved = end(server)
    else:
        moved = MOVES[kind](rig, server)
    assert moved.status == "ACTIVE"
    check_devices(rig, moved)
    assert held(rig, the_move(rig, server).uuid) == {}
    assert moved.host == "host1" if kind == "revert" else moved.host != "host1"
    if kind == "revert":
        assert held(rig, server.id) == before
    for host in {"host1", "host2", "host3"} - {str(moved.host)}:
        check_empty(rig, host)


@pytest.mark.parametrize("form", FORMS)
def test_31_35_a_server_deleted_while_its_source_is_down_leaves_nothing_there(
    rig_factory: RigFactory, form: str
) -> None:
    rig = rig_factory(cloud(cards(form), cards(form)))
    server = make_server(rig)
    rig.servers.migrate(server)
    rig.crash("host1")
    rig.advance(70)
    rig.servers.delete(server)
    rig.restart("host1")
    rig.advance(70)
    check_empty(rig, "host1")
    check_empty(rig, "host2")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("ask", ["abort", "force"])
def test_41_a_live_migration_that_is_ended_early_holds_one_side_only(
    rig_factory: RigFactory, ask: str, form: str
) -> None:
    held_up = {"behaviours": [{"on": "live_migration", "does": "hold"}]}
    rig = rig_factory(cloud(cards(form, **held_up), cards(form)))
    server = make_server(rig)
    had = addresses(rig, server)
    with rig.holding():
        rig.servers.live_migrate(server)
        rig.settle()
        (migration,) = rig.migrations.in_progress(server)
        if ask == "abort":
            rig.servers.abort_live_migration(server, migration.uuid)
        else:
            rig.servers.force_complete_live_migration(server, migration.uuid)
        rig.settle()
    ended = rig.servers.show(server)
    where = "host1" if ask == "abort" else "host2"
    assert (ended.status, ended.host) == ("ACTIVE", where)
    check_devices(rig, ended)
    if ask == "abort":
        assert addresses(rig, ended) == had
    check_empty(rig, "host2" if ask == "abort" else "host1")
