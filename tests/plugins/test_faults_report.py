"""What is reported when a rig stops: faults that did nothing, errors nobody answered for."""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING

import pytest

from cellrig.driver.errors import GuestNotFound
from cellrig.errors import CellrigError, Conflict, NotFound
from cellrig.runtime import TaskKilled
from cellrig_faults import InjectedFault

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.plugins.conftest import SmallCloud


def swallowed(cloud: SmallCloud) -> list[str]:
    return [wrong for wrong in cloud.stop() if "was swallowed" in wrong]


def test_a_fault_that_never_fired_is_reported(faulty_cloud: SmallCloud) -> None:
    faulty_cloud.faults.fail("driver.spawn", nth=2)
    faulty_cloud.boot("a")
    assert faulty_cloud.stop() == [
        "fault fail with InjectedFault at driver.spawn, nth=2 never fired: 1 passages were there"
    ]


def test_a_fault_that_the_dice_left_alone_is_reported_only_if_they_never_fell(
    faulty_cloud: SmallCloud,
) -> None:
    faulty_cloud.faults.fail("driver.spawn", probability=1e-9)
    faulty_cloud.faults.fail("driver.destroy", probability=1e-9)
    faulty_cloud.boot("a")
    (wrong,) = faulty_cloud.stop()
    assert "driver.destroy" in wrong


def test_a_hold_that_is_never_released_is_reported(faulty_cloud: SmallCloud) -> None:
    faulty_cloud.faults.hold("driver.spawn")
    faulty_cloud.boot("a")
    assert faulty_cloud.stop() == ["hold at driver.spawn was reached 1 times and never released"]


def test_a_predicate_that_raises_is_reported_and_harms_no_call(faulty_cloud: SmallCloud) -> None:
    faulty_cloud.faults.fail("driver.spawn", when=lambda passage: passage.arguments["nonsense"])
    faulty_cloud.boot("a")
    assert faulty_cloud.hypervisors["cell1-host1"].guests == ["a"]
    (wrong,) = faulty_cloud.stop()
    assert "its predicate raised KeyError ('nonsense'), so it was switched off" in wrong


def test_an_error_that_is_swallowed_is_reported_with_where_it_came_from(
    faulty_cloud: SmallCloud,
) -> None:
    driver = faulty_cloud.driver()
    with pytest.raises(GuestNotFound):
        driver.get_console_output("a")
    (wrong,) = faulty_cloud.stop()
    assert wrong == (
        "GuestNotFound (the hypervisor has no guest a) left driver.get_console_output, called by "
        "compute@cell1-host1 for server a at 0 s, and was swallowed: what catches an error must "
        "raise again or call seams.handled"
    )


def test_a_fault_that_is_swallowed_is_reported(faulty_cloud: SmallCloud) -> None:
    for verb in (faulty_cloud.faults.fail, faulty_cloud.faults.fail_after):
        rule = verb("driver.spawn", times=1)
        with pytest.raises(InjectedFault):
            faulty_cloud.driver().spawn("a")
        rule.clear()
    assert len(swallowed(faulty_cloud)) == 2


def test_an_error_that_passes_several_seams_is_one(faulty_cloud: SmallCloud) -> None:
    class Outer:
        def destroy(self) -> None:
            faulty_cloud.driver().get_console_output("a")

    outer = faulty_cloud.seams.wrap("driver.", Outer(), faulty_cloud.api)
    with pytest.raises(GuestNotFound):
        outer.destroy()
    (wrong,) = swallowed(faulty_cloud)
    assert "left driver.get_console_output" in wrong


def raise_another(cloud: SmallCloud) -> None:
    try:
        cloud.driver().get_console_output("a")
    except GuestNotFound as error:
        raise Conflict("not now") from error


def raise_another_instead(cloud: SmallCloud) -> None:
    try:
        cloud.driver().get_console_output("a")
    except GuestNotFound:
        raise Conflict("not now") from None


def fail_while_failing(cloud: SmallCloud) -> None:
    try:
        cloud.driver().get_console_output("a")
    except GuestNotFound:
        raise_another(cloud)


