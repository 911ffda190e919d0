"""Allocation candidates, one rule a test, and that full trees cost nothing."""

from __future__ import annotations

from typing import Any

import pytest

from cellrig.errors import Invalid
from cellrig.placement.types import CandidateQuery, Candidates, Inventory, RequestGroup

SHARING = "MISC_SHARES_VIA_AGGREGATE"


def ask(forest: Any, *groups: RequestGroup, **options: Any) -> list[dict[str, dict[str, int]]]:
    found: Candidates = forest.placement.get_allocation_candidates(
        CandidateQuery(groups, **options)
    )
    return [request.allocations for request in found.allocation_requests]


def want(suffix: str = "", **resources: int) -> RequestGroup:
    return RequestGroup(suffix, resources)


def test_candidates_come_in_the_order_of_creation_up_to_the_limit(forest: Any) -> None:
    hosts = [forest.host(f"host{number}") for number in range(5)]
    assert forest.holders({"VCPU": 1}) == [{host} for host in hosts]
    assert forest.holders({"VCPU": 1}, limit=2) == [{hosts[0]}, {hosts[1]}]


def test_a_child_that_becomes_a_root_takes_the_place_of_its_age(forest: Any) -> None:
    first = forest.provider("first", {"VCPU": 1})
    child = forest.provider("child", {"VCPU": 1}, parent=first)
    last = forest.provider("last", {"VCPU": 1})
    assert forest.holders({"VCPU": 1}) == [{first}, {child}, {last}]
    forest.placement.update_provider(first, name="first", parent_uuid=last)
    forest.placement.update_provider(child, name="child", parent_uuid=None)
    assert forest.holders({"VCPU": 1}) == [{child}, {first}, {last}]


def test_a_candidate_can_be_put_as_it_is_and_says_who_serves_what(forest: Any) -> None:
    root = forest.provider("node", {"VCPU": 4})
    function = forest.provider("pf", {"SRIOV_NET_VF": 2}, parent=root)
    groups = (want(VCPU=2), want("_NET", SRIOV_NET_VF=1))
    found = forest.placement.get_allocation_candidates(CandidateQuery(groups))
    (request,) = found.allocation_requests
    assert request.mappings == {"": (root,), "_NET": (function,)}
    forest.claim(request.allocations)
    assert (forest.used(root, "VCPU"), forest.used(function, "SRIOV_NET_VF")) == (2, 1)


def test_summaries_tell_the_whole_tree(forest: Any) -> None:
    root = forest.provider("node", {"VCPU": Inventory(4, allocation_ratio=2.0)})
    child = forest.provider("idle", {"VGPU": 2}, parent=root, traits=("COMPUTE_NODE",))
    forest.claim({root: {"VCPU": 3}})
    query = CandidateQuery((want(VCPU=1),))
    summaries = forest.placement.get_allocation_candidates(query).provider_summaries
    assert summaries.keys() == {root, child}
    assert (summaries[root].resources["VCPU"].capacity, summaries[root].parent_uuid) == (8, None)
    assert summaries[root].resources["VCPU"].used == 3
    assert summaries[child].traits == {"COMPUTE_NODE"}
    assert (summaries[child].parent_uuid, summaries[child].root_uuid) == (root, root)
    summaries[root].resources.clear()
    again = forest.placement.get_allocation_candidates(query).provider_summaries
    assert again[root].resources.keys() == {"VCPU"}


def test_isolated_groups_have_a_function_each(forest: Any) -> None:
    root = forest.provider("node", {"VCPU": 4})
    first = forest.provider("pf1", {"SRIOV_NET_VF": 2}, parent=root)
    second = forest.provider("pf2", {"SRIOV_NET_VF": 1}, parent=root)
    groups = (want("1", SRIOV_NET_VF=1), want("2", SRIOV_NET_VF=1))
    assert ask(forest, *groups, group_policy="isolate") == [
        {first: {"SRIOV_NET_VF": 1}, second: {"SRIOV_NET_VF": 1}},
        {second: {"SRIOV_NET_VF": 1}, first: {"SRIOV_NET_VF": 1}},
    ]
    assert {first: {"SRIOV_NET_VF": 2}} in ask(forest, *groups, group_policy="none")
    assert {second: {"SRIOV_NET_VF": 2}} not in ask(forest, *groups, group_policy="none")


