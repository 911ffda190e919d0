"""Groups, zones, tenants, traits and services that are off: what binds a boot binds a move."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from cellrig import Cell, ComputeOptions, Host, Rig, SchedulerOptions, Server, Topology
from cellrig.errors import CellrigError
from cellrig_pytest import RigFactory

Move = Callable[[Rig, Server], Server]


def cell(hosts: int, **options: Any) -> Topology:
    """Make a topology of one cell with the hosts host1, host2, ..."""
    named = [Host(f"host{n + 1}") for n in range(hosts)]
    return Topology(cells=[Cell("cell1", named)], **options)


def with_filter(name: str, **options: Any) -> SchedulerOptions:
    """Set the scheduler up with a filter that is off by default."""
    return SchedulerOptions(filters=("availability_zone", "compute", name), **options)


def told(server: Server) -> str:
    """The message of a server's fault."""
    assert server.fault is not None
    return server.fault.message


def die(rig: Rig, *hosts: str) -> None:
    """Let hosts be dead for everybody."""
    for host in hosts:
        rig.crash(host)
    rig.advance(70)


def resize(rig: Rig, server: Server) -> Server:
    if all(flavor.name != "bigger" for flavor in rig.flavors.list()):
        specs = server.flavor.extra_specs
        rig.flavors.create("bigger", vcpus=2, memory_mb=1024, root_gb=1, extra_specs=specs)
    return rig.servers.resize(server, "bigger")


def migrate(rig: Rig, server: Server) -> Server:
    return rig.servers.migrate(server)


def live(rig: Rig, server: Server) -> Server:
    return rig.servers.live_migrate(server)


def evacuate(rig: Rig, server: Server) -> Server:
    die(rig, str(server.host))
    return rig.servers.evacuate(server)


def unshelve(rig: Rig, server: Server) -> Server:
    source = str(server.host)
    rig.servers.shelve(server)
    rig.services.disable(source)
    return rig.servers.unshelve(server)


MOVES: dict[str, Move] = {
    "resize": resize,
    "migrate": migrate,
    "live": live,
    "evacuate": evacuate,
    "unshelve": unshelve,
}
each_move = pytest.mark.parametrize("kind", MOVES)


def end(rig: Rig, server: Server) -> Server:
    """Confirm what waits for it, and bring dead hosts back."""
    if server.status == "VERIFY_RESIZE":
        server = rig.servers.confirm_resize(server)
    for host in rig.host_names:
        if not rig.services.is_up(host):
            rig.restart(host)
    rig.advance(70)
    return rig.servers.show(server)


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
        {
            "live": "driver.pre_live_migration",
            "evacuate": "driver.spawn",
        }.get(kind, "driver.migrate_disk_and_power_off"),
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


# -- zones, aggregates, tenants, traits --------------------------------------------------------


@each_move
def test_a_server_of_a_zone_stays_in_it(rig_factory: RigFactory, kind: str) -> None:
    rig = rig_factory(cell(4, zones={"east": ["host1", "host4"], "west": ["host2"]}))
    server = rig.servers.create(zone="east", host="host1")
    moved = end(rig, MOVES[kind](rig, server))
    assert (moved.status, moved.host, moved.availability_zone) == ("ACTIVE", "host4", "east")


@each_move
def test_a_server_without_a_wish_tells_the_zone_that_it_has_come_to(
    rig_factory: RigFactory, kind: str
) -> None:
    rig = rig_factory(cell(2, zones={"east": ["host1"], "west": ["host2"]}))
    server = rig.servers.create(host="host1")
    moved = MOVES[kind](rig, server)
    assert (moved.host, moved.availability_zone) == ("host2", "west")
    if moved.status == "VERIFY_RESIZE":
        back = rig.servers.revert_resize(moved)
        assert (back.host, back.availability_zone) == ("host1", "east")
    end(rig, rig.servers.show(moved))


def test_a_shelved_server_comes_back_in_the_zone_that_is_asked_for(
    rig_factory: RigFactory,
) -> None:
    rig = rig_factory(cell(2, zones={"east": ["host1"], "west": ["host2"]}))
    server = rig.servers.create(zone="east")
    rig.servers.shelve(server)
    back = rig.servers.unshelve(server, zone="west")
    assert (back.status, back.host, back.availability_zone) == ("ACTIVE", "host2", "west")


@each_move
def test_a_flavor_is_kept_to_its_aggregate(rig_factory: RigFactory, kind: str) -> None:
    rig = rig_factory(cell(4))
    rig.aggregates.create("ssd", metadata={"ssd": "true"}, hosts=["host1", "host4"])
    specs = {"aggregate_instance_extra_specs:ssd": "true"}
    rig.flavors.create("ssd", memory_mb=512, root_gb=1, extra_specs=specs)
    server = rig.servers.create(flavor="ssd", host="host1")
    moved = end(rig, MOVES[kind](rig, server))
    assert (moved.status, moved.host) == ("ACTIVE", "host4")


