"""Every bug is caught, and by the case that is meant for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import mutants
import pytest

from cellrig.testing.conformance import Outcome, Plan, conform
from cellrig_fake import FakeDriver
from cellrig_fake.conformance import FakeSetup

if TYPE_CHECKING:
    from tests.conformance.conftest import Install


def _mutants() -> dict[str, type[FakeDriver]]:
    return {
        name: kind
        for name, kind in vars(mutants).items()
        if isinstance(kind, type) and issubclass(kind, FakeDriver) and kind is not FakeDriver
    }


def test_every_mutant_has_a_case_that_is_meant_for_it() -> None:
    assert set(_mutants()) == set(mutants.MEANT)
    assert len(mutants.MEANT) >= 25


@pytest.mark.parametrize("name", list(mutants.MEANT))
def test_the_case_that_is_meant_for_it_catches_it(name: str, install: Install) -> None:
    install({"cellrig.drivers": {name: f"mutants:{name}"}})
    case, says = mutants.MEANT[name]
    report = conform(FakeSetup(name), Plan(select=case))
    (result,) = report.results
    assert result.outcome is Outcome.FAILED, f"{result.outcome}: {result.reason}"
    assert says in result.reason
    assert not report.is_green
