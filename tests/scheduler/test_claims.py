"""Claims: races, lost answers, and giving everything back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from cellrig.errors import NoValidHost
from cellrig.placement.errors import AllocationRefused, CapacityExceeded, ConcurrentUpdate
from cellrig.placement.types import AllocationsWrite
from cellrig.scheduler import SchedulerOptions
from cellrig.seams import Passage

if TYPE_CHECKING:
    from tests.scheduler.conftest import World

PUT = "placement.put_allocations"


def refuse(times: int, error: Exception) -> Callable[[Passage], None]:
    left = [times]

    def act(_passage: Passage) -> None:
        if left[0]:
            left[0] -= 1
            raise error

    return act


@pytest.mark.parametrize(
    "error", [CapacityExceeded("h1", "VCPU", 1, 0, 8), ConcurrentUpdate("h1", None, 1)]
)
def test_a_refused_claim_drops_the_host_and_goes_on_to_the_next(
    world: World, error: Exception
) -> None:
    world.host("cell1", "h1", memory_mb=64000)
    world.host("cell1", "h2", memory_mb=32000)
    world.host("cell1", "h3")
    world.listening.in_the_way[PUT] = refuse(1, error)
    ((first, *alternates),) = world.select(alternates=2)
    assert first.host == "h2"
    assert [each.host for each in alternates] == ["h3"]
    assert len(world.listening.handled) == 1


def test_a_claim_that_was_delivered_twice_stands(world: World) -> None:
    world.host("cell1", "h1")
    world.host("cell1", "h2", memory_mb=4096)

    def twice(passage: Passage) -> None:
        passage.times = 2

    world.listening.in_the_way[PUT] = twice
    assert world.hosts() == ["h1"]
    assert len(world.run(world.placement.list_allocations)) == 1


def test_what_somebody_else_holds_for_the_server_is_left_alone(world: World) -> None:
    root = world.host("cell1", "h1")
    server = world.uuid()
    other = AllocationsWrite({root: {"VCPU": 3}}, "project", "user")
    world.run(lambda: world.placement.put_allocations(server, other))
    with pytest.raises(NoValidHost) as refused:
        world.select(servers=(server,))
    assert "generation" in refused.value.refusals["h1"]
    (held,) = world.run(world.placement.list_allocations)
    assert held.allocations == {root: {"VCPU": 3}}


def test_a_claim_lost_to_another_request_is_told_as_the_reason(world: World) -> None:
    root = world.host("cell1", "h1", vcpus=1)

    def another_is_quicker(_passage: Passage) -> None:
        del world.listening.in_the_way[PUT]
        write = AllocationsWrite({root: {"VCPU": 1}}, "project", "user")
        world.placement.put_allocations(world.uuid(), write)

    world.listening.in_the_way[PUT] = another_is_quicker
    with pytest.raises(NoValidHost) as refused:
        world.select()
    assert "VCPU" in refused.value.refusals["h1"]


def test_if_one_server_fits_nowhere_the_claims_of_all_are_given_back(world: World) -> None:
    world.host("cell1", "h1", memory_mb=2048)
    world.host("cell2", "h2", memory_mb=1024)
    with pytest.raises(NoValidHost) as refused:
        world.select(4)
    assert refused.value.reason.startswith("4 servers were asked for, and only 3 of them fit")
    assert refused.value.refusals["h1"] == "MEMORY_MB: 1024 requested, 0 free"
    assert world.claimed() == {}


def test_an_unknown_failure_gives_back_the_claims_too(world: World) -> None:
    world.host("cell1", "h1")
    calls = [0]

    def break_the_second(_passage: Passage) -> None:
        calls[0] += 1
        if calls[0] == 2:
            raise RuntimeError("placement is on fire")

    world.listening.in_the_way[PUT] = break_the_second
    with pytest.raises(RuntimeError, match="on fire"):
        world.select(2)
    assert world.claimed() == {}


def test_a_claim_made_though_its_answer_was_an_error_is_given_back(world: World) -> None:
    world.host("cell1", "h1")

    def do_it_and_then_raise(passage: Passage) -> None:
        del world.listening.in_the_way[PUT]
        world.placement.put_allocations(*passage.args)
        raise AllocationRefused("a lie")

    world.listening.in_the_way[PUT] = do_it_and_then_raise
    with pytest.raises(NoValidHost):
        world.select()
    assert world.claimed() == {}


def test_a_request_for_many_asks_again_when_the_first_hosts_are_full(
    new_world: Callable[..., World],
) -> None:
    world = new_world("cell1", options=SchedulerOptions(max_placement_results=2))
    for number in range(4):
        world.host("cell1", f"h{number}", vcpus=2)
    hosts = world.hosts(8)
    assert sorted(hosts) == sorted(2 * ["h0", "h1", "h2", "h3"])


def test_twenty_requests_at_once_into_room_for_twelve_never_take_more(world: World) -> None:
    for number in range(3):
        world.host(f"cell{number % 2 + 1}", f"h{number}", vcpus=4)
    outcomes: list[str] = []

    def boot() -> None:
        try:
            outcomes.append(world.hosts()[0])
        except NoValidHost:
            outcomes.append("refused")

    def all_at_once() -> None:
        tasks = [world.runtime.spawn(boot, name=f"boot {n}") for n in range(20)]
        for task in tasks:
            task.result()

    world.run(all_at_once)
    assert outcomes.count("refused") == 8
    assert len(world.claimed()) == 12
