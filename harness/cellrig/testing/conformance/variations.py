"""Every case again: under other orders of tasks, and with a fault at each driver call it makes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from cellrig.errors import NotFound
from cellrig.runtime import TaskKilled
from cellrig.testing.conformance.case import Case
from cellrig.testing.conformance.checking import Inapplicable, NotOffered, Unmet, check
from cellrig.testing.conformance.faults import FAULTS, Passed, read_fault
from cellrig.testing.conformance.lab import CASE_SECONDS, Lab
from cellrig.testing.conformance.running import Outcome, Result, perform, result_of, told
from cellrig.testing.conformance.setup import Setup

#: How a variation of a case is told apart, and how it is run.
Variation = tuple[str, Callable[[], None]]

#: States that a server is in only while somebody works on it.
_BUSY = ("BUILD", "REBUILD", "RESIZE", "MIGRATING", "REVERT_RESIZE", "REBOOT", "HARD_REBOOT")


def under_seeds(
    setup: Setup, case: Case, seeds: Iterable[int], seconds: float = CASE_SECONDS
) -> Result:
    """Run a case once for each seed; all must pass."""

    def run(seed: int) -> Variation:
        return f"--seed {seed}", lambda: perform(setup, case, seed=seed, seconds=seconds)

    return _all_of(case, map(run, seeds))


def under_faults(
    setup: Setup, case: Case, only: str | None = None, seconds: float = CASE_SECONDS
) -> Result:
    """Run a case again with each kind of fault at each driver call that it makes.

    The calls are found by recording the case once. Whatever it then finds, everything must have
    come to rest when hypervisors and services are back, all must agree on what there is, and
    nothing may be left when it has ended.

    Args:
        setup: where.
        case: which.
        only: the one fault to try, ``KIND:N`` with the number of the call, from 1.
        seconds: how long each run may take by the wall clock; 0 for ever.
    """
    kinds, numbers = tuple(FAULTS), None
    if only is not None:
        kind, number = read_fault(only)
        kinds, numbers = (kind,), (number,)
    impossible: set[str] = set()

    def run(kind: str, passed: Passed) -> None:
        if kind in impossible:
            return
        try:
            _with_fault(setup, case, kind, passed, seconds)
        except (NotOffered, Inapplicable):
            impossible.add(kind)

    def variations() -> Iterator[Variation]:
        for number, passed in enumerate(_driver_calls(setup, case, seconds), start=1):
            if numbers is None or number in numbers:
                for kind in kinds:
                    yield (
                        f"--fault {kind}:{number}",
                        lambda kind=kind, passed=passed: run(kind, passed),  # type: ignore[misc]
                    )

    return _all_of(case, variations())


def _all_of(case: Case, variations: Iterator[Variation]) -> Result:
    began = time.perf_counter()
    name = "the case itself"
    try:
        for name, attempt in variations:  # noqa: B007 - told of the one that failed
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


def _driver_calls(setup: Setup, case: Case, seconds: float) -> list[Passed]:
    calls: list[Passed] = []

    def recording(lab: Lab, body: Callable[[], None]) -> None:
        faults: Any = lab.rig.faults
        passed: list[Passed] = faults.seams_passed(body)
        calls.extend(each for each in passed if each.seam.startswith("driver."))

    perform(setup, case, seconds=seconds, around=recording)
    return calls


def _with_fault(setup: Setup, case: Case, kind: str, passed: Passed, seconds: float) -> None:
    def failing(lab: Lab, body: Callable[[], None]) -> None:
        lab.is_varied = True
        fault = FAULTS[kind](lab, passed)
        try:
            body()
        except TaskKilled:
            pass  # the case itself was about to start the service that died
        except Exception as error:  # noqa: BLE001 - what the case finds is the fault's doing
            lab.rig.seams.handled(error, "the case met the fault")
        finally:
            fault.clear()
        _recover(lab)
        _is_at_rest(lab)

    try:
        perform(setup, case, seconds=seconds, around=failing)
    except (NotOffered, Inapplicable):
        raise
    except Exception as error:
        raise Unmet(f"the driver {kind} at {passed}: {told(error)}") from error


def _recover(lab: Lab) -> None:
    """Let the services find what the fault has left, as an administrator would.

    The periodic work puts some of it right in one round, and notes that in the next. What the case
    itself has planted, and has not come to, goes wrong no more.
    """
    lab.rig.faults.clear()
    for host in lab.hosts:
        lab.setup.start_hypervisor(lab.driver(host))
        lab.bring_back(host)
        lab.restart(host)
    if not lab.setup.live:
        lab.rig.advance(1300)


def _is_at_rest(lab: Lab) -> None:
    """See that nobody works on anything any more, and that all agree on what there is."""
    for uuid in lab.ours:
        try:
            server = lab.rig.servers.show(uuid)
        except NotFound:
            continue  # it is a volume, or gone
        check(
            server.task_state is None and server.status not in _BUSY,
            f"server {uuid} is {server.status}, task state {server.task_state}, for ever",
        )
    findings = [each for each in lab.rig.audit.findings() if not lab.is_about_strangers(each)]
    check(not findings, "; ".join(findings))
