"""The same cases and stories on two drivers: alike, or the first difference is told."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cellrig.testing.conformance import Outcome, Plan, Result, conform
from cellrig_fake.conformance import FakeSetup

if TYPE_CHECKING:
    from tests.conformance.conftest import Install


def compared(install: Install, driver: str, plan: Plan) -> tuple[Result, ...]:
    """Compare the fake driver with another one; return what failed."""
    _module, _colon, name = driver.partition(":")
    install({"cellrig.drivers": {name: driver}})
    report = conform(FakeSetup("fake"), plan, against=FakeSetup(name))
    assert report.question == f"drivers fake and {name}: where do they differ?"
    return report.failures


def test_a_driver_does_not_differ_from_itself() -> None:
    plan = Plan(select="test_a_shared_disk_stays_shareable_while_the_guest_reboots", seeds=2)
    report = conform(FakeSetup("fake"), plan, against=FakeSetup("fake"))
    assert [(each.case, each.reason) for each in report.failures] == []
    told = [(each.case, each.outcome) for each in report.results]
    assert told[1:] == [
        ("Story::test_seed_0", Outcome.PASSED),
        ("Story::test_seed_1", Outcome.PASSED),
    ]
    assert report.answer.startswith("no difference was seen; 3 cases in ")


def test_cards_that_only_one_of_them_has_are_no_difference() -> None:
    plan = Plan(select="Inventory::", seeds=1)
    bare = FakeSetup("fake", {"sriov": [], "capabilities": {"sriov": False}})
    assert conform(FakeSetup("fake"), plan, against=bare).failures == ()
    assert conform(bare, plan, against=FakeSetup("fake")).failures == ()


def test_where_one_has_more_of_something_the_first_that_the_other_lacks_is_told() -> None:
    card = {"address": "0000:81:00.0", "physical_network": "public", "vfs": 2}
    one, both = ([{**card, "address": f"0000:8{n}:00.0"} for n in range(m)] for m in (1, 2))
    plan = Plan(select="test_nodes_are_there_once_in_the_cloud")
    (result,) = conform(
        FakeSetup("fake", {"sriov": one}), plan, against=FakeSetup("fake", {"sriov": both})
    ).failures
    assert re.search(r"trees\.host1\.2 is nothing with fake and \{'is root': False", result.reason)


def test_the_first_difference_is_told_with_where_and_what(install: Install) -> None:
    plan = Plan(select="test_an_attached_volume_is_a_disk_of_the_guest")
    (result,) = compared(install, "mutants:SharesEverything", plan)
    assert "shareable is False with fake and True with SharesEverything" in result.reason


def test_a_story_finds_a_difference_and_its_number_tells_it_again(install: Install) -> None:
    failures = compared(install, "mutants:SharesEverything", Plan(select="Pause", seeds=3))
    stories = [each for each in failures if each.case.startswith("Story::")]
    assert stories
    assert " (attach a volume), guests." in stories[0].reason
    seed = int(stories[0].replay.removeprefix("--seed "))
    (again,) = compared(install, "mutants:SharesEverything", Plan(seed=seed))
    assert (again.case, again.reason) == (stories[0].case, stories[0].reason)


def test_the_document_of_the_hypervisor_counts_where_both_have_one(install: Install) -> None:
    plan = Plan(select="test_an_attached_volume_is_a_disk_of_the_guest")
    (result,) = compared(install, "drifting:WritesAnotherDocument", plan)
    assert "domain XML" in result.reason
    assert "'disk' with fake and 'floppy' with WritesAnotherDocument" in result.reason


def test_how_a_case_ends_counts_as_well(install: Install) -> None:
    plan = Plan(select="test_the_connector_names_the_host")
    (result,) = compared(install, "mutants:IsSomebodyElse", plan)
    assert (
        "the case ends differently: fake: well; IsSomebodyElse: the connector's host"
        in result.reason
    )


def test_the_serial_of_a_swapped_disk_counts(install: Install) -> None:
    plan = Plan(select="test_a_disk_goes_on_with_another_volume")
    (result,) = compared(install, "drifting:PlugsAnew", plan)
    assert re.search(
        r"domain XML.*serial\.text is '#2' with fake and '#3' with PlugsAnew", result.reason
    )
