"""Discovery, microversions, and the form of errors."""

from __future__ import annotations

from typing import Any

import pytest

from cellrig import Rig
from cellrig.http.auth import Caller
from cellrig.http.rig_faces import rig_face
from cellrig.http.session import FaceSession


def _root(compute: Any, path: str, **headers: Any) -> Any:
    return compute("GET", f"http://compute.rig{path}", version=None, who=None, **headers)


def test_versions_are_told_without_a_token_the_oldest_first(compute: Any) -> None:
    told = _root(compute, "/").json()["versions"]
    assert [version["id"] for version in told] == ["v2.0", "v2.1"]
    assert (told[1]["min_version"], told[1]["version"]) == ("2.1", "2.104")
    assert told[1]["links"] == [{"rel": "self", "href": "http://compute.rig/v2.1/"}]


@pytest.mark.parametrize(("path", "id_"), [("/v2.1", "v2.1"), ("/v2.1/", "v2.1"), ("/v2/", "v2.0")])
def test_a_version_describes_itself(compute: Any, path: str, id_: str) -> None:
    told = _root(compute, path).json()["version"]
    assert told["id"] == id_
    assert set(told) == {
        *("id", "links", "status", "updated", "version", "min_version", "media-types"),
    }


def test_the_microversion_is_told_back_in_both_headers(compute: Any) -> None:
    answer = compute("GET", "/flavors", version="2.60", expect=200)
    assert answer.headers["OpenStack-API-Version"] == "compute 2.60"
    assert answer.headers["X-OpenStack-Nova-API-Version"] == "2.60"
    assert "X-OpenStack-Nova-API-Version" in answer.headers["Vary"]


def test_the_older_header_asks_for_a_microversion_too(compute: Any) -> None:
    answer = compute("GET", "/flavors", version=None, X_OpenStack_Nova_API_Version="2.55")
    assert answer.headers["OpenStack-API-Version"] == "compute 2.55"
    assert "description" in answer.json()["flavors"][0]


def test_without_a_header_it_is_2_1_and_latest_is_2_104(compute: Any) -> None:
    plain = compute("GET", "/flavors", version=None)
    assert plain.headers["OpenStack-API-Version"] == "compute 2.1"
    latest = compute("GET", "/flavors", version="latest")
    assert latest.headers["OpenStack-API-Version"] == "compute 2.104"


@pytest.mark.parametrize(("version", "status"), [("2.105", 406), ("1.0", 406), ("2.x", 400)])
def test_other_microversions_are_refused(compute: Any, version: str, status: int) -> None:
    compute("GET", "/flavors", version=version, expect=status)


@pytest.mark.parametrize(
    ("method", "path", "status", "name"),
    [
        ("GET", "/servers/nobody", 404, "itemNotFound"),
        ("GET", "/servers?limit=-1", 400, "badRequest"),
        ("PATCH", "/servers", 405, "badMethod"),
        ("GET", "/nonsense", 404, "itemNotFound"),
        ("GET", "/servers/", 404, "itemNotFound"),
        ("GET", "/os-agents", 410, "gone"),
        ("GET", "/images", 404, "itemNotFound"),
        ("GET", "/os-hosts", 404, "itemNotFound"),
    ],
)
def test_errors_have_the_names_of_the_field(
    compute: Any, method: str, path: str, status: int, name: str
) -> None:
    answer = compute(method, path, version="2.60", expect=status)
    assert answer.json()[name]["code"] == status
    assert answer.headers["x-openstack-request-id"].startswith("req-")
    assert answer.headers["x-compute-request-id"] == answer.headers["x-openstack-request-id"]


def test_without_a_token_nothing_else_is_told(compute: Any) -> None:
    answer = compute("GET", "/servers", who=None, expect=401)
    assert answer.json()["unauthorized"]["code"] == 401


def test_a_token_without_a_project_may_do_nothing(rig: Rig) -> None:
    def authenticate(_token: str | None) -> Caller:
        return Caller("alice", "", frozenset({"admin"}))

    session = FaceSession(rig_face(rig, "compute", "", authenticate), "http://compute.rig")
    for path in ("/v2.1/servers", "/v2.1/flavors", "/v2.1/os-hypervisors"):
        assert session.get(path).status_code == 403


def test_what_is_for_administrators_is_refused_to_others(compute: Any) -> None:
    for path in ("/os-hypervisors", "/os-services", "/os-aggregates", "/os-migrations"):
        answer = compute("GET", path, who="alice:project", expect=403)
        assert answer.json()["forbidden"]["code"] == 403
