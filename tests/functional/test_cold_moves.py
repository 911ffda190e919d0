"""Cold migrations and resizes: the way there, what a user makes of it, and the way back."""

from __future__ import annotations

import pytest
from cold_move_servers import SAME_HOST, THREE, TWO, WINDOW, ZONES, create, start, told_or_none
from move_looks import (
    SMALL,
    TINY,
    attached,
    bootable,
    guests,
    held,
    history,
    holders,
    is_as_before,
    kept,
    move_of,
    told,
)

from cellrig import Cell, Rig, Topology
from cellrig.compute.options import ComputeOptions
from cellrig.model import MigrationStatus, PowerState

pytestmark = pytest.mark.topology(THREE)


# -- there and confirmed, there and back -----------------------------------------------------------


@pytest.mark.parametrize(("kind", "size"), [("migrate", TINY), ("resize", SMALL)])
def test_29_one_consumer_a_side_until_the_move_is_confirmed(
    rig: Rig, kind: str, size: dict[str, int]
) -> None:
    server = start(rig, kind, create(rig))
    migration = move_of(rig, server)
    assert (server.status, server.host) == ("VERIFY_RESIZE", "cell1-host2")
    assert held(rig, migration) == {"cell1-host1": TINY}
    assert held(rig, server) == {"cell1-host2": size}
    assert (guests(rig, server), kept(rig, "cell1-host1")) == (["cell1-host2"], {server.id})
    server = rig.servers.confirm_resize(server)
    assert (server.status, server.host, server.task_state) == ("ACTIVE", "cell1-host2", None)
    assert (held(rig, migration), held(rig, server)) == ({}, {"cell1-host2": size})
    assert kept(rig, "cell1-host1") == set()
    assert rig.guest(server).power_state == PowerState.RUNNING


@pytest.mark.parametrize("kind", ["migrate", "resize"])
def test_29_one_consumer_a_side_until_the_move_is_reverted(rig: Rig, kind: str) -> None:
    before = create(rig, volumes=1)
    server = start(rig, kind, before)
    server = rig.servers.revert_resize(server)
    assert is_as_before(rig, before)
    assert held(rig, server) == {"cell1-host1": TINY}
    assert holders(rig) == 1
    assert (guests(rig, server), kept(rig, "cell1-host1")) == (["cell1-host1"], set())
    assert attached(rig, server) == [("cell1-host1", "attached")]
    assert rig.guest(server).memory_mb == 512


@pytest.mark.parametrize("end", ["confirm", "revert"])
@pytest.mark.parametrize("kind", ["migrate", "resize"])
def test_a_move_tells_its_type_its_hosts_its_sizes_and_the_statuses_it_had(
    rig: Rig, kind: str, end: str
) -> None:
    server = start(rig, kind, create(rig))
    rig.advance(5)
    (rig.servers.confirm_resize if end == "confirm" else rig.servers.revert_resize)(server)
    migration = move_of(rig, server)
    assert migration.type == {"migrate": "migration", "resize": "resize"}[kind]
    assert (migration.source_compute, migration.dest_compute) == ("cell1-host1", "cell1-host2")
    assert migration.old_flavor.name == "m1.tiny"
    assert migration.new_flavor.name == {"migrate": "m1.tiny", "resize": "m1.small"}[kind]
    ways = {"confirm": ["confirming", "confirmed"], "revert": ["reverting", "reverted"]}
    there = ["accepted", "pre-migrating", "migrating", "post-migrating", "finished"]
    assert history(migration) == there + ways[end]
    times = [when for _status, when in migration.history]
    assert times == sorted(times)
    assert times[-1] - times[0] >= 5
    assert migration.updated_at == times[-1]


@pytest.mark.parametrize("host", ["cell1-host2", "cell1-host3"])
def test_a_migration_goes_to_the_host_that_is_named(rig: Rig, host: str) -> None:
    assert rig.servers.migrate(create(rig), host).host == host


@pytest.mark.topology(SAME_HOST)
@pytest.mark.parametrize("end", ["confirm", "revert"])
def test_29_a_resize_may_end_on_the_host_where_it_began(rig: Rig, end: str) -> None:
    before = create(rig, volumes=1)
    server = rig.servers.resize(before, "2")
    assert (server.status, server.host, told_or_none(server)) == (
        "VERIFY_RESIZE",
        "cell1-host1",
        None,
    )
    assert held(rig, server) == {"cell1-host1": SMALL}
    assert move_of(rig, server).in_place
    if end == "confirm":
        server = rig.servers.confirm_resize(server)
        assert (server.status, rig.guest(server).memory_mb) == ("ACTIVE", 2048)
    else:
        server = rig.servers.revert_resize(server)
        assert is_as_before(rig, before)
        assert rig.guest(server).memory_mb == 512
    assert holders(rig) == 1
    assert attached(rig, server) == [("cell1-host1", "attached")]


