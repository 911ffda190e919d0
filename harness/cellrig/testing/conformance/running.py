"""Running cases, each in a cloud of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import StrEnum

import msgspec

from cellrig.driver import Capabilities
from cellrig.errors import CellrigError
from cellrig.testing.conformance.case import Case
from cellrig.testing.conformance.checking import Inapplicable, NotOffered, Unmet
from cellrig.testing.conformance.lab import Lab, LeftBehind
from cellrig.testing.conformance.setup import Setup


class Outcome(StrEnum):
    """How a case ended."""

    PASSED = "passed"
    FAILED = "failed"
    UNFIT = "not for this driver"
    NOT_TRIED = "not tried"


class Result(msgspec.Struct, frozen=True):
    """How one case ended.

    Args:
        case: its name, ``Volumes::test_...``.
        area: the row of the table that it counts for.
        capability: what it is about; None where every driver must pass.
        outcome: how it ended.
        reason: why it failed, or was not tried.
        seconds: how long it took, by the wall clock.
        replay: the options that run it again, beside those that name the driver.
    """

    case: str
    area: str
    capability: str | None
    outcome: Outcome
    reason: str = ""
    seconds: float = 0.0
    replay: str = ""

    def replayed_with(self, option: str) -> Result:
        """Return the same with one option more that it takes to run it again."""
        return msgspec.structs.replace(self, replay=f"{self.replay} {option}")


def declared_by(setup: Setup) -> Capabilities:
    """Return what the driver declares on the set-up's first host."""
    with_nothing = Lab(setup)
    with_nothing.rig.audited = False
    try:
        return with_nothing.rig.start().driver(setup.hosts[0]).capabilities
    finally:
        with_nothing.rig.stop()


def run_case(setup: Setup, case: Case, *, seed: int | None = None) -> Result:
    """Run one case, whatever the driver declares."""
    began = time.perf_counter()
    outcome, reason = Outcome.PASSED, ""
    try:
        perform(setup, case, seed=seed)
    except NotOffered as error:
        outcome, reason = Outcome.NOT_TRIED, str(error)
    except Inapplicable as error:
        outcome, reason = Outcome.UNFIT, str(error)
    except Exception as error:  # noqa: BLE001 - a driver under test may raise anything
        outcome, reason = Outcome.FAILED, told(error)
    return result_of(case, outcome, reason, time.perf_counter() - began)


def perform(
    setup: Setup,
    case: Case,
    *,
    seed: int | None = None,
    around: Callable[[Lab, Callable[[], None]], None] = lambda _lab, body: body(),
) -> None:
    """Run one case in a new cloud, and see that nothing is left.

    Args:
        setup: where.
        case: which.
        seed: draws the order of tasks.
        around: runs the case's body; what it raises is what the case raises.

    Raises:
        Exception: what the case raised, with what it has left behind as a note.
        LeftBehind: it went well, and something is left.
    """
    lab = Lab(setup, case.area.compute, more_options=case.area.more_options, seed=seed)
    try:
        with lab:
            method = getattr(case.area(), case.method)
            around(lab, lambda: method(lab))
    except BaseException as error:
        try:
            lab.end()
        except Exception as left:  # noqa: BLE001 - the first error is the one that counts
            error.add_note(str(left))
        raise
    lab.end()


def told(error: BaseException) -> str:
    """Return what an error says, on one line."""
    kind = "" if isinstance(error, Unmet | LeftBehind) else f"{type(error).__name__}: "
    notes = "".join(f" (then: {note})" for note in getattr(error, "__notes__", ()))
    text = str(error) or (repr(error) if isinstance(error, CellrigError) else "no more is known")
    return " ".join(f"{kind}{text}{notes}".split())


def result_of(case: Case, outcome: Outcome, reason: str, seconds: float = 0.0) -> Result:
    """Return the result of a case."""
    return Result(
        case=case.name,
        area=case.area.name,
        capability=case.area.capability,
        outcome=outcome,
        reason=reason,
        seconds=seconds,
        replay=f"-k {case.name}",
    )
