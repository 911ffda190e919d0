"""A call fails at every seam that a move passes, of every kind of move.

The seams are recorded from one run of each kind. Whatever happens, the audit finds nothing as soon
as the request has come to its end, the server is on one host, and it can be moved again.
"""

from __future__ import annotations

import pytest
from move_cases import (
    BUG,
    PATIENCE,
    Stages,
    cases,
    check_end,
    check_next_move,
    fault_at,
)
from move_kinds import Kind

from cellrig_faults import Action, DeliverTwice, DropReply, Fail, FailAfter, Passed

FAILURES = (Fail(), FailAfter(), DeliverTwice(), DropReply(), BUG)


def is_left_to_the_periodic_work(passed: Passed, action: Action) -> bool:
    """Whether a request has begun a task and cannot know: a second copy of it is refused."""
    begins = passed.service == "api" and passed.seam.endswith(".instance_update")
    return action == DeliverTwice() and begins


@pytest.mark.counted("failures at seams of moves")
@pytest.mark.parametrize(("kind", "passed", "action"), cases(FAILURES))
def test_a_call_of_a_move_fails(stages: Stages, kind: Kind, passed: Passed, action: Action) -> None:
    with stages.case(kind) as stage:
        with fault_at(stage.rig, passed, action):
            told = stage.perform()
        if is_left_to_the_periodic_work(passed, action):
            stage.rig.advance(PATIENCE)
        check_end(stage, told)
        check_next_move(stage)
