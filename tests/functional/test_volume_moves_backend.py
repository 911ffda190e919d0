"""Block storage moves a volume under a server, and a call fails, or its host dies, at each seam.

The seams are recorded from one run; see `test_volume_seams` and `test_volume_crashes`.
"""

from __future__ import annotations

import pytest
from volume_operations import BUG, Operation, Scene, ask, cases, check_again, check_end

from cellrig import Cell, Rig, Topology
from cellrig.topology import StorageBackend
from cellrig.volume.types import VolumeStatus
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
from cellrig_pytest.factory import RigFactory

TWO_BACKENDS = Topology(
    cells=[Cell("cell1", 1)], volume_backends=[StorageBackend("one"), StorageBackend("two")]
)
FAILURES = (Fail(), FailAfter(), DeliverTwice(), DropReply(), BUG)


def _attached(rig: Rig) -> Scene:
    server, volume = rig.servers.create(), rig.volumes.create()
    rig.servers.attach_volume(server, volume)
    return Scene(server.id, (volume.id,))


def _migrate(rig: Rig, scene: Scene) -> None:
    rig.volumes.migrate(scene.volumes[0], "two")


def _is_moved(rig: Rig, scene: Scene) -> bool:
    return rig.volumes.show(scene.volumes[0]).backend == "two"


def _move_back(rig: Rig, scene: Scene) -> None:
    if _is_moved(rig, scene):
        rig.volumes.migrate(scene.volumes[0], "one")


MIGRATE = Operation(
    "migrate", _attached, _migrate, is_done=_is_moved, undo=_move_back, topology=TWO_BACKENDS
)


def check_one_volume(rig: Rig, scene: Scene) -> None:
    """The volume keeps its id and is attached; of a second one only what could not be deleted."""
    for left in rig.volumes.list(all_projects=True):
        if left.status in (VolumeStatus.DELETING, VolumeStatus.ERROR_DELETING):
            rig.volumes.delete(left, force=True)
    check_end(rig)
    (volume,) = rig.volumes.list(all_projects=True)
    assert (volume.id, volume.status) == (scene.volumes[0], VolumeStatus.IN_USE)
    assert volume.migration_status in (None, "success", "error")


def calls(actions: tuple[Action, ...]) -> list[object]:
    """All cases but one: block storage refuses to begin a detach twice, as it should."""
    return [
        case
        for case in cases((MIGRATE,), actions)
        if "deliver twice volume.begin_detaching" not in str(getattr(case, "id", ""))
    ]


@pytest.mark.parametrize(("operation", "passed", "action"), calls(FAILURES))
def test_a_call_fails_in_a_migration(
    rig_factory: RigFactory, operation: Operation, passed: Passed, action: Action
) -> None:
    rig = rig_factory(operation.topology)
    scene = operation.prepare(rig)
    rig.faults.allow(RuntimeError)
    rig.faults.add(passage_fault(passed, action))
    ask(rig, operation, scene)
    check_one_volume(rig, scene)
    check_again(rig, operation, scene)


@pytest.mark.parametrize(
    ("operation", "passed", "action"),
    [*cases((MIGRATE,), (CrashBefore(), CrashAfter()), "compute@cell1")],
)
def test_the_host_dies_in_a_migration(
    rig_factory: RigFactory, operation: Operation, passed: Passed, action: Action
) -> None:
    rig = rig_factory(operation.topology)
    scene = operation.prepare(rig)
    rig.faults.add(passage_fault(passed, action))
    ask(rig, operation, scene)
    rig.restart("cell1-host1")
    check_one_volume(rig, scene)
    check_again(rig, operation, scene)
