"""Attachments over REST, and the servers that have the volumes."""

from __future__ import annotations

from typing import Any

import pytest


def test_an_attachment_goes_its_way(storage: Any) -> None:
    volume = storage.create()
    made = storage.attachment(volume, connector={})
    assert (made["status"], made["attach_mode"]) == ("reserved", "rw")
    assert made["connection_info"] == {}
    assert storage.status(volume) == "reserved"
    path = f"/attachments/{made['id']}"
    body = {"attachment": {"connector": {"host": "one"}}}
    told = storage("PUT", path, body, expect=200).json()["attachment"]
    assert told["status"] == "attaching"
    assert storage.status(volume) == "attaching"
    storage("POST", f"{path}/action", {"os-complete": made["id"]}, expect=204)
    told = storage.get(path)["attachment"]
    assert (told["status"], storage.status(volume)) == ("attached", "in-use")
    assert told["attached_at"]
    assert storage("DELETE", path, expect=200).json() == {"attachments": []}
    assert storage.status(volume) == "available"
    storage("GET", path, expect=404)
    storage("DELETE", path, expect=404)


def test_modes(storage: Any) -> None:
    volume = storage.create(volume_type="multiattach")
    assert storage.attachment(volume, mode="ro")["attach_mode"] == "ro"
    body = {"attachment": {"volume_uuid": volume, "mode": "ro"}}
    storage("POST", "/attachments", body, version="3.53", expect=400)
    connector = {"host": "one", "mode": "ro"}
    assert storage.attachment(volume, connector=connector)["attach_mode"] == "ro"
    (first, second) = storage.get("/attachments")["attachments"]
    left = storage("DELETE", f"/attachments/{second['id']}", expect=200).json()["attachments"]
    assert [each["id"] for each in left] == [first["id"]]


def test_a_plain_volume_has_one_attachment(storage: Any) -> None:
    volume = storage.create()
    storage.attachment(volume)
    body = {"attachment": {"volume_uuid": volume}}
    assert "not multiattach" in storage.refusal("POST", "/attachments", body, expect=400)


def test_what_cannot_be_attached_is_refused(storage: Any) -> None:
    volume = storage.create()
    absent = storage.rig.new_uuid()
    for given, status in (
        ({}, 400),
        ({"volume_uuid": absent}, 404),
        ({"volume_uuid": "x"}, 400),
        ({"volume_uuid": volume, "instance_uuid": "x"}, 400),
        ({"volume_uuid": volume, "connector": {"initiator": "iqn.1"}}, 400),
        ({"volume_uuid": volume, "connector": []}, 400),
        ({"volume_uuid": volume, "mode": "wo"}, 400),
        ({"volume_uuid": volume, "odd": 1}, 400),
    ):
        storage("POST", "/attachments", {"attachment": given}, expect=status)
    made = storage.attachment(volume)["id"]
    path = f"/attachments/{made}"
    storage("PUT", path, {"attachment": {"connector": {}}}, expect=400)
    storage("PUT", path, {"attachment": {}}, expect=400)
    storage("POST", f"{path}/action", {"os-begin": None}, expect=400)
    storage("POST", f"{path}/action", {"os-complete": None}, version="3.43", expect=404)
    storage("PUT", f"/attachments/{absent}", {"attachment": {"connector": {}}}, expect=400)


def test_lists(storage: Any) -> None:
    volumes = [storage.create(volume_type="multiattach") for _each in range(2)]
    made = [storage.attachment(volume)["id"] for volume in volumes]

    def ids(query: str, **how: Any) -> list[str]:
        return [each["id"] for each in storage.get(f"/attachments{query}", **how)["attachments"]]

    assert ids("") == made[::-1]
    assert ids(f"?volume_id={volumes[0]}") == made[:1]
    assert ids("?status=reserved&limit=1") == made[1:]
    assert ids(f"?marker={made[1]}") == made[:1]
    assert ids("?status=attached") == []
    assert ids("?colour=red", version="3.27") == made[::-1]
    storage("GET", "/attachments?colour=red", expect=400)
    storage("GET", "/attachments?marker=nothing", expect=404)
    storage("GET", "/attachments?limit=x", expect=400)


def test_nobody_takes_a_volume_from_under_a_server(storage: Any) -> None:
    """CVE-2023-2088."""
    rig = storage.rig
    server, volume = rig.servers.create(), rig.volumes.create()
    rig.servers.attach_volume(server, volume)
    (attached,) = storage.show(volume.id)["attachments"]
    assert attached["server_id"] == server.id
    path = f"/attachments/{attached['attachment_id']}"
    told = storage.refusal("DELETE", path, expect=409)
    assert server.id in told
    storage.act(volume.id, "os-detach", {}, expect=409)
    storage.act(volume.id, "os-force_detach", {}, expect=409)
    connector = {"host": rig.servers.show(server).host}
    storage.act(volume.id, "os-terminate_connection", {"connector": connector}, expect=409)
    assert storage.status(volume.id) == "in-use"
    rig.servers.detach_volume(server, volume)
    storage("GET", path, expect=404)
    assert storage.status(volume.id) == "available"


@pytest.mark.topology(audit=False)  # there is no such server
def test_an_attachment_of_a_server_that_is_gone_can_be_deleted(storage: Any) -> None:
    made = storage.attachment(
        storage.create(), instance_uuid=storage.rig.new_uuid(), connector={"host": "one"}
    )
    storage("DELETE", f"/attachments/{made['id']}", expect=200)


def test_a_volume_grows_under_a_server(storage: Any) -> None:
    rig = storage.rig
    server, volume = rig.servers.create(), rig.volumes.create()
    rig.servers.attach_volume(server, volume)
    given = {"new_size": 3}
    storage.act(volume.id, "os-extend", given, version="3.41", expect=400)
    storage.act(volume.id, "os-extend", given, version="3.42")
    assert storage.show(volume.id)["size"] == 3
    actions = (
        rig.session("compute")
        .get(f"/v2.1/servers/{server.id}/os-instance-actions")
        .json()["instanceActions"]
    )
    assert "extend_volume" in [each["action"] for each in actions]
