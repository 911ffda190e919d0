"""Allocation candidates through the microversions."""

from __future__ import annotations

from typing import Any

import pytest

AGGREGATE = 200


@pytest.fixture
def forest(rest: Any) -> Any:
    """Return two hosts, each with two physical functions, and shared storage for the first.

    Hosts are 16 and 32, their functions 17, 18 and 33, 34, the storage is 64.
    """
    for number, host in enumerate((16, 32), start=1):
        rest.provider(host, f"host-{number}")
        rest.fill(host, VCPU=16, MEMORY_MB=1024, DISK_GB=100)
        rest.join(host, AGGREGATE + number)
        for function, network in ((1, "CUSTOM_A"), (2, "CUSTOM_B")):
            rest.provider(host + function, parent=host)
            rest.fill(host + function, SRIOV_NET_VF=4)
            rest.tag(host + function, network)
    rest.tag(32, "CUSTOM_C")
    rest.provider(64, "storage")
    rest.fill(64, DISK_GB=1000)
    rest.tag(64, "MISC_SHARES_VIA_AGGREGATE")
    rest.join(64, AGGREGATE + 1)
    return rest


def _found(rest: Any, query: str, version: str = "1.39") -> Any:
    return rest.get(f"/allocation_candidates?{query}", version)


def _givers(rest: Any, query: str, version: str = "1.39") -> list[set[int]]:
    """Return for each request the numbers of the providers that it takes from."""
    numbers = {rest.uuid(number): number for number in (16, 17, 18, 32, 33, 34, 64)}
    return [
        {numbers[uuid] for uuid in request["allocations"]}
        for request in _found(rest, query, version)["allocation_requests"]
    ]


def _refused(rest: Any, query: str, version: str) -> str:
    path = f"/allocation_candidates?{query}"
    told: str = rest.detail("GET", path, version=version, expect=400)
    return told


def test_before_1_12_allocations_are_listed(forest: Any) -> None:
    forest("GET", "/allocation_candidates?resources=VCPU:1", version="1.9", expect=404)
    found = _found(forest, "resources=VCPU:1", "1.11")
    assert found["allocation_requests"][0] == {
        "allocations": [{"resource_provider": {"uuid": forest.uuid(16)}, "resources": {"VCPU": 1}}]
    }
    assert found["provider_summaries"][forest.uuid(16)] == {
        "resources": {"VCPU": {"capacity": 16, "used": 0}}
    }


def test_since_1_12_allocations_are_by_provider(forest: Any) -> None:
    request = _found(forest, "resources=VCPU:1", "1.12")["allocation_requests"][0]
    assert request == {"allocations": {forest.uuid(16): {"resources": {"VCPU": 1}}}}


def test_summaries_grow_with_the_microversions(forest: Any) -> None:
    def summary(version: str) -> dict[str, Any]:
        found = _found(forest, "resources=VCPU:1", version)["provider_summaries"]
        one: dict[str, Any] = found[forest.uuid(32)]
        return one

    assert set(summary("1.16")) == {"resources"}
    assert summary("1.17")["traits"] == ["CUSTOM_C"]
    assert set(summary("1.26")["resources"]) == {"VCPU"}
    assert set(summary("1.27")["resources"]) == {"VCPU", "MEMORY_MB", "DISK_GB"}
    assert "root_provider_uuid" not in summary("1.28")
    assert summary("1.29")["root_provider_uuid"] == forest.uuid(32)
    assert summary("1.29")["parent_provider_uuid"] is None


def test_before_1_29_nothing_is_taken_from_two_providers_of_a_tree(forest: Any) -> None:
    query = "resources=VCPU:1,SRIOV_NET_VF:1"
    assert _found(forest, query, "1.28") == {"allocation_requests": [], "provider_summaries": {}}
    assert _givers(forest, query, "1.29") == [{16, 17}, {16, 18}, {32, 33}, {32, 34}]
    assert len(_found(forest, query, "1.29")["provider_summaries"]) == 6
    flat = _found(forest, "resources=VCPU:1,DISK_GB:5", "1.28")
    assert len(flat["allocation_requests"]) == 3  # the storage is of a tree of its own
    assert set(flat["provider_summaries"]) == {forest.uuid(n) for n in (16, 32, 64)}


def test_before_1_29_the_limit_counts_what_is_left(forest: Any) -> None:
    query = "resources=DISK_GB:5,VCPU:1&limit=2"
    assert len(_found(forest, query, "1.28")["allocation_requests"]) == 2
    assert (
        len(_found(forest, "resources=SRIOV_NET_VF:1&limit=3", "1.16")["allocation_requests"]) == 3
    )


def test_an_answer_says_which_group_is_served_by_whom_from_1_34_on(forest: Any) -> None:
    query = "resources=VCPU:1&resources_NET=SRIOV_NET_VF:1&required_NET=CUSTOM_B"
    assert "mappings" not in _found(forest, query, "1.33")["allocation_requests"][0]
    request = _found(forest, query, "1.34")["allocation_requests"][0]
    assert request["mappings"] == {"": [forest.uuid(16)], "_NET": [forest.uuid(18)]}
    claim = {**forest.claim_body({}), **request}
    forest("PUT", f"/allocations/{forest.uuid(50)}", claim, expect=204)


