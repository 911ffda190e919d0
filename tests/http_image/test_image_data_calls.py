"""Images' data over REST: brought, fetched as a whole and in part, staged, withheld."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest

from cellrig import Cell, Topology
from cellrig.image import ImageOptions

ANN, CAT = "ann:one", "cat:two"
#: One that is kept in the database, and one that is kept in a file.
SIZES = [0, 1, 3_000, 40_000, 2_500_000]


def some(size: int) -> bytes:
    return bytes(range(251)) * (size // 251) + bytes(size % 251)


@pytest.mark.parametrize("size", SIZES)
def test_data_come_back_as_they_went(glance: Any, size: int) -> None:
    data = some(size)
    image = glance.create(data)
    assert (image["status"], image["size"], image["virtual_size"]) == ("active", size, size)
    assert image["checksum"] == hashlib.md5(data, usedforsecurity=False).hexdigest()
    assert image["os_hash_algo"] == "sha512"
    assert image["os_hash_value"] == hashlib.sha512(data).hexdigest()
    answer = glance("GET", f"/images/{image['id']}/file", expect=200)
    assert answer.content == data
    assert answer.headers["Content-Length"] == str(size)
    assert answer.headers["Content-MD5"] == image["checksum"]
    assert answer.headers["Content-Type"] == "application/octet-stream"


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=5-9", 5, 10),
        ("bytes=39990-", 39_990, 40_000),
        ("bytes=-10", 39_990, 40_000),
        ("bytes=39990-99999", 39_990, 40_000),
        ("bytes=-99999", 0, 40_000),
    ],
)
def test_a_part_of_the_data_is_fetched(glance: Any, asked: str, start: int, end: int) -> None:
    data = some(40_000)
    image_id = glance.create(data)["id"]
    answer = glance("GET", f"/images/{image_id}/file", headers={"Range": asked}, expect=206)
    assert answer.content == data[start:end]
    assert answer.headers["Content-Range"] == f"bytes {start}-{end - 1}/40000"


def test_a_part_that_is_not_there_is_refused(glance: Any) -> None:
    image_id = glance.create(b"data")["id"]
    for asked in ("bytes=4-", "bytes=3-2"):
        answer = glance("GET", f"/images/{image_id}/file", headers={"Range": asked}, expect=416)
        assert answer.headers["Content-Range"] == "bytes */4"
    whole = glance("GET", f"/images/{image_id}/file", headers={"Range": "lines=1-2"}, expect=200)
    assert whole.content == b"data"


def test_data_come_once(glance: Any) -> None:
    image_id = glance.create(b"data")["id"]
    glance.upload(image_id, b"more", expect=409)
    assert glance("GET", f"/images/{image_id}/file").content == b"data"


def test_an_image_without_data_has_none_to_fetch(glance: Any) -> None:
    image_id = glance.create()["id"]
    assert glance("GET", f"/images/{image_id}/file", expect=204).content == b""


def test_data_need_formats_and_a_media_type(glance: Any) -> None:
    image_id = glance("POST", "/images", json={"name": "bare"}, expect=201).json()["id"]
    glance.upload(image_id, b"data", expect=400)
    glance.upload(image_id, b"{}", headers={"Content-Type": "application/json"}, expect=415)
    assert glance.show(image_id)["status"] == "queued"


def test_data_that_do_not_come_whole_are_not_kept(glance: Any) -> None:
    image_id = glance.create()["id"]
    announced = {"X-OpenStack-Image-Size": "5"}
    glance.upload(image_id, b"data", headers=announced, expect=400)
    assert glance.show(image_id)["status"] == "queued"
    glance.upload(image_id, b"datas", headers=announced, expect=204)


def test_data_in_chunks_have_no_announced_size(glance: Any) -> None:
    def parts() -> Iterator[bytes]:
        for _part in range(10):
            yield b"x" * 10_000

    image_id = glance.create()["id"]
    glance.upload(image_id, parts(), expect=204)
    assert glance.show(image_id)["size"] == 100_000


@pytest.mark.topology(Topology(cells=[Cell("cell1", hosts=1)], images=ImageOptions(max_bytes=99)))
def test_more_data_than_an_image_may_have_are_refused(glance: Any) -> None:
    image_id = glance.create()["id"]
    for data in (b"x" * 100, iter([b"x" * 60, b"x" * 60])):
        answer = glance.upload(image_id, data, expect=413)
        assert "99 bytes" in answer.json()["message"]
    assert glance.show(image_id)["status"] == "queued"
    glance.upload(image_id, b"x" * 99, expect=204)


def test_a_qcow2_tells_its_virtual_size_and_may_not_name_other_files(glance: Any) -> None:
    own = glance("GET", f"/images/{glance.rig.images.show('cirros').id}/file").content
    image = glance.create(own, disk_format="qcow2")
    assert (image["size"], image["virtual_size"]) == (len(own), 1024**2)
    hostile = own[:8] + (512).to_bytes(8, "big") + own[16:]
    waiting = glance.create(disk_format="qcow2")["id"]
    assert "backing file" in glance.upload(waiting, hostile, expect=400).json()["message"]


def test_staged_data_are_imported(glance: Any) -> None:
    image_id = glance.create()["id"]
    direct = {"method": {"name": "glance-direct"}}
    glance("POST", f"/images/{image_id}/import", json=direct, expect=409)
    glance.upload(image_id, b"data", "stage", expect=204)
    assert glance.show(image_id)["status"] == "uploading"
    glance("GET", f"/images/{image_id}/file", expect=204)
    web = {"method": {"name": "web-download", "uri": "http://example.org/image"}}
    glance("POST", f"/images/{image_id}/import", json=web, expect=400)
    assert glance.get(f"/images/{image_id}/tasks")["tasks"] == []
    answer = glance("POST", f"/images/{image_id}/import", json=direct, expect=202)
    assert glance.show(image_id)["status"] == "active"
    assert glance("GET", f"/images/{image_id}/file").content == b"data"
    (task,) = glance.get(f"/images/{image_id}/tasks")["tasks"]
    assert task["request_id"] == answer.headers["x-openstack-request-id"]
    assert (task["status"], task["user_id"]) == ("success", "ann")
    assert task["input"]["import_req"]["method"]["name"] == "glance-direct"
    glance("GET", f"/images/{image_id}/tasks", who=CAT, expect=404)
    glance("DELETE", f"/images/{image_id}", expect=204)
    glance("GET", f"/images/{image_id}/tasks", expect=404)


def test_the_data_of_a_deactivated_image_are_for_administrators(glance: Any) -> None:
    image_id = glance.create(b"data", visibility="community")["id"]
    glance.refusal(403, "POST", f"/images/{image_id}/actions/deactivate", who=CAT)
    glance("POST", f"/images/{image_id}/actions/deactivate", expect=204)
    assert glance.show(image_id)["status"] == "deactivated"
    glance.refusal(403, "GET", f"/images/{image_id}/file")
    assert glance("GET", f"/images/{image_id}/file", who="admin").content == b"data"
    glance("POST", f"/images/{image_id}/actions/reactivate", expect=204)
    assert glance("GET", f"/images/{image_id}/file", who=CAT).content == b"data"
    waiting = glance.create()["id"]
    glance.refusal(403, "POST", f"/images/{waiting}/actions/deactivate")
