"""A fault at work in one rig: which passages it matched, and on which it fired."""

from __future__ import annotations

import random
from collections.abc import Callable
from fnmatch import fnmatchcase

from cellrig.seams import Passage
from cellrig_faults.actions import DropReply
from cellrig_faults.fault import Fault
from cellrig_faults.interface import Rig
from cellrig_faults.known import is_cast
from cellrig_faults.passed import Passed, cell_of


class Rule:
    """The handle of a fault.

    Args:
        fault: what it does.
        rig: where.
        draw: the random numbers of a fault that has a probability.

    Attributes:
        matched: how many passages were where the fault is.
        passages: those on which it fired, `nth` counting the matched ones.
        broken: the error that the fault's predicate raised, if it did; it matches nothing then.
    """

    def __init__(self, fault: Fault, rig: Rig, draw: random.Random | None) -> None:
        self.fault = fault
        self.matched = 0
        self.passages: list[Passed] = []
        self.broken: Exception | None = None
        self.cleared = False
        self._rig = rig
        self._draw = draw
        self._taken = 0
        self._on_clear: list[Callable[[Rule], None]] = []

    @property
    def fired(self) -> int:
        """On how many passages it fired."""
        return len(self.passages)

    def clear(self) -> None:
        """Fire no more. Clearing twice is harmless."""
        if not self.cleared:
            self.cleared = True
            for action in self._on_clear:
                action(self)

    def on_clear(self, action: Callable[[Rule], None]) -> None:
        """Call `action` when the rule is cleared."""
        self._on_clear.append(action)

    def take(self, passage: Passage) -> Passed | None:
        """Count `passage` if it is where the fault is; return it as a value if the fault acts."""
        if self.cleared or not self._is_here(passage) or not self._is_now():
            return None
        self._taken += 1
        return Passed.of(passage, self.matched, self._rig)

    def _is_now(self) -> bool:
        self.matched += 1
        fault = self.fault
        if fault.nth is not None and self.matched != fault.nth:
            return False
        if fault.from_nth is not None and self.matched < fault.from_nth:
            return False
        if fault.times is not None and self._taken >= fault.times:
            return False
        if fault.probability is None or self._draw is None:
            return True
        return self._draw.random() < fault.probability

    def give_back(self) -> None:
        """Let a passage that was taken not count: the call was never made."""
        self._taken -= 1

    def fire(self, passage: Passage, passed: Passed, entered: float) -> BaseException | None:
        """Act on `passage`, which was taken as `passed`; return the error to raise, if any."""
        self.passages.append(passed)
        return self.fault.action.act(passage, self._rig, entered)

    def _is_here(self, passage: Passage) -> bool:
        fault = self.fault
        return (
            fnmatchcase(passage.seam, fault.seam)
            and (fault.service is None or passage.process.service == fault.service)
            and (fault.host is None or passage.host == fault.host)
            and (fault.cell is None or cell_of(passage, self._rig) == fault.cell)
            and (fault.server is None or passage.server == fault.server)
            and not (isinstance(fault.action, DropReply) and is_cast(passage.seam))
            and (fault.when is None or self._asks(fault.when, passage))
        )

    def _asks(self, when: Callable[[Passage], bool], passage: Passage) -> bool:
        if self.broken is not None:
            return False
        try:
            return bool(when(passage))
        except Exception as error:  # noqa: BLE001 - the test's mistake, reported at the end
            # Raised here it would look like the call's own failure, and a service would handle it.
            self.broken = error
            return False

    def __str__(self) -> str:
        return str(self.fault)
