"""Volumes over REST: made from what, changed how, deleted when."""

from __future__ import annotations

from typing import Any


def test_a_blank_volume(storage: Any) -> None:
    told = storage.show(
        storage.create(name=" data ", description="d", metadata={"a": "b"}, size="2")
    )
    assert (told["name"], told["description"], told["size"]) == ("data", "d", 2)
    assert (told["status"], told["bootable"], told["encrypted"]) == ("available", "false", False)
    assert told["metadata"] == {"a": "b"}
    assert told["os-vol-host-attr:host"] == "cellrig@fake#fake"
    assert told["user_id"] == told["os-vol-tenant-attr:tenant_id"] == "admin"
    assert told["links"] == [
        {"rel": "self", "href": f"http://volume.rig/v3/admin/volumes/{told['id']}"},
        {"rel": "bookmark", "href": f"http://volume.rig/admin/volumes/{told['id']}"},
    ]


def test_copies_name_their_source(storage: Any) -> None:
    image = storage.rig.images.list()[0].id
    first = storage.create(imageRef=image, size=2)
    copy = storage.show(storage.create(source_volid=first, size=None))
    assert (copy["source_volid"], copy["size"], copy["bootable"]) == (first, 2, "true")
    snapshot = storage.snapshot(first)
    restored = storage.show(storage.create(snapshot_id=snapshot, size=3))
    assert (restored["snapshot_id"], restored["size"]) == (snapshot, 3)
    assert restored["volume_image_metadata"]["image_id"] == image


def test_a_type_says_whether_a_volume_is_multiattach(storage: Any) -> None:
    assert storage.show(storage.create(volume_type="multiattach"))["multiattach"]
    assert storage.show(storage.create(multiattach=True, version="3.49"))["multiattach"]
    told = storage.refusal(
        "POST", "/volumes", {"volume": {"size": 1, "multiattach": True}}, expect=400
    )
    assert "3.50" in told


_REFUSED: tuple[tuple[Any, int], ...] = (
    ({}, 400),
    ({"size": 0}, 400),
    ({"size": -1}, 400),
    ({"size": "0"}, 400),
    ({"size": "many"}, 400),
    ({"size": 1.5}, 400),
    ({"size": 2**31}, 400),
    ({"size": "9999999999"}, 400),
    ({"size": 1, "name": "x" * 256}, 400),
    ({"size": 1, "name": 5}, 400),
    ({"size": 1, "metadata": {"": "x"}}, 400),
    ({"size": 1, "metadata": {"x" * 256: "x"}}, 400),
    ({"size": 1, "metadata": {"x": "x" * 256}}, 400),
    ({"size": 1, "availability_zone": "elsewhere"}, 400),
    ({"size": 1, "imageRef": "cirros"}, 400),
    ({"size": 1, "imageRef": "00000000-0000-4000-8000-00000000dead"}, 404),
    ({"size": 1, "snapshot_id": "00000000-0000-4000-8000-00000000dead"}, 404),
    ({"size": 1, "snapshot_id": "nothing"}, 400),
    ({"size": 1, "source_volid": "00000000-0000-4000-8000-00000000dead"}, 404),
    ({"size": 1, "backup_id": "00000000-0000-4000-8000-00000000dead"}, 404),
    ({"size": 1, "volume_type": "nothing"}, 404),
)


def test_what_cannot_be_made_is_refused(storage: Any) -> None:
    for given, status in _REFUSED:
        storage("POST", "/volumes", {"volume": given}, expect=status)
    assert storage.get("/volumes")["volumes"] == []


def test_errors_have_the_forms_of_block_storage(storage: Any) -> None:
    absent = storage.rig.new_uuid()
    told = storage("GET", f"/volumes/{absent}", expect=404).json()
    assert told == {"itemNotFound": {"code": 404, "message": f"volume {absent} does not exist"}}
    told = storage("POST", "/volumes", {"volume": {}}, expect=400).json()
    assert told["badRequest"]["code"] == 400
    told = storage("GET", "/os-services", who="alice", expect=403).json()
    assert told["forbidden"]["code"] == 403
    assert storage("GET", "/volumes", who=None, expect=401).json()["unauthorized"]["code"] == 401


