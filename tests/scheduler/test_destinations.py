from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from cellrig.errors import NoValidHost
from cellrig.placement.types import Inventory
from cellrig.scheduler import SchedulerOptions

if TYPE_CHECKING:
    from tests.scheduler.conftest import World


def test_a_forced_host_passes_every_filter_but_is_claimed_like_any_other(world: World) -> None:
    world.host("cell1", "h1", memory_mb=64000)
    root = world.host("cell2", "h2", vcpus=1, disabled=True, traits=("COMPUTE_STATUS_DISABLED",))
    ((selection, *alternates),) = world.select(alternates=2, force_host="h2")
    assert (selection.host, alternates) == ("h2", [])
    assert list(world.claimed().values()) == [root]
    with pytest.raises(NoValidHost) as refused:
        world.select(force_host="h2")
    assert refused.value.refusals == {"h2": "VCPU: 1 requested, 0 free"}


def test_a_requested_host_is_judged_and_has_no_alternates(world: World) -> None:
    """Behaviour 27: an explicit target is never traded for another."""
    world.host("cell1", "h1", memory_mb=64000)
    world.host("cell2", "h2")
    ((selection, *alternates),) = world.select(alternates=2, requested_host="h2")
    assert (selection.host, alternates) == ("h2", [])


def test_a_requested_host_that_is_disabled_is_refused(world: World) -> None:
    world.host("cell1", "h1")
    world.host("cell2", "h2", disabled=True, disabled_reason="maintenance")
    with pytest.raises(NoValidHost) as refused:
        world.select(requested_host="h2")
    assert refused.value.refusals == {"h2": "filter compute: the service is disabled (maintenance)"}


def test_a_node_may_be_forced_alone_or_with_its_host(world: World) -> None:
    world.host("cell1", "h1", node="n1", memory_mb=64000)
    world.host("cell1", "h1", node="n2")
    assert world.select(force_node="n2")[0][0].node == "n2"
    assert world.select(force_host="h1", force_node="n2")[0][0].node == "n2"
    assert world.select(force_host="h1")[0][0].node == "n1"


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"force_host": "h9"}, "the host 'h9', asked for by name, does not exist"),
        ({"requested_host": "h9"}, "the host 'h9', asked for by name, does not exist"),
        ({"force_node": "n9"}, "the node 'n9', asked for by name, does not exist"),
        ({"force_host": "h1", "force_node": "n9"}, "the host 'h1' has no node 'n9'; its nodes"),
    ],
)
def test_what_does_not_exist_is_named(world: World, wish: dict[str, Any], said: str) -> None:
    world.host("cell1", "h1", node="n1")
    with pytest.raises(NoValidHost) as refused:
        world.select(**wish)
    assert said in str(refused.value)


def test_a_host_in_a_cell_that_is_down_is_refused_with_the_reason(world: World) -> None:
    world.host("cell1", "h1")
    world.databases["cell1"].take_down("power cut")
    with pytest.raises(NoValidHost, match="the cell of host 'h1', asked for by name, is down"):
        world.select(force_host="h1")


def test_a_host_asked_for_by_name_is_found_behind_any_number_of_others(
    new_world: Callable[..., World],
) -> None:
    world = new_world("cell1", options=SchedulerOptions(max_placement_results=2))
    for number in range(5):
        world.host("cell1", f"h{number}")
    assert world.hosts(force_host="h4") == ["h4"]


def test_a_forced_host_may_take_its_disk_from_shared_storage(
    new_world: Callable[..., World],
) -> None:
    world = new_world("cell1", options=SchedulerOptions(max_placement_results=1))
    roots = [world.host("cell1", f"h{number}", disk_gb=0) for number in range(3)]
    storage = world.uuid()
    aggregate = world.uuid()

    def share() -> None:
        placement = world.placement
        placement.create_provider("storage", uuid=storage)
        placement.set_inventories(storage, {"DISK_GB": Inventory(1000)}, generation=0)
        world.add_traits(storage, "MISC_SHARES_VIA_AGGREGATE")
        for each in (storage, *roots):
            placement.set_aggregates(each, frozenset({aggregate}), generation=None)

    world.run(share)
    ((selection,),) = world.select(force_host="h2")
    assert selection.host == "h2"
    assert selection.allocations[storage] == {"DISK_GB": 10}
