"""Field by field: each answer has what its microversion has, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

Steps = Mapping[tuple[int, int], str]

_BASIC: Steps = {
    (3, 0): "id name links status size description availability_zone created_at updated_at "
    "attachments volume_type snapshot_id source_volid metadata user_id bootable encrypted "
    "replication_status consistencygroup_id multiattach",
    (3, 13): "group_id",
    (3, 48): "service_uuid shared_targets",
}
_OF_ADMINISTRATORS: Steps = {(3, 0): "migration_status", (3, 21): "provider_id"}
_NOT_CHANGED: Steps = {(3, 63): "volume_type_id", (3, 65): "consumes_quota"}
_NOT_CHANGED_OF_ADMINISTRATORS: Steps = {(3, 61): "cluster_name"}
_SHOWN = "os-vol-tenant-attr:tenant_id"
_SHOWN_TO_ADMINISTRATORS = (
    "os-vol-host-attr:host os-vol-mig-status-attr:migstat os-vol-mig-status-attr:name_id"
)
_STEPS = ("3.0", "3.12", "3.13", "3.21", "3.48", "3.59", "3.61", "3.63", "3.64", "3.65", "3.71")

_SNAPSHOT: Steps = {
    (3, 0): "id name description volume_id status size metadata created_at updated_at",
    (3, 14): "group_snapshot_id",
    (3, 41): "user_id",
    (3, 65): "consumes_quota",
}
_SNAPSHOT_SHOWN = (
    "os-extended-snapshot-attributes:progress os-extended-snapshot-attributes:project_id"
)
_TYPE = "id name description is_public extra_specs"
_SERVICE: Steps = {
    (3, 0): "binary host zone status state updated_at disabled_reason",
    (3, 7): "cluster",
}
_BACKEND: Steps = {
    (3, 0): "frozen replication_status active_backend_id",
    (3, 49): "backend_state",
}


def at(version: str, *steps: Steps | str) -> set[str]:
    """Return the fields of a microversion."""
    minor = tuple(int(part) for part in version.split("."))
    found: set[str] = set()
    for each in steps:
        if isinstance(each, str):
            found |= set(each.split())
        else:
            found |= {f for since, fields in each.items() if since <= minor for f in fields.split()}
    return found


def test_a_volume_for_an_administrator(storage: Any) -> None:
    for version in _STEPS:
        check_volume(storage, version)


def check_volume(storage: Any, version: str) -> None:
    changed = at(version, _BASIC, _OF_ADMINISTRATORS)
    made = changed | at(version, _NOT_CHANGED, _NOT_CHANGED_OF_ADMINISTRATORS)
    shown = made | at(version, _SHOWN, _SHOWN_TO_ADMINISTRATORS)
    body: Any = {"volume": {"size": 1}}
    told = storage("POST", "/volumes", body, version=version, expect=202).json()["volume"]
    assert set(told) == made
    assert set(storage.show(told["id"], version)) == shown
    (listed,) = storage.get("/volumes/detail", version)["volumes"]
    assert set(listed) == shown
    (brief,) = storage.get("/volumes", version)["volumes"]
    assert set(brief) == {"id", "name", "links"}
    body = {"volume": {"name": "other"}}
    path = f"/volumes/{told['id']}"
    told = storage("PUT", path, body, version=version, expect=200).json()["volume"]
    assert set(told) == changed
    storage("DELETE", path, expect=202)


def test_a_volume_for_its_user(storage: Any) -> None:
    volume = storage.create(who="alice:project")
    for version in _STEPS:
        expected = at(version, _BASIC, _NOT_CHANGED, _SHOWN)
        assert set(storage.show(volume, version, who="alice:project")) == expected, version


def test_a_volume_that_was_made_of_an_image(storage: Any) -> None:
    image = storage.rig.images.list()[0]
    told = storage.show(storage.create(imageRef=image.id))
    assert told["bootable"] == "true"
    assert told["volume_image_metadata"]["image_id"] == image.id
    assert told["volume_image_metadata"]["image_name"] == image.name


@pytest.mark.parametrize("version", ["3.0", "3.14", "3.41", "3.65", "3.71"])
def test_a_snapshot(storage: Any, version: str) -> None:
    basic = at(version, _SNAPSHOT)
    body = {"snapshot": {"volume_id": storage.create()}}
    told = storage("POST", "/snapshots", body, version=version, expect=202).json()["snapshot"]
    assert set(told) == basic
    path = f"/snapshots/{told['id']}"
    assert set(storage.get(path, version)["snapshot"]) == basic | at(version, _SNAPSHOT_SHOWN)
    (listed,) = storage.get("/snapshots", version)["snapshots"]
    assert set(listed) == basic
    (listed,) = storage.get("/snapshots/detail", version)["snapshots"]
    assert set(listed) == basic | at(version, _SNAPSHOT_SHOWN)
    body = {"snapshot": {"name": "other"}}
    told = storage("PUT", path, body, version=version, expect=200).json()["snapshot"]
    assert set(told) == basic


def test_a_volume_type(storage: Any) -> None:
    body = {"volume_type": {"name": "fast"}}
    made = storage("POST", "/types", body, expect=200).json()["volume_type"]
    assert set(made) == {*_TYPE.split(), "os-volume-type-access:is_public"}
    path = f"/types/{made['id']}"
    shown = storage.get(path)["volume_type"]
    assert set(shown) == {*made, "qos_specs_id"}
    assert set(storage.get(path, who="alice")["volume_type"]) == set(made)
    for listed in storage.get("/types")["volume_types"]:
        assert set(listed) == set(shown)
    changed = storage("PUT", path, {"volume_type": {"description": "x"}}, expect=200).json()
    assert set(changed["volume_type"]) == set(_TYPE.split())


def test_a_service(storage: Any) -> None:
    for version in ("3.0", "3.7", "3.49"):
        scheduler, backend = storage.get("/os-services", version)["services"]
        assert set(scheduler) == at(version, _SERVICE)
        assert set(backend) == at(version, _SERVICE, _BACKEND)


@pytest.mark.topology(audit=False)  # there is no such server
def test_an_attachment(storage: Any) -> None:
    brief = {"id", "status", "instance", "volume_id"}
    whole = {*brief, "attached_at", "detached_at", "attach_mode", "connection_info"}
    volume, server = storage.create(), storage.rig.new_uuid()
    made = storage.attachment(volume, instance_uuid=server, connector={"host": "somewhere"})
    assert set(made) == whole
    assert made["connection_info"]["driver_volume_type"] == "fake"
    assert made["connection_info"]["attachment_id"] == made["id"]
    assert made["connection_info"]["access_mode"] == "rw"
    assert set(storage.get(f"/attachments/{made['id']}")["attachment"]) == whole
    (listed,) = storage.get("/attachments")["attachments"]
    assert set(listed) == brief
    (listed,) = storage.get("/attachments/detail")["attachments"]
    assert set(listed) == whole
    assert storage.show(volume)["attachments"] == []
    storage("POST", f"/attachments/{made['id']}/action", {"os-complete": "x"}, expect=204)
    (shown,) = storage.show(volume)["attachments"]
    assert shown == {
        "id": volume,
        "volume_id": volume,
        "attachment_id": made["id"],
        "server_id": server,
        "host_name": "somewhere",
        "device": None,
        "attached_at": shown["attached_at"],
    }


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("3.0", "id volume_id name links created_at auth_key"),
        ("3.55", "id volume_id name links created_at auth_key no_snapshots"),
        (
            "3.57",
            (
                "id volume_id name links created_at auth_key no_snapshots "
                "source_project_id destination_project_id accepted"
            ),
        ),
    ],
)
def test_a_transfer(storage: Any, version: str, expected: str) -> None:
    body = {"transfer": {"volume_id": storage.create()}}
    made = storage("POST", "/os-volume-transfer", body, version=version, expect=202)
    assert set(made.json()["transfer"]) == set(expected.split())
    path = f"/os-volume-transfer/{made.json()['transfer']['id']}"
    shown = storage.get(path, version)["transfer"]
    assert set(shown) == set(expected.split()) - {"auth_key"}
    (brief,) = storage.get("/os-volume-transfer", version)["transfers"]
    assert set(brief) == {"id", "volume_id", "name", "links"}


def test_a_summary(storage: Any) -> None:
    storage.create(metadata={"colour": "red"})
    storage.create(metadata={"colour": "blue"}, size=2)
    plain = {"total_count": 2, "total_size": 3}
    assert storage.get("/volumes/summary", "3.12") == {"volume-summary": plain}
    told = storage.get("/volumes/summary", "3.36")["volume-summary"]
    assert told == {**plain, "metadata": {"colour": ["blue", "red"]}}
    storage("GET", "/volumes/summary", version="3.11", expect=404)
