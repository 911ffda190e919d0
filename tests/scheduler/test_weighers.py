"""Each weigher by what it does to the choice between hosts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cellrig.model import TaskState
from cellrig.scheduler import SchedulerOptions
from cellrig.scheduler.plugins import load_weighers

if TYPE_CHECKING:
    from tests.scheduler.conftest import World


def weigh_by(world: World, **weights: float) -> None:
    """Let only these weighers count."""
    off = {name: 0.0 for name, _weigher, _multiplier in load_weighers(SchedulerOptions())}
    world.scheduler = world.new_scheduler(SchedulerOptions(weights={**off, **weights}))


def test_the_multipliers_are_the_fields() -> None:
    counted = {name: multiplier for name, _each, multiplier in load_weighers(SchedulerOptions())}
    assert counted == {
        "build_failure": 1000000.0,
        "cpu": 1.0,
        "disk": 1.0,
        "io_ops": -1.0,
        "ram": 1.0,
        "soft_affinity": 1.0,
        "soft_anti_affinity": 1.0,
    }


@pytest.mark.parametrize(
    ("weigher", "amount"), [("ram", "memory_mb"), ("cpu", "vcpus"), ("disk", "disk_gb")]
)
def test_more_room_is_better_and_a_negative_multiplier_packs(
    world: World, weigher: str, amount: str
) -> None:
    world.host("cell1", "h1")
    world.host("cell1", "h2", **{amount: 90000})  # type: ignore[arg-type]
    weigh_by(world, **{weigher: 1.0})
    assert world.hosts() == ["h2"]
    weigh_by(world, **{weigher: -1.0})
    assert world.hosts() == ["h1"]


def test_what_counts_is_what_is_left_not_what_there_is(world: World) -> None:
    world.host("cell1", "h1", memory_mb=4096)
    world.host("cell1", "h2", memory_mb=4608)
    weigh_by(world, ram=1.0)
    assert [world.hosts()[0] for _ in range(3)] == ["h2", "h1", "h2"]


def test_failed_builds_come_before_all_else(world: World) -> None:
    world.host("cell1", "h1", memory_mb=90000, vcpus=1000, disk_gb=90000, failed_builds=1)
    world.host("cell1", "h2")
    assert world.hosts() == ["h2"]


def test_busy_hosts_are_worse(world: World) -> None:
    for name in ("h1", "h2"):
        world.host("cell1", name)
    world.server("cell1", "h1", task_state=TaskState.SPAWNING)
    assert world.hosts() == ["h2"]


def test_servers_are_counted_only_where_the_weigher_is_on(world: World) -> None:
    for name in ("h1", "h2"):
        world.host("cell1", name)
    world.server("cell1", "h2")
    weigh_by(world)
    assert world.hosts() == ["h1"]
    assert "db.cell1.instance_count_by_host" not in world.listening.seams
    weigh_by(world, num_instances=1.0)
    assert world.hosts() == ["h2"]
    assert world.listening.seams.count("db.cell1.instance_count_by_host") == 1


def test_soft_policies_gather_and_spread(world: World) -> None:
    for name in ("h1", "h2", "h3"):
        world.host("cell1", name)
    together, apart = world.group("soft-affinity"), world.group("soft-anti-affinity")
    world.server("cell1", "h2", group=together)
    assert world.hosts(group_uuid=together.uuid) == ["h2"]
    world.server("cell1", "h1", group=apart)
    weigh_by(world, soft_anti_affinity=1.0)
    assert world.hosts(group_uuid=apart.uuid) == ["h2"]


def test_each_weigher_has_the_same_voice_before_its_multiplier(world: World) -> None:
    world.host("cell1", "h1", memory_mb=90000, vcpus=8)
    world.host("cell1", "h2", memory_mb=89000, vcpus=9)
    weigh_by(world, ram=1.0, cpu=1.5)
    assert world.hosts() == ["h2"]
    weigh_by(world, ram=1.5, cpu=1.0)
    assert world.hosts() == ["h1"]
