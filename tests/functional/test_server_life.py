"""The life of a server, through the public face of the rig; every rig is audited at its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from cellrig import Cell, Rig, Server, Topology
from cellrig.errors import CellDown, Conflict, Forbidden, Invalid, NotFound
from cellrig.model import PowerState

THREE_CELLS = Topology(cells=[Cell("cell1", 2), Cell("cell2", 2), Cell("cell3", 2)])


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig(Topology(cells=[Cell("cell1", 2)])) as rig:
        yield rig


def test_a_server_boots_on_a_host_and_has_a_guest_there(rig: Rig) -> None:
    server = rig.servers.create(name="one", metadata={"k": "v"}, tags=["red", "blue"])
    assert (server.status, server.cell, server.fault) == ("ACTIVE", "cell1", None)
    assert server.host in rig.host_names
    assert (server.metadata, server.tags) == ({"k": "v"}, ("blue", "red"))
    assert rig.guest(server).power_state == PowerState.RUNNING
    assert server.launched_at is not None


def test_several_servers_of_one_request_are_numbered_and_spread() -> None:
    with Rig(THREE_CELLS) as rig:
        servers = rig.servers.create(count=6, name="web")
        assert [server.name for server in servers] == [f"web-{n}" for n in range(1, 7)]
        assert [server.launch_index for server in servers] == list(range(6))
        assert {server.status for server in servers} == {"ACTIVE"}
        assert {server.host for server in servers} == set(rig.host_names)


def test_before_it_settles_a_server_is_a_build_request_that_is_listed_and_shown(rig: Rig) -> None:
    with rig.holding():
        server = rig.servers.create()
        assert (server.status, server.cell, server.host) == ("BUILD", None, None)
        assert [each.id for each in rig.servers.list()] == [server.id]
    assert rig.servers.show(server).status == "ACTIVE"


def test_the_list_is_sorted_over_all_cells_newest_first() -> None:
    with Rig(THREE_CELLS) as rig:
        made = []
        for number in range(6):
            made.append(rig.servers.create(name=f"s{number}"))
            rig.advance(1)
        assert [s.name for s in rig.servers.list()] == [f"s{n}" for n in reversed(range(6))]
        assert len({server.cell for server in made}) > 1


def test_a_cell_that_is_down_costs_its_rows_and_is_named() -> None:
    with Rig(THREE_CELLS) as rig:
        servers = rig.servers.create(count=6)
        lost = [server for server in servers if server.cell == "cell2"]
        rig.databases["cell2"].take_down("power cut")
        listed = rig.servers.list()
        assert set(listed.missing) == {"cell2"}
        assert "power cut" in str(listed.missing["cell2"])
        assert {s.id for s in listed} == {s.id for s in servers if s.cell != "cell2"}
        with pytest.raises(Exception, match="power cut"):
            rig.servers.show(lost[0])
        rig.databases["cell2"].bring_back()
        assert len(rig.servers.list()) == 6
        assert isinstance(listed.missing["cell2"], CellDown)


def test_power_actions_change_server_and_guest_alike(rig: Rig) -> None:
    server = rig.servers.create()
    steps: list[tuple[Callable[[Server], Server], str, PowerState]] = [
        (rig.servers.stop, "SHUTOFF", PowerState.SHUTDOWN),
        (rig.servers.start, "ACTIVE", PowerState.RUNNING),
        (rig.servers.pause, "PAUSED", PowerState.PAUSED),
        (rig.servers.unpause, "ACTIVE", PowerState.RUNNING),
        (rig.servers.suspend, "SUSPENDED", PowerState.SUSPENDED),
        (rig.servers.resume, "ACTIVE", PowerState.RUNNING),
        (rig.servers.reboot, "ACTIVE", PowerState.RUNNING),
        (rig.servers.rescue, "RESCUE", PowerState.RUNNING),
        (rig.servers.unrescue, "ACTIVE", PowerState.RUNNING),
    ]
    for act, status, power in steps:
        shown = act(server)
        assert (shown.status, shown.power_state) == (status, power), act
        assert rig.guest(server).power_state == power
    assert rig.servers.reboot(rig.servers.stop(server), "HARD").status == "ACTIVE"


def test_an_action_in_the_wrong_state_is_refused_in_one_sentence(rig: Rig) -> None:
    server = rig.servers.create()
    with pytest.raises(Conflict, match=r"is active; start takes one that is stopped"):
        rig.servers.start(server)
    with pytest.raises(Invalid, match="reboot takes SOFT or HARD; it was given 'WARM'"):
        rig.servers.reboot(server, "WARM")
    assert rig.servers.show(server).task_state is None


def test_of_two_actions_at_once_only_one_gets_through(rig: Rig) -> None:
    server = rig.servers.create()
    with rig.holding():
        rig.servers.stop(server)
        with pytest.raises(Conflict, match="task_state powering-off"):
            rig.servers.pause(server)
    assert rig.servers.show(server).status == "SHUTOFF"


def test_a_locked_server_is_for_administrators_only(rig: Rig) -> None:
    user = rig.as_user("ann", "blue")
    server = user.servers.create()
    assert rig.servers.lock(server, "audit").locked
    with pytest.raises(Conflict, match=r"is locked \(audit\)"):
        user.servers.stop(server)
    with pytest.raises(Conflict, match="is locked"):
        user.servers.delete(server)
    assert rig.servers.stop(server).status == "SHUTOFF"
    rig.servers.unlock(server)
    user.servers.delete(server)


def test_a_user_sees_and_changes_only_the_servers_of_the_own_project(rig: Rig) -> None:
    ann, bob = rig.as_user("ann", "blue"), rig.as_user("bob", "green")
    server = ann.servers.create()
    assert [s.id for s in ann.servers.list()] == [server.id]
    assert len(bob.servers.list()) == 0
    with pytest.raises(NotFound):
        bob.servers.delete(server)
    with pytest.raises(Forbidden, match="user bob may not create flavors"):
        bob.flavors.create("mine")


def test_a_rebuilt_server_keeps_its_host_and_has_the_new_image(rig: Rig) -> None:
    image = rig.images.create("other", id="8f1e3b2c-0000-4000-8000-000000000001")
    server = rig.servers.create()
    rebuilt = rig.servers.rebuild(server, "other")
    assert (rebuilt.status, rebuilt.host, rebuilt.image_id) == ("ACTIVE", server.host, image.id)
    stopped = rig.servers.stop(server)
    assert rig.servers.rebuild(stopped, "other").status == "SHUTOFF"


def test_a_snapshot_becomes_an_active_image_that_boots(rig: Rig) -> None:
    server = rig.servers.create()
    image = rig.servers.create_image(server, "backup")
    assert image.status == "queued"
    assert rig.images.show("backup").status == "active"
    assert rig.servers.create(image="backup").status == "ACTIVE"


def test_actions_and_their_events_are_recorded_under_the_request(rig: Rig) -> None:
    server = rig.servers.create()
    rig.servers.stop(server)
    actions = rig.servers.actions(server)
    assert [action.action for action in actions] == ["stop", "create"]
    assert all(action.request_id.startswith("req-") for action in actions)
    for action in actions:
        assert [event.result for event in action.events] == ["Success"]
        assert action.events[0].host == server.host
    rig.servers.delete(server)
    assert rig.servers.actions(server)[0].action == "delete"


def test_metadata_tags_and_name_can_be_changed(rig: Rig) -> None:
    server = rig.servers.create(metadata={"a": "1"}, tags=["x"])
    changed = rig.servers.update(server, name="new", metadata={"b": "2"}, tags=["y", "z"])
    assert (changed.name, changed.metadata, changed.tags) == ("new", {"b": "2"}, ("y", "z"))
    with pytest.raises(Invalid, match="tag 'a/b'"):
        rig.servers.update(server, tags=["a/b"])


def test_a_deleted_server_is_gone_everywhere(rig: Rig) -> None:
    server = rig.servers.create()
    host = str(server.host)
    rig.servers.delete(server)
    with pytest.raises(NotFound):
        rig.servers.show(server)
    assert rig.driver(host).list_guests() == []
    assert rig.placement.list_allocations() == ()
    with pytest.raises(NotFound):
        rig.servers.delete(server)


def test_a_server_can_be_deleted_before_it_is_scheduled(rig: Rig) -> None:
    with rig.holding():
        server = rig.servers.create()
        rig.servers.delete(server)
    with pytest.raises(NotFound):
        rig.servers.show(server)
    assert rig.placement.list_allocations() == ()


@pytest.mark.parametrize("seam", ["driver.spawn", "image.get", "driver.get_guest"])
def test_a_server_can_be_deleted_while_its_host_builds_it(rig: Rig, seam: str) -> None:
    hold = rig.faults.hold(seam, service="compute")
    with rig.holding():
        server = rig.servers.create()
        rig.settle()
        assert rig.servers.show(server).status == "BUILD"
        rig.servers.delete(server)
        hold.release()
    with pytest.raises(NotFound):
        rig.servers.show(server)


def test_a_server_in_cell0_can_be_deleted(rig: Rig) -> None:
    rig.flavors.create("huge", memory_mb=10**9)
    server = rig.servers.create(flavor="huge")
    assert (server.status, server.cell) == ("ERROR", "cell0")
    rig.servers.delete(server)
    assert len(rig.servers.list()) == 0


def test_1679750_a_server_on_a_dead_host_is_deleted_at_once_and_its_guest_when_it_is_back(
    rig: Rig,
) -> None:
    server = rig.servers.create()
    host = str(server.host)
    rig.crash(host)
    rig.advance(120)
    assert not rig.services.is_up(host)
    rig.servers.delete(server)
    assert rig.placement.list_allocations() == ()
    assert [guest.uuid for guest in rig.driver(host).list_guests()] == [server.id]
    rig.restart(host)
    rig.advance(3600)
    assert rig.driver(host).list_guests() == []


def test_a_guest_that_stops_by_itself_is_noticed(rig: Rig) -> None:
    server = rig.servers.create()
    rig.driver(str(server.host)).kill_guest(server.id)  # type: ignore[attr-defined]
    rig.settle()
    rig.advance(700)
    assert rig.servers.show(server).status == "SHUTOFF"


@pytest.mark.parametrize(
    ("asked", "error", "told"),
    [
        ({"flavor": "nope"}, NotFound, "flavor 'nope' does not exist"),
        ({"image": "nope"}, NotFound, "image 'nope' does not exist"),
        ({"zone": "nope"}, Invalid, "availability zone 'nope' does not exist; there are: nova"),
        ({"zone": "nova:nope"}, NotFound, "host 'nope' does not exist"),
        ({"host": "nope"}, NotFound, "host 'nope' does not exist"),
        ({"group": "nope"}, NotFound, "server group 'nope' does not exist"),
        ({"count": 0}, Invalid, "count takes a number from 1 on"),
        ({"name": ""}, Invalid, "name has 1 to 255 characters"),
        ({"tags": ["x" * 61]}, Invalid, "a tag has 1 to 60 characters"),
    ],
)
def test_a_wrong_request_is_refused_before_anything_is_written(
    rig: Rig, asked: dict[str, object], error: type[Exception], told: str
) -> None:
    before = rig.databases["api"].dump()
    with pytest.raises(error, match=told):
        rig.servers.create(**asked)  # type: ignore[call-overload]
    assert rig.databases["api"].dump() == before
    assert len(rig.servers.list()) == 0


def test_a_flavor_with_a_wrong_extra_spec_is_refused(rig: Rig) -> None:
    with pytest.raises(Invalid, match="trait:NOT_A_TRAIT"):
        rig.flavors.create("bad", extra_specs={"trait:NOT_A_TRAIT": "required"})


def test_no_room_says_for_each_host_what_was_missing() -> None:
    topology = Topology(cells=[Cell("cell1", 2)], options={"memory_mb": 4096})
    with Rig(topology) as rig:
        rig.flavors.create("big", memory_mb=100_000)
        rig.services.disable("cell1-host2", "maintenance")
        server = rig.servers.create(flavor="big")
        assert (server.status, server.cell) == ("ERROR", "cell0")
        assert server.fault is not None
        assert "no valid host" in server.fault.message
        assert "cell1-host1: " in server.fault.message
        assert "MEMORY_MB" in server.fault.message
        assert "cell1-host2: " in server.fault.message


def test_zones_aggregates_and_disabled_hosts_are_respected() -> None:
    topology = Topology(cells=[Cell("cell1", 3)], zones={"east": ["cell1-host3"]})
    with Rig(topology) as rig:
        assert rig.aggregates.zones() == {
            "east": ("cell1-host3",),
            "nova": ("cell1-host1", "cell1-host2"),
        }
        east = rig.servers.create(zone="east")
        assert (east.host, east.availability_zone) == ("cell1-host3", "east")
        rig.services.disable("cell1-host1")
        assert rig.servers.create(zone="nova").host == "cell1-host2"
        rig.services.enable("cell1-host1")
        assert rig.servers.create(zone="nova:cell1-host1").host == "cell1-host1"


def test_a_host_cannot_be_in_two_zones() -> None:
    topology = Topology(cells=[Cell("cell1", 2)], zones={"east": ["cell1-host1"]})
    with Rig(topology) as rig:
        west = rig.aggregates.create("west", zone="west")
        with pytest.raises(Conflict, match="is in availability zone 'east'"):
            rig.aggregates.add_host(west, "cell1-host1")


def test_virtual_functions_go_to_guests_as_placement_allocated_them() -> None:
    sriov = [{"address": "0000:81:00.0", "physical_network": "public", "vfs": 2}]
    with Rig(Topology(cells=[Cell("cell1", 1)], options={"sriov": sriov})) as rig:
        rig.flavors.create(
            "vf",
            extra_specs={
                "resources1:SRIOV_NET_VF": "1",
                "trait1:CUSTOM_PHYSNET_PUBLIC": "required",
            },
        )
        guests = [rig.guest(rig.servers.create(flavor="vf")) for _n in range(2)]
        addresses = [guest.devices[0].address for guest in guests]
        assert len(set(addresses)) == 2
        assert rig.servers.create(flavor="vf").status == "ERROR"
