"""A call fails at every seam that an operation on volumes passes.

The seams are recorded from one run; then there is one rig for each of them and each kind of
failure. Whatever happens, the audit finds nothing as soon as the request has come to its end, the
volume is wholly attached or free, and the operation can be done again.
"""

from __future__ import annotations

import pytest
from volume_operations import (
    BOOT_ON_SECOND_HOST,
    BOOTS,
    BUG,
    ON_SERVERS,
    Operation,
    ask,
    cases,
    check_again,
    check_end,
)

from cellrig_faults import Action, DeliverTwice, DropReply, Fail, FailAfter, Passed, passage_fault
from cellrig_pytest.factory import RigFactory

FAILURES = (Fail(), FailAfter(), DeliverTwice(), DropReply(), BUG)

#: Seconds after which a host takes a detach that nobody orders for abandoned, and finishes it.
PATIENCE = 1900.0


def is_left_to_the_host(passed: Passed, action: Action) -> bool:
    """Whether a request has begun a detach and cannot know: a second copy of it is refused."""
    return action == DeliverTwice() and passed.seam == "volume.begin_detaching"


@pytest.mark.parametrize(
    ("operation", "passed", "action"),
    [
        *cases((*ON_SERVERS, *BOOTS), FAILURES),
        *cases((BOOT_ON_SECOND_HOST,), FAILURES, "compute@cell1", "conductor@cell1"),
    ],
)
def test_a_call_fails(
    rig_factory: RigFactory, operation: Operation, passed: Passed, action: Action
) -> None:
    rig = rig_factory(operation.topology)
    scene = operation.prepare(rig)
    rig.faults.allow(RuntimeError)
    rig.faults.add(passage_fault(passed, action))
    ask(rig, operation, scene)
    if is_left_to_the_host(passed, action):
        rig.advance(PATIENCE)
    check_end(rig)
    check_again(rig, operation, scene)
