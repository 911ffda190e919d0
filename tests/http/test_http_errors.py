"""Errors: their form, their codes, and the words in which bodies are refused."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from falcon.testing import TestClient

from cellrig.errors import DatabaseUnavailable
from cellrig.http.checking import Schema
from cellrig.http.errors import Refusal
from cellrig.http.placement import placement_application
from cellrig.http.uuids import canonical, is_uuid


def test_an_error_has_a_code_from_1_23_on(rest: Any) -> None:
    rest.provider(1, "host")
    for version, has_code in (("1.22", False), ("1.23", True)):
        result = rest("POST", "/resource_providers", {"name": "host"}, version=version, expect=409)
        (error,) = result.json["errors"]
        assert error["status"] == 409
        assert error["title"] == "Conflict"
        assert "host" in error["detail"]
        assert error["request_id"] == result.headers["x-openstack-request-id"]
        assert error.get("code") == ("placement.duplicate_name" if has_code else None)
        assert result.headers["content-type"] == "application/json"


def test_what_has_no_code_of_its_own_has_the_undefined_one(rest: Any) -> None:
    for method, path, status in (("GET", "/nowhere", 404), ("PUT", "/traits", 405)):
        (error,) = rest(method, path, expect=status).json["errors"]
        assert error["code"] == "placement.undefined_code"


class Told(NamedTuple):
    """A query that is refused, and the code of the refusal (as OpenStack Placement has it)."""

    path: str
    code: str


@pytest.mark.parametrize(
    "told",
    [
        Told("/resource_providers?resources=CUSTOM_NEVER:1", "undefined_code"),
        Told("/resource_providers?required=CUSTOM_NEVER", "undefined_code"),
        Told("/allocation_candidates?resources=CUSTOM_NEVER:1", "undefined_code"),
        Told("/allocation_candidates?resources=VCPU:1&required=CUSTOM_NEVER", "undefined_code"),
        Told("/allocation_candidates?resources=VCPU:1&root_required=CUSTOM_NO", "undefined_code"),
        Told("/allocation_candidates?resources1=VCPU:1&resources2=VCPU:1", "undefined_code"),
        Told(
            "/allocation_candidates?resources=VCPU:1&required=HW_NUMA_ROOT,!HW_NUMA_ROOT",
            "undefined_code",
        ),
        Told(
            "/allocation_candidates?resources=VCPU:1&root_required=HW_NUMA_ROOT,!HW_NUMA_ROOT",
            "query.bad_value",
        ),
        Told("/allocation_candidates?resources=VCPU:1&required1=HW_NUMA_ROOT", "query.bad_value"),
        Told("/allocation_candidates?resources1=VCPU:1&same_subtree=_X", "query.bad_value"),
        Told("/allocation_candidates", "query.missing_value"),
        Told(
            "/allocation_candidates?resources=VCPU:1"
            "&root_required=HW_NUMA_ROOT&root_required=HW_NUMA_ROOT",
            "query.duplicate_key",
        ),
    ],
    ids=lambda told: told.path.removeprefix("/"),
)
def test_a_refused_query_has_the_code_that_the_field_knows(rest: Any, told: Told) -> None:
    (error,) = rest("GET", told.path, expect=400).json["errors"]
    assert error["code"] == f"placement.{told.code}"


@pytest.mark.parametrize("field", ["total", "reserved", "min_unit", "max_unit", "step_size"])
def test_an_inventory_has_no_amount_above_31_bits(rest: Any, field: str) -> None:
    path = f"/resource_providers/{rest.uuid(1)}/inventories"
    rest.provider(1)

    def put(amount: int, expect: int) -> Any:
        body = {
            "resource_provider_generation": 0,
            "inventories": {"VCPU": {"total": 2147483647, field: amount}},
        }
        return rest("PUT", path, body, expect=expect)

    (error,) = put(2147483648, 400).json["errors"]
    assert error["detail"].startswith("JSON does not validate: 2147483648 is greater than")
    put(2147483647, 200)


@pytest.mark.parametrize("amount", [2147483648, 2**70])
def test_a_claim_of_more_than_can_be_is_refused_as_one_of_more_than_there_is(
    rest: Any, amount: int
) -> None:
    rest.provider(1)
    rest.fill(1, VCPU=8)
    body = rest.claim_body({1: {"VCPU": amount}})
    (error,) = rest("PUT", f"/allocations/{rest.uuid(50)}", body, expect=409).json["errors"]
    assert error["code"] == "placement.undefined_code"


@pytest.mark.parametrize(
    "raw",
    [b"{", b"\xff\xfe", b"nonsense", b'{"name": NaN}', b'{"name": "\\ud800"}', b"[" * 100_000],
)
def test_what_is_no_json_is_refused(rest: Any, raw: bytes) -> None:
    told = {"Content_Type": "application/json"}
    detail = rest.detail("POST", "/resource_providers", raw, expect=400, **told)
    assert detail.startswith("Malformed JSON: ")


def test_a_refused_body_is_explained_in_the_words_of_jsonschema(rest: Any) -> None:
    told = rest.detail("POST", "/resource_providers", {"name": "x", "colour": 1}, expect=400)
    words = (
        "JSON does not validate: Additional properties are not allowed ('colour' was unexpected)"
    )
    assert told.startswith(words)
    assert "\n" not in told


def test_what_is_nested_deeply_is_refused_without_an_explanation(rest: Any) -> None:
    told = {"Content_Type": "application/json"}
    raw = b"[" * 600 + b"]" * 600
    detail = rest.detail("POST", "/resource_providers", raw, expect=400, **told)
    assert detail == "JSON does not validate: it is nested too deeply to be explained"


def test_what_the_explaining_library_does_not_see_is_refused_all_the_same() -> None:
    # Python's $ matches before a newline at the end, that of JSON Schema does not.
    schema = Schema({"pattern": "^a$"}, refusal="no", is_uuid=is_uuid)
    schema.check("a")
    with pytest.raises(Refusal) as caught:
        schema.check("a\n")
    assert caught.value.description is not None
    assert caught.value.description.startswith("no: ")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ABCDEF00-0000-4000-8000-000000000013", True),
        ("abcdef00000040008000000000000013", True),
        ("{abcdef00-0000-4000-8000-000000000013}", True),
        ("urn:uuid:abcdef00-0000-4000-8000-000000000013", True),
        ("abcdef00-0000-4000-8000-00000000001", False),
        ("abcdef00-0000-4000-8000-00000000001g", False),
        ("abcdef00-0000-4000-8000-00000000_013", False),
        ("", False),
    ],
)
def test_a_uuid_has_32_digits(text: str, expected: bool) -> None:
    told = "abcdef00-0000-4000-8000-000000000013" if expected else None
    assert canonical(text) == told


class _Broken:
    """A placement client whose database is gone, or whose author has erred."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def list_resource_classes(self) -> None:
        raise self.error


@pytest.mark.parametrize(
    ("error", "status"),
    [(DatabaseUnavailable("placement", "gone"), 503), (ZeroDivisionError("ours"), 500)],
)
@pytest.mark.filterwarnings("ignore")
def test_a_failure_of_our_own_is_not_the_clients(
    error: Exception, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    broken: Any = _Broken(error)
    result = TestClient(placement_application(broken)).simulate_get(
        "/placement/resource_classes",
        headers={"X-Auth-Token": "admin", "OpenStack-API-Version": "placement 1.39"},
    )
    assert result.status_code == status
    assert result.json["errors"][0]["status"] == status
    if status == 500:
        assert "ours" not in result.text
        assert "ZeroDivisionError" in capsys.readouterr().err
