"""A service dies at every seam that it passes in a move, of every kind of move.

The seams are recorded from one run of each kind. The service dies there, before or after the call,
and is started again. Whatever happens, the audit finds nothing, the server is on one host, and it
can be moved again.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from move_cases import (
    Case,
    Run,
    Stages,
    check_end,
    fault_at,
    let_pass,
    restart_what_died,
    runs,
)
from move_kinds import BASIC

from cellrig import Rig
from cellrig_faults import CrashAfter, CrashBefore

CRASHES = (CrashBefore(), CrashAfter())
COMPUTE = ("compute@cell1", "compute@cell2")
#: The conductors and the scheduler; a super-conductor, too, passes the seams of a cell's database.
ABOVE = (
    "conductor",
    "conductor@cell1",
    "conductor@cell2",
    "scheduler",
    "scheduler@cell1",
    "scheduler@cell2",
)


@pytest.mark.parametrize(
    "run", runs("crashes of sources and destinations at seams of moves", CRASHES, *COMPUTE)
)
def test_the_source_or_the_destination_of_a_move_dies(stages: Stages, run: Run) -> None:
    def attempt(case: Case) -> None:
        with stages.case(case.kind) as stage:
            with fault_at(stage.rig, case.passed, case.action):
                told = stage.perform()
            restart_what_died(stage.rig)
            if case.kind.crosses:
                let_pass(stage)  # it is the super-conductor that goes on, and nobody tells it
            check_end(stage, told)
            stages.check_next_move(stage)

    run.each(attempt)


@pytest.mark.parametrize(
    "run", runs("crashes of conductors and schedulers at seams of moves", CRASHES, *ABOVE)
)
def test_a_conductor_or_a_scheduler_dies_in_a_move_and_is_away_for_long(
    stages: Stages, run: Run
) -> None:
    def attempt(case: Case) -> None:
        with stages.case(case.kind) as stage:
            with fault_at(stage.rig, case.passed, case.action):
                told = stage.perform()
            restart_what_died(stage.rig)
            let_pass(stage)
            check_end(stage, told)
            stages.check_next_move(stage)

    run.each(attempt)


@pytest.fixture(scope="module")
def supervised() -> Iterator[Stages]:
    """Stages whose services are started again at once when they die."""
    stages = Stages(supervise)
    yield stages
    stages.close()


@pytest.mark.parametrize(
    "run",
    runs(
        "crashes at seams of moves of services that are back at once",
        CRASHES,
        *COMPUTE,
        *ABOVE,
        kinds=BASIC,
    ),
)
def test_a_service_that_dies_in_a_move_is_back_at_once(supervised: Stages, run: Run) -> None:
    def attempt(case: Case) -> None:
        with supervised.case(case.kind) as stage:
            with fault_at(stage.rig, case.passed, case.action):
                told = stage.perform()
            let_pass(stage)
            check_end(stage, told)
            supervised.check_next_move(stage)

    run.each(attempt)


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
