"""A user deletes a server at every seam that its move passes, of every kind of move.

The call waits meanwhile, so that the deletion comes as far as it can. Nothing may be left: no
guest, no attachment, no allocation of the server or of its migration (bug 1848343).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import msgspec
import pytest
from move_cases import PATIENCE, Case, Run, Stage, Stages, fault_at, runs
from move_kinds import source_returns

from cellrig.errors import CellrigError
from cellrig.seams import Passage
from cellrig_faults.interface import Rig


class Meanwhile(msgspec.Struct, frozen=True, eq=False):
    """Let something else be done while the call waits for a second."""

    after: ClassVar[bool] = False
    deed: Callable[[], object]

    def act(self, _passage: Passage, rig: Rig, _entered: float) -> BaseException | None:
        """See `Action`."""
        rig.runtime.spawn(self.deed, name="meanwhile")
        rig.runtime.sleep(1)
        return None

    def __str__(self) -> str:
        return "meanwhile"


class Delete(msgspec.Struct, frozen=True):
    """What stands for the deletion in the ids of the cases, where there is no rig yet."""

    after: ClassVar[bool] = False

    def act(self, _passage: Passage, _rig: Rig, _entered: float) -> BaseException | None:
        """See `Action`; it is done by a `Meanwhile`."""
        return None

    def __str__(self) -> str:
        return "delete at"


def delete(stage: Stage) -> None:
    """Ask for the deletion; a server that is gone, or busy, is deleted in the end."""
    try:
        stage.rig.servers.delete(stage.server)
    except CellrigError as error:
        stage.rig.seams.handled(error, "the user asks again")


@pytest.mark.parametrize("run", runs("deletions at seams of moves", (Delete(),)))
def test_a_server_that_is_deleted_while_it_moves_leaves_nothing(stages: Stages, run: Run) -> None:
    run.each(lambda case: check_deletion(stages, case))


def check_deletion(stages: Stages, case: Case) -> None:
    """Delete the server while one call of its move waits; see that nothing is left."""
    with stages.case(case.kind) as stage:
        rig = stage.rig
        with fault_at(rig, case.passed, Meanwhile(lambda: delete(stage))):
            stage.perform()
        source_returns(rig)
        if rig.servers.list():
            rig.advance(PATIENCE)
        rig.audit()
        for server in rig.servers.list():
            rig.servers.delete(server)
        assert len(rig.servers.list()) == 0
        assert rig.placement.list_allocations() == ()
        assert all(not rig.driver(host).list_guests() for host in rig.host_names)
        for volume in rig.volumes.list():
            assert volume.status == "available", volume
            assert not rig.volumes.attachments(volume)
        rig.audit()
