"""The reshaper: inventories and allocations in one request."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def tree(rest: Any) -> Any:
    """Return a root with a guest whose GPU shall move to a child."""
    rest.provider(1)
    rest.provider(2, parent=1)
    rest.fill(1, VCPU=16, VGPU=4)
    rest.claim(50, {1: {"VCPU": 2, "VGPU": 1}})
    return rest


def _body(rest: Any, **changed: Any) -> dict[str, Any]:
    def stock(generation: int, name: str) -> dict[str, Any]:
        return {"resource_provider_generation": generation, "inventories": {name: {"total": 16}}}

    held = rest.claim_body({1: {"VCPU": 2}, 2: {"VGPU": 1}}, consumer_generation=1)
    return {
        "inventories": {rest.uuid(1): stock(2, "VCPU"), rest.uuid(2): stock(0, "VGPU")},
        "allocations": {rest.uuid(50): held},
        **changed,
    }


def test_a_resource_moves_with_the_guest_in_place(tree: Any) -> None:
    tree("POST", "/reshaper", _body(tree), expect=204)
    held = tree.get(f"/allocations/{tree.uuid(50)}")["allocations"]
    assert {uuid: one["resources"] for uuid, one in held.items()} == {
        tree.uuid(1): {"VCPU": 2},
        tree.uuid(2): {"VGPU": 1},
    }
    left = tree.get(f"/resource_providers/{tree.uuid(1)}/inventories")["inventories"]
    assert list(left) == ["VCPU"]


def test_generations_grow_with_each_step_of_a_reshape(tree: Any) -> None:
    def generations() -> list[int]:
        return [
            tree.get(f"/resource_providers/{tree.uuid(number)}")["generation"] for number in (1, 2)
        ]

    assert generations() == [2, 0]
    tree("POST", "/reshaper", _body(tree), expect=204)
    assert generations() == [5, 3]  # an inventory that is there meanwhile, a claim, the inventory
    back = {
        "resource_provider_generation": 5,
        "inventories": {"VCPU": {"total": 16}, "VGPU": {"total": 4}},
    }
    body = {
        "inventories": {
            tree.uuid(1): back,
            tree.uuid(2): {"resource_provider_generation": 3, "inventories": {}},
        },
        "allocations": {
            tree.uuid(50): tree.claim_body({1: {"VCPU": 2, "VGPU": 1}}, consumer_generation=2)
        },
    }
    tree("POST", "/reshaper", body, expect=204)
    assert generations() == [8, 4]


def test_the_reshaper_came_with_1_30_and_has_the_forms_of_allocations(tree: Any) -> None:
    body = _body(tree)
    tree("POST", "/reshaper", body, version="1.29", expect=404)
    told = tree.detail("POST", "/reshaper", body, version="1.37", expect=400)
    assert "('consumer_type' was unexpected)" in told
    del body["allocations"][tree.uuid(50)]["consumer_type"]
    tree("POST", "/reshaper", body, version="1.30", expect=204)


def test_a_reshape_that_does_not_fit_changes_nothing(tree: Any) -> None:
    before = tree.get(f"/allocations/{tree.uuid(50)}")
    unknown = _body(tree)
    unknown["inventories"][tree.uuid(9)] = unknown["inventories"].pop(tree.uuid(2))
    late = _body(tree)
    late["inventories"][tree.uuid(2)]["resource_provider_generation"] = 7
    for body, status, code in (
        (_body(tree, allocations={}), 409, "placement.inventory.inuse"),
        (unknown, 400, "placement.resource_provider.not_found"),
        (late, 409, "placement.concurrent_update"),
        (_body(tree, inventories={}), 400, "placement.undefined_code"),
        (_body(tree, colour=1), 400, "placement.undefined_code"),
    ):
        (error,) = tree("POST", "/reshaper", body, expect=status).json["errors"]
        assert error["code"] == code
    assert tree.get(f"/allocations/{tree.uuid(50)}") == before
