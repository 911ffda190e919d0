"""The source of an evacuation returns; servers are deleted on the way; several go at once."""

from __future__ import annotations

import pytest
from evacuated_servers import AFTER, BEFORE, SHARED, THREE, come_back, create, die
from move_looks import TINY, attached, fake, guests, held, holders, is_as_before, move_of, told

from cellrig import Cell, Host, Rig, Topology
from cellrig.driver.errors import HypervisorError
from cellrig.errors import Conflict, Invalid, NotFound
from cellrig.model import MigrationStatus, PowerState
from cellrig_pytest.factory import RigFactory

pytestmark = pytest.mark.topology(THREE)


# -- the source returns ----------------------------------------------------------------------------


@pytest.mark.parametrize("seam", BEFORE)
def test_38_a_source_that_returns_before_a_host_has_begun_keeps_the_server(
    rig: Rig, seam: str
) -> None:
    before = create(rig, volumes=1)
    die(rig)
    hold = rig.faults.hold(seam, from_nth=1)
    with rig.holding():
        rig.servers.evacuate(before)
        rig.settle()
        assert hold.reached
        come_back(rig)
        hold.release()
        rig.settle()
    server = rig.servers.show(before)
    assert is_as_before(rig, before)
    assert "host cell1-host1 is back" in told(server)
    assert move_of(rig, server).status in (MigrationStatus.CANCELLED, MigrationStatus.ERROR)
    assert guests(rig, server) == [server.host]
    assert held(rig, server) == {server.host: TINY}
    assert holders(rig) == 1
    assert attached(rig, server) == [(server.host, "attached")]


@pytest.mark.parametrize("fails", [False, True])
def test_38_1764883_a_source_that_returns_in_the_middle_stops_its_guest(
    rig: Rig, fails: bool
) -> None:
    server = create(rig, volumes=1)
    die(rig)
    hold = rig.faults.hold("driver.spawn", host="cell1-host2")
    if fails:
        rig.faults.fail("driver.spawn", HypervisorError("out of ink"), host="cell1-host2", times=1)
    with rig.holding():
        rig.servers.evacuate(server)
        rig.settle()
        come_back(rig)
        (left,) = rig.driver("cell1-host1").list_guests()
        assert left.power_state == PowerState.SHUTDOWN
        assert rig.servers.show(server).task_state == "rebuild_spawning"
        hold.release()
        rig.settle()
    server = rig.servers.show(server)
    if fails:
        assert (server.status, server.host) == ("ERROR", "cell1-host1")
        assert guests(rig, server) == ["cell1-host1"]
    else:
        assert (server.status, server.host) == ("ACTIVE", "cell1-host2")
        assert guests(rig, server) == ["cell1-host2"]
    assert holders(rig) == 1
    assert attached(rig, server) == [(server.host, "attached")]


@pytest.mark.parametrize("seam", AFTER)
def test_40_a_source_that_is_back_for_long_does_not_end_an_evacuation_under_way(
    rig: Rig, seam: str
) -> None:
    server = create(rig, volumes=1)
    die(rig)
    hold = rig.faults.hold(seam, service="compute")
    with rig.holding():
        rig.servers.evacuate(server)
        rig.settle()
        assert hold.reached
        come_back(rig)
        rig.advance(1300)
        hold.release()
        rig.settle()
    server = rig.servers.show(server)
    assert (server.status, server.host, server.fault) == ("ACTIVE", "cell1-host2", None)
    assert guests(rig, server) == ["cell1-host2"]
    assert attached(rig, server) == [("cell1-host2", "attached")]


def test_38_the_source_cleans_up_what_was_evacuated_and_only_that(rig: Rig) -> None:
    servers = rig.servers.create(count=4, host="cell1-host1")
    die(rig)
    for server in servers[:2]:
        rig.servers.evacuate(server)
    come_back(rig)
    here = {info.uuid for info in rig.driver("cell1-host1").list_guests()}
    assert here == {server.id for server in servers[2:]}
    assert {rig.servers.show(server).status for server in servers} == {"ACTIVE"}
    assert holders(rig) == 4


def test_38_1794996_a_server_that_is_evacuated_and_then_deleted_does_not_keep_its_source_down(
    rig: Rig,
) -> None:
    server, other = create(rig, volumes=1), create(rig)
    die(rig)
    rig.servers.delete(rig.servers.evacuate(server))
    with pytest.raises(NotFound):
        rig.servers.show(server)
    come_back(rig)
    assert rig.services.is_up("cell1-host1")
    assert guests(rig, server) == []
    assert guests(rig, other) == ["cell1-host1"]
    assert [each.status for each in rig.migrations.list()] == [MigrationStatus.COMPLETED]
    assert fake(rig, "cell1-host1").volume_connections().volumes == ()


