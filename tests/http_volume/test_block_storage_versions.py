"""Versions of the block storage API, its root, and the two forms of its paths."""

from __future__ import annotations

from typing import Any


def test_discovery_needs_no_token(storage: Any) -> None:
    for path, status in (("", 300), ("/", 300), ("/v3", 200), ("/v3/", 200)):
        url = f"http://volume.rig{path}"
        answer = storage("GET", url, who=None, version=None, expect=status)
        (found,) = answer.json()["versions"]
        assert (found["id"], found["status"]) == ("v3.0", "CURRENT")
        assert (found["min_version"], found["version"]) == ("3.0", "3.71")
        assert found["links"] == [{"rel": "self", "href": "http://volume.rig/v3/"}]


def test_the_microversion_is_answered(storage: Any) -> None:
    for asked, answered in ((None, "3.0"), ("3.0", "3.0"), ("3.50", "3.50"), ("latest", "3.71")):
        answer = storage("GET", "/volumes", version=asked, expect=200)
        assert answer.headers["OpenStack-API-Version"] == f"volume {answered}"
        request_id = answer.headers["x-openstack-request-id"]
        assert request_id.startswith("req-")
        assert answer.headers["x-compute-request-id"] == request_id
        assert "openstack-api-version" in answer.headers["vary"].lower()


def test_no_other_microversion_is_taken(storage: Any) -> None:
    for asked, status in (("3.72", 406), ("2.0", 406), ("4.0", 406), ("three", 400), ("3", 400)):
        storage("GET", "/volumes", version=asked, expect=status)


def test_every_path_is_there_with_the_project_and_without(storage: Any) -> None:
    volume = storage.create(who="alice:project")
    for path in (f"/volumes/{volume}", f"/project/volumes/{volume}"):
        assert storage.get(path, who="alice:project")["volume"]["id"] == volume
    told = storage.refusal("GET", f"/other/volumes/{volume}", who="alice:project", expect=400)
    assert told == "Malformed request url"


def test_an_empty_id_is_no_list(storage: Any) -> None:
    for path in ("/volumes/", "/admin/volumes/", "/snapshots/", "/types/"):
        storage("GET", path, expect=404)


_SINCE = (
    (("GET", "/attachments"), "3.27"),
    (("GET", "/messages"), "3.3"),
    (("GET", "/groups"), "3.13"),
    (("GET", "/resource_filters"), "3.33"),
    (("GET", "/volume-transfers"), "3.55"),
    (("GET", "/default-types"), "3.62"),
)


def test_calls_come_with_their_microversion(storage: Any) -> None:
    for call, since in _SINCE:
        major, minor = since.split(".")
        storage(*call, version=f"{major}.{int(minor) - 1}", expect=404)
        storage(*call, version=since, expect=200)


def test_the_description_is_published(storage: Any) -> None:
    told = storage("GET", "http://volume.rig/openapi.json?microversion=3.71", who=None, expect=200)
    described = told.json()
    assert described["info"] == {"title": "Block Storage", "version": "3.71"}
    assert "post" in described["paths"]["/v3/{project_id}/volumes"]
    assert "post" in described["paths"]["/v3/volumes"]
    older = storage(
        "GET", "http://volume.rig/openapi.json?microversion=3.26", who=None, expect=200
    ).json()
    assert "/v3/attachments" not in older["paths"]
