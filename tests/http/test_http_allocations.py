"""Allocations: each microversion has a form of its own."""

from __future__ import annotations

from typing import Any

import pytest

OWNERS = {"project_id": "project", "user_id": "user"}
NOBODY = "00000000-0000-0000-0000-000000000000"

VERSIONS = ["1.0", "1.7", "1.8", "1.11", "1.12", "1.27", "1.28", "1.33", "1.34", "1.37", "1.38"]


@pytest.fixture
def host(rest: Any) -> Any:
    rest.provider(1)
    rest.fill(1, VCPU=16, DISK_GB=100)
    rest.provider(2)
    rest.fill(2, VCPU=16)
    return rest


def _forms(rest: Any) -> dict[str, dict[str, Any]]:
    """Return the bodies that there are, by the microversion that each came with."""
    one = {"resources": {"VCPU": 1}}
    listed = {"allocations": [{"resource_provider": {"uuid": rest.uuid(1)}, **one}]}
    keyed = {"allocations": {rest.uuid(1): one}, **OWNERS}
    return {
        "1.0": listed,
        "1.8": {**listed, **OWNERS},
        "1.12": keyed,
        "1.28": {**keyed, "consumer_generation": None},
        "1.34": {**keyed, "consumer_generation": None, "mappings": {"": [rest.uuid(1)]}},
        "1.38": {**keyed, "consumer_generation": None, "consumer_type": "INSTANCE"},
    }


#: The forms that each microversion takes.
TAKEN = {
    "1.0": {"1.0"},
    "1.7": {"1.0"},
    "1.8": {"1.8"},
    "1.11": {"1.8"},
    "1.12": {"1.12"},
    "1.27": {"1.12"},
    "1.28": {"1.28"},
    "1.33": {"1.28"},
    "1.34": {"1.28", "1.34"},
    "1.37": {"1.28", "1.34"},
    "1.38": {"1.38"},
}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_put_has_the_form_of_its_microversion_and_no_other(host: Any, version: str) -> None:
    for number, (form, body) in enumerate(_forms(host).items(), start=50):
        path = f"/allocations/{host.uuid(number)}"
        if form in TAKEN[version]:
            host("PUT", path, body, version=version, expect=204)
            assert len(host.get(path, version)["allocations"]) == 1
        else:
            told = host.detail("PUT", path, body, version=version, expect=400)
            assert told.startswith("JSON does not validate: ")
            assert host.get(path, version) == {"allocations": {}}


def test_what_a_consumer_holds_is_told_with_what_the_microversion_knows(host: Any) -> None:
    host.claim(50, {1: {"VCPU": 2}, 2: {"VCPU": 1}})
    path = f"/allocations/{host.uuid(50)}"
    told = {
        "allocations": {
            host.uuid(1): {"resources": {"VCPU": 2}, "generation": 2},
            host.uuid(2): {"resources": {"VCPU": 1}, "generation": 2},
        }
    }
    assert host.get(path, "1.0") == told
    assert host.get(path, "1.12") == {**told, **OWNERS}
    assert host.get(path, "1.28") == {**told, **OWNERS, "consumer_generation": 1}
    assert host.get(path, "1.38") == {
        **told,
        **OWNERS,
        "consumer_generation": 1,
        "consumer_type": "INSTANCE",
    }


def test_what_is_held_of_a_provider_is_told_by_consumer(host: Any) -> None:
    host.claim(50, {1: {"VCPU": 2}})
    path = f"/resource_providers/{host.uuid(1)}/allocations"
    held = {"resources": {"VCPU": 2}}
    assert host.get(path, "1.27") == {
        "allocations": {host.uuid(50): held},
        "resource_provider_generation": 2,
    }
    later = {**held, "consumer_generation": 1}
    assert host.get(path, "1.28")["allocations"] == {host.uuid(50): later}
    host("GET", f"/resource_providers/{host.uuid(9)}/allocations", expect=404)


def test_before_1_8_a_consumer_is_nobodys_and_stays_whose_it_is(host: Any) -> None:
    form = _forms(host)["1.0"]
    path = f"/allocations/{host.uuid(50)}"
    host("PUT", path, form, version="1.7", expect=204)
    assert host.get(path)["project_id"] == host.get(path)["user_id"] == NOBODY
    assert host.get(path)["consumer_type"] == "unknown"
    host.claim(51, {1: {"VCPU": 2}})
    path = f"/allocations/{host.uuid(51)}"
    host("PUT", path, form, version="1.7", expect=204)
    assert host.get(path)["project_id"] == "project"
    assert host.get(path)["consumer_type"] == "INSTANCE"


