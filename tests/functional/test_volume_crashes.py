"""A service dies at every seam that an operation on volumes passes.

The seams are recorded from one run; then there is one rig for each of them, in which the service
dies there, before or after the call, and is started again. Whatever happens, the audit finds
nothing, the volume is wholly attached or free, and the operation can be done again.
"""

from __future__ import annotations

import pytest
from volume_operations import (
    BOOT_ON_SECOND_HOST,
    BOOTS,
    ON_SERVERS,
    Operation,
    ask,
    cases,
    check_again,
    check_end,
)

from cellrig import Rig
from cellrig_faults import Action, CrashAfter, CrashBefore, Passed, passage_fault
from cellrig_pytest.factory import RigFactory

CRASHES = (CrashBefore(), CrashAfter())
ALL = (*ON_SERVERS, *BOOTS, BOOT_ON_SECOND_HOST)

#: Seconds after which the periodic work of the hosts has ended what nobody else could.
PATIENCE = 1900.0


def restart_what_died(rig: Rig) -> None:
    for label, process in list(rig.cloud.processes.items()):
        if process.crashed:
            rig.restart(label)


@pytest.mark.parametrize(("operation", "passed", "action"), [*cases(ALL, CRASHES, "compute@cell1")])
def test_a_compute_service_dies(
    rig_factory: RigFactory, operation: Operation, passed: Passed, action: Action
) -> None:
    rig = rig_factory(operation.topology)
    scene = operation.prepare(rig)
    rig.faults.add(passage_fault(passed, action))
    ask(rig, operation, scene)
    restart_what_died(rig)
    check_end(rig)
    check_again(rig, operation, scene)


@pytest.mark.parametrize(
    ("operation", "passed", "action"),
    [
        *cases(BOOTS, CRASHES, "conductor", "conductor@cell1"),
        *cases((*ON_SERVERS, BOOT_ON_SECOND_HOST), CRASHES, "conductor@cell1"),
    ],
)
def test_a_conductor_dies_and_is_away_for_long(
    rig_factory: RigFactory, operation: Operation, passed: Passed, action: Action
) -> None:
    rig = rig_factory(operation.topology)
    scene = operation.prepare(rig)
    rig.faults.add(passage_fault(passed, action))
    ask(rig, operation, scene)
    restart_what_died(rig)
    rig.advance(PATIENCE)
    check_end(rig)
    check_again(rig, operation, scene)
