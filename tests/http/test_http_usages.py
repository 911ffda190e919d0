"""Usages of providers and projects."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def used(rest: Any) -> Any:
    rest.provider(1)
    rest.fill(1, VCPU=16, DISK_GB=16)
    rest.claim(50, {1: {"VCPU": 2}})
    rest.claim(51, {1: {"VCPU": 1, "DISK_GB": 3}}, consumer_type="MIGRATION")
    body = {**rest.claim_body({1: {"VCPU": 4}}), "user_id": "another"}
    del body["consumer_generation"], body["consumer_type"]
    rest("PUT", f"/allocations/{rest.uuid(52)}", body, version="1.27", expect=204)
    return rest


def test_a_provider_tells_what_it_has_given_of_all_that_it_has(rest: Any) -> None:
    path = f"/resource_providers/{rest.provider(1)}/usages"
    rest.fill(1, VCPU=16, DISK_GB=16)
    rest.claim(50, {1: {"VCPU": 2}})
    told = rest.get(path, "1.0")
    assert told == {"resource_provider_generation": 2, "usages": {"VCPU": 2, "DISK_GB": 0}}


def test_before_1_38_a_project_has_one_sum(used: Any) -> None:
    used("GET", "/usages?project_id=project", version="1.8", expect=404)
    assert used.get("/usages?project_id=project", "1.9") == {"usages": {"VCPU": 7, "DISK_GB": 3}}
    assert used.get("/usages?project_id=project&user_id=another", "1.37") == {"usages": {"VCPU": 4}}
    assert used.get("/usages?project_id=nobody", "1.37") == {"usages": {}}


def test_since_1_38_a_project_has_a_sum_for_each_consumer_type(used: Any) -> None:
    told = used.get("/usages?project_id=project")["usages"]
    assert told == {
        "INSTANCE": {"consumer_count": 1, "VCPU": 2},
        "MIGRATION": {"consumer_count": 1, "VCPU": 1, "DISK_GB": 3},
        "unknown": {"consumer_count": 1, "VCPU": 4},
    }
    for name, usage in told.items():
        assert used.get(f"/usages?project_id=project&consumer_type={name}") == {
            "usages": {name: usage}
        }
    every = used.get("/usages?project_id=project&consumer_type=all")
    assert every == {"usages": {"all": {"consumer_count": 3, "VCPU": 7, "DISK_GB": 3}}}


@pytest.mark.parametrize(
    "query",
    ["", "user_id=user", "project_id=", "project_id=p&consumer_type=inst", "project_id=p&colour=1"],
)
def test_usages_are_asked_for_by_project(rest: Any, query: str) -> None:
    told = rest.detail("GET", f"/usages?{query}", expect=400)
    assert told.startswith("Invalid query string parameters: ")
