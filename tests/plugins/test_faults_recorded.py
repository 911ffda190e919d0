"""Faults at every seam that a run passes, found by recording."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cellrig.seams import Process
from cellrig_faults import CrashAfter, CrashBefore, Delay, Passed, passage_fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.plugins.conftest import SmallCloud


def boot_three(cloud: SmallCloud) -> None:
    cloud.boot("a", "cell1-host1")
    cloud.boot("b", "cell1-host2")
    cloud.boot("c", "cell1-host1")


def test_a_recording_tells_seam_number_host_cell_and_service(cloud: SmallCloud) -> None:
    passed = cloud.faults.seams_passed(lambda: boot_three(cloud))
    host1 = [place for place in passed if place.host == "cell1-host1"]
    assert host1 == [
        Passed("bus.compute.build_and_run_instance", 1, "cell1-host1", None, "api", "a"),
        Passed("driver.spawn", 1, "cell1-host1", "cell1", "compute", "a"),
        Passed("db.cell1.instance_create", 1, "cell1-host1", "cell1", "compute", "a"),
        Passed("bus.compute.build_and_run_instance", 2, "cell1-host1", None, "api", "c"),
        Passed("driver.spawn", 2, "cell1-host1", "cell1", "compute", "c"),
        Passed("db.cell1.instance_create", 2, "cell1-host1", "cell1", "compute", "c"),
    ]
    assert len(passed) == 9


def test_what_happens_after_the_recording_is_not_in_it(cloud: SmallCloud) -> None:
    with cloud.faults.record() as passed:
        cloud.boot("a")
    cloud.boot("b")
    assert len(passed) == 3


def test_each_recorded_passage_becomes_a_fault_at_exactly_that_passage(
    make_cloud: Callable[..., SmallCloud],
) -> None:
    recorded = make_cloud(7)
    passed = recorded.faults.seams_passed(lambda: boot_three(recorded))
    assert recorded.stop() == []
    for place in passed:
        again = make_cloud(7)
        rule = again.faults.add(passage_fault(place, Delay(1)))
        boot_three(again)
        assert [fired.server for fired in rule.passages] == [place.server]
        assert rule.passages == [place]
        assert again.stop() == []


def test_a_passage_without_a_host_is_counted_among_those_of_all_hosts(cloud: SmallCloud) -> None:
    homeless = Process("compute")
    driver = cloud.seams.wrap("driver.", cloud.hypervisors["cell1-host1"], homeless)

    def passages() -> None:
        cloud.boot("a")
        cloud.run(lambda: driver.spawn("b"))

    last = cloud.faults.seams_passed(passages)[-1]
    assert (last.seam, last.host, last.nth) == ("driver.spawn", None, 2)
    rule = cloud.faults.add(passage_fault(last, Delay(1)))
    passages()
    assert rule.passages == [last]


def test_a_service_crashed_at_every_seam_in_turn_can_always_start_again(
    make_cloud: Callable[..., SmallCloud],
) -> None:
    first = make_cloud()
    passed = first.faults.seams_passed(lambda: first.boot("a"))
    places = [place for place in passed if place.service == "compute"]
    assert first.stop() == []
    outcomes = []
    for place in places:
        for action in (CrashBefore(), CrashAfter()):
            cloud = make_cloud()
            cloud.faults.add(passage_fault(place, action))
            cloud.boot("a")
            assert cloud.processes["cell1-host1"].crashed
            cloud.start("cell1-host1")
            outcomes.append((cloud.hypervisors["cell1-host1"].guests, cloud.recorded()))
            assert cloud.stop() == []
    assert outcomes == [([], []), (["a"], []), (["a"], []), (["a"], ["a"])]
