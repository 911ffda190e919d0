"""Tags: put on, taken off, looked for."""

from __future__ import annotations

from typing import Any

import pytest

Face = Any  # the fixture of conftest.py


@pytest.fixture
def paths(face: Face) -> list[str]:
    """One of each kind that takes tags, of a plain user's."""
    network = face.make("network", name="n", who="ann")["id"]
    subnet = face.make("subnet", network_id=network, cidr="192.0.2.0/24", who="ann")["id"]
    port = face.make("port", network_id=network, who="ann")["id"]
    group = face.make("security_group", name="web", who="ann")["id"]
    names = ("networks", "subnets", "ports", "security-groups")
    ids = (network, subnet, port, group)
    return [f"/v2.0/{name}/{id_}" for name, id_ in zip(names, ids, strict=True)]


def test_tags_are_put_on_and_taken_off(face: Face, paths: list[str]) -> None:
    for path in paths:
        tags = f"{path}/tags"
        assert face.get(tags, who="ann") == {"tags": []}
        for tag in ("b", "a", "b"):
            face("PUT", f"{tags}/{tag}", who="ann", expect=201)
        face("GET", f"{tags}/a", who="ann", expect=204)
        (shown,) = face.get(path, who="ann").values()
        assert shown["tags"] == face.get(tags, who="ann")["tags"] == ["a", "b"]
        face("DELETE", f"{tags}/a", who="ann", expect=204)
        face("DELETE", f"{tags}/a", who="ann", expect=404)
        face("GET", f"{tags}/a", who="ann", expect=404)
        told = face("PUT", tags, {"tags": ["y", "x"]}, who="ann", expect=200).json()
        assert told == {"tags": ["x", "y"]}
        for wrong in (["x", "x"], ["x,y"], [""], [1], [str(n) for n in range(51)], None):
            face("PUT", tags, {"tags": wrong}, who="ann", expect=400)
        face("PUT", f"{tags}/{'x' * 256}", who="ann", expect=400)
        face("DELETE", tags, who="ann", expect=204)
        assert face.get(tags, who="ann") == {"tags": []}


def test_tags_are_their_projects_alone(face: Face, paths: list[str]) -> None:
    for path in paths:
        for method, where, body in (
            ("GET", f"{path}/tags", None),
            ("PUT", f"{path}/tags", {"tags": ["x"]}),
            ("DELETE", f"{path}/tags", None),
            ("PUT", f"{path}/tags/x", None),
        ):
            face(method, where, body, who="bob", expect=404)
    (shared,) = face.get("/v2.0/networks?name=private", who="bob")["networks"]
    face("PUT", f"/v2.0/networks/{shared['id']}/tags/x", who="bob", expect=404)


def test_lists_are_asked_for_tags(face: Face) -> None:
    for name, tags in (("one", ["a"]), ("two", ["a", "b"]), ("three", ["c"])):
        network = face.make("network", name=name)
        face("PUT", f"/v2.0/networks/{network['id']}/tags", {"tags": tags}, expect=200)
    for query, names in (
        ("tags=a", {"one", "two"}),
        ("tags=a,b", {"two"}),
        ("tags=a&tags=b", {"two"}),
        ("tags-any=b,c", {"two", "three"}),
        ("not-tags=a,b", {"one", "three", "private", "wired"}),
        ("not-tags-any=a,c", {"private", "wired"}),
        ("tags=nothing", set()),
    ):
        found = face.get(f"/v2.0/networks?{query}")["networks"]
        assert {each["name"] for each in found} == names, query
