"""Each verb, on a cloud of two hosts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cellrig.bus import RESPONSE_TIMEOUT
from cellrig.driver.errors import ComputeResourcesUnavailable, GuestNotFound
from cellrig.errors import DatabaseUnavailable, MessagingTimeout
from cellrig.runtime import TaskKilled
from cellrig_faults import Delay, Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.plugins.conftest import SmallCloud


def test_a_failed_call_is_not_made(cloud: SmallCloud) -> None:
    rule = cloud.faults.fail("driver.spawn", GuestNotFound("a"), times=1)
    cloud.boot("a")
    cloud.boot("b")
    assert cloud.hypervisors["cell1-host1"].guests == ["b"]
    assert cloud.failures == {"a": "the hypervisor has no guest a"}
    assert rule.fired == 1
    assert (rule.passages[0].seam, rule.passages[0].server) == ("driver.spawn", "a")


def test_without_an_error_a_fault_raises_what_a_build_survives(cloud: SmallCloud) -> None:
    cloud.faults.fail("driver.spawn")
    cloud.boot("a")
    assert cloud.failures == {"a": "fault injected at driver.spawn, called by compute@cell1-host1"}


def test_each_passage_gets_an_error_object_of_its_own(cloud: SmallCloud) -> None:
    error = GuestNotFound("x")
    cloud.faults.fail("driver.destroy", error)
    raised = []
    for _time in range(2):
        with pytest.raises(GuestNotFound) as caught:
            cloud.driver().destroy("x")
        cloud.seams.handled(caught.value, "raised to the test")
        raised.append(caught.value)
    assert raised[0] is not raised[1]
    assert error.__traceback__ is None


def test_a_call_that_fails_after_has_been_made(cloud: SmallCloud) -> None:
    cloud.faults.fail_after("driver.spawn", ComputeResourcesUnavailable("disk", "2 GB", "1 GB"))
    cloud.boot("a")
    assert cloud.hypervisors["cell1-host1"].guests == ["a"]
    assert cloud.failures == {"a": "not enough disk: 2 GB asked, 1 GB free"}


def test_failing_afterwards_takes_the_place_of_the_calls_own_error(cloud: SmallCloud) -> None:
    cloud.faults.fail_after("driver.get_console_output", ComputeResourcesUnavailable("a", "b", "c"))
    with pytest.raises(ComputeResourcesUnavailable) as caught:
        cloud.driver().get_console_output("nobody")
    assert isinstance(caught.value.__context__, GuestNotFound)
    cloud.seams.handled(caught.value, "raised to the test")


def test_a_delay_takes_virtual_time(cloud: SmallCloud) -> None:
    cloud.faults.delay("driver.spawn", 30)
    before = cloud.runtime.now()
    cloud.boot("a")
    assert cloud.runtime.now() == before + 30
    assert cloud.hypervisors["cell1-host1"].guests == ["a"]


def test_a_held_call_waits_until_it_is_released(cloud: SmallCloud) -> None:
    hold = cloud.faults.hold("driver.spawn", host="cell1-host1")
    assert not hold.reached
    cloud.boot("a")
    cloud.boot("b", "cell1-host2")
    assert hold.reached
    assert cloud.hypervisors["cell1-host1"].guests == []
    assert cloud.hypervisors["cell1-host2"].guests == ["b"]
    hold.release()
    cloud.runtime.settle()
    cloud.boot("c")
    assert cloud.hypervisors["cell1-host1"].guests == ["a", "c"]
    assert hold.rule.fired == 1


def test_a_rule_that_is_cleared_while_a_call_is_held_does_not_act_on_it(
    faulty_cloud: SmallCloud,
) -> None:
    cloud = faulty_cloud
    cloud.faults.delay("driver.destroy", 1)
    hold = cloud.faults.hold("driver.spawn")
    before, after = cloud.faults.fail("driver.spawn"), cloud.faults.fail_after("driver.spawn")
    cloud.boot("a")
    before.clear()
    after.clear()
    hold.release()
    cloud.runtime.settle()
    assert cloud.recorded() == ["a"]
    assert len(cloud.stop()) == 3  # the two, and the delay, never fired


def test_a_lost_reply_costs_the_caller_the_response_timeout(cloud: SmallCloud) -> None:
    cloud.boot("a")
    rule = cloud.faults.drop_reply("bus.compute.get_console_output")
    delayed = cloud.faults.delay("driver.get_console_output", 10)
    before = cloud.runtime.now()
    with pytest.raises(MessagingTimeout, match=r"get_console_output from compute\.cell1-host1"):
        cloud.console("a")
    assert cloud.runtime.now() == before + RESPONSE_TIMEOUT
    assert (rule.fired, delayed.fired) == (1, 1)


def test_a_cast_has_no_reply_to_lose(cloud: SmallCloud) -> None:
    rule = cloud.faults.drop_reply("bus.compute.*")
    cloud.boot("a")
    assert rule.matched == 0
    with pytest.raises(MessagingTimeout):
        cloud.console("a")


def test_a_message_delivered_twice_is_handled_twice(cloud: SmallCloud) -> None:
    cloud.faults.deliver_twice("bus.compute.build_and_run_instance", nth=1)
    cloud.faults.fail("db.cell1.instance_create", GuestNotFound("a"), nth=2)
    cloud.faults.expect(GuestNotFound, "compute.cell1-host1.build_and_run_instance")
    cloud.boot("a")
    assert cloud.hypervisors["cell1-host1"].guests == ["a", "a"]


def test_a_crash_before_a_call_ends_the_service_and_only_that(cloud: SmallCloud) -> None:
    cloud.faults.crash_before("driver.spawn", host="cell1-host1")
    cloud.boot("a", "cell1-host1")
    cloud.boot("b", "cell1-host2")
    assert cloud.processes["cell1-host1"].crashed
    assert cloud.hypervisors["cell1-host1"].guests == []
    assert cloud.recorded() == ["b"]


def test_after_a_crash_the_service_can_start_again(cloud: SmallCloud) -> None:
    cloud.faults.crash_before("driver.spawn", nth=1)
    cloud.boot("a")
    cloud.start("cell1-host1")
    cloud.boot("b")
    assert cloud.recorded() == ["b"]


def test_a_crash_after_a_call_finds_it_made_and_nothing_more(cloud: SmallCloud) -> None:
    cloud.faults.crash_after("driver.spawn")
    cloud.boot("a")
    assert cloud.hypervisors["cell1-host1"].guests == ["a"]
    assert cloud.recorded() == []
    assert cloud.processes["cell1-host1"].crashed


def test_nothing_is_done_afterwards_in_a_service_that_died_meanwhile(
    faulty_cloud: SmallCloud,
) -> None:
    cloud = faulty_cloud

    class Outer:
        def destroy(self, instance_uuid: str) -> None:
            cloud.driver().spawn(instance_uuid)

    outer = cloud.seams.wrap("driver.", Outer(), cloud.processes["cell1-host1"])
    cloud.faults.crash_before("driver.spawn")
    after = cloud.faults.fail_after("driver.destroy")
    with pytest.raises(TaskKilled):
        outer.destroy("a")
    assert after.fired == 0


def test_a_service_that_crashed_gets_through_no_seam(cloud: SmallCloud) -> None:
    driver = cloud.driver()
    cloud.faults.crash_before("driver.destroy")
    with pytest.raises(TaskKilled):
        driver.destroy("a")
    with pytest.raises(TaskKilled):
        driver.spawn("a")


def test_a_database_is_taken_away_at_once_and_brought_back(cloud: SmallCloud) -> None:
    cloud.faults.take_down("cell1", "its disk is full")
    with pytest.raises(DatabaseUnavailable, match="'cell1' refuses connections: its disk is full"):
        cloud.recorded()
    cloud.faults.bring_back("cell1")
    assert cloud.recorded() == []


def test_a_database_is_taken_away_and_brought_back_at_seams(cloud: SmallCloud) -> None:
    cloud.faults.take_down_at("driver.spawn", "cell1", server="b")
    cloud.faults.bring_back_at("driver.spawn", "cell1", server="c")
    cloud.faults.expect(DatabaseUnavailable, "compute.*")
    for server in ("a", "b", "c"):
        cloud.boot(server)
    assert cloud.recorded() == ["a", "c"]


def test_what_is_still_down_at_the_end_is_brought_back(faulty_cloud: SmallCloud) -> None:
    faulty_cloud.faults.take_down("cell1")
    assert faulty_cloud.stop() == []
    assert faulty_cloud.databases["cell1"].refusal is None


@pytest.mark.parametrize(
    ("where", "failed"),
    [
        ({"nth": 2}, ["b"]),
        ({"from_nth": 3}, ["c", "d"]),
        ({"times": 2}, ["a", "b"]),
        ({"from_nth": 2, "times": 2}, ["b", "c"]),
        ({"server": "c"}, ["c"]),
        ({"host": "cell1-host2"}, ["d"]),
        ({"cell": "cell1", "nth": 4}, ["d"]),
        ({"service": "compute", "nth": 1}, ["a"]),
        ({"when": lambda passage: passage.arguments["instance_uuid"] > "b"}, ["c", "d"]),
        ({"when": lambda passage: passage.server != "a", "nth": 1}, ["b"]),
    ],
)
def test_a_fault_fires_where_and_when_it_says(
    cloud: SmallCloud, where: dict[str, object], failed: list[str]
) -> None:
    cloud.faults.fail("driver.spawn", **where)  # type: ignore[arg-type]
    for server in "abc":
        cloud.boot(server)
    cloud.boot("d", "cell1-host2")
    assert list(cloud.failures) == failed


def test_a_glob_names_several_seams(cloud: SmallCloud) -> None:
    rule = cloud.faults.delay("d*.*", 1)
    cloud.boot("a")
    assert [passed.seam for passed in rule.passages] == [
        "driver.spawn",
        "db.cell1.instance_create",
    ]


def test_the_host_that_a_message_goes_to_is_a_place_for_faults(cloud: SmallCloud) -> None:
    rule = cloud.faults.delay("bus.compute.*", 1, host="cell1-host2")
    cloud.boot("a", "cell1-host1")
    assert rule.fired == 0
    cloud.boot("b", "cell1-host2")
    assert rule.fired == 1


def test_a_probability_is_drawn_from_the_seed(make_cloud: Callable[..., SmallCloud]) -> None:
    def failures(seed: int) -> list[str]:
        cloud = make_cloud(seed)
        cloud.faults.fail("driver.spawn", probability=0.5)
        for number in range(40):
            cloud.boot(f"server-{number:02}")
        assert cloud.stop() == []
        return list(cloud.failures)

    assert failures(1) == failures(1)
    assert failures(1) != failures(2)
    assert 5 < len(failures(1)) < 35


def test_rules_act_in_the_order_in_which_they_were_made(faulty_cloud: SmallCloud) -> None:
    cloud = faulty_cloud
    cloud.faults.delay("driver.spawn", 5)
    cloud.faults.fail("driver.spawn")
    never = cloud.faults.delay("driver.spawn", 7, server="a")
    before = cloud.runtime.now()
    cloud.boot("a")
    assert cloud.runtime.now() == before + 5
    assert (never.matched, never.fired) == (1, 0)
    cloud.faults.clear()
    cloud.boot("a")  # what was cleared acts no more
    assert cloud.hypervisors["cell1-host1"].guests == ["a"]
    wrongs = cloud.stop()
    assert wrongs == [
        "fault delay by 7 s at driver.spawn, server='a' never fired: 1 passages were there"
    ]


def test_a_call_that_was_never_made_does_not_use_up_what_comes_after_it(cloud: SmallCloud) -> None:
    cloud.faults.fail("driver.spawn", nth=1)
    after = cloud.faults.fail_after("driver.spawn", times=1)
    cloud.boot("a")
    assert after.fired == 0
    cloud.boot("b")
    assert after.fired == 1


def test_a_fault_can_be_given_as_data(cloud: SmallCloud) -> None:
    fault = Fault(seam="driver.spawn", action=Delay(3), nth=1)
    assert str(fault) == "delay by 3 s at driver.spawn, nth=1"
    rule = cloud.faults.add(fault)
    cloud.boot("a")
    assert rule.fired == 1


def test_without_rules_nothing_of_the_faults_listens_when_a_call_enters(cloud: SmallCloud) -> None:
    listening = len(cloud.plugins.hook.cellrig_seam_enter.get_hookimpls())
    rule = cloud.faults.delay("driver.spawn", 1)
    assert len(cloud.plugins.hook.cellrig_seam_enter.get_hookimpls()) == listening + 1
    cloud.boot("a")
    rule.clear()
    assert len(cloud.plugins.hook.cellrig_seam_enter.get_hookimpls()) == listening
