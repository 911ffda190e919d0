"""What the timeline tells, and what it does not keep."""

from __future__ import annotations

import gc
import re
import weakref
from typing import TYPE_CHECKING

import pytest

from cellrig.driver.errors import GuestNotFound
from cellrig.errors import Invalid, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.plugins.conftest import SmallCloud


def words(line: str) -> list[str]:
    return line.split()


def test_calls_are_told_in_order_with_time_caller_server_and_receiver(cloud: SmallCloud) -> None:
    cloud.boot("server-a")
    cloud.runtime.advance(1.5)
    cloud.boot("server-b", "cell1-host2")
    assert [words(line) for line in cloud.timeline.lines()] == [
        [
            "+0.000",
            "api",
            "bus.compute.build_and_run_instance",
            "server-a",
            "->",
            "cell1-host1",
        ],
        ["+0.000", "compute@cell1-host1", "driver.spawn", "server-a"],
        ["+0.000", "compute@cell1-host1", "db.cell1.instance_create", "server-a"],
        [
            "+1.500",
            "api",
            "bus.compute.build_and_run_instance",
            "server-b",
            "->",
            "cell1-host2",
        ],
        ["+1.500", "compute@cell1-host2", "driver.spawn", "server-b"],
        ["+1.500", "compute@cell1-host2", "db.cell1.instance_create", "server-b"],
    ]


def test_an_error_is_told_where_it_left_and_how_it_ended(cloud: SmallCloud) -> None:
    cloud.faults.fail("driver.spawn", GuestNotFound("a"))
    cloud.boot("a")
    _cast, spawn, handled = cloud.timeline.lines()
    told = "GuestNotFound: the hypervisor has no guest a"
    assert spawn.endswith(f"driver.spawn a | {told}")
    assert handled.endswith(f"compute@cell1-host1      {told} was handled: the build is given up")


def test_the_outcome_told_is_the_one_that_a_fault_made_of_it(cloud: SmallCloud) -> None:
    cloud.faults.fail_after("driver.spawn", GuestNotFound("x"), nth=1)
    cloud.boot("a")
    assert "driver.spawn a | GuestNotFound" in cloud.timeline.text()


def test_a_crash_a_delay_and_a_second_delivery_can_be_seen(cloud: SmallCloud) -> None:
    cloud.faults.delay("driver.spawn", 2.5, server="a")
    cloud.faults.deliver_twice("driver.spawn", server="b")
    cloud.faults.crash_after("driver.spawn", server="c")
    for server in "abc":
        cloud.boot(server)
    a, b, c = cloud.timeline.lines(seam="driver.spawn")
    assert a.endswith("driver.spawn a after 2.500 s")
    assert b.endswith("driver.spawn b | made 2 times")
    assert c.endswith("driver.spawn c | the caller died")


def test_a_failed_task_is_told(cloud: SmallCloud) -> None:
    cloud.faults.fail("driver.spawn", NotFound("image", "debian"))
    cloud.faults.expect(NotFound)
    cloud.boot("a")
    last = cloud.timeline.lines()[-1]
    assert "task compute.cell1-host1.build_and_run_instance failed: NotFound: image" in last


def test_what_has_not_returned_says_so(cloud: SmallCloud) -> None:
    hold = cloud.faults.hold("driver.spawn")
    cloud.boot("a")
    assert cloud.timeline.lines()[-1].endswith("driver.spawn a | has not returned")
    hold.release()
    cloud.runtime.settle()
    assert "has not returned" not in cloud.timeline.text()


def test_a_call_made_inside_another_is_indented_by_task(cloud: SmallCloud) -> None:
    class Outer:
        def spawn(self, instance_uuid: str) -> None:
            cloud.driver().spawn(instance_uuid)

    outer = cloud.seams.wrap("driver.", Outer(), cloud.api)
    hold = cloud.faults.hold("driver.spawn", service="compute", server="a")
    for server in "ab":
        cloud.runtime.spawn(lambda server=server: outer.spawn(server), name=server)  # type: ignore[misc]
    cloud.runtime.settle()
    hold.release()
    cloud.runtime.settle()
    depths = [
        (line.split()[3], len(re.findall(r"(?: {2})+(?=driver)", line[36:])))
        for line in cloud.timeline.lines()
    ]
    assert depths == [("a", 0), ("a", 1), ("b", 0), ("b", 1)]


