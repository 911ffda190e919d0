"""One case for each seam that a move passes: where it is tried, and what must hold afterwards.

A test tries a run of cases one after another; it names each that fails, and goes on. With
``CELLRIG_MOVE_CASE`` set to such a name that case is tried alone, and shows what happened.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import groupby, islice

import msgspec
import pytest
from end_states import end_state
from move_kinds import KINDS, Kind, source_returns

from cellrig import Rig, Server
from cellrig.bus import topic_of
from cellrig.cloud import COMPUTE
from cellrig.compute.cross_cell_images import MIGRATION
from cellrig.errors import CellrigError
from cellrig.model import MigrationStatus
from cellrig.runtime import TaskKilled
from cellrig.snapshot import Snapshot
from cellrig_faults import Action, DropReply, Fail, Passed, passage_fault
from cellrig_faults.known import is_cast
from cellrig_faults.rule import Rule

#: One in so many cases is run by default, all of them by ``tox -e moves``. The number has no factor
#: in common with the numbers of actions, so that in time every action meets every kind of seam.
ONE_IN = int(os.environ.get("CELLRIG_MOVE_CASES_ONE_IN", "13"))

#: The name of the only case to be tried, or nothing.
ONLY = os.environ.get("CELLRIG_MOVE_CASE", "")

#: How many cases one test tries at most.
CASES_IN_A_RUN = 20

#: What a driver must not raise.
BUG = Fail(RuntimeError("boom"))

#: Seconds in which the periodic work of the hosts ends what nobody else can; and of one round.
PATIENCE = 700.0
ROUND = 70.0


class Stage(msgspec.Struct, frozen=True, eq=False):
    """A rig in which a move can be tried again and again.

    Args:
        kind: of the move.
        rig: where.
        server: the id of the server that moves.
        beginning: the rig before the move.
    """

    kind: Kind
    rig: Rig
    server: str
    beginning: Snapshot

    def perform(self) -> str | None:
        """Ask for the move; return what the user is told if it fails."""
        told = self._ask()
        if told is not None and self.kind.is_asked_again:
            self._ask()
        return told

    def _ask(self) -> str | None:
        try:
            self.kind.perform(self.rig, self.server)
        except (CellrigError, RuntimeError, TaskKilled) as error:
            return str(error) or repr(error)
        return None

    def show(self) -> Server:
        """Return the server as it is now."""
        return self.rig.servers.show(self.server)


class Stages:
    """The stages of one run: a rig for each kind of move, made once and restored for each case.

    Args:
        furnish: does something to each new rig.
    """

    def __init__(self, furnish: Callable[[Rig], None] | None = None) -> None:
        self._furnish = furnish
        self._stages: dict[str, Stage] = {}
        self._moved_on: set[tuple[str, bytes]] = set()

    @contextmanager
    def case(self, kind: Kind) -> Iterator[Stage]:
        """Lend a stage as it was in the beginning; it must end clean, and has been audited.

        What a failure has left in a rig is for no other case to find.
        """
        stage = self._stages.pop(kind.name, None) or self._new_stage(kind)
        rig = stage.rig
        rig.restore(stage.beginning)
        try:
            yield stage
            rest = rig.plugins.subset_hook_caller("cellrig_rig_stopping", [rig.audit])
            findings = [finding for part in rest() for finding in part]
            assert not findings, "\n".join(findings)
        except BaseException as error:
            if ONLY:
                error.add_note(rig.timeline.text())
            rig.audited = False
            rig.stop()
            raise
        self._stages[kind.name] = stage

    def check_next_move(self, stage: Stage) -> None:
        """The server can be moved again, from whatever end it has come to.

        From ends that are equal this is tried once: the same would happen.
        """
        end = (stage.kind.name, end_state(stage.rig, stage.beginning))
        if end not in self._moved_on:
            check_next_move(stage)
            self._moved_on.add(end)

    def close(self) -> None:
        """Stop all rigs."""
        for stage in self._stages.values():
            stage.rig.restore(stage.beginning)
            source_returns(stage.rig)
            stage.rig.stop()
        self._stages.clear()

    def _new_stage(self, kind: Kind) -> Stage:
        rig = Rig(kind.topology, plugins=None if ONLY else ("audit", "faults")).start()
        rig.faults.allow(RuntimeError)
        server = kind.ready(rig)
        if self._furnish is not None:
            self._furnish(rig)
        return Stage(kind, rig, server, rig.snapshot())


class Case(msgspec.Struct, frozen=True, eq=False):
    """One thing that happens in a move.

    Args:
        kind: of the move.
        passed: where it happens.
        action: what.
    """

    kind: Kind
    passed: Passed
    action: Action

    def __str__(self) -> str:
        return f"{self.kind}: {self.action} {self.passed}"


class Run(msgspec.Struct, frozen=True, eq=False):
    """Cases of one kind of move that one test tries.

    Args:
        cases: which.
    """

    cases: tuple[Case, ...]

    def each(self, attempt: Callable[[Case], None]) -> None:
        """Try every case.

        Raises:
            ExceptionGroup: some failed; it says which.
        """
        errors, names = [], []
        for case in self.cases:
            try:
                attempt(case)
            except Exception as error:  # noqa: BLE001 - raised when all have been tried
                error.add_note(f"CELLRIG_MOVE_CASE='{case}'")
                errors.append(error)
                names.append(str(case))
        if errors:
            raise ExceptionGroup(f"failed: {'; '.join(names)}", errors)


@cache
def passages_of(kind: Kind) -> tuple[Passed, ...]:
    """The passages of a move, as a run of it has recorded them."""
    with Rig(kind.topology) as rig:
        server = kind.ready(rig)
        passed = rig.faults.seams_passed(lambda: kind.perform(rig, server))
        source_returns(rig)
    return tuple(each for each in passed if not _only_looks(each))


def _only_looks(passed: Passed) -> bool:
    looks = ("_get", "_all", "_tags", "_fault", "_all_by_uuid", "_under_way", "_of_instance")
    return passed.service == "api" and passed.seam.endswith((*looks, ".get"))


def runs(
    what: str, actions: Sequence[Action], *services: str, kinds: Sequence[Kind] = KINDS
) -> list[object]:
    """Return runs of the cases for the passages that these services (none: all) make.

    There is one case for each passage and each action that can happen there. Of all that there
    are, one in `ONE_IN` is tried. The summary tells their number as that of `what`.
    """
    cases = [
        Case(kind, passed, action)
        for kind in kinds
        for passed in passages_of(kind)
        if not services or f"{passed.service}@{passed.cell or ''}".rstrip("@") in services
        for action in actions
        if _can_happen(action, passed)
    ]
    chosen = [case for case in cases if str(case) == ONLY] if ONLY else cases[::ONE_IN]
    found: list[object] = []
    for kind, of_kind in groupby(chosen, key=lambda case: case.kind):
        for number, some in enumerate(batched(of_kind, CASES_IN_A_RUN), 1):
            marks = pytest.mark.counted(what, times=len(some))
            found.append(pytest.param(Run(some), id=f"{kind} {number}", marks=marks))
    return found


def batched(cases: Iterable[Case], size: int) -> Iterator[tuple[Case, ...]]:
    """Return so many cases at a time."""
    rest = iter(cases)
    while some := tuple(islice(rest, size)):
        yield some


def _can_happen(action: Action, passed: Passed) -> bool:
    """Only calls over the bus have replies to lose; only drivers are written by others."""
    if isinstance(action, DropReply):
        return passed.seam.startswith("bus.") and not is_cast(passed.seam)
    return action != BUG or passed.seam.startswith("driver.")


@contextmanager
def fault_at(rig: Rig, passed: Passed, action: Action) -> Iterator[Rule]:
    """Let `action` happen at `passed` in the block, and see that it has."""
    rule = rig.faults.add(passage_fault(passed, action))
    yield rule
    rule.clear()
    assert rule.fired == 1


def restart_what_died(rig: Rig) -> None:
    """Start the services again that a fault has let die; a source that is dead stays so.

    Conductors come first: without them a compute service does not start.
    """
    for label, process in list(rig.cloud.processes.items()):
        if process.crashed and not label.startswith(COMPUTE):
            rig.restart(label)
    dead = {each.host for each in rig.services.list() if each.forced_down}
    for host in rig.host_names:
        if host not in dead and not rig.cloud.bus.has_server(topic_of(COMPUTE, host)):
            rig.restart(host)


def let_pass(stage: Stage) -> None:
    """Let the periodic work end what nobody else can, where there is something."""
    for seconds in (ROUND, PATIENCE - ROUND):
        if _is_at_its_end(stage):
            return
        stage.rig.advance(seconds)


def _is_at_its_end(stage: Stage) -> bool:
    server = stage.show()
    waits = server.status == "VERIFY_RESIZE"
    under_way = [each for each in stage.rig.migrations.list() if not each.status.is_over]
    if images_of_moves(stage.rig):
        return False
    return server.task_state is None and len(under_way) == waits and not stage.rig.audit.findings()


# -- what must hold --------------------------------------------------------------------------------


def check_end(stage: Stage, told: str | None) -> None:
    """Nothing is left to be done: the server is in one place, and if not moved the user knows why.

    Args:
        stage: where the move was tried.
        told: what the user was told when asking for it; None where it was accepted.
    """
    rig, kind = stage.rig, stage.kind
    rig.audit()
    server = stage.show()
    assert server.task_state is None, server
    assert server.status in (*kind.statuses, "ERROR"), server
    assert server.status != "ERROR" or server.fault, server
    if told is None and not kind.is_done(rig, stage.server):
        assert server.fault is not None, "the move was accepted, and nobody says why it has failed"
        assert server.fault.message
    check_place(rig, server)
    check_migrations(rig, server)


def check_place(rig: Rig, server: Server) -> None:
    """The guest is on its server's host only, and so is the only attachment of its volumes."""
    down = {each.host for each in rig.services.list() if each.forced_down}
    places = [
        host
        for host in rig.host_names
        if host not in down
        and any(guest.uuid == server.id for guest in rig.driver(host).list_guests())
    ]
    if server.status == "ERROR":
        assert places in ([], [server.host]), places
    elif server.status == "SHELVED_OFFLOADED":
        assert (places, server.host) == ([], None)
    else:
        assert places == [host for host in (server.host,) if host not in down]
    for mapping in rig.servers.volumes(server):
        (attachment,) = rig.volumes.attachments(str(mapping.volume_id))
        assert attachment.id == mapping.attachment_id
        assert attachment.host in (None, server.host), attachment
        if places:
            assert (attachment.status, attachment.host) == ("attached", server.host), attachment