def test_a_query_finds_what_it_asks_for(forest: Any) -> None:
    one, two = forest.uuid(AGGREGATE + 1), forest.uuid(AGGREGATE + 2)
    assert _givers(forest, "resources=VCPU:17") == []
    assert _givers(forest, "resources=VCPU:1&limit=1") == [{16}]
    assert _givers(forest, "resources=VCPU:1&limit=1&limit=2") == [{16}]
    assert _givers(forest, "resources=VCPU:1&required=CUSTOM_C") == [{32}]
    assert _givers(forest, "resources=VCPU:1&required=CUSTOM_C%20") == [{32}]
    assert _givers(forest, "resources=VCPU:1&required=!CUSTOM_C") == [{16}]
    assert _givers(forest, "resources=VCPU:1&required=in:CUSTOM_A,CUSTOM_C") == [{32}]
    assert _givers(forest, f"resources=VCPU:1&member_of={one}") == [{16}]
    assert _givers(forest, f"resources=VCPU:1&member_of=in:{one},{two}") == [{16}, {32}]
    assert _givers(forest, f"resources=VCPU:1&member_of=!{one}") == [{32}]
    assert _givers(forest, f"resources=VCPU:1&in_tree={forest.uuid(34)}") == [{32}]
    assert _givers(forest, f"resources=VCPU:1&in_tree={forest.uuid(99)}") == []
    assert _givers(forest, "resources=VCPU:1&root_required=CUSTOM_C") == [{32}]
    assert _givers(forest, "resources=VCPU:1&root_required=!CUSTOM_C") == [{16}]


def test_groups_are_kept_apart_or_in_one_subtree(forest: Any) -> None:
    pair = "resources_1=SRIOV_NET_VF:1&resources_2=SRIOV_NET_VF:1"
    assert len(_givers(forest, f"{pair}&group_policy=none")) == 8
    assert len(_givers(forest, f"{pair}&group_policy=isolate")) == 4
    assert _givers(forest, f"{pair}&group_policy=isolate&same_subtree=_1,_2") == []
    assert _givers(forest, f"{pair}&group_policy=isolate&same_subtree=_1,%20_2%20") == []
    assert len(_givers(forest, f"{pair}&group_policy=isolate&group_policy=none")) == 4
    below = "resources_1=SRIOV_NET_VF:1&required_2=CUSTOM_C&group_policy=none"
    assert _givers(forest, f"{below}&same_subtree=_1,_2") == [{33}, {34}]


@pytest.mark.parametrize(
    ("query", "since"),
    [
        ("resources=VCPU:1", "1.10"),
        ("resources=VCPU:1&limit=5", "1.16"),
        ("resources=VCPU:1&required=CUSTOM_C", "1.17"),
        ("resources=VCPU:1&member_of={aggregate}", "1.21"),
        ("resources=VCPU:1&required=!CUSTOM_C", "1.22"),
        ("resources=VCPU:1&member_of={aggregate}&member_of={aggregate}", "1.24"),
        ("resources1=VCPU:1", "1.25"),
        ("resources=VCPU:1&group_policy=none", "1.25"),
        ("resources=VCPU:1&in_tree={aggregate}", "1.31"),
        ("resources=VCPU:1&in_tree1={aggregate}&resources1=VCPU:1", "1.31"),
        ("resources=VCPU:1&member_of=!{aggregate}", "1.32"),
        ("resources_NET-1=VCPU:1", "1.33"),
        ("resources01=VCPU:1", "1.33"),
        ("resources=VCPU:1&root_required=CUSTOM_C", "1.35"),
        ("resources_1=VCPU:1&same_subtree=_1", "1.36"),
        ("resources=VCPU:1&required=in:CUSTOM_A,CUSTOM_C", "1.39"),
    ],
)
def test_each_parameter_came_with_its_microversion(forest: Any, query: str, since: str) -> None:
    path = "/allocation_candidates?" + query.format(aggregate=forest.uuid(AGGREGATE + 1))
    before = f"1.{int(since[2:]) - 1}"
    forest("GET", path, version=before, expect=404 if since == "1.10" else 400)
    forest("GET", path, version=since, expect=200)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "no resources"),
        ("required=CUSTOM_C", "no resources"),
        ("resources=", "resources"),
        ("resources=VCPU", "VCPU"),
        ("resources=VCPU:0", "0 of VCPU"),
        ("resources=VCPU:1,", "resources"),
        ("resources=NOPE:1", "NOPE"),
        ("resources=VCPU:1&limit=0", "'0' does not match"),
        ("resources=VCPU:1&limit=many", "'many' does not match"),
        ("resources=VCPU:1&colour=red", "'colour' does not match any of the regexes"),
        ("resources=VCPU:1&group_policy=x", "'x' is not one of ['none', 'isolate']"),
        ("resources=VCPU:1&required=CUSTOM_NOPE", "CUSTOM_NOPE"),
        ("resources=VCPU:1&required=CUSTOM_C,!CUSTOM_C", "CUSTOM_C"),
        ("resources=VCPU:1&member_of=x", "'x'"),
        ("resources=VCPU:1&in_tree=x", "'x'"),
        ("resources=VCPU:1&root_required=CUSTOM_C&root_required=CUSTOM_C", "more than once"),
        ("resources=VCPU:1&root_required=in:CUSTOM_C", "in:"),
        ("resources1=VCPU:1&resources2=VCPU:1", "group_policy"),
        ("resources1=VCPU:1&required2=CUSTOM_A&group_policy=none", "'2'"),
        ("resources_1=VCPU:1&same_subtree=_1,_9", "_9"),
        ("resources_1=VCPU:1&same_subtree=", "same_subtree"),
    ],
)
def test_a_query_that_makes_no_sense_is_refused(forest: Any, query: str, words: str) -> None:
    assert words in _refused(forest, query, "1.39")


def test_before_1_36_every_group_has_resources(forest: Any) -> None:
    told = _refused(forest, "resources1=VCPU:1&required2=CUSTOM_A&group_policy=none", "1.35")
    assert "'2'" in told
    assert "'resources' is a required property" in _refused(forest, "", "1.24")
