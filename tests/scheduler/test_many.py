"""Several servers in one request: each sees what the ones before it have taken."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from cellrig.errors import NoValidHost
from cellrig.scheduler import SchedulerOptions

if TYPE_CHECKING:
    from tests.scheduler.conftest import World


def test_servers_of_one_request_spread_over_equal_hosts(world: World) -> None:
    for name in ("h1", "h2", "h3"):
        world.host("cell1", name)
    assert sorted(world.hosts(6)) == ["h1", "h1", "h2", "h2", "h3", "h3"]


def test_1781710_servers_of_one_request_keep_to_anti_affinity(world: World) -> None:
    """Behaviour 28: not two members on one host, also within one request."""
    for name in ("h1", "h2"):
        world.host("cell1", name)
    group = world.group("anti-affinity")
    assert sorted(world.hosts(2, group_uuid=group.uuid)) == ["h1", "h2"]
    with pytest.raises(NoValidHost) as refused:
        world.select(3, group_uuid=group.uuid)
    why = "filter server_group_anti_affinity: it has 1 of the group's servers, at most 1"
    assert refused.value.refusals == {"h1": why, "h2": why}


def test_servers_of_one_request_keep_to_affinity_and_so_to_one_cell(world: World) -> None:
    world.host("cell1", "h1")
    world.host("cell2", "h2")
    group = world.group("affinity")
    hosts = world.hosts(4, group_uuid=group.uuid)
    assert len(set(hosts)) == 1


def test_servers_of_one_request_gather_and_spread_softly(world: World) -> None:
    for name in ("h1", "h2", "h3"):
        world.host("cell1", name, vcpus=4)
    soft = world.group("soft-affinity")
    world.scheduler = world.new_scheduler(SchedulerOptions(weights={"soft_affinity": 100.0}))
    assert len(set(world.hosts(4, group_uuid=soft.uuid))) == 1
    apart = world.group("soft-anti-affinity")
    hosts = world.hosts(4, group_uuid=apart.uuid)
    assert len(set(hosts)) >= 2


def test_limits_count_the_servers_of_the_same_request(
    new_world: Callable[..., World],
) -> None:
    options = SchedulerOptions(filters=("num_instances",), max_instances_per_host=2)
    world = new_world("cell1", options=options)
    world.host("cell1", "h1", vcpus=100)
    world.host("cell1", "h2")
    world.server("cell1", "h2")
    assert sorted(world.hosts(3)) == ["h1", "h1", "h2"]


def test_a_host_that_the_request_has_filled_is_not_tried_again(world: World) -> None:
    world.host("cell1", "h1", vcpus=3, memory_mb=900000, disk_gb=90000)
    world.host("cell1", "h2")
    assert world.hosts() == ["h1"]
    assert world.hosts(4) == ["h1", "h1", "h2", "h2"]
    assert world.listening.handled == []


def test_alternates_take_account_of_what_the_request_has_taken(world: World) -> None:
    world.host("cell1", "h1", vcpus=1)
    world.host("cell1", "h2", vcpus=1)
    (first, second) = world.select(2, alternates=2)
    assert {first[0].host, second[0].host} == {"h1", "h2"}
    assert second[1:] == ()