@each_move
@pytest.mark.parametrize("of", ["flavor", "image"])
def test_a_trait_that_is_required_is_required_there_too(
    rig_factory: RigFactory, kind: str, of: str
) -> None:
    with_trait = {"traits": ["HW_CPU_X86_AVX2"]}
    hosts = [Host(f"host{n}", options=with_trait if n in (1, 4) else {}) for n in range(1, 5)]
    rig = rig_factory(Topology(cells=[Cell("cell1", hosts)]))
    required = {"trait:HW_CPU_X86_AVX2": "required"}
    rig.flavors.create(
        "fast", memory_mb=512, root_gb=1, extra_specs=required if of == "flavor" else {}
    )
    rig.images.create("picky", id=rig.new_uuid(), properties=required if of == "image" else {})
    server = rig.servers.create(flavor="fast", image="picky", host="host1")
    assert server.status == "ACTIVE", server.fault
    moved = end(rig, MOVES[kind](rig, server))
    assert (moved.status, moved.host) == ("ACTIVE", "host4")


@each_move
def test_a_host_that_is_kept_for_other_tenants_is_no_destination(
    rig_factory: RigFactory, kind: str
) -> None:
    rig = rig_factory(cell(3))
    rig.aggregates.create("blue", metadata={"filter_tenant_id": "blue"}, hosts=["host2"])
    server = rig.servers.create(host="host1")
    moved = end(rig, MOVES[kind](rig, server))
    assert (moved.status, moved.host) == ("ACTIVE", "host3")


@pytest.mark.parametrize("kind", ["resize", "migrate", "live", "evacuate"])
def test_a_hint_given_at_boot_binds_moves_too(rig_factory: RigFactory, kind: str) -> None:
    rig = rig_factory(cell(3))
    other = rig.servers.create(host="host2")
    server = rig.servers.create(hints={"different_host": (other.id,)}, host="host1")
    moved = end(rig, MOVES[kind](rig, server))
    assert (moved.status, moved.host) == ("ACTIVE", "host3")


# -- services that are off ---------------------------------------------------------------------


@each_move
@pytest.mark.parametrize("off", ["disabled", "down"])
def test_a_service_that_is_off_is_no_destination(
    rig_factory: RigFactory, kind: str, off: str
) -> None:
    rig = rig_factory(cell(3))
    server = rig.servers.create(host="host1")
    if off == "disabled":
        rig.services.disable("host2")
    else:
        rig.services.force_down("host2")
    moved = MOVES[kind](rig, server)
    rig.services.force_down("host2", down=False)
    moved = end(rig, moved)
    assert (moved.status, moved.host) == ("ACTIVE", "host3")


@pytest.mark.parametrize("off", ["disabled", "down"])
@pytest.mark.parametrize("kind", ["migrate", "live", "evacuate", "unshelve"])
def test_a_service_that_is_off_is_refused_also_by_name(
    rig_factory: RigFactory, kind: str, off: str
) -> None:
    rig = rig_factory(cell(3))
    server = rig.servers.create(host="host1")
    if off == "disabled":
        rig.services.disable("host2", reason="new fan")
    else:
        rig.services.force_down("host2")
    if kind == "evacuate":
        die(rig, "host1")
    if kind == "unshelve":
        rig.servers.shelve(server)
    acts: dict[str, Callable[..., Server]] = {
        "migrate": rig.servers.migrate,
        "live": rig.servers.live_migrate,
        "evacuate": rig.servers.evacuate,
        "unshelve": rig.servers.unshelve,
    }
    try:
        refused = told(acts[kind](server, host="host2"))
    except CellrigError as error:
        refused = str(error)
    assert off in refused
    stays = rig.servers.show(server)
    assert stays.host == (None if kind == "unshelve" else "host1")
    assert stays.status == ("SHELVED_OFFLOADED" if kind == "unshelve" else "ACTIVE")
    rig.services.force_down("host2", down=False)
    end(rig, stays)


@pytest.mark.parametrize("kind", ["resize", "migrate", "live", "unshelve"])
def test_1938326_a_server_moves_away_from_a_disabled_host(
    rig_factory: RigFactory, kind: str
) -> None:
    rig = rig_factory(cell(2, compute=ComputeOptions(allow_resize_to_same_host=True)))
    server = rig.servers.create(host="host1")
    rig.services.disable("host1")
    moved = end(rig, MOVES[kind](rig, server))
    assert (moved.status, moved.host) == ("ACTIVE", "host2")


def test_a_server_is_brought_back_to_a_host_that_was_disabled_meanwhile(
    rig_factory: RigFactory,
) -> None:
    rig = rig_factory(cell(2))
    server = rig.servers.create(host="host1")
    rig.servers.migrate(server)
    rig.services.disable("host1")
    back = rig.servers.revert_resize(server)
    assert (back.status, back.host) == ("ACTIVE", "host1")


# -- how busy a host is ------------------------------------------------------------------------


def test_a_server_on_a_move_makes_busy_the_host_that_its_record_names(
    rig_factory: RigFactory,
) -> None:
    rig = rig_factory(cell(2, scheduler=with_filter("io_ops", max_io_ops_per_host=1)))
    server = rig.servers.create(host="host1")
    leaving = rig.faults.hold("driver.migrate_disk_and_power_off", times=1)
    arriving = rig.faults.hold("driver.finish_migration", times=1)
    with rig.holding():
        rig.servers.migrate(server)
        rig.settle()
        assert leaving.reached
        at_first = rig.servers.create(host="host1"), rig.servers.create(host="host2")
        rig.settle()
        leaving.release()
        rig.settle()
        assert arriving.reached
        then = rig.servers.create(host="host1"), rig.servers.create(host="host2")
        rig.settle()
        arriving.release()
        rig.settle()
    statuses = [rig.servers.show(each).status for each in (*at_first, *then)]
    assert statuses == ["ERROR", "ACTIVE", "ACTIVE", "ERROR"]
