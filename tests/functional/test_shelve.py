"""Shelving: servers are put away as images, leave their hosts, and come back to any."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from move_looks import TINY, attached, bootable, fake, guests, held, holders, is_as_before, told

from cellrig import Cell, Host, Rig, Server, Topology
from cellrig.compute.options import ComputeOptions
from cellrig.driver.errors import HypervisorError
from cellrig.errors import Conflict, NotFound
from cellrig.model import PowerState
from cellrig_pytest.factory import RigFactory

TWO = Topology(cells=[Cell("cell1", 2)])
NEVER = Topology(cells=[Cell("cell1", 2)], compute=ComputeOptions(shelved_offload_time=-1))
LATER = Topology(cells=[Cell("cell1", 2)], compute=ComputeOptions(shelved_offload_time=5000))
ZONES = Topology(
    cells=[Cell("cell1", 3), Cell("cell2", 1)],
    zones={"east": ["cell1-host1", "cell1-host2"], "west": ["cell1-host3", "cell2-host1"]},
)

pytestmark = pytest.mark.topology(TWO)


def create(rig: Rig, *, from_volume: bool = False, volumes: int = 0) -> Server:
    """A server on the first host."""
    devices = [bootable(rig)] if from_volume else []
    more = [rig.volumes.create() for _each in range(volumes)]
    return rig.servers.create(host="cell1-host1", block_devices=devices, volumes=more)


def images(rig: Rig) -> list[str]:
    """Names and states of the images that shelving makes."""
    return [
        f"{image.name} {image.status}" for image in rig.images.list() if "shelved" in image.name
    ]


# -- put away --------------------------------------------------------------------------------------


@pytest.mark.parametrize("volumes", [0, 2])
@pytest.mark.parametrize("from_volume", [False, True])
def test_a_shelved_server_leaves_its_host_and_keeps_its_volumes(
    rig: Rig, from_volume: bool, volumes: int
) -> None:
    server = create(rig, from_volume=from_volume, volumes=volumes)
    names = {each.volume_id: each.device_name for each in rig.servers.volumes(server)}
    server = rig.servers.shelve(server)
    assert (server.status, server.host, server.node) == ("SHELVED_OFFLOADED", None, None)
    assert server.power_state == PowerState.NOSTATE
    assert images(rig) == ([] if from_volume else ["server-shelved active"])
    assert (holders(rig), guests(rig, server)) == (0, [])
    assert attached(rig, server) == [(None, "reserved")] * len(names)
    assert fake(rig, "cell1-host1").volume_connections().volumes == ()
    server = rig.servers.unshelve(server)
    assert server.status == "ACTIVE", told(server)
    assert images(rig) == []
    assert holders(rig) == 1
    assert attached(rig, server) == [(server.host, "attached")] * len(names)
    after = {disk.serial: disk.target for disk in rig.guest(server).disks if disk.serial}
    assert after == names


@pytest.mark.parametrize("state", ["stop", "pause", "suspend"])
def test_a_server_is_shelved_in_whatever_state_it_is_and_comes_back_active(
    rig: Rig, state: str
) -> None:
    server = create(rig)
    getattr(rig.servers, state)(server)
    assert rig.servers.shelve(server).status == "SHELVED_OFFLOADED"
    server = rig.servers.unshelve(server)
    assert (server.status, rig.guest(server).power_state) == ("ACTIVE", PowerState.RUNNING)


@pytest.mark.topology(NEVER)
@pytest.mark.parametrize("volumes", [0, 1])
def test_a_shelved_server_stays_on_its_host_where_the_cloud_wants_that(
    rig: Rig, volumes: int
) -> None:
    server = rig.servers.shelve(create(rig, volumes=volumes))
    rig.advance(10_000)
    server = rig.servers.show(server)
    assert (server.status, server.host) == ("SHELVED", "cell1-host1")
    assert held(rig, server) == {"cell1-host1": TINY}
    assert attached(rig, server) == [("cell1-host1", "attached")] * volumes
    assert rig.guest(server).power_state == PowerState.SHUTDOWN
    server = rig.servers.unshelve(server)
    assert (server.status, server.host) == ("ACTIVE", "cell1-host1")
    assert images(rig) == []


@pytest.mark.topology(NEVER)
def test_an_administrator_lets_a_shelved_server_leave(rig: Rig) -> None:
    server = rig.servers.shelve(create(rig, volumes=1))
    server = rig.servers.shelve_offload(server)
    assert (server.status, server.host) == ("SHELVED_OFFLOADED", None)
    assert holders(rig) == 0
    assert attached(rig, server) == [(None, "reserved")]
    assert rig.servers.unshelve(server).status == "ACTIVE"


@pytest.mark.topology(LATER)
def test_a_shelved_server_leaves_its_host_when_its_time_is_over(rig: Rig) -> None:
    server = rig.servers.shelve(create(rig, volumes=1))
    rig.advance(4900)
    assert rig.servers.show(server).status == "SHELVED"
    rig.advance(3700)
    server = rig.servers.show(server)
    assert (server.status, server.host) == ("SHELVED_OFFLOADED", None)
    assert holders(rig) == 0
    assert attached(rig, server) == [(None, "reserved")]


@pytest.mark.topology(LATER)
def test_a_server_that_is_back_in_time_stays(rig: Rig) -> None:
    server = rig.servers.unshelve(rig.servers.shelve(create(rig)))
    rig.advance(9000)
    assert rig.servers.show(server).status == "ACTIVE"


def test_a_server_that_could_not_leave_at_once_leaves_later(rig: Rig) -> None:
    busy = rig.faults.fail("driver.destroy", HypervisorError("busy"))
    server = rig.servers.shelve(create(rig, volumes=1))
    busy.clear()
    assert (server.status, server.host, server.task_state) == ("SHELVED", "cell1-host1", None)
    assert "busy" in told(server)
    assert held(rig, server) == {"cell1-host1": TINY}
    rig.advance(3700)
    assert rig.servers.show(server).status == "SHELVED_OFFLOADED"
    assert holders(rig) == 0


# -- back ------------------------------------------------------------------------------------------


@pytest.mark.topology(ZONES)
def test_a_server_comes_back_in_the_zone_that_is_named(rig: Rig) -> None:
    server = rig.servers.shelve(create(rig))
    server = rig.servers.unshelve(server, zone="west")
    assert (server.host, server.availability_zone) == ("cell1-host3", "west")


@pytest.mark.topology(ZONES)
def test_a_server_comes_back_on_the_host_that_is_named(rig: Rig) -> None:
    server = rig.servers.shelve(create(rig))
    server = rig.servers.unshelve(server, host="cell1-host3")
    assert (server.host, server.availability_zone) == ("cell1-host3", "west")


@pytest.mark.topology(ZONES)
def test_a_zone_that_was_named_is_the_servers_from_then_on(rig: Rig) -> None:
    server = rig.servers.unshelve(rig.servers.shelve(create(rig)), zone="west")
    rig.services.disable("cell1-host3")
    server = rig.servers.unshelve(rig.servers.shelve(server))
    assert (server.status, server.host) == ("SHELVED_OFFLOADED", None)
    assert "zone 'west' was asked for" in told(server)


@pytest.mark.topology(ZONES)
def test_25_1815153_a_host_that_was_named_binds_that_time_only(rig: Rig) -> None:
    server = rig.servers.unshelve(rig.servers.shelve(create(rig)), host="cell1-host3")
    rig.services.disable("cell1-host3")
    server = rig.servers.unshelve(rig.servers.shelve(server))
    assert server.host in ("cell1-host1", "cell1-host2"), told(server)


@pytest.mark.topology(ZONES)
def test_14_1823370_a_server_comes_back_within_its_cell(rig: Rig) -> None:
    server = rig.servers.shelve(create(rig))
    for host in ("cell1-host1", "cell1-host2", "cell1-host3"):
        rig.services.disable(host)
    server = rig.servers.unshelve(server)
    assert (server.status, server.task_state) == ("SHELVED_OFFLOADED", None)
    assert "no valid host" in told(server)
    assert holders(rig) == 0
    rig.services.enable("cell1-host2")
    assert rig.servers.unshelve(server).host == "cell1-host2"


@pytest.mark.parametrize("from_volume", [False, True])
def test_a_server_comes_back_after_its_host_is_gone(rig: Rig, from_volume: bool) -> None:
    server = rig.servers.shelve(create(rig, from_volume=from_volume, volumes=1))
    rig.crash("cell1-host1")
    rig.services.force_down("cell1-host1")
    server = rig.servers.unshelve(server)
    assert (server.status, server.host) == ("ACTIVE", "cell1-host2")
    assert holders(rig) == 1
    rig.services.force_down("cell1-host1", False)
    rig.restart("cell1-host1")
    assert guests(rig, server) == ["cell1-host2"]


@pytest.mark.topology(NEVER)
def test_a_shelved_server_waits_for_its_host_that_is_down(rig: Rig) -> None:
    before = rig.servers.shelve(create(rig))
    rig.crash("cell1-host1")
    rig.services.force_down("cell1-host1")
    for ask in (rig.servers.unshelve, rig.servers.shelve_offload):
        with pytest.raises(Conflict, match="host cell1-host1 is down"):
            ask(before)
    assert is_as_before(rig, before)
    rig.services.force_down("cell1-host1", False)
    rig.restart("cell1-host1")
    assert rig.servers.unshelve(before).status == "ACTIVE"


def test_volumes_come_and_go_while_a_server_is_on_no_host(rig: Rig) -> None:
    server = create(rig, volumes=1)
    (first,) = rig.servers.volumes(server)
    server = rig.servers.shelve(server)
    second = rig.volumes.create()
    rig.servers.attach_volume(server, second)
    rig.servers.detach_volume(server, str(first.volume_id))
    server = rig.servers.unshelve(server)
    assert [disk.serial for disk in rig.guest(server).disks] == [None, second.id]
    assert attached(rig, server) == [(server.host, "attached")]


# -- what fails ------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [HypervisorError("out of ink"), RuntimeError("a bug")])
@pytest.mark.parametrize("seam", ["driver.power_off", "driver.snapshot"])
def test_a_server_that_cannot_be_shelved_stays_what_it_is(
    rig: Rig, seam: str, error: Exception
) -> None:
    server = create(rig, volumes=1)
    rig.faults.fail(seam, error, times=1)
    server = rig.servers.shelve(server)
    stops = {"driver.power_off": "ACTIVE", "driver.snapshot": "SHUTOFF"}
    expected = stops[seam] if isinstance(error, HypervisorError) else "ERROR"
    assert (server.status, server.host, server.task_state) == (expected, "cell1-host1", None)
    assert str(error) in told(server)
    assert held(rig, server) == {"cell1-host1": TINY}
    assert images(rig) == ["server-shelved killed"]
    assert attached(rig, server) == [("cell1-host1", "attached")]


@pytest.mark.parametrize("error", [HypervisorError("out of ink"), RuntimeError("a bug")])
@pytest.mark.parametrize(
    "seam", ["driver.spawn", "volume.attachment_update", "volume.attachment_complete"]
)
@pytest.mark.parametrize("from_volume", [False, True])
def test_37_1862633_a_server_that_cannot_come_back_stays_shelved_and_holds_nothing(
    rig: Rig, from_volume: bool, seam: str, error: Exception
) -> None:
    server = rig.servers.shelve(create(rig, from_volume=from_volume, volumes=1))
    rig.faults.fail(seam, error, service="compute", times=1)
    server = rig.servers.unshelve(server)
    assert (server.status, server.host, server.task_state) == ("SHELVED_OFFLOADED", None, None)
    assert str(error) in told(server)
    assert (holders(rig), guests(rig, server)) == (0, [])
    assert set(attached(rig, server)) == {(None, "reserved")}
    assert images(rig) == ([] if from_volume else ["server-shelved active"])
    server = rig.servers.unshelve(server)
    assert server.status == "ACTIVE"
    assert holders(rig) == 1


@pytest.mark.parametrize("error", [HypervisorError("out of ink")])
def test_37_a_server_whose_image_is_gone_stays_shelved(rig: Rig, error: Exception) -> None:
    server = rig.servers.shelve(create(rig))
    (image,) = [each for each in rig.images.list() if "shelved" in each.name]
    rig.images.delete(image.id)
    server = rig.servers.unshelve(server)
    assert (server.status, server.host) == ("SHELVED_OFFLOADED", None)
    assert image.id in told(server)
    assert holders(rig) == 0


# -- deleted ---------------------------------------------------------------------------------------

SHELVING = ("driver.power_off", "driver.snapshot", "driver.destroy", "volume.attachment_create")
UNSHELVING = (
    "bus.scheduler.select_destinations",
    "placement.put_allocations",
    "bus.compute.unshelve_instance",
    "driver.spawn",
)


@pytest.mark.parametrize("seam", SHELVING)
def test_31_a_server_that_is_deleted_while_it_is_shelved_leaves_nothing(
    rig: Rig, seam: str
) -> None:
    server = create(rig, volumes=1)
    broken_off(rig, server, rig.servers.shelve, seam)


@pytest.mark.parametrize("seam", UNSHELVING)
def test_31_a_server_that_is_deleted_while_it_comes_back_leaves_nothing(
    rig: Rig, seam: str
) -> None:
    server = rig.servers.shelve(create(rig, volumes=1))
    broken_off(rig, server, rig.servers.unshelve, seam)


def broken_off(rig: Rig, server: Server, ask: Callable[[Server], object], seam: str) -> None:
    """Delete a server at a seam that it passes, and check that nothing is left."""
    hold = rig.faults.hold(seam, when=lambda passage: passage.process.service != "api", times=1)
    with rig.holding():
        ask(server)
        rig.settle()
        assert hold.reached
        rig.servers.delete(server)
        rig.settle()
        hold.release()
        rig.settle()
    with pytest.raises(NotFound):
        rig.servers.show(server)
    assert (holders(rig), guests(rig, server)) == (0, [])
    assert attached(rig, server) == []
    assert {volume.status for volume in rig.volumes.list()} <= {"available"}
    for host in rig.host_names:
        assert fake(rig, host).volume_connections().volumes == ()


@pytest.mark.parametrize("topology", [TWO, NEVER], ids=["offloaded", "on its host"])
def test_a_shelved_server_is_deleted_with_its_image(
    rig_factory: RigFactory, topology: Topology
) -> None:
    rig = rig_factory(topology)
    server = rig.servers.shelve(create(rig, volumes=1))
    rig.servers.delete(server)
    assert images(rig) == []
    assert holders(rig) == 0
    assert attached(rig, server) == []


# -- several at once -------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_40_an_unshelving_server_is_not_healed_meanwhile(
    rig_factory: RigFactory, seed: int
) -> None:
    rig = rig_factory(TWO, seed=seed)
    server = rig.servers.shelve(create(rig))
    hold = rig.faults.hold("driver.spawn")
    with rig.holding():
        rig.servers.unshelve(server)
        rig.settle()
        rig.advance(130)
        (host,) = held(rig, server)
        assert held(rig, server) == {host: TINY}
        hold.release()
        rig.settle()
    assert rig.servers.show(server).host == host
    assert holders(rig) == 1


@pytest.mark.parametrize("seed", range(6))
def test_of_two_users_who_unshelve_only_one_gets_through(
    rig_factory: RigFactory, seed: int
) -> None:
    rig = rig_factory(TWO, seed=seed)
    server = rig.servers.shelve(create(rig, volumes=1))
    outcomes = rig.concurrently(*[lambda: rig.servers.unshelve(server)] * 2)
    assert [type(each) for each in outcomes if isinstance(each, Exception)] == [Conflict]
    server = rig.servers.show(server)
    assert guests(rig, server) == [server.host]
    assert holders(rig) == 1


def test_21_1719730_a_server_comes_back_where_its_group_allows(rig_factory: RigFactory) -> None:
    rig = rig_factory(Topology(cells=[Cell("cell1", 2)]))
    group = rig.server_groups.create("apart", "anti-affinity")
    first = rig.servers.create(group=group.uuid, host="cell1-host1")
    second = rig.servers.shelve(rig.servers.create(group=group.uuid, host="cell1-host2"))
    assert rig.servers.unshelve(second).host == "cell1-host2"
    third = rig.servers.shelve(first)
    assert rig.servers.unshelve(third).host == "cell1-host1"


def test_a_host_that_cannot_build_is_told_of(rig_factory: RigFactory) -> None:
    fails = {"behaviours": [{"on": "spawn", "vm_state": "shelved_offloaded"}]}
    hosts = [Host("cell1-host1", options=fails), Host("cell1-host2", options=fails)]
    rig = rig_factory(Topology(cells=[Cell("cell1", hosts)]))
    server = rig.servers.unshelve(rig.servers.shelve(create(rig)))
    assert server.status == "SHELVED_OFFLOADED"
    assert "the fake driver was told to fail" in told(server)
