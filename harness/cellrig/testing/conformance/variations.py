"""Every case again: under other orders of tasks, and with a fault at each driver call it makes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from cellrig.driver import HypervisorError
from cellrig.testing.conformance.case import Case
from cellrig.testing.conformance.checking import Inapplicable, NotOffered, Unmet
from cellrig.testing.conformance.lab import Lab
from cellrig.testing.conformance.running import Outcome, Result, perform, result_of, told
from cellrig.testing.conformance.setup import Setup


class Passed(Protocol):
    """A call that passed a seam, as the plugin ``faults`` records it."""

    seam: str
    nth: int
    host: str | None
    cell: str | None
    service: str


#: How a variation of a case is told apart, and how it is run.
Variation = tuple[str, Callable[[], None]]


def under_seeds(setup: Setup, case: Case, seeds: Iterable[int]) -> Result:
    """Run a case once for each seed; all must pass."""
    return _all_of(
        case,
        lambda: [
            (f"--seed {seed}", lambda seed=seed: perform(setup, case, seed=seed))  # type: ignore[misc]
            for seed in seeds
        ],
    )


def under_faults(setup: Setup, case: Case, only: int | None = None) -> Result:
    """Run a case again with one fault at each driver call that it makes.

    The driver's call fails as a hypervisor that refuses. Whatever the case then finds, nothing may
    be left when it has ended.

    Args:
        setup: where.
        case: which.
        only: the number of the one fault to try, from 1.
    """

    def variations() -> list[Variation]:
        calls = _driver_calls(setup, case)
        return [
            (f"--fault {number}", lambda passed=passed: _with_fault(setup, case, passed))  # type: ignore[misc]
            for number, passed in enumerate(calls, start=1)
            if only in (None, number)
        ]

    return _all_of(case, variations)


def _all_of(case: Case, variations: Callable[[], list[Variation]]) -> Result:
    began = time.perf_counter()
    name = "the case itself"
    try:
        for name, attempt in variations():  # noqa: B007 - told of the one that failed
            attempt()
    except NotOffered as error:
        return result_of(case, Outcome.NOT_TRIED, str(error))
    except Inapplicable as error:
        return result_of(case, Outcome.UNFIT, str(error))
    except Exception as error:  # noqa: BLE001 - a driver under test may raise anything
        seconds = time.perf_counter() - began
        result = result_of(case, Outcome.FAILED, f"{name}: {told(error)}", seconds)
        return result.replayed_with(name) if name.startswith("--") else result
    return result_of(case, Outcome.PASSED, "", time.perf_counter() - began)


def _driver_calls(setup: Setup, case: Case) -> list[Passed]:
    calls: list[Passed] = []

    def recording(lab: Lab, body: Callable[[], None]) -> None:
        faults: Any = lab.rig.faults
        passed: list[Passed] = faults.seams_passed(body)
        calls.extend(each for each in passed if each.seam.startswith("driver."))

    perform(setup, case, around=recording)
    return calls


def _with_fault(setup: Setup, case: Case, passed: Passed) -> None:
    def failing(lab: Lab, body: Callable[[], None]) -> None:
        faults: Any = lab.rig.faults
        error = HypervisorError(f"a fault of the conformance suite at {passed}")
        rule = faults.fail(
            passed.seam,
            error,
            host=passed.host,
            cell=passed.cell,
            service=passed.service,
            nth=passed.nth,
        )
        try:
            body()
        except Exception as error:  # noqa: BLE001 - what the case finds is the fault's doing
            lab.rig.seams.handled(error, "the case met the fault")
        finally:
            rule.clear()
        _recover(lab)

    try:
        perform(setup, case, around=failing)
    except Exception as error:
        raise Unmet(f"with a fault at {passed}: {told(error)}") from error


def _recover(lab: Lab) -> None:
    """Let the services find what the fault has left, as an administrator would."""
    for host in lab.hosts:
        lab.setup.start_hypervisor(lab.driver(host))
        lab.bring_back(host)
        lab.restart(host)
    if not lab.setup.live:
        lab.rig.advance(700)
