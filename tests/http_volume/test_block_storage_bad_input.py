"""What nobody should send: every answer is one of 4xx, and nothing has happened."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from cellrig.http.volume import ROUTES
from cellrig.http.volume.actions import ACTIONS

_VALUES: tuple[Any, ...] = (
    *(None, True, -1, 10**30, "", "x" * 300, "\x00\u2603"),
    *(["x"], {}, {"x": None}),
)
_MEMBERS = {
    "/volumes": ("volume", ("size", "name", "imageRef", "metadata", "snapshot_id", "volume_type")),
    "/snapshots": ("snapshot", ("volume_id", "name", "metadata", "force")),
    "/types": ("volume_type", ("name", "extra_specs", "os-volume-type-access:is_public")),
    "/attachments": ("attachment", ("volume_uuid", "instance_uuid", "connector", "mode")),
    "/volume-transfers": ("transfer", ("volume_id", "name", "no_snapshots")),
}


def test_values_of_the_wrong_type(storage: Any) -> None:
    for path, (name, members) in _MEMBERS.items():
        body: Any
        for body in ({}, [], "x", 5, {name: None}, {name: []}, {name: "x"}, {"x": {}}):
            storage("POST", path, body, expect=400)
        for member, value in itertools.product(members, _VALUES):
            status = storage("POST", path, {name: {member: value}}).status_code
            assert status < 500, (path, member, value)


def test_actions_with_the_wrong_values(storage: Any) -> None:
    path = f"/volumes/{storage.create()}/action"
    for name, value in itertools.product(ACTIONS, _VALUES):
        body = {name: value}
        assert storage("POST", path, body).status_code < 500, body


def test_bodies_that_are_none(storage: Any) -> None:
    session = storage.rig.session("volume")
    json = {"Content-Type": "application/json"}
    for data, status in (
        (b"", 400),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b"[" * 100_000, 400),
        (b'{"volume": {"size": 1e999}}', 400),
        (b'{"volume": {"size": 1, "size": 2}', 400),
    ):
        assert session.post("/v3/volumes", data=data, headers=json).status_code == status
    large = b'{"volume": {"size": 1, "name": "' + b"x" * 10_000_000 + b'"}}'
    answer = session.post("/v3/volumes", data=large, headers=json)
    assert answer.status_code == 413
    assert len(answer.content) < 10_000
    odd = {"Content-Type": "text/plain"}
    assert session.post("/v3/volumes", data=b"{}", headers=odd).status_code == 415


def test_paths_with_tricks(storage: Any) -> None:
    for path in (
        "/volumes/..%2f..%2fetc",
        "/volumes/%00",
        "/volumes/%2e%2e",
        f"/volumes/{'x' * 5000}",
        "/volumes/'%20OR%201=1",
        "/types/%F0%9F%92%A3",
        "/attachments/%20",
    ):
        storage("GET", path, expect=404)


@pytest.mark.parametrize("version", ["3.0", "3.71"])
def test_every_route_refuses_what_is_not_there(storage: Any, version: str) -> None:
    major, minor = version.split(".")
    for route in ROUTES:
        if not route.exists_in((int(major), int(minor))) or "{project_id}" in route.path:
            continue
        path = route.path.removeprefix("/v3")
        for name in ("volume_id", "snapshot_id", "attachment_id", "transfer_id", "type_id"):
            path = path.replace(f"{{{name}}}", storage.rig.new_uuid())
        for name in ("key", "of_project", "class_name", "host_name", "thing_id"):
            path = path.replace(f"{{{name}}}", "nothing")
        body: Any = None if route.method in ("GET", "DELETE") else {}
        answer = storage(route.method, path, body, version=version)
        assert answer.status_code < 500, (route.method, path, answer.text)
        assert "openstack-api-version" in answer.headers
