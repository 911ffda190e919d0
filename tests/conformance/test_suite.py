"""The suite itself: what it says of the fake driver, of bugs, of what is left behind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from cellrig.driver import Capabilities, ComputeDriver
from cellrig.errors import Invalid
from cellrig.testing.conformance import (
    AREAS,
    Area,
    Inapplicable,
    Lab,
    NotOffered,
    Outcome,
    Plan,
    Report,
    Result,
    Setup,
    cases_of,
    check,
    conform,
    find_setup,
)
from cellrig_fake.conformance import FakeSetup

if TYPE_CHECKING:
    from tests.conformance.conftest import Install

NAMES = Capabilities.__struct_fields__


def rows(report: Report) -> dict[str, tuple[str, str]]:
    return {row.name: (row.declared, row.verified) for row in report.rows()}


def test_the_fake_driver_is_what_it_declares() -> None:
    report = conform(FakeSetup("fake"))
    assert [(each.case, each.reason) for each in report.failures] == []
    assert report.is_green
    verified = {name for name, (_declared, found) in rows(report).items() if found == "yes"}
    assert set(report.capabilities.names()) <= verified


def test_a_fake_driver_that_can_do_everything_conforms() -> None:
    report = conform(FakeSetup("fake", {"capabilities": dict.fromkeys(NAMES, True)}))
    assert [(each.case, each.reason) for each in report.failures] == []
    assert all(declared in ("yes", "always") for declared, _found in rows(report).values())
    assert report.is_green


def test_a_fake_driver_that_can_do_nothing_refuses_everything() -> None:
    report = conform(FakeSetup("fake", {"capabilities": dict.fromkeys(NAMES, False)}))
    assert [(each.case, each.reason) for each in report.failures] == []
    assert {found for declared, found in rows(report).values() if declared == "no"} == {"refused"}
    assert report.is_green


def test_every_capability_has_a_row() -> None:
    assert {area.capability for area in AREAS} - {None} == set(NAMES)


def test_names_of_cases_are_unique_sentences() -> None:
    names = [case.name for case in cases_of(AREAS)]
    assert len(names) == len(set(names))
    assert all(name.partition("::")[2].startswith("test_") for name in names)


# -- what a row says -----------------------------------------------------------------------------


def told(outcome: Outcome, capability: str | None = "pause", case: str = "Pause::test_x") -> Result:
    return Result(case, capability or "images", capability, outcome, "because")


@pytest.mark.parametrize(
    ("outcomes", "declared", "verified", "green"),
    [
        ((Outcome.PASSED, Outcome.PASSED), True, "yes", True),
        ((Outcome.PASSED, Outcome.FAILED), True, "no", False),
        ((Outcome.PASSED, Outcome.NOT_TRIED), True, "in part", False),
        ((Outcome.NOT_TRIED,), True, "no", False),
        ((Outcome.PASSED, Outcome.UNFIT), True, "yes", True),
        ((Outcome.UNFIT,), True, "-", True),
        ((Outcome.PASSED, Outcome.UNFIT), False, "refused", True),
        ((Outcome.FAILED, Outcome.UNFIT), False, "no", False),
        ((Outcome.PASSED, Outcome.NOT_TRIED), False, "refused", True),
    ],
)
def test_a_row_is_green_only_where_all_that_is_declared_is_verified(
    outcomes: tuple[Outcome, ...], declared: bool, verified: str, green: bool
) -> None:
    report = Report("x", Capabilities(pause=declared), tuple(map(told, outcomes)))
    (row,) = report.rows()
    assert (row.verified, row.is_green, report.is_green) == (verified, green, green)


def test_what_is_known_to_fail_must_fail() -> None:
    known = {"pause": "the hypervisor forgets"}
    fails = Report("x", Capabilities(pause=True), (told(Outcome.FAILED),), known)
    passes = Report("x", Capabilities(pause=True), (told(Outcome.PASSED),), known)
    assert (fails.rows()[0].verified, fails.is_green) == ("known", True)
    assert (passes.rows()[0].verified, passes.is_green) == ("no", False)
    assert "the hypervisor forgets" in passes.rows()[0].reasons[0][1]


# -- cases of one's own --------------------------------------------------------------------------


class Leaving(Area):
    """Cases that leave something, or that cannot be tried."""

    name: ClassVar[str] = "leaving"

    def test_a_guest(self, lab: Lab) -> None:
        guest = lab.stranger()
        lab.call(lab.first, "spawn", guest, None, [], [])

    def test_a_connection(self, lab: Lab) -> None:
        server, volume = lab.server(), lab.volume()
        lab.attach(server, volume)
        lab.rig.driver(lab.first).lose_guest(server.id)  # type: ignore[attr-defined]
        lab.rig.servers.delete(server)

    def test_a_complaint_and_a_guest(self, lab: Lab) -> None:
        lab.call(lab.first, "spawn", lab.stranger(), None, [], [])
        check(False, "this is wrong")

    def test_what_cannot_be_given_back(self, lab: Lab) -> None:
        lab.last("giving back", lambda: check(False, "it is stuck"))

    def test_what_nobody_offers(self, lab: Lab) -> None:
        raise NotOffered("nobody knows how")

    def test_what_cannot_be(self, lab: Lab) -> None:
        raise Inapplicable("it has no wheels")


def attempt(case: str, setup: Setup | None = None) -> Result:
    plan = Plan(select=f"Leaving::{case}", areas=(Leaving,))
    (result,) = conform(setup or FakeSetup("fake"), plan).results
    return result


def test_a_guest_that_is_left_is_told_with_who_made_it_at_which_step_and_when() -> None:
    result = attempt("test_a_guest")
    assert result.outcome is Outcome.FAILED
    assert "is left on host1, made by the case: spawn, step " in result.reason
    assert ", at 0.00 s" in result.reason


def test_what_is_given_back_behind_the_controls_is_seen_to_be_gone() -> None:
    assert attempt("test_a_connection").outcome is Outcome.PASSED


def test_the_complaint_comes_before_what_is_left() -> None:
    reason = attempt("test_a_complaint_and_a_guest").reason
    assert reason.startswith("this is wrong (then: guest ")


def test_what_cannot_be_given_back_fails_the_case() -> None:
    result = attempt("test_what_cannot_be_given_back")
    assert result.outcome is Outcome.FAILED
    assert "giving back failed: Unmet: it is stuck" in result.reason


def test_what_is_not_offered_is_not_tried_and_what_cannot_be_does_not_count() -> None:
    assert attempt("test_what_nobody_offers").outcome is Outcome.NOT_TRIED
    assert attempt("test_what_cannot_be").outcome is Outcome.UNFIT


def test_a_selection_of_nothing_is_refused() -> None:
    with pytest.raises(Invalid, match="no case has 'wings' in its name"):
        conform(FakeSetup("fake"), Plan(select="wings"))
    with pytest.raises(Invalid, match="'wings' is no area"):
        conform(FakeSetup("fake"), Plan(known_failing={"wings": "none"}))


# -- set-ups -------------------------------------------------------------------------------------


def test_a_driver_brings_its_set_up_by_an_entry_point() -> None:
    assert isinstance(find_setup("fake"), FakeSetup)
    assert type(find_setup("another")) is Setup


def test_options_are_of_all_hosts_or_of_one() -> None:
    setup = Setup("x", {"uri": "to/{host}", "n": [1, "{host}"]}, {"host2": {"uri": "elsewhere"}})
    assert setup.options_of("host1") == {"uri": "to/host1", "n": [1, "host1"]}
    assert setup.options_of("host2") == {"uri": "elsewhere", "n": [1, "host2"]}


def test_a_set_up_is_entered_once_and_left() -> None:
    class Counting(FakeSetup):
        entered: ClassVar[list[str]] = []

        def __enter__(self) -> Any:
            self.entered.append("in")
            return super().__enter__()

        def __exit__(self, *error: Any) -> None:
            self.entered.append("out")

    conform(Counting("fake"), Plan(select="Pause"))
    assert Counting.entered == ["in", "out"]


def test_what_only_the_set_up_can_see_is_a_leak_as_well() -> None:
    class Seeing(FakeSetup):
        def leftovers(self, drivers: Mapping[str, ComputeDriver], ours: Any) -> list[str]:
            return ["a file is left"]

    report = conform(Seeing("fake"), Plan(select="test_the_console_is_text"))
    assert "a file is left" in report.failures[0].reason


def test_guests_of_others_are_nobodys_leak(install: Install) -> None:
    install({"cellrig.drivers": {"dirty": "dirty:DirtyDriver"}})
    report = conform(FakeSetup("dirty"), Plan(select="Volumes"))
    assert [(each.case, each.reason) for each in report.failures] == []
