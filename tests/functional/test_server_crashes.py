"""A service dies, or a call fails, at every seam that a build and a delete pass.

The seams are recorded from one run; then there is one rig for each. Whatever happens, the server
ends ACTIVE, or in ERROR with a reason, or gone, and the audit of the rig finds nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import pytest

from cellrig import Cell, Rig, Server, Topology
from cellrig.errors import CellrigError
from cellrig_faults import (
    Action,
    CrashAfter,
    CrashBefore,
    DeliverTwice,
    DropReply,
    Fail,
    FailAfter,
    Passed,
    passage_fault,
)

THREE = Topology(cells=[Cell("cell1", 3)])

#: The first host that is asked to build fails.
STUMBLING = Topology(
    cells=[Cell("cell1", 3)],
    options={"behaviours": [{"on": "spawn", "error": "resources", "times": 1, "per": "cloud"}]},
)

#: Seconds in which the periodic work of the hosts ends what nobody else can.
PATIENCE = 700.0

CRASHES = (CrashBefore(), CrashAfter())
BUG = Fail(RuntimeError("boom"))
FAILURES = (Fail(), FailAfter(), DeliverTwice(), DropReply(), BUG)


def build(rig: Rig) -> None:
    rig.servers.create(tags=["t"])


def delete(rig: Rig) -> None:
    rig.servers.delete(rig.servers.list()[0])


@cache
def passages_of(operation: Callable[[Rig], None], stumbling: bool) -> tuple[Passed, ...]:
    """The passages of an operation, but for those in which a user only looks."""
    with Rig(STUMBLING if stumbling else THREE) as rig:
        if operation is delete:
            build(rig)
        passed = rig.faults.seams_passed(lambda: operation(rig))
    return tuple(each for each in passed if not _only_looks(each))


def _only_looks(passed: Passed) -> bool:
    looks = ("_get", "_all", "_tags", "_fault", ".get")
    return passed.service == "api" and passed.seam.endswith(looks)


def _is_call(passed: Passed) -> bool:
    return (
        passed.service == "compute"
        and passed.seam.startswith("bus.conductor.")
        and passed.seam != "bus.conductor.build_instances"
    )


def cases(
    operation: Callable[[Rig], None],
    actions: tuple[Action, ...],
    *services: str,
    stumbling: bool = False,
) -> Iterator[object]:
    """One case for each passage that these services make, and each thing that can happen there."""
    for passed in passages_of(operation, stumbling):
        if f"{passed.service}@{passed.cell or ''}".rstrip("@") not in services:
            continue
        for action in actions:
            if isinstance(action, DropReply) and not _is_call(passed):
                continue
            yield pytest.param(passed, action, id=f"{action} {passed}")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    marker = metafunc.definition.get_closest_marker("at_every_seam")
    if marker is not None:
        metafunc.parametrize(("passed", "action"), list(cases(*marker.args, **marker.kwargs)))


def check_end(rig: Rig, wanted: tuple[str, ...]) -> None:
    """The server has come to an end that it may have; with the audit clean, here and now."""
    for server in rig.servers.list():
        assert server.status in wanted, server
        assert server.status != "ERROR" or (server.fault and server.fault.message), server
        assert server.task_state is None
    rig.audit()


def restart_what_died(rig: Rig) -> None:
    for label, process in list(rig.cloud.processes.items()):
        if process.crashed:
            rig.restart(label)


def ask(rig: Rig, operation: Callable[[Rig], None]) -> None:
    """Ask for it; the user may be told that it failed."""
    try:
        operation(rig)
    except (CellrigError, RuntimeError) as error:
        assert str(error)


def check_room(rig: Rig) -> None:
    """The cloud works: a server can be made, and deleted, on every host."""
    for host in rig.host_names:
        server = rig.servers.create(host=host)
        assert server.status == "ACTIVE", server
        rig.servers.delete(server)


COMPUTE = ("compute@cell1",)
ABOVE = ("conductor", "scheduler")
CELL = ("conductor@cell1",)


@pytest.mark.topology(THREE)
@pytest.mark.at_every_seam(build, CRASHES, *COMPUTE)
def test_a_compute_service_dies_in_a_build(rig: Rig, passed: Passed, action: Action) -> None:
    rig.faults.add(passage_fault(passed, action))
    build(rig)
    restart_what_died(rig)
    check_end(rig, ("ACTIVE", "ERROR"))
    check_room(rig)


@pytest.mark.topology(STUMBLING)
@pytest.mark.at_every_seam(build, CRASHES, *COMPUTE, stumbling=True)
def test_a_compute_service_dies_in_a_build_that_is_handed_on(
    rig: Rig, passed: Passed, action: Action
) -> None:
    rig.faults.add(passage_fault(passed, action))
    build(rig)
    restart_what_died(rig)
    check_end(rig, ("ACTIVE", "ERROR"))


@pytest.mark.topology(THREE)
@pytest.mark.at_every_seam(delete, CRASHES, *COMPUTE)
def test_a_compute_service_dies_in_a_delete(rig: Rig, passed: Passed, action: Action) -> None:
    build(rig)
    rig.faults.add(passage_fault(passed, action))
    delete(rig)
    restart_what_died(rig)
    check_end(rig, ())
    check_room(rig)


@pytest.mark.topology(THREE)
@pytest.mark.at_every_seam(build, CRASHES, *ABOVE)
def test_a_super_conductor_or_a_scheduler_dies_in_a_build(
    rig: Rig, passed: Passed, action: Action
) -> None:
    rig.faults.add(passage_fault(passed, action))
    build(rig)
    restart_what_died(rig)
    rig.advance(PATIENCE)
    check_end(rig, ("ACTIVE", "ERROR"))
    check_room(rig)


@pytest.mark.topology(STUMBLING)
@pytest.mark.at_every_seam(build, CRASHES, *CELL, stumbling=True)
def test_a_cell_conductor_dies_in_a_build_and_is_away_for_long(
    rig: Rig, passed: Passed, action: Action
) -> None:
    rig.faults.add(passage_fault(passed, action))
    build(rig)
    restart_what_died(rig)
    rig.advance(PATIENCE)
    check_end(rig, ("ACTIVE", "ERROR"))


@pytest.mark.topology(THREE)
@pytest.mark.at_every_seam(delete, CRASHES, *CELL)
def test_a_cell_conductor_dies_in_a_delete_and_is_away_for_long(
    rig: Rig, passed: Passed, action: Action
) -> None:
    build(rig)
    rig.faults.add(passage_fault(passed, action))
    delete(rig)
    restart_what_died(rig)
    rig.advance(PATIENCE)
    check_end(rig, ())


@pytest.mark.topology(THREE)
@pytest.mark.at_every_seam(build, FAILURES, "api", *COMPUTE, *ABOVE, *CELL)
def test_a_call_of_a_build_fails(rig: Rig, passed: Passed, action: Action) -> None:
    rig.faults.allow(RuntimeError)
    rig.faults.add(passage_fault(passed, action))
    ask(rig, build)
    check_end(rig, ("ACTIVE", "ERROR"))


@pytest.mark.topology(THREE)
@pytest.mark.at_every_seam(delete, FAILURES, "api", *COMPUTE, *CELL)
def test_a_call_of_a_delete_fails(rig: Rig, passed: Passed, action: Action) -> None:
    build(rig)
    rig.faults.allow(RuntimeError)
    rig.faults.add(passage_fault(passed, action))
    ask(rig, delete)
    check_end(rig, ("ACTIVE", "ERROR"))
    for server in rig.servers.list():
        rig.servers.delete(server)
    assert len(rig.servers.list()) == 0


@pytest.mark.topology(STUMBLING)
@pytest.mark.at_every_seam(build, FAILURES, *COMPUTE, *CELL, stumbling=True)
def test_a_call_of_a_build_that_is_handed_on_fails(
    rig: Rig, passed: Passed, action: Action
) -> None:
    rig.faults.allow(RuntimeError)
    rig.faults.add(passage_fault(passed, action))
    ask(rig, build)
    if action == BUG:  # in the middle of dealing with another error: the task ends there
        rig.advance(PATIENCE)
    check_end(rig, ("ACTIVE", "ERROR"))


def supervise(rig: Rig) -> None:
    """Let every service that dies be started again at once, while the rest goes on."""

    def watch(label: str) -> None:
        def again() -> None:
            rig.cloud.start(label)
            watch(label)

        def died() -> None:
            rig.spawn(again, name=f"start {label}")

        rig.cloud.processes[label].at_death(died)

    for label in list(rig.cloud.processes):
        watch(label)


@pytest.mark.topology(STUMBLING)
@pytest.mark.at_every_seam(build, CRASHES, *COMPUTE, *ABOVE, *CELL, stumbling=True)
def test_a_service_that_dies_in_a_build_is_back_at_once(
    rig: Rig, passed: Passed, action: Action
) -> None:
    supervise(rig)
    rig.faults.add(passage_fault(passed, action))
    build(rig)
    rig.advance(PATIENCE)
    check_end(rig, ("ACTIVE", "ERROR"))


@pytest.mark.topology(THREE)
@pytest.mark.at_every_seam(delete, CRASHES, *COMPUTE, *CELL)
def test_a_service_that_dies_in_a_delete_is_back_at_once(
    rig: Rig, passed: Passed, action: Action
) -> None:
    build(rig)
    supervise(rig)
    rig.faults.add(passage_fault(passed, action))
    delete(rig)
    rig.advance(PATIENCE)
    check_end(rig, ("ERROR",))
    for server in rig.servers.list():
        rig.servers.delete(server)
    assert len(rig.servers.list()) == 0


def held_in_a_build(rig: Rig) -> tuple[Server, Callable[[], None]]:
    """A server whose build is held at its hypervisor, and what lets it go on."""
    hold = rig.faults.hold("driver.spawn")
    server = rig.servers.create()
    assert hold.reached

    def release() -> None:
        hold.release()
        rig.settle()

    return server, release


@pytest.mark.topology(THREE)
@pytest.mark.parametrize("service", ["conductor@cell1", "conductor", "scheduler"])
def test_a_build_survives_a_service_that_dies_and_comes_back_beside_it(
    rig: Rig, service: str
) -> None:
    server, release = held_in_a_build(rig)
    rig.crash(service)
    rig.restart(service)
    release()
    assert rig.servers.show(server).status == "ACTIVE"


@pytest.mark.topology(THREE)
@pytest.mark.parametrize("service", ["conductor", "scheduler", "cell1-host1"])
def test_a_server_asked_for_while_a_service_was_away_is_built_when_it_is_back(
    rig: Rig, service: str
) -> None:
    rig.crash(service)
    with rig.holding():
        server = rig.servers.create()
        rig.restart(service)
    after = rig.servers.show(server)
    assert (after.status, after.fault) == ("ACTIVE", None)


@pytest.mark.topology(THREE)
def test_a_super_conductor_that_comes_back_does_not_bury_what_it_has_in_hand(rig: Rig) -> None:
    rig.crash("conductor")
    rig.faults.delay("placement.get_allocation_candidates", 5, times=1)
    with rig.holding():
        server = rig.servers.create()
        rig.restart("conductor")
    after = rig.servers.show(server)
    assert (after.status, after.fault) == ("ACTIVE", None)


@pytest.mark.topology(THREE)
def test_a_scheduler_that_comes_back_too_late_claims_nothing(rig: Rig) -> None:
    rig.crash("scheduler")
    server = rig.servers.create()
    assert (server.status, server.cell) == ("ERROR", "cell0")
    assert server.fault is not None
    assert "no reply" in server.fault.message
    rig.restart("scheduler")
    assert rig.placement.list_allocations() == ()


@pytest.mark.topology(THREE)
@pytest.mark.parametrize(
    "seam", ["placement.get_allocation_candidates", "placement.put_allocations"]
)
def test_a_scheduler_that_answers_too_late_gives_its_claims_back(rig: Rig, seam: str) -> None:
    rig.faults.delay(seam, 100)
    server = rig.servers.create()
    assert (server.status, server.cell) == ("ERROR", "cell0")
    assert rig.placement.list_allocations() == ()


@pytest.mark.topology(Topology(cells=[Cell("cell1", 1)]))
def test_a_build_that_hangs_ends_in_error_after_half_an_hour_and_leaves_nothing(rig: Rig) -> None:
    server, release = held_in_a_build(rig)
    rig.advance(1900)
    stuck = rig.servers.show(server)
    assert stuck.status == "ERROR"
    assert stuck.fault is not None
    assert "did not move for 1800 s on host cell1-host1" in stuck.fault.message
    release()
    after = rig.servers.show(server)
    assert (after.status, after.host) == ("ERROR", None)
    assert rig.placement.list_allocations() == ()
    assert list(rig.driver("cell1-host1").list_guests()) == []


@pytest.mark.topology(Topology(cells=[Cell("cell1", 1)]))
@pytest.mark.parametrize("action", ["pause", "stop", "reboot", "rebuild", "create_image"])
def test_an_action_that_a_crash_breaks_off_is_over_when_the_host_is_back(
    rig: Rig, action: str
) -> None:
    server = rig.servers.create()
    seam = {"stop": "power_off", "rebuild": "spawn", "create_image": "snapshot"}.get(action, action)
    rig.faults.crash_before(f"driver.{seam}")
    arguments = {"rebuild": ("cirros",), "create_image": ("snap",)}.get(action, ())
    getattr(rig.servers, action)(server, *arguments)
    rig.restart("cell1-host1")
    after = rig.servers.show(server)
    assert after.task_state is None
    assert after.status == ("ERROR" if action == "rebuild" else "ACTIVE")
    assert after.fault is not None
    assert "interrupted" in after.fault.message
    assert [image.status for image in rig.images.list() if image.name == "snap"] in (
        [],
        ["killed"],
    )