def test_38_a_server_that_goes_on_moving_is_cleaned_up_at_its_first_source(rig: Rig) -> None:
    server = create(rig)
    die(rig)
    server = rig.servers.evacuate(server, "cell1-host2")
    server = rig.servers.live_migrate(server, "cell1-host3")
    come_back(rig)
    assert guests(rig, server) == ["cell1-host3"]
    assert rig.servers.live_migrate(server, "cell1-host1").host == "cell1-host1"
    rig.restart("cell1-host1")
    assert guests(rig, server) == ["cell1-host1"]


def test_38_a_source_that_cannot_clean_up_starts_all_the_same(rig: Rig) -> None:
    server = create(rig)
    die(rig)
    server = rig.servers.evacuate(server)
    rig.faults.fail("driver.destroy", HypervisorError("busy"), host="cell1-host1", times=1)
    come_back(rig)
    assert rig.services.is_up("cell1-host1")
    rig.advance(2000)
    assert guests(rig, server) == ["cell1-host2"]
    assert move_of(rig, server).status == MigrationStatus.COMPLETED


@pytest.mark.parametrize(
    ("topology", "erases"),
    [
        (THREE, True),
        (SHARED, False),
        (
            Topology(
                cells=[
                    Cell(
                        "cell1",
                        [
                            Host("cell1-host1"),
                            Host("cell1-host2", options={"shared_storage": True}),
                        ],
                    )
                ]
            ),
            True,
        ),
    ],
    ids=["local", "shared", "shared by the other one only"],
)
def test_38_the_source_erases_disks_unless_they_are_those_of_the_destination(
    rig_factory: RigFactory, topology: Topology, erases: bool
) -> None:
    rig = rig_factory(topology)
    server = create(rig)
    die(rig)
    rig.servers.evacuate(server)
    asked = rig.faults.delay(
        "driver.destroy",
        0.001,
        host="cell1-host1",
        when=lambda passage: passage.arguments["destroy_disks"] is erases,
    )
    come_back(rig)
    assert asked.fired == 1
    assert guests(rig, server) == ["cell1-host2"]


@pytest.mark.topology(SHARED)
def test_39_an_evacuation_that_fails_on_shared_storage_erases_no_disk(rig: Rig) -> None:
    server = create(rig)
    die(rig)
    rig.faults.fail_after("driver.spawn", HypervisorError("out of ink"), times=1)
    kept = rig.faults.delay(
        "driver.destroy",
        0.001,
        host="cell1-host2",
        when=lambda passage: passage.arguments["destroy_disks"] is False,
    )
    assert rig.servers.evacuate(server).status == "ERROR"
    assert kept.fired == 1
    come_back(rig)


# -- deleted on the way ----------------------------------------------------------------------------


@pytest.mark.parametrize("seam", [*BEFORE, *AFTER])
def test_31_1848343_a_server_that_is_deleted_on_the_way_leaves_nothing(rig: Rig, seam: str) -> None:
    server = create(rig, volumes=1)
    die(rig)
    hold = rig.faults.hold(seam, when=lambda passage: passage.process.service != "api")
    with rig.holding():
        rig.servers.evacuate(server)
        rig.settle()
        assert hold.reached
        rig.servers.delete(server)
        rig.settle()
        hold.release()
        rig.settle()
    with pytest.raises(NotFound):
        rig.servers.show(server)
    assert holders(rig) == 0
    assert attached(rig, server) == []
    come_back(rig)
    assert guests(rig, server) == []
    assert {volume.status for volume in rig.volumes.list()} <= {"available"}


# -- several at once -------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(10))
def test_28_1735407_evacuations_at_once_keep_the_members_of_a_group_apart(
    rig_factory: RigFactory, seed: int
) -> None:
    rig = rig_factory(Topology(cells=[Cell("cell1", 4)]), seed=seed)
    group = rig.server_groups.create("apart", "anti-affinity")
    servers = [
        rig.servers.create(group=group.uuid, host=f"cell1-host{number}") for number in (1, 2)
    ]
    for host in ("cell1-host1", "cell1-host2"):
        die(rig, host)
    rig.concurrently(*(lambda each=each: rig.servers.evacuate(each) for each in servers))
    hosts = [rig.servers.show(server).host for server in servers]
    assert len(set(hosts)) == 2
    for host in ("cell1-host1", "cell1-host2"):
        come_back(rig, host)
    shown = [rig.servers.show(server) for server in servers]
    assert len({server.host for server in shown}) == 2


@pytest.mark.parametrize("seed", range(6))
def test_two_evacuations_of_one_server_cannot_run_at_once(
    rig_factory: RigFactory, seed: int
) -> None:
    rig = rig_factory(THREE, seed=seed)
    server = create(rig, volumes=1)
    die(rig)
    outcomes = rig.concurrently(*[lambda: rig.servers.evacuate(server)] * 2)
    refused = [each for each in outcomes if isinstance(each, Exception)]
    # The second may also have come when the first had ended.
    assert all(isinstance(each, Conflict | Invalid) for each in refused)
    assert len(rig.migrations.list(server=server)) == 1
    assert rig.servers.show(server).status == "ACTIVE"
    come_back(rig)
