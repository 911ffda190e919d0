"""A service dies at every seam that it passes in a move, of every kind of move.

The seams are recorded from one run of each kind. The service dies there, before or after the call,
and is started again. Whatever happens, the audit finds nothing, the server is on one host, and it
can be moved again.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from move_cases import (
    Stages,
    cases,
    check_end,
    check_next_move,
    fault_at,
    let_pass,
    restart_what_died,
)
from move_kinds import BASIC, Kind

from cellrig import Rig
from cellrig_faults import Action, CrashAfter, CrashBefore, Passed

CRASHES = (CrashBefore(), CrashAfter())
COMPUTE = ("compute@cell1",)
#: The conductors and the scheduler; a super-conductor, too, passes the seams of a cell's database.
ABOVE = ("conductor", "conductor@cell1", "scheduler", "scheduler@cell1")


@pytest.mark.counted("crashes of sources and destinations at seams of moves")
@pytest.mark.parametrize(("kind", "passed", "action"), cases(CRASHES, *COMPUTE))
def test_the_source_or_the_destination_of_a_move_dies(
    stages: Stages, kind: Kind, passed: Passed, action: Action
) -> None:
    with stages.case(kind) as stage:
        with fault_at(stage.rig, passed, action):
            told = stage.perform()
        restart_what_died(stage.rig)
        check_end(stage, told)
        check_next_move(stage)


@pytest.mark.counted("crashes of conductors and schedulers at seams of moves")
@pytest.mark.parametrize(("kind", "passed", "action"), cases(CRASHES, *ABOVE))
def test_a_conductor_or_a_scheduler_dies_in_a_move_and_is_away_for_long(
    stages: Stages, kind: Kind, passed: Passed, action: Action
) -> None:
    with stages.case(kind) as stage:
        with fault_at(stage.rig, passed, action):
            told = stage.perform()
        restart_what_died(stage.rig)
        let_pass(stage)
        check_end(stage, told)
        check_next_move(stage)


@pytest.fixture(scope="module")
def supervised() -> Iterator[Stages]:
    """Stages whose services are started again at once when they die."""
    stages = Stages(supervise)
    yield stages
    stages.close()


@pytest.mark.counted("crashes at seams of moves of services that are back at once")
@pytest.mark.parametrize(
    ("kind", "passed", "action"), cases(CRASHES, *COMPUTE, *ABOVE, kinds=BASIC)
)
def test_a_service_that_dies_in_a_move_is_back_at_once(
    supervised: Stages, kind: Kind, passed: Passed, action: Action
) -> None:
    with supervised.case(kind) as stage:
        with fault_at(stage.rig, passed, action):
            told = stage.perform()
        let_pass(stage)
        check_end(stage, told)
        check_next_move(stage)


def supervise(rig: Rig) -> None:
    """Let every service that dies be started again at once, unless its host is declared dead."""

    def watch(label: str) -> None:
        def again() -> None:
            rig.cloud.start(label)
            watch(label)

        def died() -> None:
            rig.spawn(again, name=f"start {label}")

        rig.cloud.processes[label].at_death(died)

    for label, process in list(rig.cloud.processes.items()):
        if not process.crashed:
            watch(label)