def test_a_volume_is_changed(storage: Any) -> None:
    volume = storage.create(name="old", description="d", metadata={"a": "b"})
    body = {"volume": {"display_name": "new", "description": None, "metadata": {"c": "d"}}}
    told = storage("PUT", f"/volumes/{volume}", body, expect=200).json()["volume"]
    assert (told["name"], told["description"], told["metadata"]) == ("new", None, {"c": "d"})
    storage("PUT", f"/volumes/{volume}", {"volume": {}}, expect=400)
    storage("PUT", f"/volumes/{volume}", {"volume": {"size": 2}}, expect=400)


def test_metadata(storage: Any) -> None:
    path = f"/volumes/{storage.create(metadata={'a': '1'})}/metadata"
    put, post = {"metadata": {"b": "2"}}, {"metadata": {"c": "3"}}
    assert storage("PUT", path, put, expect=200).json() == put
    assert storage("POST", path, post, expect=200).json() == {"metadata": {"b": "2", "c": "3"}}
    assert storage.get(f"{path}/b") == {"meta": {"b": "2"}}
    told = storage("PUT", f"{path}/b", {"meta": {"b": "4"}}, expect=200).json()
    assert told == {"meta": {"b": "4"}}
    storage("PUT", f"{path}/b", {"meta": {"x": "4"}}, expect=400)
    storage("DELETE", f"{path}/b", expect=200)
    storage("DELETE", f"{path}/b", expect=404)
    assert storage.get(path) == {"metadata": {"c": "3"}}


def test_metadata_are_changed_only_as_they_were_seen(storage: Any) -> None:
    path = f"/volumes/{storage.create(metadata={'a': '1'})}/metadata"
    tag = storage("GET", path, version="3.15", expect=200).headers["ETag"]
    body = {"metadata": {"b": "2"}}
    storage("POST", path, body, version="3.15", expect=200, If_Match=tag)
    storage("PUT", path, body, version="3.15", expect=412, If_Match=tag)
    assert storage.get(path) == {"metadata": {"a": "1", "b": "2"}}
    assert "ETag" not in storage("GET", path, version="3.14", expect=200).headers


def test_a_volume_is_deleted(storage: Any) -> None:
    volume = storage.create()
    storage("DELETE", f"/volumes/{volume}", expect=202)
    storage("GET", f"/volumes/{volume}", expect=404)
    storage("DELETE", f"/volumes/{volume}", expect=404)


def test_snapshots_go_with_a_volume_only_when_that_is_said(storage: Any) -> None:
    volume = storage.create()
    storage.snapshot(volume)
    storage("DELETE", f"/volumes/{volume}", expect=400)
    storage("DELETE", f"/volumes/{volume}?cascade=true", expect=202)
    assert storage.get("/snapshots")["snapshots"] == []


def test_force_takes_an_administrator(storage: Any) -> None:
    volume = storage.create(who="alice")
    storage.act(volume, "os-reset_status", {"status": "creating"})
    storage("DELETE", f"/volumes/{volume}", who="alice", expect=400)
    storage("DELETE", f"/volumes/{volume}?force=true", who="alice", expect=403)
    storage("DELETE", f"/volumes/{volume}?force=true", version="3.22", expect=400)
    storage("DELETE", f"/volumes/{volume}?force=true", expect=202)


def test_a_backend_that_fails_is_told_by_the_status(storage: Any) -> None:
    rig = storage.rig
    rig.faults.fail("volume_backend.create_volume", times=1)
    broken = storage.create()
    assert storage.status(broken) == "error"
    rig.faults.fail("volume_backend.delete_volume", times=1)
    storage("DELETE", f"/volumes/{broken}", expect=202)
    assert storage.status(broken) == "error_deleting"
    storage("DELETE", f"/volumes/{broken}", expect=202)