def test_a_group_gets_its_function_on_the_named_physical_network(forest: Any) -> None:
    trait = "CUSTOM_PHYSNET_PUBLIC"
    for number in range(2):
        root = forest.provider(f"node{number}", {"VCPU": 4})
        forest.provider(f"{number}-private", {"SRIOV_NET_VF": 8}, parent=root)
        public = forest.provider(f"{number}-public", {"SRIOV_NET_VF": 1}, parent=root)
        generation = forest.generation(public)
        forest.placement.create_trait(trait)
        forest.placement.set_traits(public, {trait}, generation=generation)
        if number == 0:
            forest.claim({public: {"SRIOV_NET_VF": 1}})
    net = RequestGroup("1", {"SRIOV_NET_VF": 1}, required=(frozenset({trait}),))
    for _again in range(2):  # the second time the full tree is known to be full
        assert ask(forest, want(VCPU=1), net) == [{root: {"VCPU": 1}, public: {"SRIOV_NET_VF": 1}}]


def test_a_sharing_provider_gives_disk_to_the_trees_in_its_aggregate(forest: Any) -> None:
    disk = forest.provider("nfs", {"DISK_GB": 100}, traits=(SHARING,), aggregates=("a",))
    compute = {"VCPU": 4}
    near = forest.provider("near", compute, aggregates=("a",))
    forest.provider("far", compute, aggregates=("b",))
    both = forest.provider("both", {**compute, "DISK_GB": 10})
    numa = forest.provider("numa", {}, parent=both, aggregates=("a",))
    assert forest.holders({"VCPU": 1, "DISK_GB": 5}) == [{near, disk}, {both}, {both, disk}]
    assert forest.holders({"DISK_GB": 50}) == [{disk}]
    in_both = RequestGroup("", {"VCPU": 1, "DISK_GB": 5}, in_tree=numa)
    assert ask(forest, in_both) == [{both: {"VCPU": 1, "DISK_GB": 5}}]


def test_nobody_shares_what_the_unnumbered_group_wants_of_one_tree(forest: Any) -> None:
    disk = forest.provider("nfs", {"DISK_GB": 100}, traits=(SHARING,), aggregates=("a",))
    host = forest.provider("host", {"VCPU": 4}, aggregates=("a",))
    vcpus = want("1", VCPU=1)
    assert ask(forest, vcpus, RequestGroup("", {"DISK_GB": 5}, in_tree=disk)) == []
    shared = RequestGroup("2", {"DISK_GB": 5}, in_tree=disk)
    assert ask(forest, vcpus, shared, group_policy="none") == [
        {host: {"VCPU": 1}, disk: {"DISK_GB": 5}}
    ]


def test_an_aggregate_of_the_root_spans_the_tree_only_for_the_unnumbered_group(
    forest: Any,
) -> None:
    root = forest.provider("node", {"VCPU": 4}, aggregates=("a",))
    child = forest.provider("numa", {"PCPU": 4}, parent=root, aggregates=("b",))
    in_a, in_b = (frozenset({"a"}),), (frozenset({"b"}),)
    assert ask(forest, RequestGroup("", {"VCPU": 1, "PCPU": 1}, member_of=in_a)) == [
        {root: {"VCPU": 1}, child: {"PCPU": 1}}
    ]
    assert ask(forest, RequestGroup("", {"VCPU": 1, "PCPU": 1}, member_of=in_b)) == []
    assert ask(forest, RequestGroup("1", {"PCPU": 1}, member_of=in_a)) == []
    assert ask(forest, RequestGroup("1", {"PCPU": 1}, member_of=in_b)) == [{child: {"PCPU": 1}}]
    not_a = RequestGroup("", {"PCPU": 1}, forbidden_aggregates=frozenset({"a"}))
    assert ask(forest, not_a) == []


