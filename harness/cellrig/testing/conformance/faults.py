"""Faults at the calls of a driver: it refuses, breaks, is gone, or its service dies there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Protocol

from cellrig.driver import HypervisorError
from cellrig.errors import Invalid
from cellrig.hooks import hookimpl
from cellrig.seams import Passage
from cellrig.testing.conformance.checking import Inapplicable, NotOffered
from cellrig.testing.conformance.lab import Lab


class Passed(Protocol):
    """A call that passed a seam, as the plugin ``faults`` records it."""

    seam: str
    nth: int
    host: str | None
    cell: str | None
    service: str


class Planted(Protocol):
    """A fault that waits for its call."""

    def clear(self) -> None:
        """Let it act no more."""


class ForeignError(Exception):
    """What no driver may raise."""


class HypervisorGoes:
    """Takes a host's hypervisor away at one call of its driver.

    Args:
        lab: where.
        passed: the call.
        late: when it has been made, rather than before.

    Attributes:
        refused: why the set-up could not do it.
    """

    def __init__(self, lab: Lab, passed: Passed, *, late: bool) -> None:
        self._lab = lab
        self._passed = passed
        self._left = passed.nth
        self._late = late
        self._awaited: Passage | None = None
        self.refused: NotOffered | Inapplicable | None = None
        lab.rig.plugins.register(self)

    def clear(self) -> None:
        """See `Planted`.

        Raises:
            NotOffered, Inapplicable: it could not be done.
        """
        self._lab.rig.plugins.unregister(self)
        if self.refused is not None:
            raise self.refused

    @hookimpl
    def cellrig_seam_enter(self, passage: Passage) -> None:
        """Count the calls of this method; the one that is meant is the n-th."""
        if passage.seam == self._passed.seam and passage.process.host == self._passed.host:
            self._left -= 1
            if self._left == 0:
                self._awaited = passage
                if not self._late:
                    self._go()

    @hookimpl
    def cellrig_seam_exit(self, passage: Passage) -> None:
        """It has been made."""
        if self._late and passage is self._awaited:
            self._go()

    def _go(self) -> None:
        try:
            self._lab.setup.stop_hypervisor(self._lab.driver(str(self._passed.host)))
        except (NotOffered, Inapplicable) as error:
            self.refused = error


def _refuses(lab: Lab, passed: Passed) -> Planted:
    return _fails(lab, passed, "fail", HypervisorError(f"a fault of the suite at {passed}"))


def _breaks(lab: Lab, passed: Passed) -> Planted:
    lab.rig.faults.allow(ForeignError)  # periodic work that meets it ends, and that is told
    return _fails(lab, passed, "fail", ForeignError(f"a fault of the suite at {passed}"))


def _fails_late(lab: Lab, passed: Passed) -> Planted:
    return _fails(lab, passed, "fail_after", HypervisorError(f"a fault of the suite at {passed}"))


def _dies(lab: Lab, passed: Passed) -> Planted:
    return _fails(lab, passed, "crash_before")


def _dies_late(lab: Lab, passed: Passed) -> Planted:
    return _fails(lab, passed, "crash_after")


def _fails(lab: Lab, passed: Passed, verb: str, *error: Exception) -> Planted:
    plant: Any = getattr(lab.rig.faults, verb)
    where = {"host": passed.host, "cell": passed.cell, "service": passed.service}
    rule: Planted = plant(passed.seam, *error, **where, nth=passed.nth)
    return rule


#: What can go wrong at a call, by name: each plants a fault that acts once.
FAULTS: Mapping[str, Callable[[Lab, Passed], Planted]] = MappingProxyType(
    {
        "refuses": _refuses,  # as a hypervisor does; nothing was done
        "breaks": _breaks,  # with what no driver may raise; nothing was done
        "fails-late": _fails_late,  # when all was done
        "gone": lambda lab, passed: HypervisorGoes(lab, passed, late=False),
        "gone-late": lambda lab, passed: HypervisorGoes(lab, passed, late=True),
        "dies": _dies,  # the compute service, before the call
        "dies-late": _dies_late,  # and when all was done, with nobody told
    }
)


def read_fault(text: str) -> tuple[str, int]:
    """Return the kind of a fault and the number of the call, from ``KIND:N``.

    Raises:
        Invalid: it is something else.
    """
    kind, _colon, number = text.partition(":")
    if kind not in FAULTS or not number.isdecimal() or not int(number):
        raise Invalid(f"{text!r} is no fault: it takes KIND:N, of the kinds {', '.join(FAULTS)}")
    return kind, int(number)
