from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cellrig.errors import NoValidHost

if TYPE_CHECKING:
    from tests.scheduler.conftest import World


def test_affinity_follows_the_member_that_runs(world: World) -> None:
    world.host("cell1", "h1")
    world.host("cell2", "h2", memory_mb=64000)
    group = world.group("affinity")
    world.server("cell1", "h1", group=group)
    assert world.hosts(group_uuid=group.uuid) == ["h1"]


def test_a_server_does_not_count_as_its_own_neighbour(world: World) -> None:
    world.host("cell1", "h1", memory_mb=64000)
    world.host("cell1", "h2")
    group = world.group("affinity")
    server = world.server("cell1", "h2", group=group)
    assert world.hosts(servers=(server,), group_uuid=group.uuid) == ["h1"]


def test_a_server_that_moves_may_stay_apart_from_the_others_where_it_is(world: World) -> None:
    world.host("cell1", "h1", memory_mb=64000)
    world.host("cell1", "h2")
    group = world.group("anti-affinity")
    world.server("cell1", "h1", group=group)
    moving = world.server("cell1", "h2", group=group)
    assert world.hosts(servers=(moving,), group_uuid=group.uuid) == ["h2"]


def test_anti_affinity_may_allow_more_than_one_on_a_host(world: World) -> None:
    world.host("cell1", "h1", memory_mb=64000)
    world.host("cell2", "h2")
    group = world.group("anti-affinity", max_server_per_host=2)
    world.server("cell1", "h1", group=group)
    assert world.hosts(group_uuid=group.uuid) == ["h1"]
    world.server("cell1", "h1", group=group)
    assert world.hosts(group_uuid=group.uuid) == ["h2"]


def test_1719730_a_group_that_was_deleted_no_longer_matters(world: World) -> None:
    """Behaviour 21: no error of its own where the group cannot be found."""
    world.host("cell1", "h1")
    assert world.hosts(group_uuid="gone") == ["h1"]
    assert world.listening.handled == [
        "NotFound: the group has been deleted; its policy no longer holds"
    ]


def test_affinity_waits_for_the_cell_that_knows_where_the_group_is(world: World) -> None:
    world.host("cell1", "h1")
    world.host("cell2", "h2")
    group = world.group("affinity")
    member = world.server("cell1", "h1", group=group)
    world.databases["cell1"].take_down("power cut")
    with pytest.raises(NoValidHost, match=f"its server {member} is in a cell that does not answer"):
        world.select(group_uuid=group.uuid)


def test_anti_affinity_goes_on_without_a_cell_that_is_down(world: World) -> None:
    world.host("cell1", "h1")
    world.host("cell2", "h2")
    group = world.group("anti-affinity")
    world.server("cell1", "h1", group=group)
    world.databases["cell1"].take_down("power cut")
    assert world.hosts(group_uuid=group.uuid) == ["h2"]


def test_same_host_goes_beside_the_server_that_is_named(world: World) -> None:
    world.host("cell1", "h1", memory_mb=64000)
    world.host("cell2", "h2")
    server = world.server("cell2", "h2")
    assert world.hosts(scheduler_hints={"same_host": (server,)}) == ["h2"]


def test_same_host_as_a_server_that_is_nowhere_is_refused(world: World) -> None:
    world.host("cell1", "h1")
    with pytest.raises(NoValidHost) as refused:
        world.select(scheduler_hints={"same_host": ("no-such-server",)})
    why = "filter same_host: none of the servers no-such-server is on it"
    assert refused.value.refusals == {"h1": why}


def test_different_host_stays_away_from_all_that_are_named(world: World) -> None:
    for name in ("h1", "h2", "h3"):
        world.host("cell1", name, memory_mb=90000 if name != "h3" else 8192)
    servers = (world.server("cell1", "h1"), world.server("cell1", "h2"), "no-such-server")
    assert world.hosts(scheduler_hints={"different_host": servers}) == ["h3"]