def images_of_moves(rig: Rig) -> list[str]:
    """The images by which servers have gone to other cells."""
    return [each.name for each in rig.images.list() if MIGRATION in each.properties]


def check_migrations(rig: Rig, server: Server) -> None:
    """No move is under way but a finished one that waits for its user."""
    under_way = [each.status for each in rig.migrations.list() if not each.status.is_over]
    waits = server.status == "VERIFY_RESIZE"
    assert under_way == ([MigrationStatus.FINISHED] if waits else []), under_way
    assert images_of_moves(rig) == []


def check_next_move(stage: Stage) -> None:
    """The server can be moved again, from the end that it has come to."""
    rig, server = stage.rig, stage.server
    source_returns(rig)
    bring_to_rest(stage)
    before = stage.show()
    stage.kind.next_move(rig, server)
    after = stage.show()
    assert (after.host, after.flavor.name) != (before.host, before.flavor.name), after.fault
    assert after.status == before.status
    check_place(rig, after)
    check_migrations(rig, after)
    rig.audit()


def bring_to_rest(stage: Stage) -> None:
    """Let the server be ACTIVE or SHUTOFF, as its user and administrator can."""
    rig, server = stage.rig, stage.server
    shown = stage.show()
    ways: dict[str, Callable[[], object]] = {
        "VERIFY_RESIZE": lambda: rig.servers.confirm_resize(server),
        "SHELVED": lambda: rig.servers.unshelve(server),
        "SHELVED_OFFLOADED": lambda: rig.servers.unshelve(server),
        "ERROR": lambda: _recover(rig, server),
    }
    way = ways.get(shown.status)
    if way is not None:
        way()
    shown = stage.show()
    assert shown.status in ("ACTIVE", "SHUTOFF"), shown
    rig.audit()


def _recover(rig: Rig, server: str) -> None:
    rig.servers.reset_state(server, "active")
    rig.servers.reboot(server, "HARD")
