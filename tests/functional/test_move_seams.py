"""A call fails at every seam that a move passes, of every kind of move.

The seams are recorded from one run of each kind. Whatever happens, the audit finds nothing as soon
as the request has come to its end, the server is on one host, and it can be moved again.
"""

from __future__ import annotations

import pytest
from move_cases import (
    BUG,
    PATIENCE,
    Case,
    Run,
    Stages,
    check_end,
    fault_at,
    runs,
)

from cellrig_faults import Action, DeliverTwice, DropReply, Fail, FailAfter, Passed

FAILURES = (Fail(), FailAfter(), DeliverTwice(), DropReply(), BUG)


def is_left_to_the_periodic_work(passed: Passed, action: Action) -> bool:
    """Whether a request has begun a task and cannot know: a second copy of it is refused."""
    begins = passed.service == "api" and passed.seam.endswith(".instance_update")
    return action == DeliverTwice() and begins


@pytest.mark.parametrize("run", runs("failures at seams of moves", FAILURES))
def test_a_call_of_a_move_fails(stages: Stages, run: Run) -> None:
    def attempt(case: Case) -> None:
        with stages.case(case.kind) as stage:
            with fault_at(stage.rig, case.passed, case.action):
                told = stage.perform()
            if is_left_to_the_periodic_work(case.passed, case.action):
                stage.rig.advance(PATIENCE)
            check_end(stage, told)
            stages.check_next_move(stage)

    run.each(attempt)