def test_lines_can_be_chosen_by_server_seam_and_host(cloud: SmallCloud) -> None:
    cloud.boot("a", "cell1-host1")
    cloud.boot("b", "cell1-host2")
    assert len(cloud.timeline.lines(server="a")) == 3
    assert len(cloud.timeline.lines(seam="db.*")) == 2
    assert len(cloud.timeline.lines(host="cell1-host2")) == 3
    assert len(cloud.timeline.lines(host="cell1-host2", server="b", seam="driver.*")) == 1


def test_what_is_not_shown_is_counted(cloud: SmallCloud) -> None:
    for server in "abc":
        cloud.boot(server)
    first, *rest = cloud.timeline.lines(2)
    assert first.startswith("... 7 earlier lines are not shown")
    assert rest == cloud.timeline.lines()[-2:]
    assert cloud.timeline.text(2) == "\n".join([first, *rest])
    with pytest.raises(Invalid, match="last was given as 0"):
        cloud.timeline.lines(0)


def test_only_the_latest_entries_are_kept_unless_all_are_wanted(
    make_cloud: Callable[..., SmallCloud],
) -> None:
    def told(cloud: SmallCloud) -> list[str]:
        driver = cloud.driver()
        for _number in range(2100):
            driver.spawn("a")
        return cloud.timeline.lines(None)

    lines = told(make_cloud())
    assert len(lines) == 2001
    assert lines[0].startswith("... 0 earlier lines are not shown (last=None shows them), 100 are")
    everything = make_cloud()
    everything.timeline.keep_all()
    assert len(told(everything)) == 2100


def test_the_same_seed_gives_the_same_fingerprint_and_another_order_another(
    make_cloud: Callable[..., SmallCloud],
) -> None:
    def fingerprint(seed: int) -> str:
        cloud = make_cloud(seed)
        cloud.faults.fail("driver.spawn", probability=0.5)
        for number in range(10):
            client = cloud.compute(cloud.host_names[number % 2])
            cloud.runtime.spawn(
                lambda client=client, number=number: client.build_and_run_instance(f"s{number}"),  # type: ignore[misc]
                name=f"boot {number}",
            )
        cloud.runtime.settle()
        assert cloud.stop() == []
        return cloud.timeline.fingerprint()

    prints = [fingerprint(seed) for seed in (1, 2, 3)]
    assert prints == [fingerprint(seed) for seed in (1, 2, 3)]
    assert len(dict.fromkeys(prints)) == 3


def test_an_address_in_an_error_does_not_change_the_fingerprint(
    make_cloud: Callable[..., SmallCloud],
) -> None:
    def fingerprint() -> str:
        cloud = make_cloud()
        cloud.faults.fail("driver.spawn", ValueError(f"what is {object()}?"))
        with pytest.raises(ValueError, match="what is"):
            cloud.driver().spawn("a")
        assert "ValueError: what is <object object>?" in cloud.timeline.text()
        return cloud.timeline.fingerprint()

    assert fingerprint() == fingerprint()


def test_the_server_is_found_however_it_is_passed(cloud: SmallCloud) -> None:
    class Guest:
        uuid = "g"

    class Part:
        def resume(self, why: str, guest: Guest | str) -> None: ...

        def pause(self, instance_uuid: str | None = None) -> None: ...

        def get_available_nodes(self) -> None: ...

    part = cloud.seams.wrap("driver.", Part(), cloud.api)
    part.resume(guest=Guest(), why="first by name")
    part.resume("then by place", Guest())
    part.resume("as a uuid", "h")
    part.resume(why="the other way round", guest="i")
    part.pause("j")
    part.pause()
    part.get_available_nodes()
    told = [words(line)[3:] for line in cloud.timeline.lines()]
    assert told == [["g"], ["g"], ["h"], ["i"], ["j"], [], []]


def test_nothing_that_was_passed_is_kept_alive(cloud: SmallCloud) -> None:
    class Guest:
        uuid = "a"

    class Part:
        def resume(self, guest: Guest) -> Guest:
            return guest

    guest = Guest()
    reference = weakref.ref(guest)
    cloud.seams.wrap("driver.", Part(), cloud.api).resume(guest)
    del guest
    gc.collect()
    assert reference() is None
    assert "driver.resume a" in cloud.timeline.text()
