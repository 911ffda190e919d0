"""What is wrong at the end, one sentence each."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from cellrig_faults.escapes import Escape
from cellrig_faults.expectations import Expectation
from cellrig_faults.hold import Hold
from cellrig_faults.rule import Rule


class FailedTask(msgspec.Struct, frozen=True, eq=False):
    """A task that ended with an error that nobody was waiting for.

    Args:
        name: the task's.
        owner: the label of the process that it belonged to.
        error: what ended it.
        seconds: when, since the rig was made.
    """

    name: str
    owner: str | None
    error: BaseException
    seconds: float

    def __str__(self) -> str:
        owner = f" of {self.owner}" if self.owner else ""
        return (
            f"task {self.name}{owner} failed at {self.seconds:g} s with "
            f"{type(self.error).__name__} ({self.error}), and nobody was waiting for it"
        )


def report(
    rules: Sequence[Rule],
    holds: Sequence[Hold],
    escapes: Sequence[Escape],
    failed_tasks: Sequence[FailedTask],
    expectations: Sequence[Expectation],
) -> list[str]:
    """Return the sentences: faults that did nothing, errors that nobody answered for."""
    wrongs = [sentence for rule in rules for sentence in _about_rule(rule)]
    wrongs += [
        f"{hold.rule} was reached {hold.rule.fired} times and never released"
        for hold in holds
        if hold.reached and not hold.is_released
    ]
    wrongs += [
        str(escape) for escape in escapes if not _accepted(escape.error, escape.seam, expectations)
    ]
    wrongs += [
        str(failed)
        for failed in failed_tasks
        if not _accepted(failed.error, failed.name, expectations)
    ]
    wrongs += [
        f"expected error {expectation}: there was none"
        for expectation in expectations
        if expectation.required and not expectation.met
    ]
    return wrongs


def _about_rule(rule: Rule) -> list[str]:
    if rule.broken is not None:
        told = f"{type(rule.broken).__name__} ({rule.broken})"
        return [f"fault {rule}: its predicate raised {told}, so it was switched off"]
    if rule.fired:
        return []
    if rule.matched and rule.fault.probability is not None:
        return []  # the dice fell so
    return [f"fault {rule} never fired: {rule.matched} passages were there"]


def _accepted(error: BaseException, where: str, expectations: Sequence[Expectation]) -> bool:
    # Each expectation is asked: two that fit the same error are both met by it.
    return sum(expectation.accept(error, where) for expectation in expectations) > 0
