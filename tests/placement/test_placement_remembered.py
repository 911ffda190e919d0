"""What is remembered of earlier queries changes no answer, not by a byte.

`CELLRIG_EXAMPLES` sets the number of examples.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellrig.db.database import Database
from cellrig.errors import CellrigError
from cellrig.http.placement import placement_application
from cellrig.http.session import FaceSession
from cellrig.placement import Placement, PlacementClient, placement_image
from cellrig.placement.types import (
    AllocationsWrite,
    CandidateQuery,
    Candidates,
    Inventory,
    RequestGroup,
)
from cellrig.runtime.virtual import VirtualRuntime

EXAMPLES = int(os.environ.get("CELLRIG_EXAMPLES", "60"))
SHARING = "MISC_SHARES_VIA_AGGREGATE"
AGGREGATE = "00000000-0000-0000-0000-0000000000aa"
NETWORKS = ("HW_NIC_SRIOV", "HW_NIC_SRIOV_TRUSTED")
PROVIDERS = 3  # of each host: itself and two cards
HOSTS = 4
STORAGES = (100, 101, 102)  # the outer two look the same


def uuid_of(number: int) -> str:
    return f"00000000-0000-0000-0000-{number:012d}"


QUERIES = (
    "resources=VCPU:1",
    "resources=VCPU:1,DISK_GB:1",
    "resources=DISK_GB:1",
    "resources=VCPU:1&resources1=SRIOV_NET_VF:1&required1=HW_NIC_SRIOV",
    "resources1=SRIOV_NET_VF:1&resources2=SRIOV_NET_VF:1&group_policy=none",
    "resources1=SRIOV_NET_VF:1&resources2=SRIOV_NET_VF:1&group_policy=isolate",
    "resources_A=VCPU:1&resources_B=SRIOV_NET_VF:1&same_subtree=_A,_B&group_policy=none",
    f"resources=VCPU:1&in_tree={uuid_of(0)}",
    f"resources1=SRIOV_NET_VF:1&in_tree1={uuid_of(PROVIDERS + 1)}",
    f"resources=SRIOV_NET_VF:1&member_of={AGGREGATE}",
    "resources=VCPU:1&root_required=!COMPUTE_NODE",
)
LIMITS = ("", "&limit=1", "&limit=3", "&limit=100")
VERSIONS = ("1.39", "1.36", "1.34", "1.33", "1.29", "1.28", "1.17", "1.12", "1.10")


class AtLength:
    """A client that gives answers as structs alone, as one at the end of a wire does."""

    def __init__(self, placement: PlacementClient) -> None:
        self._placement = placement

    def get_allocation_candidates(self, query: CandidateQuery) -> Candidates:
        return self._placement.get_allocation_candidates(query)


class Cloud:
    """Hosts with two cards each, and storages that may share; most hosts look the same."""

    def __init__(self) -> None:
        self.database = Database("placement", placement_image(), VirtualRuntime())
        self.placement = Placement(self.database)
        for host in range(HOSTS):
            root = host * PROVIDERS
            self.provide(root, None, {"VCPU": 3, "DISK_GB": 2})
            for card, network in enumerate(NETWORKS, start=1):
                self.provide(root + card, root, {"SRIOV_NET_VF": 2}, {network})
        for storage, amount in zip(STORAGES, (3, 2, 3), strict=True):
            self.provide(storage, None, {"DISK_GB": amount})

    def provide(
        self, number: int, parent: int | None, amounts: dict[str, int], traits: Any = frozenset()
    ) -> None:
        uuid, above = uuid_of(number), None if parent is None else uuid_of(parent)
        self.placement.create_provider(f"p{number}", uuid=uuid, parent_uuid=above)
        inventories = {name: Inventory(amount) for name, amount in amounts.items()}
        generation = self.placement.set_inventories(uuid, inventories, generation=0)
        self.placement.set_traits(uuid, traits, generation=generation)

    def share(self) -> None:
        """Let every storage share with every host."""
        for storage in map(uuid_of, STORAGES):
            generation = self.placement.get_provider(storage).generation
            self.placement.set_traits(storage, {SHARING}, generation=generation)
            self.join(storage, {AGGREGATE})
        for host in range(HOSTS):
            self.join(uuid_of(host * PROVIDERS), {AGGREGATE})

    def join(self, uuid: str, aggregates: set[str]) -> None:
        generation = self.placement.get_provider(uuid).generation
        self.placement.set_aggregates(uuid, aggregates, generation=generation)

    def act(self, kind: int, number: int) -> None:
        """Change something; what is refused changes nothing."""
        host, card = number % HOSTS * PROVIDERS, 1 + number % 2
        storage = uuid_of(STORAGES[number // 2 % len(STORAGES)])
        try:
            match kind % 6:
                case 0 | 1:
                    held = {uuid_of(host): {"VCPU": 1}, uuid_of(host + card): {"SRIOV_NET_VF": 1}}
                    write = AllocationsWrite(held, "project", "user")
                    self.placement.put_allocations(uuid_of(1000 + number % 8), write)
                case 2:
                    self.placement.delete_allocations(uuid_of(1000 + number % 8))
                case 3:
                    traits = {SHARING} if number % 2 else set()
                    generation = self.placement.get_provider(storage).generation
                    self.placement.set_traits(storage, traits, generation=generation)
                case 4:
                    held = {storage: {"DISK_GB": 1}}
                    write = AllocationsWrite(held, "project", "user")
                    self.placement.put_allocations(uuid_of(2000 + number), write)
                case _:
                    uuid = (uuid_of(host), storage)[number // 8 % 2]
                    self.join(uuid, {AGGREGATE} if number // 16 % 2 else set())
        except CellrigError:
            return


def answer(placement: Any, query: str, version: str) -> tuple[int, bytes]:
    application = placement_application(placement, "", new_uuid=lambda: "the-same")
    session = FaceSession(application, "http://placement.test")
    headers = {"OpenStack-API-Version": f"placement {version}"}
    found = session.get(f"/allocation_candidates?{quote(query, '=&:,!')}", headers=headers)
    return found.status_code, found.content


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    built = Cloud()
    yield built
    built.database.close()


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.binary(min_size=4, max_size=80))
def test_an_answer_is_to_the_byte_what_one_without_a_past_gives_at_length(thrown: bytes) -> None:
    cloud = Cloud()
    for start in range(0, len(thrown) - 3, 4):
        kind, number, look, form = thrown[start : start + 4]
        cloud.act(kind, number)
        query = QUERIES[look % len(QUERIES)] + LIMITS[look // 16 % len(LIMITS)]
        version = VERSIONS[form % len(VERSIONS)]
        afresh = AtLength(Placement(cloud.database))
        for _ in range(2):
            assert answer(cloud.placement, query, version) == answer(afresh, query, version)
    cloud.database.close()


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("version", ["1.39", "1.33"])
def test_what_is_written_for_trees_that_look_the_same_is_what_structs_encode_to(
    cloud: Cloud, query: str, version: str
) -> None:
    cloud.share()
    for limit in (*LIMITS, ""):
        at_length = AtLength(Placement(cloud.database))
        told = answer(cloud.placement, query + limit, version)
        assert told == answer(at_length, query + limit, version)


def test_providers_that_look_the_same_and_share_with_each_other_are_not_mixed_up(
    cloud: Cloud,
) -> None:
    cloud.share()
    query = CandidateQuery((RequestGroup("", {"DISK_GB": 1}), RequestGroup("1", {"DISK_GB": 3})))
    found = cloud.placement.get_allocation_candidates(query)
    assert found.allocation_requests
    for request in found.allocation_requests:
        (giver,) = request.mappings["1"]
        assert giver in {uuid_of(100), uuid_of(102)}  # the others have not so much


@pytest.mark.parametrize("first", ["limited", "whole"])
def test_a_limit_cuts_an_answer_inside_a_tree_whatever_was_asked_first(
    cloud: Cloud, first: str
) -> None:
    query = CandidateQuery((RequestGroup("1", {"SRIOV_NET_VF": 1}),))
    every = Placement(cloud.database).get_allocation_candidates(query).allocation_requests
    assert len(every) == HOSTS * 2
    if first == "whole":
        assert cloud.placement.get_allocation_candidates(query).allocation_requests == every
    for limit in range(1, len(every) + 1):
        limited = CandidateQuery(query.groups, limit=limit)
        found = cloud.placement.get_allocation_candidates(limited)
        assert found.allocation_requests == every[:limit]
        assert len(found.provider_summaries) == (limit + 1) // 2 * PROVIDERS
    assert cloud.placement.get_allocation_candidates(query).allocation_requests == every


def test_a_limit_is_not_used_up_by_ways_that_another_tree_had_before(forest: Any) -> None:
    def storage(name: str, *aggregates: str) -> str:
        uuid: str = forest.provider(name, {"DISK_GB": 1}, traits=(SHARING,), aggregates=aggregates)
        return uuid

    first, second = storage("first", "a"), storage("second", "a")
    part = forest.provider("part", {"DISK_GB": 1}, parent=second)
    third = storage("third", "b")
    assert forest.holders({"DISK_GB": 1}) == [{first}, {second}, {part}, {third}]
    assert forest.holders({"DISK_GB": 1}, limit=3) == [{first}, {second}, {part}]


def test_a_tree_that_a_query_names_is_not_taken_for_one_that_looks_the_same(cloud: Cloud) -> None:
    for host in range(HOSTS):
        root = uuid_of(host * PROVIDERS)
        query = CandidateQuery((RequestGroup("", {"VCPU": 1}, in_tree=root),))
        found = cloud.placement.get_allocation_candidates(query)
        assert [set(request.allocations) for request in found.allocation_requests] == [{root}]


def test_what_a_caller_does_to_an_answer_changes_no_later_answer(cloud: Cloud) -> None:
    query = CandidateQuery((RequestGroup("", {"VCPU": 1}),))
    first = cloud.placement.get_allocation_candidates(query)
    for request in first.allocation_requests:
        for amounts in request.allocations.values():
            amounts.clear()
    for summary in first.provider_summaries.values():
        summary.resources.clear()
    second = cloud.placement.get_allocation_candidates(query)
    assert all(r.allocations[uuid] for r in second.allocation_requests for uuid in r.allocations)
    assert second.provider_summaries[uuid_of(0)].resources["VCPU"].capacity == 3
