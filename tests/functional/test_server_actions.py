"""What is done to a server that exists: each action, who may not, and in which states it is not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cellrig import Cell, Rig, Server, Topology
from cellrig.driver.errors import HypervisorError
from cellrig.errors import Conflict, Invalid, NotFound
from cellrig.model import PowerState
from cellrig_fake import FakeDriver

Act = Callable[[Rig, Server], object]

#: Each action, and what brings a server into a state that takes it.
ACTIONS: dict[str, tuple[str, Act]] = {
    "start": ("SHUTOFF", lambda rig, server: rig.servers.start(server)),
    "stop": ("ACTIVE", lambda rig, server: rig.servers.stop(server)),
    "reboot": ("ACTIVE", lambda rig, server: rig.servers.reboot(server)),
    "pause": ("ACTIVE", lambda rig, server: rig.servers.pause(server)),
    "unpause": ("PAUSED", lambda rig, server: rig.servers.unpause(server)),
    "suspend": ("ACTIVE", lambda rig, server: rig.servers.suspend(server)),
    "resume": ("SUSPENDED", lambda rig, server: rig.servers.resume(server)),
    "rescue": ("ACTIVE", lambda rig, server: rig.servers.rescue(server)),
    "unrescue": ("RESCUE", lambda rig, server: rig.servers.unrescue(server)),
    "rebuild": ("ACTIVE", lambda rig, server: rig.servers.rebuild(server, "cirros")),
    "createImage": ("ACTIVE", lambda rig, server: rig.servers.create_image(server, "snap")),
}

#: How a server that is ACTIVE gets into a status.
INTO: dict[str, Act] = {
    "ACTIVE": lambda rig, server: None,
    "SHUTOFF": lambda rig, server: rig.servers.stop(server),
    "PAUSED": lambda rig, server: rig.servers.pause(server),
    "SUSPENDED": lambda rig, server: rig.servers.suspend(server),
    "RESCUE": lambda rig, server: rig.servers.rescue(server),
}

#: The statuses that an action takes (Compute API, "Servers - run an action").
TAKES = {
    "start": {"SHUTOFF"},
    "stop": {"ACTIVE"},
    "reboot": {"ACTIVE"},
    "pause": {"ACTIVE"},
    "unpause": {"PAUSED"},
    "suspend": {"ACTIVE"},
    "resume": {"SUSPENDED"},
    "rescue": {"ACTIVE", "SHUTOFF"},
    "unrescue": {"RESCUE"},
    "rebuild": {"ACTIVE", "SHUTOFF"},
    "createImage": {"ACTIVE", "SHUTOFF", "PAUSED", "SUSPENDED"},
}


@pytest.mark.parametrize(
    ("there", "back", "status", "power"),
    [
        ("stop", "start", "SHUTOFF", PowerState.SHUTDOWN),
        ("pause", "unpause", "PAUSED", PowerState.PAUSED),
        ("suspend", "resume", "SUSPENDED", PowerState.SUSPENDED),
        ("rescue", "unrescue", "RESCUE", PowerState.RUNNING),
    ],
)
def test_there_and_back_again(
    rig: Rig, there: str, back: str, status: str, power: PowerState
) -> None:
    server = rig.servers.create()
    gone = getattr(rig.servers, there)(server)
    assert (gone.status, gone.task_state, gone.power_state) == (status, None, power)
    assert rig.guest(server).power_state == power
    returned = getattr(rig.servers, back)(server)
    assert (returned.status, returned.power_state) == ("ACTIVE", PowerState.RUNNING)
    assert rig.guest(server).power_state == PowerState.RUNNING
    assert [action.action for action in rig.servers.actions(server)] == [back, there, "create"]


@pytest.mark.parametrize("status", sorted(INTO))
@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_an_action_in_a_state_that_does_not_take_it_changes_nothing(
    rig: Rig, action: str, status: str
) -> None:
    server = rig.servers.create()
    INTO[status](rig, server)
    before = rig.servers.show(server)
    assert before.status == status
    if status in TAKES[action]:
        ACTIONS[action][1](rig, server)
        after = rig.servers.show(server)
        assert (after.task_state, after.fault) == (None, None)
        return
    with pytest.raises(Conflict, match=f"server {server.id} is .*; {action} takes one that is"):
        ACTIONS[action][1](rig, server)
    assert rig.servers.show(server) == before
    assert [image.name for image in rig.images.list()] == ["cirros"]


@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_an_action_on_a_server_that_is_not_there_names_it(rig: Rig, action: str) -> None:
    server = rig.servers.create()
    rig.servers.delete(server)
    with pytest.raises(NotFound, match=server.id):
        ACTIONS[action][1](rig, server)
    with pytest.raises(NotFound, match="'no-server'"):
        rig.servers.show("no-server")


def test_an_action_on_a_server_that_is_still_being_scheduled_is_refused(rig: Rig) -> None:
    hold = rig.faults.hold("bus.scheduler.select_destinations")
    server = rig.servers.create()
    for action in ("stop", "pause", "lock", "reboot"):
        with pytest.raises(Conflict, match=f"server {server.id} is still being scheduled"):
            getattr(rig.servers, action)(server)
    hold.release()
    rig.settle()
    assert rig.servers.show(server).status == "ACTIVE"


@pytest.mark.parametrize("status", ["ACTIVE", "SHUTOFF", "PAUSED", "SUSPENDED"])
def test_a_hard_reboot_brings_a_server_in_any_state_up(rig: Rig, status: str) -> None:
    server = rig.servers.create()
    INTO[status](rig, server)
    assert rig.servers.reboot(server, "HARD").status == "ACTIVE"
    assert rig.guest(server).power_state == PowerState.RUNNING


def test_a_hard_reboot_makes_a_guest_again_that_the_hypervisor_has_lost(rig: Rig) -> None:
    server = rig.servers.create()
    driver = rig.driver(str(server.host))
    assert isinstance(driver, FakeDriver)
    driver.lose_guest(server.id)
    assert rig.servers.reboot(server, "HARD").status == "ACTIVE"
    assert rig.guest(server).power_state == PowerState.RUNNING


def test_a_second_hard_reboot_may_come_while_the_first_goes_on_a_soft_one_may_not(
    rig: Rig,
) -> None:
    server = rig.servers.create()
    hold = rig.faults.hold("driver.reboot", nth=1)
    assert rig.servers.reboot(server, "SOFT").status == "REBOOT"
    with pytest.raises(Conflict, match="task_state rebooting"):
        rig.servers.reboot(server, "SOFT")
    assert rig.servers.reboot(server, "HARD").status == "HARD_REBOOT"
    hold.release()
    rig.settle()
    assert rig.servers.show(server).status == "ACTIVE"


def test_a_reboot_takes_soft_or_hard(rig: Rig) -> None:
    server = rig.servers.create()
    with pytest.raises(Invalid, match="SOFT or HARD; it was given 'WARM'"):
        rig.servers.reboot(server, "WARM")


def test_a_locked_server_is_an_administrators_only(rig: Rig) -> None:
    user = rig.as_user("ann", "blue").servers
    server = user.create()
    locked = user.lock(server, reason="at work")
    assert (locked.locked, locked.locked_reason) == (True, "at work")
    for action in (
        lambda: user.stop(server),
        lambda: user.delete(server),
        lambda: user.rebuild(server, "cirros"),
        lambda: user.create_image(server, "snap"),
        lambda: user.update(server, metadata={"k": "v"}),
    ):
        with pytest.raises(Conflict, match=f"server {server.id} is locked \\(at work\\)"):
            action()
    assert user.show(server).status == "ACTIVE"
    assert [image.name for image in rig.images.list()] == ["cirros"]
    assert rig.servers.stop(server).status == "SHUTOFF"
    unlocked = user.unlock(server)
    assert (unlocked.locked, unlocked.locked_reason) == (False, None)
    assert user.start(server).status == "ACTIVE"


def test_a_server_of_another_project_does_not_exist(rig: Rig) -> None:
    server = rig.as_user("ann", "blue").servers.create()
    other = rig.as_user("bob", "red").servers
    for action in (
        lambda: other.show(server),
        lambda: other.stop(server),
        lambda: other.delete(server),
        lambda: other.actions(server),
        lambda: other.update(server, name="mine"),
        lambda: other.console_output(server),
    ):
        with pytest.raises(NotFound, match=server.id):
            action()
    assert len(other.list()) == 0
    assert len(rig.servers.list()) == 1


def test_rebuild_keeps_host_and_claim_and_takes_the_new_image(rig: Rig) -> None:
    rig.images.create("other", id="other")
    server = rig.servers.create(metadata={"k": "v"})
    held = rig.placement.get_allocations(server.id)
    rebuilt = rig.servers.rebuild(server, "other")
    assert (rebuilt.status, rebuilt.host, rebuilt.image_id) == ("ACTIVE", server.host, "other")
    assert rebuilt.metadata == {"k": "v"}
    after = rig.placement.get_allocations(server.id)
    assert held is not None
    assert after is not None
    assert after.allocations == held.allocations


def test_a_server_that_was_stopped_is_stopped_after_its_rebuild(rig: Rig) -> None:
    server = rig.servers.create()
    rig.servers.stop(server)
    assert rig.servers.rebuild(server, "cirros").status == "SHUTOFF"
    assert rig.guest(server).power_state == PowerState.SHUTDOWN


def test_a_rebuild_with_an_image_that_does_not_fit_or_exist_changes_nothing(rig: Rig) -> None:
    rig.images.create("huge", id="huge", min_disk=500)
    server = rig.servers.create()
    with pytest.raises(Invalid, match="'huge' needs a root disk of 500 GiB"):
        rig.servers.rebuild(server, "huge")
    with pytest.raises(NotFound, match="no-image"):
        rig.servers.rebuild(server, "no-image")
    assert rig.servers.show(server) == server


def test_a_rebuild_that_fails_leaves_error_with_the_reason_and_a_second_one_helps(
    rig: Rig,
) -> None:
    server = rig.servers.create()
    rig.faults.fail("driver.spawn", HypervisorError("no more ink"), times=1)
    failed = rig.servers.rebuild(server, "cirros")
    assert (failed.status, failed.host) == ("ERROR", server.host)
    assert failed.fault is not None
    assert "no more ink" in failed.fault.message
    assert rig.servers.rebuild(server, "cirros").status == "ACTIVE"


def test_an_image_of_a_server_can_be_booted_from(rig: Rig) -> None:
    server = rig.servers.create()
    made = rig.servers.create_image(server, "golden")
    image = rig.images.show(made.id)
    assert (image.status, image.name) == ("active", "golden")
    assert image.properties["instance_uuid"] == server.id
    assert image.size > 0
    assert rig.servers.create(image="golden").status == "ACTIVE"
    assert rig.servers.show(server).status == "ACTIVE"


def test_a_snapshot_that_fails_kills_its_image_and_spares_the_server(rig: Rig) -> None:
    server = rig.servers.create()
    rig.faults.fail("driver.snapshot", HypervisorError("disk on fire"))
    made = rig.servers.create_image(server, "golden")
    assert rig.images.show(made.id).status == "killed"
    after = rig.servers.show(server)
    assert (after.status, after.task_state) == ("ACTIVE", None)
    assert after.fault is not None
    assert "disk on fire" in after.fault.message


@pytest.mark.parametrize("action", ["stop", "pause", "suspend", "reboot", "rescue"])
def test_an_action_that_fails_leaves_the_server_as_it_was_with_the_reason(
    rig: Rig, action: str
) -> None:
    server = rig.servers.create()
    method = {"stop": "power_off"}.get(action, action)
    rig.faults.fail(f"driver.{method}", HypervisorError("stuck"), times=1)
    after = getattr(rig.servers, action)(server)
    assert (after.status, after.task_state, after.power_state) == (
        "ACTIVE",
        None,
        PowerState.RUNNING,
    )
    assert after.fault is not None
    assert "stuck" in after.fault.message
    assert getattr(rig.servers, action)(server).status != "ERROR"


def test_an_error_that_no_driver_may_raise_leaves_the_server_in_error_as_the_drivers_bug(
    rig: Rig,
) -> None:
    server = rig.servers.create()
    rig.faults.fail("driver.pause", ZeroDivisionError("oops"), times=1)
    after = rig.servers.pause(server)
    assert (after.status, after.task_state) == ("ERROR", None)
    assert after.fault is not None
    assert "ZeroDivisionError: oops" in after.fault.message
    assert "bug of the driver" in after.fault.message
    assert rig.servers.reboot(server, "HARD").status == "ACTIVE"


@pytest.mark.topology(Topology(cells=[Cell("cell1", 1)]))
def test_an_action_that_cannot_be_sent_is_taken_back(rig: Rig) -> None:
    server = rig.servers.create()
    for seam in ("bus.compute.stop_instance", "db.cell1.action_start"):
        rule = rig.faults.fail(seam)
        with pytest.raises(Exception, match="fault injected"):
            rig.servers.stop(server)
        rule.clear()
        after = rig.servers.show(server)
        assert (after.status, after.task_state) == ("ACTIVE", None)
    rule = rig.faults.fail_after("db.cell1.instance_update", nth=1)
    with pytest.raises(Exception, match="fault injected"):
        rig.servers.stop(server)
    assert rig.servers.show(server).task_state is None
    assert rig.servers.stop(server).status == "SHUTOFF"


def test_the_console_shows_what_the_guest_wrote(rig: Rig) -> None:
    server = rig.servers.create()
    output = rig.servers.console_output(server)
    assert "boot 1" in output
    assert len(output.splitlines()) > 5
    rig.servers.reboot(server)
    assert "boot 2" in rig.servers.console_output(server)
    rig.flavors.create("giant", memory_mb=10**9)
    buried = rig.servers.create(flavor="giant")
    with pytest.raises(Conflict, match="on no host"):
        rig.servers.console_output(buried)


def test_an_action_on_a_server_in_cell0_says_that_it_is_in_error(rig: Rig) -> None:
    rig.flavors.create("giant", memory_mb=10**9)
    buried = rig.servers.create(flavor="giant")
    with pytest.raises(Conflict, match="is error; pause takes one that is active"):
        rig.servers.pause(buried)
    with pytest.raises(Conflict, match="is on no host: it cannot stop"):
        rig.servers.stop(buried)