@pytest.mark.parametrize("work", [raise_another, raise_another_instead, fail_while_failing])
def test_who_answers_for_an_error_answers_for_what_it_took_the_place_of(
    cloud: SmallCloud, work: Callable[[SmallCloud], None]
) -> None:
    with pytest.raises(Conflict) as caught:
        work(cloud)
    cloud.seams.handled(caught.value, "raised to the test")


def test_an_error_handled_while_another_is_handled_leaves_that_one_open(
    faulty_cloud: SmallCloud,
) -> None:
    driver = faulty_cloud.driver()

    def clean_up() -> None:
        try:
            driver.get_console_output("clean-up")
        except GuestNotFound as error:
            faulty_cloud.seams.handled(error, "there is nothing to clean up")

    def work() -> None:
        try:
            driver.get_console_output("work")
        except GuestNotFound:
            clean_up()

    work()
    (wrong,) = swallowed(faulty_cloud)
    assert "no guest work" in wrong


def test_what_a_task_was_handling_when_it_was_killed_is_not_swallowed(cloud: SmallCloud) -> None:
    driver = cloud.driver()

    def work() -> None:
        try:
            driver.get_console_output("a")
        except GuestNotFound:
            driver.destroy("a")

    cloud.faults.crash_before("driver.destroy")
    cloud.runtime.spawn(work, name="work", owner=cloud.processes["cell1-host1"])
    cloud.runtime.settle()
    assert cloud.processes["cell1-host1"].crashed


def test_what_a_dead_service_was_handling_is_not_swallowed(cloud: SmallCloud) -> None:
    driver = cloud.driver()
    cloud.faults.crash_before("driver.destroy")
    with pytest.raises(TaskKilled):
        try:
            driver.get_console_output("a")
        except GuestNotFound:
            driver.destroy("a")


def test_a_failed_task_is_reported_once(faulty_cloud: SmallCloud) -> None:
    faulty_cloud.faults.fail("driver.spawn", NotFound("image", "debian"))
    faulty_cloud.boot("a")
    (wrong,) = faulty_cloud.stop()
    assert wrong == (
        "task compute.cell1-host1.build_and_run_instance of compute@cell1-host1 failed at 0 s "
        "with NotFound (image 'debian' does not exist), and nobody was waiting for it"
    )


def test_expected_errors_are_accepted_and_nothing_else(faulty_cloud: SmallCloud) -> None:
    expected = faulty_cloud.faults.expect(NotFound, "compute.*")
    allowed = faulty_cloud.faults.allow(CellrigError, "driver.get_*")
    faulty_cloud.faults.fail("driver.spawn", NotFound("image", "debian"))
    faulty_cloud.boot("a")
    with pytest.raises(GuestNotFound):
        faulty_cloud.driver().get_console_output("a")
    with pytest.raises(ValueError, match="not in list"):
        faulty_cloud.driver().destroy("a")
    (wrong,) = faulty_cloud.stop()
    assert wrong.startswith("ValueError (list.remove(x): x not in list) left driver.destroy")
    assert (expected.met, allowed.met) == (1, 1)


def test_an_expected_error_that_never_came_is_reported(faulty_cloud: SmallCloud) -> None:
    faulty_cloud.faults.expect(NotFound, "driver.*")
    faulty_cloud.faults.allow(NotFound, "driver.*")
    assert faulty_cloud.stop() == ["expected error NotFound at driver.*: there was none"]


def test_errors_keep_nothing_alive_when_the_cloud_has_stopped(faulty_cloud: SmallCloud) -> None:
    class Something:
        pass

    def work() -> weakref.ref[Something]:
        something = Something()
        with pytest.raises(GuestNotFound):
            faulty_cloud.driver().get_console_output("a")
        return weakref.ref(something)

    reference = work()
    gc.collect()
    assert reference() is not None  # the open error holds its frames
    assert len(swallowed(faulty_cloud)) == 1
    gc.collect()
    assert reference() is None
