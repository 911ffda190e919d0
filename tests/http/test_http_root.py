"""What holds for every request: the version document, microversions, ids, methods, media types."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from wsgi_intercept.interceptor import RequestsInterceptor

from cellrig.http.placement import placement_application


def test_the_version_document_needs_no_token(rest: Any) -> None:
    for path in ("", "/"):
        document = rest("GET", path, token=None, version=None, expect=200).json
        (version,) = document["versions"]
        assert version["min_version"] == "1.0"
        assert version["max_version"] == "1.39"
        assert version["id"] == "v1.0"
        assert version["links"] == [{"rel": "self", "href": "/placement"}]


def test_an_answer_names_its_microversion_and_what_it_varies_by(rest: Any) -> None:
    for asked, answered in ((None, "1.0"), ("1.17", "1.17"), ("latest", "1.39")):
        headers = rest("GET", "/resource_providers", version=asked, expect=200).headers
        assert headers["openstack-api-version"] == f"placement {answered}"
        assert headers["vary"] == "openstack-api-version"


def test_a_header_for_other_services_means_the_lowest_microversion(rest: Any) -> None:
    told = {"OpenStack_API_Version": "compute 2.1, volume 3.0"}
    result = rest("GET", "/resource_providers", version=None, **told)
    assert result.headers["openstack-api-version"] == "placement 1.0"


@pytest.mark.parametrize("version", ["1.40", "0.9", "2.0"])
def test_a_microversion_out_of_range_is_refused_with_the_range(rest: Any, version: str) -> None:
    (error,) = rest("GET", "/", version=version, expect=406).json["errors"]
    assert error["min_version"] == "1.0"
    assert error["max_version"] == "1.39"
    assert version in error["detail"]


@pytest.mark.parametrize("version", ["abc", "1", "1.x", "1.2.3"])
def test_a_malformed_microversion_is_refused(rest: Any, version: str) -> None:
    assert version in rest.detail("GET", "/", version=version, expect=400)


def test_every_answer_has_a_request_id_of_its_own(rest: Any) -> None:
    ids = set()
    for path, token in (
        ("/", None),
        ("/traits", "admin"),
        ("/nowhere", "admin"),
        ("/traits", None),
    ):
        result = rest("GET", path, token=token)
        ids.add(result.headers["x-openstack-request-id"])
        if result.status_code >= 400:
            assert result.json["errors"][0]["request_id"] in ids
    assert len(ids) == 4
    assert all(request_id.startswith("req-") for request_id in ids)


def test_what_is_nowhere_is_not_found(rest: Any) -> None:
    for path in (
        "/nowhere",
        "/resource_providers/",
        "/resource_providers//inventories",
        "/traits/",
    ):
        rest("GET", path, expect=404)


def test_a_method_that_a_path_does_not_have_is_refused_with_those_that_it_has(rest: Any) -> None:
    for method in ("PATCH", "DELETE", "HEAD", "OPTIONS"):
        result = rest(method, "/resource_providers", expect=405)
        assert result.headers["allow"] == "GET, POST"


def test_dates_come_with_1_15(rest: Any) -> None:
    assert "last-modified" not in rest("GET", "/resource_providers", version="1.14").headers
    headers = rest("GET", "/resource_providers", version="1.15").headers
    assert headers["last-modified"] == "Fri, 02 Jan 1970 00:00:00 GMT"
    assert headers["cache-control"] == "no-cache"


def test_only_json_is_given(rest: Any) -> None:
    rest("GET", "/resource_providers", Accept="text/plain", expect=406)
    rest("GET", "/resource_providers", Accept="text/html;q=0.9, application/json;q=0.1", expect=200)
    rest("GET", "/nowhere", Accept="text/plain", expect=404)
    rest("POST", "/resource_providers", {"name": ""}, Accept="text/plain", expect=400)


def test_only_json_is_taken(rest: Any) -> None:
    rest("POST", "/resource_providers", expect=415)
    told = {"Content_Type": "text/plain"}
    assert "text/plain" in rest.detail("POST", "/resource_providers", {}, expect=415, **told)


def test_a_client_that_needs_a_socket_needs_none(rest: Any) -> None:
    application = placement_application(rest.placement, prefix="")
    with RequestsInterceptor(lambda: application, host="placement.test", port=80) as url:
        session = requests.Session()
        session.headers.update({"X-Auth-Token": "admin", "OpenStack-API-Version": "placement 1.20"})
        made = session.post(f"{url}/resource_providers", json={"name": "host"})
        assert made.status_code == 200
        uuid = made.json()["uuid"]
        assert made.headers["location"].endswith(f"placement.test/resource_providers/{uuid}")
        assert made.json()["links"][0]["href"] == f"/resource_providers/{uuid}"
        assert session.get(url).json()["versions"][0]["links"][0]["href"] == ""


@pytest.mark.parametrize("prefix", ["placement", "/placement/", "/"])
def test_a_prefix_that_is_no_path_is_refused(rest: Any, prefix: str) -> None:
    with pytest.raises(ValueError, match="prefix is"):
        placement_application(rest.placement, prefix=prefix)