def test_a_claim_is_made_under_the_consumers_generation(host: Any) -> None:
    host.claim(50, {1: {"VCPU": 2}})
    path = f"/allocations/{host.uuid(50)}"
    for generation in (None, 0, 2):
        body = host.claim_body({1: {"VCPU": 4}}, consumer_generation=generation)
        (error,) = host("PUT", path, body, expect=409).json["errors"]
        assert error["code"] == "placement.concurrent_update"
    host.claim(50, {1: {"VCPU": 4}}, consumer_generation=1, consumer_type="MIGRATION")
    assert host.get(path)["consumer_type"] == "MIGRATION"
    assert host.get(path)["consumer_generation"] == 2


def test_an_empty_put_releases_from_1_28_on(host: Any) -> None:
    host.claim(50, {1: {"VCPU": 2}})
    path = f"/allocations/{host.uuid(50)}"
    old = {"allocations": {}, **OWNERS}
    told = host.detail("PUT", path, old, version="1.27", expect=400)
    assert "{} should be non-empty" in told
    host.claim(50, {}, consumer_generation=1)
    assert host.get(path) == {"allocations": {}}


def test_a_delete_releases_once(host: Any) -> None:
    host.claim(50, {1: {"VCPU": 2}})
    path = f"/allocations/{host.uuid(50)}"
    host("DELETE", path, expect=204)
    assert host.uuid(50) in host.detail("DELETE", path, expect=404)


@pytest.mark.parametrize(
    ("held", "status"),
    [
        ({1: {"VCPU": 17}}, 409),
        ({1: {"VGPU": 1}}, 409),
        ({1: {"NOPE": 1}}, 400),
        ({9: {"VCPU": 1}}, 400),
        ({1: {"VCPU": 0}}, 400),
        ({1: {"VCPU": "1"}}, 400),
        ({1: {"vcpu": 1}}, 400),
        ({1: {}}, 400),
    ],
)
def test_what_cannot_be_given_is_refused_and_leaves_nothing(
    host: Any, held: dict[int, dict[str, Any]], status: int
) -> None:
    path = f"/allocations/{host.uuid(50)}"
    host("PUT", path, host.claim_body(held), expect=status)
    assert host.get(path) == {"allocations": {}}
    assert host.get(f"/resource_providers/{host.uuid(1)}")["generation"] == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"consumer_type": "instance"},
        {"consumer_type": None},
        {"project_id": ""},
        {"user_id": 3},
        {"consumer_generation": "1"},
        {"mappings": {}},
        {"mappings": {"1": []}},
        {"mappings": {"a b": ["00000000-0000-4000-8000-000000000001"]}},
        {"colour": 1},
    ],
)
def test_a_put_says_what_it_needs_and_nothing_else(host: Any, wrong: dict[str, Any]) -> None:
    body = host.claim_body({1: {"VCPU": 1}}, **wrong)
    told = host.detail("PUT", f"/allocations/{host.uuid(50)}", body, expect=400)
    assert told.startswith("JSON does not validate: ")


def test_a_consumer_is_a_uuid_in_any_form(host: Any) -> None:
    body = host.claim_body({1: {"VCPU": 1}})
    assert "nobody" in host.detail("PUT", "/allocations/nobody", body, expect=400)
    host("PUT", "/allocations/ABCDEF00000040008000000000000013", body, expect=204)
    told = host.get("/allocations/abcdef00-0000-4000-8000-000000000013")
    assert len(told["allocations"]) == 1


def test_several_consumers_change_at_once_from_1_13_on(host: Any) -> None:
    keyed = _forms(host)["1.12"]
    body = {host.uuid(50): keyed, host.uuid(51): keyed}
    host("POST", "/allocations", body, version="1.12", expect=404)
    host("POST", "/allocations", body, version="1.13", expect=204)
    moved = {
        host.uuid(50): host.claim_body({}, consumer_generation=1),
        host.uuid(52): host.claim_body({1: {"VCPU": 15}}),
    }
    host("POST", "/allocations", moved, expect=204)
    assert host.get(f"/allocations/{host.uuid(50)}") == {"allocations": {}}
    told = host.get(f"/resource_providers/{host.uuid(1)}/usages")
    assert told["usages"]["VCPU"] == 16


def test_several_consumers_change_all_or_none(host: Any) -> None:
    body = {
        host.uuid(50): host.claim_body({1: {"VCPU": 1}}),
        host.uuid(51): host.claim_body({1: {"VCPU": 17}}),
    }
    host("POST", "/allocations", body, expect=409)
    assert host.get(f"/allocations/{host.uuid(50)}") == {"allocations": {}}


@pytest.mark.parametrize("consumer", ["nobody", "------------------------------------"])
def test_consumers_of_a_post_are_uuids(host: Any, consumer: str) -> None:
    host("POST", "/allocations", {}, expect=400)
    body = {consumer: host.claim_body({1: {"VCPU": 1}})}
    assert consumer in host.detail("POST", "/allocations", body, expect=400)
