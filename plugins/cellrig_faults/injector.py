"""The hooks that act on calls. Registered only while there are rules, so none costs nothing."""

from __future__ import annotations

import threading

from cellrig.hooks import hookimpl
from cellrig.runtime import TaskKilled
from cellrig.seams import Passage
from cellrig_faults.interface import Rig
from cellrig_faults.passed import Passed
from cellrig_faults.rule import Rule

_Due = tuple[Rule, Passed]


class Injector:
    """Asks every rule about every passage.

    Before a call, the other plugins have seen it enter when a fault raises or waits; after it, they
    see the outcome that the fault makes of it.
    """

    def __init__(self, rig: Rig) -> None:
        self.rules: list[Rule] = []
        self._rig = rig
        self._counting = threading.RLock()  # on the live runtime passages come from many threads
        self._afterwards: dict[int, tuple[float, list[_Due]]] = {}

    @hookimpl(trylast=True)
    def cellrig_seam_enter(self, passage: Passage) -> None:
        """Act before the call."""
        with self._counting:
            due = [(rule, passed) for rule in self.rules if (passed := rule.take(passage))]
        if due:
            error = self._before(passage, due)
            if error is not None:
                raise error

    @hookimpl(tryfirst=True)
    def cellrig_seam_exit(self, passage: Passage) -> None:
        """Act after the call."""
        due = self._afterwards.pop(id(passage), None)
        if due is not None and not isinstance(passage.error, TaskKilled):
            self._after(passage, *due)

    def _before(self, passage: Passage, due: list[_Due]) -> BaseException | None:
        entered = self._rig.runtime.now()
        afterwards = [(rule, passed) for rule, passed in due if rule.fault.action.after]
        for rule, passed in due:
            if rule.fault.action.after or rule.cleared:
                continue
            error = rule.fire(passage, passed, entered)
            if error is not None:
                for waiting, _passed in afterwards:
                    waiting.give_back()
                return error
        if afterwards:
            self._afterwards[id(passage)] = (entered, afterwards)
        return None

    def _after(self, passage: Passage, entered: float, due: list[_Due]) -> None:
        for rule, passed in due:
            if rule.cleared:
                continue
            try:
                error = rule.fire(passage, passed, entered)
            except BaseException as interruption:  # noqa: BLE001 - raised when all have seen it
                error = interruption
            if error is not None:
                passage.error = error
                return
