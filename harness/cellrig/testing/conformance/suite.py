"""The suite as a whole: which cases run, how, and what comes out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import msgspec

from cellrig.driver import Capabilities
from cellrig.errors import Invalid
from cellrig.testing.conformance.areas import AREAS
from cellrig.testing.conformance.case import Area, Case, cases_of
from cellrig.testing.conformance.difference import compare
from cellrig.testing.conformance.faults import read_fault
from cellrig.testing.conformance.jobs import side_by_side
from cellrig.testing.conformance.lab import CASE_SECONDS
from cellrig.testing.conformance.report import Report
from cellrig.testing.conformance.running import Outcome, Result, declared_by, result_of, run_case
from cellrig.testing.conformance.setup import Setup
from cellrig.testing.conformance.stories import story
from cellrig.testing.conformance.variations import under_faults, under_seeds


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Which cases run, and how.

    Args:
        select: the case of this name; or those in whose name it occurs, or whose area it names.
        known_failing: capability, or area, to the reason why it fails; then it must.
        seed: draws the order of tasks; None runs them first-in first-out. Beside another driver:
            tell the story of this number, and no case.
        seeds: run every case under so many seeds, from 0. Beside another driver: run every case
            once, and then so many stories.
        faults: run every case again with each kind of fault at each driver call that it makes.
        fault: only with this one, ``KIND:N`` with the number of the call, from 1.
        case_timeout: how many seconds each run of a case may take by the wall clock; 0 for ever.
        jobs: how many processes try cases side by side, each on hosts of its own.
        areas: all areas.
    """

    select: str = ""
    known_failing: Mapping[str, str] = {}
    seed: int | None = None
    seeds: int = 0
    faults: bool = False
    fault: str | None = None
    case_timeout: float = CASE_SECONDS
    jobs: int = 1
    areas: Sequence[type[Area]] = AREAS

    def cases(self) -> tuple[Case, ...]:
        """Return the cases that are selected.

        Raises:
            Invalid: there are none; or something is known to fail that is not there; or there is no
                such fault.
        """
        if self.fault is not None:
            read_fault(self.fault)
        every = tuple(cases_of(self.areas))
        cases = tuple(case for case in every if case.name == self.select) or tuple(
            case for case in every if self.select in case.name or self.select == case.area.name
        )
        if not cases:
            raise Invalid(f"no case has {self.select!r} in its name, and no area is called so")
        names = {area.name for area in self.areas}
        for name in self.known_failing:
            if name not in names:
                raise Invalid(f"{name!r} is no area; there are: {', '.join(sorted(names))}")
        return cases


def conform(
    setup: Setup,
    plan: Plan | None = None,
    *,
    against: Setup | None = None,
    after_each: Callable[[Result], None] = lambda _result: None,
) -> Report:
    """Try a driver.

    Args:
        setup: the driver and its hosts; entered and left here, or its like in each of the plan's
            processes.
        plan: which cases, and how.
        against: tell where another driver looks different, in place of whether this one conforms.
        after_each: is told of each case that has ended.

    Raises:
        Invalid: the plan cannot be; nothing has been tried.
    """
    plan = plan or Plan()
    cases = plan.cases()
    if plan.jobs > 1 and against is not None:
        raise Invalid("two drivers are compared in one process: leave --jobs out")
    if plan.jobs > 1:
        declared, results = _in_processes(setup, cases, plan, after_each)
    else:
        declared, results = _here(setup, cases, plan, against, after_each)
    return Report(
        setup.driver,
        declared,
        tuple(results),
        plan.known_failing,
        against="" if against is None else against.driver,
    )


def _here(
    setup: Setup,
    cases: Sequence[Case],
    plan: Plan,
    against: Setup | None,
    after_each: Callable[[Result], None],
) -> tuple[Capabilities, list[Result]]:
    results: list[Result] = []
    with setup:
        declared = declared_by(setup, plan.case_timeout)
        attempts: Iterator[Result] = (
            (_attempt(plan, setup, case, declared) for case in cases)
            if against is None
            else _comparisons(setup, against, cases, plan)
        )
        for result in attempts:
            results.append(result)
            after_each(result)
    return declared, results


def _in_processes(
    setup: Setup, cases: Sequence[Case], plan: Plan, after_each: Callable[[Result], None]
) -> tuple[Capabilities, list[Result]]:
    by_number: dict[int, Result] = {}
    attempt = partial(_attempt, plan)
    with side_by_side(setup, cases, attempt, plan.case_timeout, plan.jobs) as (declared, results):
        for number, result in results:
            by_number[number] = result
            after_each(result)
    return declared, [by_number[number] for number in range(len(cases))]


def _attempt(plan: Plan, setup: Setup, case: Case, declared: Capabilities) -> Result:
    unfit = case.unfit(declared)
    if unfit is not None:
        return result_of(case, Outcome.UNFIT, unfit)
    if plan.faults or plan.fault is not None:
        return under_faults(setup, case, plan.fault, plan.case_timeout)
    if plan.seeds:
        return under_seeds(setup, case, range(plan.seeds), plan.case_timeout)
    return run_case(setup, case, seed=plan.seed, seconds=plan.case_timeout)


def _comparisons(one: Setup, other: Setup, cases: Sequence[Case], plan: Plan) -> Iterator[Result]:
    with other:
        both = [declared_by(setup, plan.case_timeout) for setup in (one, other)]
        shared = [name for name in both[0].names() if getattr(both[1], name)]
        for case in cases if plan.seed is None else ():
            unfit = next((why for each in both if (why := case.unfit(each))), None)
            if unfit is None:
                yield compare(one, other, case, shared=shared, seconds=plan.case_timeout)
            else:
                yield result_of(case, Outcome.UNFIT, unfit)
        for seed in range(plan.seeds) if plan.seed is None else (plan.seed,):
            told = story(seed, both)
            result = compare(one, other, told, shared=shared, seconds=plan.case_timeout)
            yield msgspec.structs.replace(result, replay=f"--seed {seed}")
