from __future__ import annotations

import pytest

from cellrig.errors import Invalid
from cellrig.flavors import resources_of
from cellrig.flavors.resource_request import candidate_query
from cellrig.model import Flavor
from cellrig.placement.types import RequestGroup


def flavor(**extra_specs: str) -> Flavor:
    specs = {key.replace("__", ":"): value for key, value in extra_specs.items()}
    return Flavor("1", "f", 2, 2048, 10, ephemeral_gb=5, swap_mb=1, extra_specs=specs)


def test_disk_is_root_and_ephemeral_and_swap_rounded_up_to_gib() -> None:
    assert resources_of(flavor()) == {"VCPU": 2, "MEMORY_MB": 2048, "DISK_GB": 16}


def test_what_a_flavor_has_none_of_is_not_asked_for() -> None:
    assert resources_of(Flavor("1", "f", 1, 512, root_gb=0)) == {"VCPU": 1, "MEMORY_MB": 512}


def test_an_override_replaces_and_zero_removes() -> None:
    changed = flavor(resources__VCPU="4", resources__DISK_GB="0", resources__CUSTOM_GPU="1")
    assert resources_of(changed) == {"VCPU": 4, "MEMORY_MB": 2048, "CUSTOM_GPU": 1}


def test_resources_of_sums_over_all_groups() -> None:
    changed = flavor(resources__VCPU="0", resources1__VCPU="1", resources_B__VCPU="3")
    changed = flavor(**changed.extra_specs, group_policy="none")
    assert resources_of(changed)["VCPU"] == 4


def test_each_group_gets_its_resources_traits_and_tree() -> None:
    uuid = "7d4a1e57-9d1d-4c35-9a5c-6f1f6f0f4c11"
    query = candidate_query(
        flavor(
            resources1__SRIOV_NET_VF="1",
            trait1__CUSTOM_PUBLIC="required",
            trait__CUSTOM_SLOW="forbidden",
            resources_B__CUSTOM_GPU="1",
            in_tree_B=uuid,
            trait_C__CUSTOM_NUMA="required",
            same_subtree="1, _C",
            group_policy="isolate",
        ),
        limit=7,
    )
    assert query.groups == (
        RequestGroup(
            resources={"VCPU": 2, "MEMORY_MB": 2048, "DISK_GB": 16},
            forbidden=frozenset({"CUSTOM_SLOW"}),
        ),
        RequestGroup("1", {"SRIOV_NET_VF": 1}, required=(frozenset({"CUSTOM_PUBLIC"}),)),
        RequestGroup("_B", {"CUSTOM_GPU": 1}, in_tree=uuid),
        RequestGroup("_C", {}, required=(frozenset({"CUSTOM_NUMA"}),)),
    )
    assert query.group_policy == "isolate"
    assert query.same_subtree == (frozenset({"1", "_C"}),)
    assert query.limit == 7


def test_traits_without_resources_of_their_own_are_the_roots() -> None:
    query = candidate_query(
        flavor(
            resources__VCPU="0",
            resources__MEMORY_MB="0",
            resources__DISK_GB="0",
            resources1__VCPU="1",
            trait__CUSTOM_FAST="required",
            trait__CUSTOM_SLOW="forbidden",
        ),
        limit=None,
    )
    assert [group.suffix for group in query.groups] == ["1"]
    assert query.root_required == {"CUSTOM_FAST"}
    assert query.root_forbidden == {"CUSTOM_SLOW"}


def test_a_flavor_that_asks_for_nothing_is_refused() -> None:
    nothing = Flavor("1", "f", 1, 0, 0, extra_specs={"resources:VCPU": "0"})
    with pytest.raises(Invalid, match="'f' asks for no resources"):
        candidate_query(nothing, limit=None)
