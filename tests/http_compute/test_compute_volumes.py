"""Volumes of servers, and what block storage tells compute."""

from __future__ import annotations

from typing import Any

import pytest

NOBODY = "00000000-0000-4000-8000-000000000000"


def _attach(compute: Any, server: str, volume: str, expect: int = 200, **how: Any) -> Any:
    version = how.pop("version", "2.100")
    body = {"volumeAttachment": {"volumeId": volume, **how}}
    path = f"/servers/{server}/os-volume_attachments"
    return compute("POST", path, body, version=version, expect=expect)


def _volume(compute: Any, **how: Any) -> str:
    return str(compute.rig.volumes.create(size=1, **how).id)


def test_a_volume_is_attached_shown_and_detached(compute: Any) -> None:
    server, volume = compute.create(), _volume(compute)
    told = _attach(compute, server, volume, device="/dev/sdh", tag="data").json()
    assert told["volumeAttachment"]["device"] == "/dev/sdh"
    assert told["volumeAttachment"]["tag"] == "data"
    assert compute.rig.volumes.show(volume).status == "in-use"
    shown = compute.show(server)["os-extended-volumes:volumes_attached"]
    assert shown == [{"id": volume, "delete_on_termination": False}]
    path = f"/servers/{server}/os-volume_attachments"
    compute("DELETE", f"{path}/{volume}", expect=202)
    compute("DELETE", f"{path}/{volume}", expect=404)
    compute("GET", f"{path}/{volume}", expect=404)
    assert compute.rig.volumes.show(volume).status == "available"


def test_from_2_101_on_an_attachment_is_answered_with_202_and_nothing(compute: Any) -> None:
    server, volume = compute.create(), _volume(compute)
    answer = _attach(compute, server, volume, version="2.101", expect=202)
    assert answer.content == b""


def test_what_cannot_be_attached(compute: Any) -> None:
    server, volume = compute.create(), _volume(compute)
    _attach(compute, server, NOBODY, expect=404)
    _attach(compute, NOBODY, volume, expect=404)
    _attach(compute, server, "nonsense", expect=400)
    _attach(compute, server, volume, version="2.48", tag="x", expect=400)
    _attach(compute, server, volume, version="2.78", delete_on_termination=True, expect=400)
    _attach(compute, server, volume)
    _attach(compute, server, volume, expect=400)
    _attach(compute, compute.create(), volume, expect=400)


def test_a_multiattach_volume_takes_2_60(compute: Any) -> None:
    first, second = compute.create(), compute.create()
    volume = _volume(compute, multiattach=True)
    _attach(compute, first, volume, version="2.59", expect=400)
    _attach(compute, first, volume, version="2.60")
    _attach(compute, second, volume, version="2.60")
    disk = {"source_type": "volume", "uuid": volume, "boot_index": 0, "destination_type": "volume"}
    body = compute.body(imageRef="", block_device_mapping_v2=[disk])
    told = compute.refusal("POST", "/servers", body, version="2.59", expect=400)
    assert "2.60" in told


def test_shelved_servers_get_volumes_from_2_20_on(compute: Any) -> None:
    server, volume = compute.create(), _volume(compute)
    compute.act(server, "shelve")
    _attach(compute, server, volume, version="2.19", expect=409)
    _attach(compute, server, volume, version="2.20")
    shared = _volume(compute, multiattach=True)
    _attach(compute, server, shared, expect=400)


def test_a_volume_is_swapped_by_administrators(compute: Any) -> None:
    alice: dict[str, Any] = {"who": "alice:admin"}
    server, old, new = compute.create(**alice), _volume(compute), _volume(compute)
    _attach(compute, server, old)
    path = f"/servers/{server}/os-volume_attachments/{old}"
    body = {"volumeAttachment": {"volumeId": new}}
    compute("PUT", path, body, expect=403, **alice)
    compute("PUT", path, {"volumeAttachment": {"volumeId": NOBODY}}, expect=400)
    missing = f"/servers/{server}/os-volume_attachments/{NOBODY}"
    compute("PUT", missing, body, expect=404)
    compute("PUT", path, body, expect=202)
    (told,) = compute.get(f"/servers/{server}/os-volume_attachments")["volumeAttachments"]
    assert told["volumeId"] == new


def test_from_2_85_on_a_volume_may_go_with_its_server(compute: Any) -> None:
    server, volume = compute.create(), _volume(compute)
    _attach(compute, server, volume)
    path = f"/servers/{server}/os-volume_attachments/{volume}"
    body = {"volumeAttachment": {"volumeId": volume, "delete_on_termination": True}}
    compute("PUT", path, body, version="2.84", expect=400)
    compute("PUT", path, body, version="2.85", expect=202)
    assert compute.get(path)["volumeAttachment"]["delete_on_termination"] is True
    body["volumeAttachment"]["serverId"] = NOBODY
    compute("PUT", path, body, expect=400)


def test_a_rescued_server_keeps_its_volumes(compute: Any) -> None:
    server, volume = compute.create(), _volume(compute)
    _attach(compute, server, volume)
    compute.act(server, "rescue", expect=200)
    compute("DELETE", f"/servers/{server}/os-volume_attachments/{volume}", expect=409)


def test_a_volume_that_grows_is_an_action_of_its_server(compute: Any) -> None:
    server, volume = compute.create(), _volume(compute)
    _attach(compute, server, volume)
    compute.rig.volumes.extend(volume, 2)
    actions = compute.get(f"/servers/{server}/os-instance-actions")["instanceActions"]
    assert actions[0]["action"] == "extend_volume"


@pytest.mark.parametrize(
    ("name", "since"),
    [
        ("volume-extended", "2.51"),
        ("power-update", "2.76"),
        ("accelerator-request-bound", "2.82"),
        ("volume-reimaged", "2.93"),
    ],
)
def test_events_are_known_from_their_microversion_on(compute: Any, name: str, since: str) -> None:
    server, volume = compute.create(), _volume(compute)
    _attach(compute, server, volume)
    body = {"events": [{"server_uuid": server, "name": name, "tag": volume}]}
    before = f"2.{int(since[2:]) - 1}"
    compute("POST", "/os-server-external-events", body, version=before, expect=400)
    answer = compute("POST", "/os-server-external-events", body, version=since, expect=200)
    (told,) = answer.json()["events"]
    assert (told["code"], told["status"]) == (200, "completed")


def test_each_event_has_a_code_of_its_own(compute: Any) -> None:
    server, shelved = compute.create(), compute.create()
    compute.act(shelved, "shelve")
    body = {
        "events": [
            {"server_uuid": each, "name": "network-changed"} for each in (server, shelved, NOBODY)
        ]
    }
    answer = compute("POST", "/os-server-external-events", body, expect=207)
    assert [event["code"] for event in answer.json()["events"]] == [200, 422, 404]
    compute("POST", "/os-server-external-events", body, who="alice", expect=403)


def test_no_driver_takes_snapshots_for_block_storage(compute: Any) -> None:
    info = {"snapshot_id": NOBODY, "type": "qcow2", "new_file": "new"}
    body = {"snapshot": {"volume_id": NOBODY, "create_info": info}}
    compute("POST", "/os-assisted-volume-snapshots", body, expect=400)
    body["snapshot"]["create_info"] = {**info, "type": "raw"}
    compute("POST", "/os-assisted-volume-snapshots", body, expect=400)
    compute("DELETE", f"/os-assisted-volume-snapshots/{NOBODY}?delete_info=%7B%7D", expect=404)
    compute("DELETE", f"/os-assisted-volume-snapshots/{NOBODY}", expect=400)
