"""Server groups: what binds a boot binds a move."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest
from policy_moves import MOVES, cell, die, each_move, end, told

from cellrig import Rig, Server
from cellrig_pytest import RigFactory

# -- groups ------------------------------------------------------------------------------------


@each_move
def test_a_member_of_an_anti_affinity_group_moves_only_away_from_the_others(
    rig_factory: RigFactory, kind: str
) -> None:
    rig = rig_factory(cell(3))
    group = rig.server_groups.create("apart", "anti-affinity")
    first = rig.servers.create(group=group.uuid, host="host1")
    rig.servers.create(group=group.uuid, host="host2")
    moved = end(rig, MOVES[kind](rig, first))
    assert (moved.status, moved.host) == ("ACTIVE", "host3")


@each_move
def test_a_member_of_an_anti_affinity_group_stays_where_no_host_is_without_members(
    rig_factory: RigFactory, kind: str
) -> None:
    rig = rig_factory(cell(2))
    group = rig.server_groups.create("apart", "anti-affinity")
    first = rig.servers.create(group=group.uuid, host="host1")
    rig.servers.create(group=group.uuid, host="host2")
    stays = MOVES[kind](rig, first)
    assert "at most 1" in told(stays)
    if kind == "unshelve":
        assert (stays.status, stays.host) == ("SHELVED_OFFLOADED", None)
    else:
        assert (stays.status, stays.host) == ("ACTIVE", "host1")
    end(rig, stays)


@each_move
def test_a_rule_counts_members_on_a_move_too(rig_factory: RigFactory, kind: str) -> None:
    rig = rig_factory(cell(3))
    group = rig.server_groups.create("pairs", "anti-affinity", {"max_server_per_host": 2})
    first = rig.servers.create(group=group.uuid, host="host1")
    for host in ("host2", "host2", "host3"):
        rig.servers.create(group=group.uuid, host=host)
    moved = end(rig, MOVES[kind](rig, first))
    assert (moved.status, moved.host) == ("ACTIVE", "host3")


@each_move
def test_a_member_of_an_affinity_group_is_not_parted_from_the_others(
    rig_factory: RigFactory, kind: str
) -> None:
    rig = rig_factory(cell(3))
    group = rig.server_groups.create("together", "affinity")
    first = rig.servers.create(group=group.uuid, host="host1")
    rig.servers.create(group=group.uuid)
    stays = MOVES[kind](rig, first)
    assert stays.host in ("host1", None)
    assert stays.status in ("ACTIVE", "SHELVED_OFFLOADED")
    assert stays.fault is not None
    end(rig, stays)


@each_move
def test_the_only_member_of_an_affinity_group_may_go_anywhere(
    rig_factory: RigFactory, kind: str
) -> None:
    rig = rig_factory(cell(2))
    group = rig.server_groups.create("together", "affinity")
    server = rig.servers.create(group=group.uuid, host="host1")
    moved = end(rig, MOVES[kind](rig, server))
    assert (moved.status, moved.host) == ("ACTIVE", "host2")


@each_move
def test_28_a_member_that_lands_after_the_scheduler_looked_is_seen_late(
    rig_factory: RigFactory, kind: str
) -> None:
    rig = rig_factory(cell(3))
    group = rig.server_groups.create("apart", "anti-affinity")
    server = rig.servers.create(group=group.uuid, host="host1")
    rig.services.disable("host3")  # one destination is left
    late = {
        "live": "bus.compute.check_can_live_migrate_destination",
        "evacuate": "bus.compute.evacuate_instance",
        "unshelve": "bus.compute.unshelve_instance",
    }.get(kind, "bus.compute.prep_resize")
    hold = rig.faults.hold(late, times=1)
    if kind == "unshelve":
        rig.servers.shelve(server)
        rig.services.disable("host1")
    act = rig.servers.unshelve if kind == "unshelve" else partial(MOVES[kind], rig)
    with rig.holding():
        act(server)
        rig.settle()
        assert hold.reached
        newcomer = rig.servers.create(group=group.uuid, zone="nova:host2")
        rig.settle()
        hold.release()
        rig.settle()
    newcomer, server = rig.servers.show(newcomer), rig.servers.show(server)
    assert (newcomer.status, newcomer.host) == ("ACTIVE", "host2")
    assert server.host in ("host1", None)
    assert "anti-affinity" in told(server)
    end(rig, server)
    assert rig.audit.findings() == []


@pytest.mark.parametrize("kind", ["resize", "migrate", "live", "evacuate"])
def test_28_a_build_does_not_land_where_a_member_is_about_to_arrive(
    rig_factory: RigFactory, kind: str
) -> None:
    rig = rig_factory(cell(3))
    group = rig.server_groups.create("apart", "anti-affinity")
    server = rig.servers.create(group=group.uuid, host="host1")
    rig.services.disable("host3")
    build = rig.faults.hold("bus.compute.build_and_run_instance", times=1)
    move = rig.faults.hold(
        {"live": "driver.pre_live_migration", "evacuate": "driver.spawn"}.get(
            kind, "driver.migrate_disk_and_power_off"
        ),
        times=1,
    )
    with rig.holding():
        newcomer = rig.servers.create(group=group.uuid, host="host2")
        rig.settle()
        assert build.reached
        MOVES[kind](rig, server)
        rig.settle()
        assert move.reached
        build.release()
        rig.settle()
        assert rig.servers.show(newcomer).status == "ERROR"
        move.release()
        rig.settle()
    moved = end(rig, rig.servers.show(server))
    assert (moved.status, moved.host) == ("ACTIVE", "host2")


@pytest.mark.parametrize("ending", ["confirm", "revert"])
def test_28_a_member_that_may_be_brought_back_keeps_its_place(
    rig_factory: RigFactory, ending: str
) -> None:
    rig = rig_factory(cell(2))
    group = rig.server_groups.create("apart", "anti-affinity")
    server = rig.servers.create(group=group.uuid, host="host1")
    assert rig.servers.migrate(server).host == "host2"
    assert rig.servers.create(group=group.uuid).status == "ERROR"
    if ending == "confirm":
        rig.servers.confirm_resize(server)
        assert rig.servers.create(group=group.uuid).host == "host1"
    else:
        rig.servers.revert_resize(server)
        assert rig.servers.create(group=group.uuid).host == "host2"


def alone(rig: Rig) -> bool:
    """Whether no two servers of the cloud share a host."""
    hosts = Counter(each.host for each in rig.servers.list() if each.host is not None)
    return all(count == 1 for count in hosts.values())


@pytest.mark.parametrize("seed", range(20))
def test_28_1735407_members_evacuated_at_the_same_moment_never_share_a_host(
    rig_factory: RigFactory, seed: int
) -> None:
    rig = rig_factory(cell(5), seed=seed)
    group = rig.server_groups.create("apart", "anti-affinity")
    servers = rig.servers.create(count=3, group=group.uuid)
    dead = sorted(str(server.host) for server in servers)
    die(rig, *dead)
    rig.concurrently(*[partial(rig.servers.evacuate, server) for server in servers])
    rig.advance(70)
    assert alone(rig)
    moved = [each for each in rig.servers.list() if each.host not in dead]
    assert 1 <= len(moved) <= 2
    # Who was refused can be evacuated again while there is room.
    for server in rig.servers.list():
        if server.host in dead and server.status == "ACTIVE":
            rig.servers.evacuate(server)
    assert alone(rig)
    assert len([each for each in rig.servers.list() if each.host not in dead]) == 2
    for host in dead:
        rig.restart(host)
    rig.advance(70)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("kind", ["migrate", "live", "unshelve"])
def test_28_members_that_move_while_others_boot_never_share_a_host(
    rig_factory: RigFactory, kind: str, seed: int
) -> None:
    rig = rig_factory(cell(5), seed=seed)
    group = rig.server_groups.create("apart", "anti-affinity")
    servers = rig.servers.create(count=2, group=group.uuid)
    if kind == "unshelve":
        for server in servers:
            rig.servers.shelve(server)
    acts: dict[str, Callable[[Server], Server]] = {
        "migrate": rig.servers.migrate,
        "live": rig.servers.live_migrate,
        "unshelve": rig.servers.unshelve,
    }
    rig.concurrently(
        *[partial(acts[kind], server) for server in servers],
        *[lambda: rig.servers.create(group=group.uuid)] * 2,
    )
    assert alone(rig)
    for server in rig.servers.list():
        if server.status == "VERIFY_RESIZE":
            rig.servers.revert_resize(server)
    assert alone(rig)
