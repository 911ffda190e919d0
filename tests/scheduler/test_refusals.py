"""What is told when nobody fits."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from cellrig.errors import NoValidHost
from cellrig.model import Flavor
from cellrig.placement.types import Inventory
from cellrig.scheduler import SchedulerOptions

if TYPE_CHECKING:
    from tests.scheduler.conftest import World

SMALL = Flavor("1", "small", vcpus=1, memory_mb=1024, root_gb=10)


def refusals(world: World, **request: object) -> dict[str, str]:
    with pytest.raises(NoValidHost) as refused:
        world.select(**request)  # type: ignore[arg-type]
    return refused.value.refusals


def with_specs(**extra_specs: str) -> Flavor:
    return replace(SMALL, extra_specs={k.replace("__", ":"): v for k, v in extra_specs.items()})


def test_each_host_is_named_with_what_refused_it(world: World) -> None:
    world.host("cell1", "cell1-host1", memory_mb=512)
    world.host("cell1", "cell1-host2", vcpus=0)
    world.host(
        "cell2",
        "cell2-host1",
        disabled=True,
        disabled_reason="maintenance",
        traits=("COMPUTE_STATUS_DISABLED",),
    )
    world.host("cell2", "cell2-host2", forced_down=True)
    world.host("cell2", "cell2-host3", last_seen_up=world.runtime.now() - 90)
    world.host("cell2", "cell2-host4", traits=("COMPUTE_STATUS_DISABLED",))
    assert refusals(world) == {
        "cell1-host1": "MEMORY_MB: 1024 requested, 512 free",
        "cell1-host2": "VCPU: 1 requested, the host has none",
        "cell2-host1": "filter compute: the service is disabled (maintenance)",
        "cell2-host2": "filter compute: the service is forced down",
        "cell2-host3": "filter compute: the service is down: it last reported 90 s ago",
        "cell2-host4": "COMPUTE_STATUS_DISABLED: the host has this trait",
    }
    assert world.claimed() == {}


def test_traits_are_told(world: World) -> None:
    world.host("cell1", "h1")
    world.host("cell1", "h2", traits=("CUSTOM_FAST", "CUSTOM_OLD"))
    told = refusals(
        world, flavor=with_specs(trait__CUSTOM_FAST="required", trait__CUSTOM_OLD="forbidden")
    )
    assert told == {
        "h1": "CUSTOM_FAST: the host lacks this trait",
        "h2": "CUSTOM_OLD: what has VCPU there has this trait",
    }


def test_units_are_told(world: World) -> None:
    root = world.host("cell1", "h1")

    def in_steps() -> None:
        generation = world.placement.get_provider(root).generation
        inventories = {
            "VCPU": Inventory(8),
            "DISK_GB": Inventory(100),
            "MEMORY_MB": Inventory(8192, min_unit=1000, max_unit=4000, step_size=1000),
        }
        world.placement.set_inventories(root, inventories, generation=generation)

    world.run(in_steps)
    assert refusals(world) == {
        "h1": "MEMORY_MB: 1024 requested, the host gives from 1000 to 4000 in steps of 1000"
    }


def test_a_numbered_group_is_told_as_a_whole(world: World) -> None:
    root = world.host("cell1", "h1")
    world.child(root, "vf1", {"SRIOV_NET_VF": 1})
    world.child(root, "other", {"CUSTOM_THING": 1}, ("CUSTOM_PUBLIC",))
    nic = with_specs(resources1__SRIOV_NET_VF="1", trait1__CUSTOM_PUBLIC="required")
    assert refusals(world, flavor=nic) == {
        "h1": "group '1': no provider has all of 1 SRIOV_NET_VF, CUSTOM_PUBLIC"
    }


def test_groups_that_fit_one_by_one_but_not_together_are_told(world: World) -> None:
    root = world.host("cell1", "h1")
    world.child(root, "pf1", {"SRIOV_NET_VF": 4})
    apart = with_specs(
        resources1__SRIOV_NET_VF="1", resources2__SRIOV_NET_VF="1", group_policy="isolate"
    )
    assert refusals(world, flavor=apart) == {
        "h1": "its providers cannot serve all groups of the request together"
    }


def test_a_class_that_does_not_exist_is_told_once(world: World) -> None:
    world.host("cell1", "h1")
    with pytest.raises(NoValidHost, match=r"placement refuses the request.*CUSTOM_GPU"):
        world.select(flavor=with_specs(resources__CUSTOM_GPU="1"))


def test_hosts_that_may_not_be_taken_are_told_why(world: World) -> None:
    world.host("cell1", "h1")
    world.host("cell2", "h2")
    world.run(lambda: world.api.mappings.cell_set_disabled("cell1", True))
    assert refusals(world, ignore_hosts=("h2",)) == {
        "h1": "its cell cell1 is disabled",
        "h2": "the request leaves it out",
    }


def test_a_cell_that_does_not_answer_is_told(world: World) -> None:
    world.host("cell1", "h1", memory_mb=512)
    world.host("cell2", "h2")
    world.databases["cell2"].take_down("power cut")
    with pytest.raises(NoValidHost) as refused:
        world.select()
    assert refused.value.reason.endswith("and without an answer from cell2")
    assert "power cut" in refused.value.refusals["cell cell2"]
    assert refused.value.refusals["h1"].startswith("MEMORY_MB")


def test_a_cloud_without_hosts_says_so(world: World) -> None:
    with pytest.raises(NoValidHost, match="there is no host"):
        world.select()


@pytest.mark.parametrize("lacking", [{"memory_mb": 512}, {"forced_down": True}])
def test_a_hundred_hosts_are_told_and_the_rest_are_counted(
    world: World, lacking: dict[str, Any]
) -> None:
    for number in range(103):
        world.host(f"cell{number % 2 + 1}", f"h{number}", **lacking)
    with pytest.raises(NoValidHost) as refused:
        world.select()
    assert len(refused.value.refusals) == 100
    assert refused.value.reason == (
        "none of 103 hosts can take the server (3 more hosts are not listed)"
    )


def test_hosts_beyond_the_limit_of_candidates_are_told_so(
    new_world: Callable[..., World],
) -> None:
    options = SchedulerOptions(max_placement_results=1)
    world = new_world("cell1", options=options)
    world.host("cell1", "h1", forced_down=True)
    world.host("cell1", "h2")
    assert refusals(world) == {
        "h1": "filter compute: the service is forced down",
        "h2": "it is not among the first 1 candidates (max_placement_results)",
    }