def test_groups_of_one_subtree_stay_below_one_numa_node(forest: Any) -> None:
    root = forest.provider("node", {"VCPU": 4})
    for number in range(2):
        numa = forest.provider(f"numa{number}", {"PCPU": 4}, parent=root, traits=("HW_NUMA_ROOT",))
        gpu = forest.provider(f"gpu{number}", {"VGPU": 1}, parent=numa)
    groups = (want("_C", PCPU=2), want("_G", VGPU=1))
    together = frozenset({"_C", "_G"})
    options: dict[str, Any] = {"group_policy": "none"}
    assert len(ask(forest, *groups, **options)) == 4
    assert len(ask(forest, *groups, same_subtree=(together,), **options)) == 2
    above = RequestGroup("_N", {}, required=(frozenset({"HW_NUMA_ROOT"}),))
    query = CandidateQuery(
        (groups[1], above), "none", same_subtree=(frozenset({"_G", "_N"}),), limit=5
    )
    found = forest.placement.get_allocation_candidates(query).allocation_requests
    assert [request.mappings["_N"] for request in found][-1] == (numa,)
    assert found[-1].allocations == {gpu: {"VGPU": 1}}


def test_the_root_may_have_to_have_traits(forest: Any) -> None:
    licensed = forest.provider("licensed", {"VCPU": 1}, traits=("CUSTOM_LICENSED",))
    plain = forest.provider("plain", {"VCPU": 1})
    trait = frozenset({"CUSTOM_LICENSED"})
    assert ask(forest, want(VCPU=1), root_required=trait) == [{licensed: {"VCPU": 1}}]
    assert ask(forest, want(VCPU=1), root_forbidden=trait) == [{plain: {"VCPU": 1}}]


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        (CandidateQuery((want(),)), "has no resources"),
        (CandidateQuery(()), "no request group has any resources"),
        (CandidateQuery((want(VCPU=0),)), "an amount is from 1"),
        (CandidateQuery((want(NONSENSE=1),)), "no such resource class: NONSENSE"),
        (CandidateQuery((want(VCPU=1),), limit=0), "limit is 0"),
        (CandidateQuery((want("1", VCPU=1), want("2", VCPU=1))), "group_policy is needed"),
        (CandidateQuery((want("1", VCPU=1),), "some"), "not none or isolate"),
        (CandidateQuery((want("1", VCPU=1), want("1", VCPU=1)), "none"), "one suffix twice"),
        (CandidateQuery((want("1", VCPU=1),), None, (frozenset("12"),)), r"not in the request"),
        (
            CandidateQuery((RequestGroup("", {"VCPU": 1}, (frozenset({"X"}),)),)),
            "no such trait: X",
        ),
        (
            CandidateQuery((RequestGroup("", {"VCPU": 1}, (frozenset({"X"}),), frozenset({"X"})),)),
            "both required and forbidden in request group",
        ),
    ],
)
def test_a_wrong_query_is_refused_with_the_reason(
    forest: Any, query: CandidateQuery, reason: str
) -> None:
    with pytest.raises(Invalid, match=reason):
        forest.placement.get_allocation_candidates(query)


def test_a_provider_that_does_not_exist_gives_nothing(forest: Any) -> None:
    forest.host("host")
    assert ask(forest, RequestGroup("", {"VCPU": 1}, in_tree=forest.fresh())) == []


def test_trees_that_are_full_or_cannot_serve_are_not_asked_again(forest: Any) -> None:
    for number in range(40):
        forest.claim({forest.provider(f"full{number}", {"VCPU": 8}): {"VCPU": 5}})
    free = forest.host("free", vcpus=4)
    index = forest.placement._index  # whom it asks is not to be seen from outside
    asked: list[int] = []
    trees = index.trees

    def watched(bitmap: int) -> Any:
        for slot, tree in trees(bitmap):
            asked.append(slot)
            yield slot, tree

    index.trees = watched
    assert forest.holders({"VCPU": 4}, limit=1) == [{free}]
    assert asked == [40]  # 3 are free elsewhere: less than the power of two below 4
    asked.clear()
    small = forest.provider("small", {"VCPU": 7})
    forest.claim({small: {"VCPU": 1}})
    big = forest.host("big", vcpus=7)
    for expected in ([40, 41, 42], [42]):
        asked.clear()
        assert forest.holders({"VCPU": 7}) == [{big}]
        assert asked == expected
