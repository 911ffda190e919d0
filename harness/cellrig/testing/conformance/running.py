"""Running cases, each in a cloud of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import StrEnum

import msgspec

from cellrig.driver import Capabilities, HypervisorUnavailable
from cellrig.errors import CellrigError
from cellrig.testing.conformance.case import Case
from cellrig.testing.conformance.checking import Inapplicable, NotOffered, Unmet
from cellrig.testing.conformance.lab import CASE_SECONDS, Lab, LeftBehind
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


def declared_by(setup: Setup, seconds: float = CASE_SECONDS) -> Capabilities:
    """Return what the driver declares on the set-up's first host.

    Args:
        setup: where.
        seconds: how long a cloud may take to start by the wall clock; 0 for ever.

    Raises:
        HypervisorUnavailable: it took longer.
    """
    lab = Lab(setup, seconds=seconds)
    try:
        with lab.limited():
            return lab.reach(lab.rig.start).driver(lab.first).capabilities
    except Unmet as error:
        raise HypervisorUnavailable(lab.first, f"the start of a cloud {error}") from error
    finally:
        lab.close()


def run_case(
    setup: Setup, case: Case, *, seed: int | None = None, seconds: float = CASE_SECONDS
) -> Result:
    """Run one case, whatever the driver declares."""
    began = time.perf_counter()
    outcome, reason = Outcome.PASSED, ""
    try:
        perform(setup, case, seed=seed, seconds=seconds)
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
    seconds: float = CASE_SECONDS,
    storage: Setup | None = None,
    around: Callable[[Lab, Callable[[], None]], None] = lambda _lab, body: body(),
) -> None:
    """Run one case in a new cloud, and see that nothing is left.

    Args:
        setup: where.
        case: which.
        seed: draws the order of tasks.
        seconds: how long it may take by the wall clock; 0 for ever.
        storage: whose block storage it is; None for the set-up's own.
        around: runs the case's body; what it raises is what the case raises.

    Raises:
        Exception: what the case raised, with what it has left behind as a note.
        Unmet: it did not end within its time; it was interrupted, and says where.
        LeftBehind: it went well, and something is left.
    """
    area = case.area
    lab = Lab(
        setup,
        area.compute,
        more_options=area.more_options,
        seed=seed,
        seconds=seconds,
        storage=storage,
    )
    try:
        with lab, lab.limited():
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