@pytest.mark.topology(
    Topology(
        cells=[Cell("cell1", 1)],
        compute=ComputeOptions(allow_resize_to_same_host=True),
        options={"memory_mb": 2048, "ram_allocation_ratio": 1},
    )
)
def test_30_1790204_a_resize_in_place_needs_room_for_the_larger_size_only(rig: Rig) -> None:
    before = create(rig)
    server = rig.servers.resize(before, "2")
    assert server.status == "VERIFY_RESIZE", told(server)
    rig.servers.revert_resize(server)
    assert is_as_before(rig, before)
    server = rig.servers.confirm_resize(rig.servers.resize(before, "2"))
    assert held(rig, server) == {"cell1-host1": SMALL}
    assert holders(rig) == 1


@pytest.mark.topology(TWO)
def test_a_resize_keeps_away_from_its_host_unless_the_cloud_allows_it(rig: Rig) -> None:
    assert rig.servers.resize(create(rig), "2").host == "cell1-host2"


@pytest.mark.topology(ZONES)
@pytest.mark.parametrize("end", ["confirm", "revert"])
def test_a_server_is_in_the_zone_of_the_host_that_it_is_on(rig: Rig, end: str) -> None:
    server = create(rig)
    assert server.availability_zone == "east"
    server = rig.servers.migrate(server)
    assert (server.host, server.availability_zone) == ("cell1-host2", "west")
    if end == "confirm":
        assert rig.servers.confirm_resize(server).availability_zone == "west"
    else:
        assert rig.servers.revert_resize(server).availability_zone == "east"


# -- sizes -----------------------------------------------------------------------------------------


def test_a_resize_to_less_memory_takes_less(rig: Rig) -> None:
    server = rig.servers.create(flavor="2", host="cell1-host1")
    flavor = rig.flavors.create("leaner", vcpus=1, memory_mb=512, root_gb=20)
    server = rig.servers.confirm_resize(rig.servers.resize(server, flavor.id))
    assert held(rig, server) == {"cell1-host2": {**SMALL, "MEMORY_MB": 512}}
    assert rig.guest(server).memory_mb == 512


@pytest.mark.parametrize("flavor", ["1", "2", "diskless"])
def test_56_a_server_that_boots_from_a_volume_takes_any_root_disk(rig: Rig, flavor: str) -> None:
    server = rig.servers.create(flavor="3", host="cell1-host1", block_devices=[bootable(rig)])
    server = rig.servers.confirm_resize(rig.servers.resize(server, flavor))
    assert server.status == "ACTIVE"
    assert "DISK_GB" not in held(rig, server)["cell1-host2"]
    assert attached(rig, server) == [("cell1-host2", "attached")]


# -- what the server was ---------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["confirm", "revert"])
@pytest.mark.parametrize("kind", ["migrate", "resize"])
def test_a_stopped_server_stays_stopped(rig: Rig, kind: str, end: str) -> None:
    server = rig.servers.stop(create(rig, volumes=1))
    server = start(rig, kind, server)
    assert (server.status, server.power_state) == ("VERIFY_RESIZE", PowerState.SHUTDOWN)
    assert rig.guest(server).power_state == PowerState.SHUTDOWN
    server = (rig.servers.confirm_resize if end == "confirm" else rig.servers.revert_resize)(server)
    assert (server.status, server.power_state) == ("SHUTOFF", PowerState.SHUTDOWN)
    assert rig.guest(server).power_state == PowerState.SHUTDOWN
    assert rig.servers.start(server).status == "ACTIVE"


@pytest.mark.parametrize("end", ["confirm", "revert"])
@pytest.mark.parametrize("from_volume", [True, False])
def test_volumes_keep_their_device_names(rig: Rig, from_volume: bool, end: str) -> None:
    server = create(rig, from_volume=from_volume)
    volumes = [rig.volumes.create() for _each in range(3)]
    for volume, device in zip(volumes, ["/dev/sdd", "/dev/sdb", "/dev/sdf"], strict=True):
        rig.servers.attach_volume(server, volume, device=device)

    def names() -> dict[str | None, str]:
        return {disk.serial: disk.target for disk in rig.guest(server).disks}

    before = names()
    rig.servers.migrate(server)
    assert names() == before
    (rig.servers.confirm_resize if end == "confirm" else rig.servers.revert_resize)(server)
    assert names() == before
    host = {"confirm": "cell1-host2", "revert": "cell1-host1"}[end]
    assert set(attached(rig, server)) == {(host, "attached")}


