"""The verbs: `rig.faults`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Unpack

from cellrig.hooks import hookimpl
from cellrig.runtime import Task, TaskKilled
from cellrig.seams import Passage
from cellrig_faults.actions import (
    BringBack,
    CrashAfter,
    CrashBefore,
    Delay,
    DeliverTwice,
    DropReply,
    ErrorLike,
    Fail,
    FailAfter,
    HoldUntilReleased,
    TakeDown,
)
from cellrig_faults.checks import check_fault, check_names, database_of
from cellrig_faults.escapes import Escapes
from cellrig_faults.expectations import Expectation, check_expected
from cellrig_faults.fault import Fault, Where
from cellrig_faults.hold import Hold
from cellrig_faults.injector import Injector
from cellrig_faults.interface import Action, Rig
from cellrig_faults.passed import Passed
from cellrig_faults.recording import Recorder
from cellrig_faults.report import FailedTask, report
from cellrig_faults.rule import Rule

if TYPE_CHECKING:
    from cellrig.http.routes import Route
    from cellrig_faults.control import FaultControl


class Faults:
    """Scripted faults in one rig. Each verb sets one, checked at once, and returns its handle.

    Every verb takes a seam (a name, or a glob) and any of the arguments of `Where`. Rules act in
    the order in which they were made; the first that raises ends the call.

    Args:
        rig: the rig that this plugin belongs to.
    """

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._began = rig.runtime.now()
        self._injector = Injector(rig)
        self._rules: list[Rule] = []
        self._holds: list[Hold] = []
        self._taken_down: list[str] = []
        self._escapes = Escapes()
        self._failed_tasks: list[FailedTask] = []
        self._expectations: list[Expectation] = []
        self._control: FaultControl | None = None

    # -- calls that go wrong -------------------------------------------------------------------

    def fail(self, seam: str, error: ErrorLike = None, **where: Unpack[Where]) -> Rule:
        """Raise `error` (an object, or a class) in place of the call.

        Without one it is an `InjectedFault`, which a build survives on another host.
        """
        return self._set(seam, Fail(error), where)

    def fail_after(self, seam: str, error: ErrorLike = None, **where: Unpack[Where]) -> Rule:
        """Make the call, then raise `error` as if it had failed."""
        return self._set(seam, FailAfter(error), where)

    def delay(self, seam: str, seconds: float, **where: Unpack[Where]) -> Rule:
        """Let `seconds` of the rig's time pass before the call."""
        return self._set(seam, Delay(seconds), where)

    def hold(self, seam: str, **where: Unpack[Where]) -> Hold:
        """Keep the call waiting until `Hold.release`."""
        hold = Hold(self._rig.runtime, seam)
        hold.rule = self._set(seam, HoldUntilReleased(hold), where)
        self._holds.append(hold)
        return hold

    def drop_reply(self, seam: str, **where: Unpack[Where]) -> Rule:
        """Make a call over the bus and lose its reply: its caller gets `MessagingTimeout`."""
        return self._set(seam, DropReply(), where)

    def deliver_twice(self, seam: str, **where: Unpack[Where]) -> Rule:
        """Make the call two times."""
        return self._set(seam, DeliverTwice(), where)

    def crash_before(self, seam: str, **where: Unpack[Where]) -> Rule:
        """Let the service that makes the call die before it is made."""
        return self._set(seam, CrashBefore(), where)

    def crash_after(self, seam: str, **where: Unpack[Where]) -> Rule:
        """Let the service that makes the call die when it has been made."""
        return self._set(seam, CrashAfter(), where)

    # -- databases that go away ----------------------------------------------------------------

    def take_down(self, name: str, reason: str = "taken down by a fault") -> None:
        """Take a cell or another database away, now; at the end of the rig it is brought back."""
        database_of(name, self._rig).take_down(reason)
        self._taken_down.append(name)

    def bring_back(self, name: str) -> None:
        """Bring it back, now."""
        database_of(name, self._rig).bring_back()

    def take_down_at(self, seam: str, name: str, **where: Unpack[Where]) -> Rule:
        """Take a cell or another database away when a call reaches `seam`."""
        rule = self._set(seam, TakeDown(name), where)
        self._taken_down.append(name)
        return rule

    def bring_back_at(self, seam: str, name: str, **where: Unpack[Where]) -> Rule:
        """Bring it back when a call reaches `seam`."""
        return self._set(seam, BringBack(name), where)

    # -- faults as data ------------------------------------------------------------------------

    def add(self, fault: Fault) -> Rule:
        """Set a fault.

        Raises:
            InvalidFault: it cannot be; nothing is set.
        """
        check_fault(fault, self._rig)
        draw = None if fault.probability is None else self._rig.random(f"fault {len(self._rules)}")
        rule = Rule(fault, self._rig, draw)
        rule.on_clear(self._cleared)
        self._rules.append(rule)
        self._injector.rules.append(rule)
        if len(self._injector.rules) == 1:
            self._rig.plugins.register(self._injector, name="faults: rules")
        return rule

    def clear(self) -> None:
        """Clear all rules and release all holds; what never fired is reported all the same."""
        for hold in self._holds:
            hold.release()
        for rule in list(self._injector.rules):
            rule.clear()

    @contextmanager
    def record(self) -> Iterator[list[Passed]]:
        """Record the passages of the block, in order; see `passage_fault`."""
        passed: list[Passed] = []
        recorder = Recorder(self._rig, passed)
        self._rig.plugins.register(recorder, name=f"faults: recorder {id(recorder)}")
        try:
            yield passed
        finally:
            self._rig.plugins.unregister(recorder)

    def seams_passed(self, function: Callable[[], Any]) -> list[Passed]:
        """Call `function` and return the passages that were made meanwhile, in order."""
        with self.record() as passed:
            function()
        return passed

    # -- errors that are as they should be -----------------------------------------------------

    def expect(self, error: type[Exception], where: str = "*") -> Expectation:
        """Accept swallowed errors and failed tasks of this type; report it if there are none.

        Args:
            error: the type.
            where: a glob for the seam that it left, or for the name of the task that it ended.
        """
        return self._expect(error, where, required=True)

    def allow(self, error: type[Exception], where: str = "*") -> Expectation:
        """Accept swallowed errors and failed tasks of this type, should there be any."""
        return self._expect(error, where, required=False)

    # -- hooks ---------------------------------------------------------------------------------

    @hookimpl
    def cellrig_control_routes(self) -> Sequence[Route[Any]]:
        """Return the calls below ``/rig/faults``."""
        from cellrig_faults.control import FaultControl

        self._control = FaultControl(self)
        return self._control.routes()

    @hookimpl
    def cellrig_reset(self) -> None:
        """Clear everything, and forget what has been noted."""
        self.clear()
        if self._control is not None:
            self._control.forget()
        self._escapes.forget()
        self._failed_tasks.clear()

    @hookimpl
    def cellrig_seam_exit(self, passage: Passage) -> None:
        """Note an error that leaves a seam."""
        if passage.error is not None:
            self._escapes.note(passage, self._rig.runtime.now() - self._began)

    @hookimpl
    def cellrig_error_handled(self, error: BaseException, because: str) -> None:
        """Note that somebody answers for an error."""
        self._escapes.answered(error)
        # The task of a request fails, and only then its error is raised to the test.
        self._failed_tasks = [failed for failed in self._failed_tasks if failed.error is not error]

    @hookimpl
    def cellrig_task_failed(self, task: Task, error: BaseException) -> None:
        """Note a failed task, unless it was killed."""
        if isinstance(error, TaskKilled):
            self._escapes.died(error)
            return
        self._escapes.answered(error)
        owner = task.owner.label if task.owner is not None else None
        self._failed_tasks.append(
            FailedTask(task.name, owner, error, self._rig.runtime.now() - self._began)
        )

    @hookimpl(tryfirst=True)
    def cellrig_rig_stopping(self) -> list[str]:
        """Report; then let go of everything, so that what looks at the rig next meets no fault."""
        wrongs = report(
            self._rules,
            self._holds,
            self._escapes.unanswered(),
            self._failed_tasks,
            self._expectations,
        )
        for rule in list(self._injector.rules):
            rule.clear()
        for name in self._taken_down:
            self._rig.databases[name].bring_back()
        self._escapes.forget()
        self._failed_tasks.clear()
        return wrongs

    def _set(self, seam: str, action: Action, where: Where) -> Rule:
        check_names(where)
        server = where.get("server")
        if server is not None:
            where["server"] = getattr(server, "uuid", None) or getattr(server, "id", server)
        return self.add(Fault(seam=seam, action=action, **where))

    def _cleared(self, rule: Rule) -> None:
        self._injector.rules.remove(rule)
        if not self._injector.rules:
            self._rig.plugins.unregister(self._injector)

    def _expect(self, error: type[Exception], where: str, required: bool) -> Expectation:
        check_expected(error)
        expectation = Expectation(error, where, required)
        self._expectations.append(expectation)
        return expectation
