"""Cases side by side, in processes with hosts of their own."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator

import pytest
from dying import Dying, DyingAlways, StillBorn, Unavailable

from cellrig.errors import Invalid
from cellrig.testing.conformance import Outcome, Plan, Result, conform
from cellrig.testing.conformance.jobs import JobDied
from cellrig_fake.conformance import FakeSetup


@pytest.fixture(autouse=True)
def _no_process_is_left() -> Iterator[None]:
    yield
    assert multiprocessing.active_children() == []


def told(result: Result) -> tuple[str, str, Outcome, str]:
    return result.case, result.area, result.outcome, result.replay


def test_several_processes_tell_what_one_does() -> None:
    setup = FakeSetup("fake", {"behaviours": [{"on": "pause", "error": "bug"}]})
    heard: list[Result] = []
    alone = conform(setup, Plan(select="Pause"))
    together = conform(setup, Plan(select="Pause", jobs=2), after_each=heard.append)
    assert [told(each) for each in together.results] == [told(each) for each in alone.results]
    assert sorted(map(told, heard)) == sorted(map(told, alone.results))
    assert alone.capabilities == together.capabilities
    assert not together.is_green


def test_a_process_that_dies_fails_its_case_and_another_tries_the_rest() -> None:
    report = conform(FakeSetup("fake"), Plan(jobs=2, areas=(Dying,)))
    outcomes = [each.outcome for each in report.results]
    assert outcomes == [Outcome.PASSED, Outcome.FAILED, Outcome.PASSED]
    assert "the process that tried it has ended with status 7" in report.results[1].reason


def test_what_no_process_is_left_for_fails() -> None:
    report = conform(FakeSetup("fake"), Plan(jobs=2, areas=(DyingAlways,)))
    assert {each.outcome for each in report.results} == {Outcome.FAILED}
    assert report.results[2].reason == "no process is left that could try it"


def test_what_keeps_a_set_up_from_beginning_is_raised() -> None:
    with pytest.raises(LookupError, match="no hypervisor here"):
        conform(Unavailable("fake"), Plan(select="Pause", jobs=2))
    with pytest.raises(JobDied, match="status 5"):
        conform(StillBorn("fake"), Plan(select="Pause", jobs=2))


def test_two_drivers_are_not_compared_in_several_processes() -> None:
    with pytest.raises(Invalid, match="leave --jobs out"):
        conform(FakeSetup("fake"), Plan(jobs=2), against=FakeSetup("fake"))
