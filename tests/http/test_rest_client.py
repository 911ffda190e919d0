"""The same stories told to placement directly and over HTTP: nobody needs to know which it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from msgspec import UNSET

from cellrig.db.database import Database
from cellrig.errors import Invalid
from cellrig.http.placement import placement_application
from cellrig.http.session import FaceSession
from cellrig.placement import Placement, PlacementClient, placement_image
from cellrig.placement.errors import (
    AllocationRefused,
    ConcurrentUpdate,
    DuplicateName,
    InventoryInUse,
    ProviderHasChildren,
    ProviderInUse,
    ProviderNotFound,
    ResourceClassExists,
    ResourceClassInUse,
    ResourceClassNotFound,
    TraitInUse,
    TraitNotFound,
)
from cellrig.placement.rest import PlacementFailed, PlacementUnreachable, RestPlacement
from cellrig.placement.types import (
    AllocationsWrite,
    CandidateQuery,
    ConsumerTypeUsage,
    InventoriesWrite,
    Inventory,
    RequestGroup,
    ResourceSummary,
)
from cellrig.runtime.virtual import VirtualRuntime

PHYSNET = "CUSTOM_PHYSNET_A"


def uuid_of(number: int) -> str:
    return str(UUID(int=number, version=4))


ROOT, CARD, OTHER, CONSUMER, SECOND, AGGREGATE, NOBODY = map(uuid_of, range(1, 8))


def holding(
    allocations: dict[str, dict[str, int]], generation: Any = None, kind: str | None = "INSTANCE"
) -> AllocationsWrite:
    return AllocationsWrite(allocations, "project", "user", generation, kind)


@pytest.fixture(params=["direct", "http"])
def placement(request: pytest.FixtureRequest) -> Iterator[PlacementClient]:
    """Placement with a tree of a host and a network card, and a host without one."""
    database = Database("placement", placement_image(), VirtualRuntime())
    client: PlacementClient = Placement(database)
    if request.param == "http":
        session = FaceSession(placement_application(client, "/placement"), "http://rig.test")
        client = RestPlacement(session, "http://rig.test/placement/")
    client.create_trait(PHYSNET)
    client.create_provider("host", uuid=ROOT)
    client.create_provider("card", uuid=CARD, parent_uuid=ROOT)
    client.create_provider("other", uuid=OTHER)
    for host in (ROOT, OTHER):
        stock = {"VCPU": Inventory(4, allocation_ratio=2.0), "MEMORY_MB": Inventory(4096)}
        client.set_inventories(host, stock, generation=0)
    client.set_inventories(CARD, {"SRIOV_NET_VF": Inventory(8, max_unit=4)}, generation=0)
    client.set_traits(CARD, {PHYSNET, "HW_NIC_SRIOV"}, generation=1)
    client.set_aggregates(OTHER, {AGGREGATE}, generation=1)
    yield client
    database.close()


def test_a_provider_is_as_it_was_written(placement: PlacementClient) -> None:
    host, card, _other = placement.list_providers()
    assert (host.name, host.parent_uuid, host.root_uuid) == ("host", None, ROOT)
    assert (card.name, card.parent_uuid, card.root_uuid) == ("card", ROOT, ROOT)
    assert placement.get_provider(CARD) == card
    assert card.generation == 2


def test_a_tree_is_told_from_its_root_down(placement: PlacementClient) -> None:
    placement.put_allocations(CONSUMER, holding({CARD: {"SRIOV_NET_VF": 2}}))
    root, card = placement.get_provider_tree(CARD)
    assert (root.uuid, card.uuid) == (ROOT, CARD)
    assert root.inventories["VCPU"] == Inventory(4, allocation_ratio=2.0)
    assert (root.usages, card.usages) == ({"VCPU": 0, "MEMORY_MB": 0}, {"SRIOV_NET_VF": 2})
    assert card.traits == {PHYSNET, "HW_NIC_SRIOV"}
    assert placement.get_provider_tree(OTHER)[0].aggregates == {AGGREGATE}
    assert placement.get_provider_tree(NOBODY) == ()


class Filter(NamedTuple):
    given: dict[str, Any]
    found: list[str]


@pytest.mark.parametrize(
    "case",
    [
        Filter({"name": "card"}, ["card"]),
        Filter({"uuid": OTHER}, ["other"]),
        Filter({"in_tree": CARD}, ["host", "card"]),
        Filter({"resources": {"VCPU": 4, "MEMORY_MB": 1}}, ["host", "other"]),
        Filter({"required": (frozenset({PHYSNET}),)}, ["card"]),
        Filter({"required": (frozenset({PHYSNET, "HW_CPU_X86_AVX"}),)}, ["card"]),
        Filter({"forbidden": frozenset({PHYSNET, "HW_CPU_X86_AVX"})}, ["host", "other"]),
        Filter({"member_of": (frozenset({AGGREGATE, NOBODY}),)}, ["other"]),
        Filter({"forbidden_aggregates": frozenset({AGGREGATE})}, ["host", "card"]),
        Filter({"name": "nobody"}, []),
    ],
    ids=lambda case: ", ".join(case.given),
)
def test_providers_are_found_by(placement: PlacementClient, case: Filter) -> None:
    assert [each.name for each in placement.list_providers(**case.given)] == case.found


def test_an_unknown_trait_is_refused_in_a_search(placement: PlacementClient) -> None:
    with pytest.raises(Invalid, match="CUSTOM_NEVER"):
        placement.list_providers(required=(frozenset({"CUSTOM_NEVER"}),))


def test_a_provider_moves_and_is_renamed(placement: PlacementClient) -> None:
    moved = placement.update_provider(CARD, name="moved", parent_uuid=OTHER)
    assert (moved.name, moved.parent_uuid, moved.root_uuid) == ("moved", OTHER, OTHER)
    alone = placement.update_provider(CARD, name="moved", parent_uuid=None)
    assert (alone.parent_uuid, alone.root_uuid) == (None, CARD)


def test_a_name_is_given_once(placement: PlacementClient) -> None:
    with pytest.raises(DuplicateName, match="host"):
        placement.create_provider("host", uuid=NOBODY)
    with pytest.raises(DuplicateName):
        placement.create_provider("new", uuid=ROOT)
    with pytest.raises(DuplicateName):
        placement.update_provider(OTHER, name="host", parent_uuid=None)


def test_a_parent_exists(placement: PlacementClient) -> None:
    with pytest.raises(Invalid):
        placement.create_provider("new", uuid=SECOND, parent_uuid=NOBODY)


def test_a_provider_that_is_needed_stays(placement: PlacementClient) -> None:
    placement.put_allocations(CONSUMER, holding({CARD: {"SRIOV_NET_VF": 2}}))
    with pytest.raises(ProviderHasChildren):
        placement.delete_provider(ROOT)
    with pytest.raises(ProviderInUse):
        placement.delete_provider(CARD)
    with pytest.raises(InventoryInUse):
        placement.set_inventories(CARD, {}, generation=placement.get_provider(CARD).generation)
    placement.delete_allocations(CONSUMER)
    placement.delete_provider(CARD)
    assert [each.name for each in placement.list_providers()] == ["host", "other"]


def test_a_provider_that_is_not_there_is_named(placement: PlacementClient) -> None:
    asks: tuple[Callable[[str], object], ...] = (
        placement.get_provider,
        placement.delete_provider,
        placement.get_provider_usages,
        placement.get_provider_allocations,
        lambda uuid: placement.set_traits(uuid, set(), generation=0),
        lambda uuid: placement.set_inventories(uuid, {}, generation=0),
        lambda uuid: placement.set_aggregates(uuid, set(), generation=0),
        lambda uuid: placement.set_aggregates(uuid, set(), generation=None),
        lambda uuid: placement.update_provider(uuid, name="name", parent_uuid=None),
    )
    for ask in asks:
        with pytest.raises(ProviderNotFound, match=NOBODY):
            ask(NOBODY)


def test_an_old_generation_is_refused(placement: PlacementClient) -> None:
    writes: tuple[Callable[[], int], ...] = (
        lambda: placement.set_inventories(CARD, {}, generation=0),
        lambda: placement.set_traits(CARD, set(), generation=0),
        lambda: placement.set_aggregates(CARD, set(), generation=0),
    )
    for write in writes:
        with pytest.raises(ConcurrentUpdate, match=CARD):
            write()


def test_a_write_returns_the_new_generation(placement: PlacementClient) -> None:
    generation = placement.set_inventories(CARD, {"SRIOV_NET_VF": Inventory(4)}, generation=2)
    assert generation == placement.get_provider(CARD).generation == 3
    generation = placement.set_traits(CARD, set(), generation=generation)
    generation = placement.set_aggregates(CARD, {AGGREGATE}, generation=generation)
    assert generation == placement.get_provider(CARD).generation == 5


def test_aggregates_can_be_written_without_a_generation(placement: PlacementClient) -> None:
    placement.set_aggregates(ROOT, {AGGREGATE}, generation=None)
    assert placement.get_provider_tree(ROOT)[0].aggregates == {AGGREGATE}


def test_what_cannot_be_is_invalid(placement: PlacementClient) -> None:
    with pytest.raises(Invalid, match="CUSTOM_NEVER"):
        placement.set_inventories(ROOT, {"CUSTOM_NEVER": Inventory(1)}, generation=1)
    with pytest.raises(Invalid):
        placement.set_inventories(ROOT, {"VCPU": Inventory(1, reserved=2)}, generation=1)
    with pytest.raises(Invalid, match="CUSTOM_NEVER"):
        placement.set_traits(ROOT, {"CUSTOM_NEVER"}, generation=1)


VF = RequestGroup("_NET1", {"SRIOV_NET_VF": 1}, required=(frozenset({PHYSNET}),))
CPU = RequestGroup("", {"VCPU": 2, "MEMORY_MB": 512})


def test_candidates_come_with_their_trees(placement: PlacementClient) -> None:
    query = CandidateQuery((CPU, VF))
    found = placement.get_allocation_candidates(query)
    (request,) = found.allocation_requests
    assert request.allocations == {
        ROOT: {"VCPU": 2, "MEMORY_MB": 512},
        CARD: {"SRIOV_NET_VF": 1},
    }
    assert request.mappings == {"": (ROOT,), "_NET1": (CARD,)}
    assert set(found.provider_summaries) == {ROOT, CARD}
    card = found.provider_summaries[CARD]
    assert card.resources == {"SRIOV_NET_VF": ResourceSummary(8, 0)}
    assert card.traits == {PHYSNET, "HW_NIC_SRIOV"}
    assert (card.parent_uuid, card.root_uuid) == (ROOT, ROOT)


def hosts(placement: PlacementClient, *groups: RequestGroup, **more: Any) -> list[set[str]]:
    found = placement.get_allocation_candidates(CandidateQuery(groups, **more))
    return [set(request.allocations) for request in found.allocation_requests]


def test_candidates_heed_all_conditions(placement: PlacementClient) -> None:
    cpu = {"VCPU": 1}
    assert hosts(placement, RequestGroup("", cpu)) == [{ROOT}, {OTHER}]
    assert hosts(placement, RequestGroup("", cpu), limit=1) == [{ROOT}]
    assert hosts(placement, RequestGroup("", cpu, in_tree=OTHER)) == [{OTHER}]
    assert hosts(placement, RequestGroup("", cpu, member_of=(frozenset({AGGREGATE}),))) == [{OTHER}]
    away = RequestGroup("", cpu, forbidden_aggregates=frozenset({AGGREGATE}))
    assert hosts(placement, away) == [{ROOT}]
    any_of = frozenset({PHYSNET, "HW_CPU_X86_AVX"})
    vf = {"SRIOV_NET_VF": 1}
    assert hosts(placement, RequestGroup("1", vf, required=(any_of,))) == [{CARD}]
    assert hosts(placement, RequestGroup("1", vf, forbidden=any_of)) == []
    pair = (RequestGroup("_A", vf), RequestGroup("_B", vf))
    assert hosts(placement, *pair, group_policy="none") == [{CARD}]
    assert hosts(placement, *pair, group_policy="isolate") == []
    tied = (RequestGroup("_A", cpu), RequestGroup("_B", vf))
    subtree = (frozenset({"_A", "_B"}),)
    assert hosts(placement, *tied, group_policy="none", same_subtree=subtree) == [{ROOT, CARD}]
    assert hosts(placement, CPU, VF, root_required=frozenset({PHYSNET})) == []
    assert hosts(placement, CPU, VF, root_forbidden=frozenset({PHYSNET})) == [{ROOT, CARD}]


def test_a_query_without_a_policy_is_refused(placement: PlacementClient) -> None:
    with pytest.raises(Invalid, match="group_policy"):
        hosts(placement, RequestGroup("1", {"VCPU": 1}), RequestGroup("2", {"VCPU": 1}))


def test_a_claim_is_held_until_it_is_released(placement: PlacementClient) -> None:
    assert placement.get_allocations(CONSUMER) is None
    write = AllocationsWrite(
        {ROOT: {"VCPU": 2}, CARD: {"SRIOV_NET_VF": 1}},
        "project",
        "user",
        mappings={"": (ROOT,), "_NET1": (CARD,)},
    )
    placement.put_allocations(CONSUMER, write)
    held = placement.get_allocations(CONSUMER)
    assert held is not None
    assert held.allocations == write.allocations
    assert (held.project_id, held.user_id, held.consumer_type) == ("project", "user", "INSTANCE")
    assert placement.get_provider_usages(ROOT) == {"VCPU": 2, "MEMORY_MB": 0}
    assert placement.get_provider_allocations(CARD).consumers[0].consumer_uuid == CONSUMER
    assert placement.list_allocations() == (held,)
    assert placement.delete_allocations(CONSUMER)
    assert not placement.delete_allocations(CONSUMER)
    assert placement.list_allocations() == placement.get_provider_allocations(ROOT).consumers == ()


def test_a_claim_over_capacity_is_refused_and_leaves_nothing(placement: PlacementClient) -> None:
    for resources in ({"VCPU": 5}, {"SRIOV_NET_VF": 1}):
        with pytest.raises(AllocationRefused):
            placement.put_allocations(
                CONSUMER, holding({OTHER: {"MEMORY_MB": 4000}, ROOT: resources, CARD: resources})
            )
    with pytest.raises(AllocationRefused):
        placement.put_allocations(CONSUMER, holding({CARD: {"SRIOV_NET_VF": 5}}))
    assert placement.get_allocations(CONSUMER) is None


def test_a_claim_of_what_does_not_exist_is_invalid(placement: PlacementClient) -> None:
    with pytest.raises(Invalid, match=NOBODY):
        placement.put_allocations(CONSUMER, holding({NOBODY: {"VCPU": 1}}))
    with pytest.raises(Invalid, match="CUSTOM_NEVER"):
        placement.put_allocations(CONSUMER, holding({ROOT: {"CUSTOM_NEVER": 1}}))


def test_a_consumer_of_another_generation_is_refused(placement: PlacementClient) -> None:
    placement.put_allocations(CONSUMER, holding({ROOT: {"VCPU": 1}}))
    with pytest.raises(ConcurrentUpdate, match=CONSUMER):
        placement.put_allocations(CONSUMER, holding({ROOT: {"VCPU": 2}}))
    held = placement.get_allocations(CONSUMER)
    assert held is not None
    placement.put_allocations(CONSUMER, holding({ROOT: {"VCPU": 2}}, held.generation))
    with pytest.raises(ConcurrentUpdate):
        placement.put_allocations(CONSUMER, holding({}, held.generation))
    placement.put_allocations(CONSUMER, holding({}, held.generation + 1))
    assert placement.get_allocations(CONSUMER) is None


def test_generation_and_type_can_be_left_as_they_are(placement: PlacementClient) -> None:
    placement.put_allocations(CONSUMER, holding({ROOT: {"VCPU": 1}}, kind="MIGRATION"))
    placement.put_allocations(CONSUMER, holding({OTHER: {"VCPU": 3}}, UNSET, None))
    placement.put_allocations(SECOND, holding({ROOT: {"VCPU": 1}}, UNSET, None))
    first, second = placement.list_allocations()
    assert (first.allocations, first.consumer_type) == ({OTHER: {"VCPU": 3}}, "MIGRATION")
    assert second.consumer_type is None


def test_several_consumers_change_at_once(placement: PlacementClient) -> None:
    placement.put_allocations(CONSUMER, holding({CARD: {"SRIOV_NET_VF": 4}}))
    held = placement.get_allocations(CONSUMER)
    assert held is not None
    moves = {
        CONSUMER: holding({}, held.generation),
        SECOND: holding(held.allocations, None, "MIGRATION"),
    }
    placement.post_allocations(moves)
    (moved,) = placement.list_allocations()
    assert (moved.consumer_uuid, moved.consumer_type) == (SECOND, "MIGRATION")
    with pytest.raises(ConcurrentUpdate):
        placement.post_allocations(moves)


def test_usages_are_told_by_type_and_owner(placement: PlacementClient) -> None:
    placement.put_allocations(CONSUMER, holding({ROOT: {"VCPU": 2}}))
    placement.put_allocations(SECOND, holding({ROOT: {"VCPU": 1}}, kind=None, generation=None))
    assert placement.get_usages("project") == {
        "INSTANCE": ConsumerTypeUsage(1, {"VCPU": 2}),
        "unknown": ConsumerTypeUsage(1, {"VCPU": 1}),
    }
    assert placement.get_usages("project", consumer_type="all") == {
        "all": ConsumerTypeUsage(2, {"VCPU": 3})
    }
    assert placement.get_usages("project", user_id="another") == {}


def test_a_reshape_moves_inventories_with_what_is_allocated(placement: PlacementClient) -> None:
    placement.put_allocations(CONSUMER, holding({CARD: {"SRIOV_NET_VF": 2}}))
    held = placement.get_allocations(CONSUMER)
    assert held is not None
    root, card = placement.get_provider_tree(ROOT)
    inventories = {
        ROOT: InventoriesWrite({**root.inventories, **card.inventories}, root.generation),
        CARD: InventoriesWrite({}, card.generation),
    }
    moved = {CONSUMER: holding({ROOT: {"SRIOV_NET_VF": 2}}, held.generation)}
    with pytest.raises(InventoryInUse):
        placement.reshape(inventories, {})
    placement.reshape(inventories, moved)
    assert placement.get_provider_usages(ROOT)["SRIOV_NET_VF"] == 2
    assert placement.get_provider_usages(CARD) == {}
    with pytest.raises(ConcurrentUpdate):
        placement.reshape(inventories, moved)
    with pytest.raises(ProviderNotFound, match=NOBODY):
        placement.reshape({NOBODY: InventoriesWrite({}, 0)}, {})


def test_traits_are_made_found_and_deleted(placement: PlacementClient) -> None:
    assert placement.create_trait("CUSTOM_B")
    assert not placement.create_trait("CUSTOM_B")
    assert placement.list_traits(prefix="CUSTOM_") == ("CUSTOM_B", PHYSNET)
    assert placement.list_traits(associated=True) == (PHYSNET, "HW_NIC_SRIOV")
    assert placement.list_traits(associated=False, prefix="CUSTOM_") == ("CUSTOM_B",)
    assert placement.list_traits(among={PHYSNET, "CUSTOM_NEVER"}) == (PHYSNET,)
    placement.delete_trait("CUSTOM_B")
    with pytest.raises(TraitNotFound, match="CUSTOM_B"):
        placement.delete_trait("CUSTOM_B")
    with pytest.raises(TraitInUse, match=PHYSNET):
        placement.delete_trait(PHYSNET)
    for wrong in ("lower", "CUSTOM_B/C", "CUSTOM_Ü", "CUSTOM_?"):
        with pytest.raises(Invalid):
            placement.create_trait(wrong)
    with pytest.raises(Invalid):
        placement.delete_trait("HW_NIC_SRIOV")


def test_resource_classes_are_made_renamed_and_deleted(placement: PlacementClient) -> None:
    standard = len(placement.list_resource_classes())
    assert placement.create_resource_class("CUSTOM_B")
    assert not placement.create_resource_class("CUSTOM_B")
    placement.create_resource_class("CUSTOM_A")
    assert placement.list_resource_classes()[standard:] == ("CUSTOM_A", "CUSTOM_B")
    with pytest.raises(ResourceClassExists, match="CUSTOM_B"):
        placement.rename_resource_class("CUSTOM_A", "CUSTOM_B")
    placement.rename_resource_class("CUSTOM_A", "CUSTOM_C")
    with pytest.raises(ResourceClassNotFound, match="CUSTOM_A"):
        placement.rename_resource_class("CUSTOM_A", "CUSTOM_D")
    placement.set_inventories(CARD, {"CUSTOM_B": Inventory(1)}, generation=2)
    with pytest.raises(ResourceClassInUse, match="CUSTOM_B"):
        placement.delete_resource_class("CUSTOM_B")
    placement.delete_resource_class("CUSTOM_C")
    with pytest.raises(ResourceClassNotFound, match="CUSTOM_C"):
        placement.delete_resource_class("CUSTOM_C")
    with pytest.raises(Invalid):
        placement.delete_resource_class("VCPU")


class Answer(NamedTuple):
    status_code: int
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode()


class Told:
    """Answers every request with the same."""

    def __init__(self, status: int, body: bytes) -> None:
        self._answer = Answer(status, body)

    def request(self, method: str, url: str, **_more: Any) -> Answer:
        return self._answer


def test_an_answer_that_placement_never_gives_is_shown() -> None:
    client = RestPlacement(Told(502, b"<html>bad gateway</html>"), "http://proxy")
    with pytest.raises(PlacementFailed, match=r"GET /resource_providers .* 502: <html>bad gateway"):
        client.list_providers()


def test_a_service_that_is_not_there_is_told() -> None:
    session = FaceSession(lambda _environ, _start: [], "http://here")

    def refused(*_args: Any, **_more: Any) -> Any:
        raise ConnectionRefusedError("nobody listens")

    session.request = refused  # type: ignore[method-assign]
    with pytest.raises(
        PlacementUnreachable, match="http://there cannot be reached: nobody listens"
    ):
        RestPlacement(session, "http://there").list_providers()