def test_a_volume_that_is_attached_before_confirming_goes_back_with_the_server(rig: Rig) -> None:
    server, volume = rig.servers.migrate(create(rig)), rig.volumes.create()
    rig.servers.attach_volume(server, volume)
    server = rig.servers.revert_resize(server)
    assert server.status == "ACTIVE"
    assert attached(rig, server) == [("cell1-host1", "attached")]
    assert rig.guest(server).disk(serial=volume.id)


def test_a_volume_that_is_detached_before_reverting_stays_away(rig: Rig) -> None:
    server = rig.servers.migrate(create(rig, volumes=1))
    rig.servers.detach_volume(server, rig.volumes.list()[0])
    server = rig.servers.revert_resize(server)
    assert attached(rig, server) == []
    assert [disk.serial for disk in rig.guest(server).disks] == [None]


def test_a_moved_server_moves_again(rig: Rig) -> None:
    server = create(rig, volumes=1)
    for _each in range(3):
        server = rig.servers.confirm_resize(rig.servers.migrate(server))
        server = rig.servers.revert_resize(rig.servers.migrate(server))
    assert server.status == "ACTIVE"
    assert len(rig.migrations.list(server=server)) == 6
    assert holders(rig) == 1


# -- confirmed by itself ---------------------------------------------------------------------------


@pytest.mark.topology(WINDOW)
def test_a_resize_is_confirmed_when_its_time_is_over(rig: Rig) -> None:
    server = rig.servers.resize(create(rig), "2")
    rig.advance(90)
    assert rig.servers.show(server).status == "VERIFY_RESIZE"
    rig.advance(90)
    server = rig.servers.show(server)
    assert (server.status, server.host) == ("ACTIVE", "cell1-host2")
    assert history(move_of(rig, server))[-2:] == ["confirming", "confirmed"]
    assert (holders(rig), kept(rig, "cell1-host1")) == (1, set())


@pytest.mark.topology(THREE)
def test_a_resize_waits_for_its_user_where_the_cloud_sets_no_time(rig: Rig) -> None:
    server = rig.servers.resize(create(rig), "2")
    rig.advance(7200)
    assert rig.servers.show(server).status == "VERIFY_RESIZE"


@pytest.mark.topology(WINDOW)
def test_a_resize_is_not_confirmed_by_itself_while_its_user_reverts_it(rig: Rig) -> None:
    before = create(rig)
    server = rig.servers.resize(before, "2")
    hold = rig.faults.hold("driver.destroy", host="cell1-host2")
    with rig.holding():
        rig.servers.revert_resize(server)
        rig.advance(300)
        hold.release()
        rig.settle()
    assert is_as_before(rig, before)


@pytest.mark.topology(WINDOW)
def test_a_resize_whose_source_is_down_is_confirmed_when_that_is_back(rig: Rig) -> None:
    server = rig.servers.resize(create(rig), "2")
    rig.crash("cell1-host1")
    rig.advance(300)
    rig.restart("cell1-host1")
    rig.settle()
    assert rig.servers.show(server).status == "ACTIVE"
    assert kept(rig, "cell1-host1") == set()


def test_a_user_confirms_a_move_whose_source_is_down_and_it_ends_when_that_is_back(
    rig: Rig,
) -> None:
    server = rig.servers.migrate(create(rig))
    rig.crash("cell1-host1")
    rig.servers.confirm_resize(server)
    rig.restart("cell1-host1")
    rig.settle()
    assert rig.servers.show(server).status == "ACTIVE"
    assert (holders(rig), kept(rig, "cell1-host1")) == (1, set())


@pytest.mark.parametrize("state", ["active", "error"])
def test_a_reset_state_lets_no_move_wait_for_its_user_for_ever(rig: Rig, state: str) -> None:
    server = rig.servers.migrate(create(rig))
    server = rig.servers.reset_state(server, state)
    assert (server.status, server.host) == (state.upper(), "cell1-host2")
    assert move_of(rig, server).status == MigrationStatus.CONFIRMED
    assert (holders(rig), kept(rig, "cell1-host1")) == (1, set())
    rig.servers.reset_state(server, "active")
    assert rig.servers.migrate(server).status == "VERIFY_RESIZE"
