"""Which host is chosen, that it is claimed, and what comes with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from cellrig.errors import NoValidHost
from cellrig.model import Flavor, ImageProperties
from cellrig.scheduler import SchedulerOptions

if TYPE_CHECKING:
    from tests.scheduler.conftest import World

SMALL = Flavor("1", "small", vcpus=1, memory_mb=1024, root_gb=10)


def with_specs(**extra_specs: str) -> Flavor:
    return replace(SMALL, extra_specs={k.replace("__", ":"): v for k, v in extra_specs.items()})


def test_the_host_with_most_room_is_claimed_with_what_the_flavor_needs(world: World) -> None:
    world.host("cell1", "h1", memory_mb=4096)
    large = world.host("cell2", "h2", memory_mb=16384)
    ((selection,),) = world.select()
    assert (selection.host, selection.node, selection.cell) == ("h2", "h2", "cell2")
    assert selection.node_uuid == large
    assert selection.availability_zone == "nova"
    assert selection.allocations == {large: {"VCPU": 1, "MEMORY_MB": 1024, "DISK_GB": 10}}
    (held,) = world.run(world.placement.list_allocations)
    assert held.allocations == selection.allocations
    assert (held.consumer_type, held.project_id, held.user_id) == ("INSTANCE", "project", "user")


def test_1671648_alternates_are_in_the_same_cell_best_first_and_unclaimed(world: World) -> None:
    """Behaviour 15: there is a second host to try."""
    world.host("cell1", "h1", memory_mb=64000)
    world.host("cell1", "h2", memory_mb=4000)
    world.host("cell1", "h3", memory_mb=32000)
    world.host("cell1", "h4", memory_mb=16000)
    world.host("cell2", "other", memory_mb=60000)
    ((first, *alternates),) = world.select(alternates=2)
    assert first.host == "h1"
    assert [each.host for each in alternates] == ["h3", "h4"]
    assert all(each.allocations.keys() == {each.node_uuid} for each in alternates)
    assert len(world.run(world.placement.list_allocations)) == 1


def test_alternates_are_on_different_hosts_even_where_a_host_has_several_nodes(
    world: World,
) -> None:
    world.host("cell1", "h1", node="n1")
    world.host("cell1", "h1", node="n2")
    world.host("cell1", "h2", node="n3", memory_mb=4096)
    ((first, *alternates),) = world.select(alternates=5)
    assert [first.host, *(each.host for each in alternates)] == ["h1", "h2"]


def test_equal_hosts_are_taken_in_placements_order(world: World) -> None:
    for name in ("h1", "h2", "h3"):
        world.host("cell1", name)
    assert world.hosts() == ["h1"]


def test_the_choice_among_the_best_comes_from_the_seed(
    new_world: Callable[..., World],
) -> None:
    def chosen(seed: int) -> list[str]:
        options = SchedulerOptions(host_subset_size=3, weights={"cpu": 0, "disk": 0})
        world = new_world("cell1", options=options, seed=seed)
        for number in range(5):
            world.host("cell1", f"h{number}", memory_mb=100000 * (5 - number))
        return [world.hosts()[0] for _ in range(6)]

    assert chosen(3) == chosen(3)
    assert chosen(3) != chosen(4)
    assert set(chosen(3)) <= {"h0", "h1", "h2"}


def test_hosts_to_be_ignored_are_ignored_this_time_only(world: World) -> None:
    """Behaviour 24: nothing of one attempt is remembered."""
    world.host("cell1", "h1", memory_mb=16384)
    world.host("cell1", "h2")
    assert world.hosts(ignore_hosts=("h1",)) == ["h2"]
    assert world.hosts() == ["h1"]


def test_only_the_cell_that_is_asked_for_is_taken(world: World) -> None:
    world.host("cell1", "h1", memory_mb=16384)
    world.host("cell2", "h2")
    assert world.hosts(only_cell="cell2") == ["h2"]
    with pytest.raises(NoValidHost, match="the cell 'cell9'"):
        world.select(only_cell="cell9")


def test_a_cell_that_is_asked_for_is_found_behind_many_hosts_of_others(
    new_world: Callable[..., World],
) -> None:
    world = new_world("cell1", "cell2", options=SchedulerOptions(max_placement_results=2))
    for number in range(4):
        world.host("cell1", f"h{number}")
    world.host("cell2", "other")
    assert world.hosts(only_cell="cell2") == ["other"]


def test_hosts_of_a_disabled_cell_are_not_taken(world: World) -> None:
    world.host("cell1", "h1", memory_mb=16384)
    world.host("cell2", "h2")
    world.run(lambda: world.api.mappings.cell_set_disabled("cell1", True))
    assert world.hosts() == ["h2"]


def test_a_cell_that_is_down_just_drops_out(world: World) -> None:
    world.host("cell1", "h1", memory_mb=16384)
    world.host("cell2", "h2")
    world.databases["cell1"].take_down("power cut")
    assert world.hosts() == ["h2"]
    world.databases["cell1"].bring_back()
    assert world.hosts() == ["h1"]


def test_a_node_that_went_away_and_came_back_is_found_again(world: World) -> None:
    root = world.host("cell1", "h1")
    assert world.hosts() == ["h1"]
    hosts = world.cell_databases["cell1"].hosts
    ((node, _service),) = world.run(hosts.nodes)
    world.run(lambda: hosts.node_delete(root))
    with pytest.raises(NoValidHost):
        world.select()
    world.run(lambda: hosts.node_save(node))
    assert world.hosts() == ["h1"]


def test_the_image_and_the_flavor_may_both_require_traits(world: World) -> None:
    world.host("cell1", "h1", memory_mb=64000, traits=("CUSTOM_FAST",))
    world.host("cell1", "h2", memory_mb=32000, traits=("CUSTOM_SAFE",))
    world.host("cell1", "h3", traits=("CUSTOM_FAST", "CUSTOM_SAFE"))
    image = ImageProperties("i", properties={"trait:CUSTOM_SAFE": "required"})
    assert world.hosts(flavor=with_specs(trait__CUSTOM_FAST="required"), image=image) == ["h3"]
    assert world.hosts(flavor=with_specs(trait__CUSTOM_FAST="forbidden")) == ["h2"]


def test_an_image_can_only_require(world: World) -> None:
    world.host("cell1", "h1")
    image = ImageProperties("i", properties={"trait:CUSTOM_SAFE": "forbidden"})
    with pytest.raises(NoValidHost, match="'trait:CUSTOM_SAFE' is 'forbidden'"):
        world.select(image=image)


def test_encryption_of_local_disks_needs_a_driver_that_can(world: World) -> None:
    world.host("cell1", "h1", memory_mb=64000)
    world.host("cell1", "h2", memory_mb=32000, traits=("COMPUTE_EPHEMERAL_ENCRYPTION",))
    world.host(
        "cell1",
        "h3",
        traits=("COMPUTE_EPHEMERAL_ENCRYPTION", "COMPUTE_EPHEMERAL_ENCRYPTION_LUKS"),
    )
    encrypted: dict[str, Any] = {"hw:ephemeral_encryption": "true"}
    assert world.hosts(flavor=replace(SMALL, extra_specs=encrypted)) == ["h2"]
    encrypted["hw:ephemeral_encryption_format"] = "luks"
    assert world.hosts(flavor=replace(SMALL, extra_specs=encrypted)) == ["h3"]
    with pytest.raises(NoValidHost, match="takes luks or plain"):
        encrypted["hw:ephemeral_encryption_format"] = "rot13"
        world.select(flavor=replace(SMALL, extra_specs=encrypted))


def test_each_server_gets_a_virtual_function_of_its_own(world: World) -> None:
    root = world.host("cell1", "h1")
    functions = {
        world.child(root, f"vf{number}", {"SRIOV_NET_VF": 1}, ("CUSTOM_PUBLIC",))
        for number in range(3)
    }
    nic = with_specs(resources1__SRIOV_NET_VF="1", trait1__CUSTOM_PUBLIC="required")
    selections = world.select(3, flavor=nic)
    taken = [selection.mappings["1"] for (selection,) in selections]
    assert {provider for (provider,) in taken} == functions
    assert world.listening.handled == []
    with pytest.raises(NoValidHost):
        world.select(flavor=nic)


def test_a_node_that_moved_to_another_cell_is_found_there(world: World) -> None:
    root = world.host("cell1", "h1")
    assert world.hosts() == ["h1"]
    old, new = (world.cell_databases[name].hosts for name in ("cell1", "cell2"))
    ((node, service),) = world.run(old.nodes)
    world.run(lambda: old.node_delete(root))
    world.run(lambda: new.node_save(node))
    world.run(lambda: new.service_register(service))
    assert world.select()[0][0].cell == "cell2"


def test_only_cells_that_have_candidates_are_asked_once_it_is_known_which_have(
    world: World,
) -> None:
    world.host("cell1", "h1")
    world.host("cell2", "h2", vcpus=1, memory_mb=90000, disk_gb=90000)
    assert world.hosts() == ["h2"]
    world.listening.seams.clear()
    assert world.hosts() == ["h1"]
    assert [seam for seam in world.listening.seams if seam.startswith("db.cell")] == [
        "db.cell1.host_nodes",
        "db.cell1.instance_count_by_host",
    ]


def test_a_root_without_a_node_is_no_host(world: World) -> None:
    orphan = world.host("cell1", "h1", memory_mb=64000)
    world.run(lambda: world.cell_databases["cell1"].hosts.node_delete(orphan))
    world.host("cell1", "h2")
    assert world.hosts() == ["h2"]
