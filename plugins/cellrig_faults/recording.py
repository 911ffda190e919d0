"""Recording the passages of a run, so that faults can be put at each of them in turn."""

from __future__ import annotations

from collections import Counter
from itertools import product

from cellrig.hooks import hookimpl
from cellrig.seams import Passage
from cellrig_faults.interface import Rig
from cellrig_faults.passed import Passed

_Key = tuple[str, str | None, str | None, str]


class Recorder:
    """Listens at every seam while it is registered.

    Args:
        rig: where.
        passed: the list that it fills, in the order of the passages.
    """

    def __init__(self, rig: Rig, passed: list[Passed]) -> None:
        self._rig = rig
        self._passed = passed
        self._counts: Counter[_Key] = Counter()

    @hookimpl(tryfirst=True)
    def cellrig_seam_enter(self, passage: Passage) -> None:
        """Note the passage and its number."""
        seen = Passed.of(passage, 0, self._rig)
        # A fault made from this names no host where there is none, and so counts the passages of
        # every host: each passage is counted under all the names that may count it.
        for host, cell in product(_with_any(seen.host), _with_any(seen.cell)):
            self._counts[seen.seam, host, cell, seen.service] += 1
        nth = self._counts[seen.seam, seen.host, seen.cell, seen.service]
        self._passed.append(Passed.of(passage, nth, self._rig))


def _with_any(name: str | None) -> tuple[str | None, ...]:
    return (None,) if name is None else (None, name)
