"""What can be asked of a volume by an action."""

from __future__ import annotations

from typing import Any

import pytest

from cellrig import StorageBackend, Topology
from cellrig.errors import Conflict

_TWO_BACKENDS = Topology(volume_backends=(StorageBackend("one"), StorageBackend("two")))
_OF_ADMINISTRATORS: dict[str, Any] = {
    "os-reset_status": {"status": "error"},
    "os-force_delete": None,
    "os-force_detach": {},
    "os-migrate_volume": {"host": "cellrig@two#two"},
}


def test_some_take_an_administrator(storage: Any) -> None:
    volume = storage.create(who="alice")
    for name, given in _OF_ADMINISTRATORS.items():
        storage.act(volume, name, given, who="alice", expect=403)
    assert storage.status(volume) == "available"


_REFUSED: tuple[tuple[str, Any], ...] = (
    ("os-sing", None),
    ("os-extend", {"new_size": 0}),
    ("os-extend", {"new_size": "big"}),
    ("os-extend", {"new_size": 1}),
    ("os-extend", {}),
    ("os-reset_status", {"status": "odd"}),
    ("os-reset_status", {"status": None}),
    ("os-reset_status", {}),
    ("os-reset_status", {"attach_status": "odd"}),
    ("os-reset_status", {"migration_status": "odd"}),
    ("os-set_bootable", {"bootable": "perhaps"}),
    ("os-update_readonly_flag", {}),
    ("os-retype", {"new_type": ""}),
    ("os-attach", {}),
    ("os-attach", {"instance_uuid": "x", "mode": "rw"}),
    ("os-attach", {"host_name": "h", "mode": "wo"}),
    ("os-initialize_connection", {}),
    ("os-initialize_connection", {"connector": {}}),
    ("os-terminate_connection", {"connector": {}}),
    ("os-unset_image_metadata", {"key": ""}),
    ("os-migrate_volume", {"host": "nowhere"}),
    ("os-migrate_volume", {"cluster": "c"}),
    ("os-volume_upload_image", {}),
    ("revert", {"snapshot_id": "x"}),
)


def test_what_cannot_be_done_is_refused(storage: Any) -> None:
    volume = storage.create()
    for name, given in _REFUSED:
        storage.act(volume, name, given, expect=400)
    assert storage.status(volume) == "available"


def test_one_action_at_a_time(storage: Any) -> None:
    path = f"/volumes/{storage.create()}/action"
    storage("POST", path, {}, expect=400)
    storage("POST", path, {"os-reserve": None, "os-unreserve": None}, expect=400)


def test_extend(storage: Any) -> None:
    volume = storage.create()
    storage.act(volume, "os-extend", {"new_size": "3"})
    assert storage.show(volume)["size"] == 3
    storage.act(volume, "os-extend", {"new_size": 2}, expect=400)


def test_reset_status(storage: Any) -> None:
    volume = storage.create()
    for status in ("error", "Creating", "maintenance", "error_deleting", "available"):
        storage.act(volume, "os-reset_status", {"status": status})
        assert storage.status(volume) == status.lower()
    storage.act(volume, "os-reset_status", {"migration_status": "migrating"})
    assert storage.show(volume)["migration_status"] == "migrating"
    storage.act(volume, "os-reset_status", {"migration_status": "none"})
    assert storage.show(volume)["migration_status"] is None


def test_flags(storage: Any) -> None:
    volume = storage.create()
    storage.act(volume, "os-set_bootable", {"bootable": "true"}, expect=200)
    assert storage.show(volume)["bootable"] == "true"
    assert "readonly" not in storage.show(volume)["metadata"]
    storage.act(volume, "os-update_readonly_flag", {"readonly": True})
    assert storage.show(volume)["metadata"] == {"readonly": "True"}
    assert storage.get(f"/volumes/{volume}/metadata")["metadata"] == {}
    storage.act(volume, "os-update_readonly_flag", {"readonly": False})
    assert storage.show(volume)["metadata"] == {"readonly": "False"}


def test_retype(storage: Any) -> None:
    volume = storage.create()
    given = {"new_type": "multiattach", "migration_policy": "never"}
    storage.act(volume, "os-retype", given)
    told = storage.show(volume)
    assert (told["volume_type"], told["multiattach"]) == ("multiattach", True)
    storage.act(volume, "os-retype", {"new_type": "nothing"}, expect=404)


@pytest.mark.topology(_TWO_BACKENDS)
def test_migrate(storage: Any) -> None:
    volume = storage.create()
    host = "os-vol-host-attr:host"
    assert storage.show(volume)[host] == "cellrig@one#one"
    storage.act(volume, "os-migrate_volume", {"host": "cellrig@two#two"})
    told = storage.show(volume)
    assert (told[host], told["migration_status"]) == ("cellrig@two#two", "success")
    storage.act(volume, "os-migrate_volume", {"host": "cellrig@one"})
    assert storage.show(volume)[host] == "cellrig@one#one"


def test_revert(storage: Any) -> None:
    volume = storage.create()
    older, last = storage.snapshot(volume), storage.snapshot(volume)
    storage.act(volume, "revert", {"snapshot_id": last})
    assert storage.status(volume) == "available"
    storage.act(volume, "revert", {"snapshot_id": older}, expect=400)
    storage.act(volume, "revert", {"snapshot_id": last}, version="3.39", expect=400)
    storage.rig.faults.fail("volume_backend.create_volume_from_snapshot", times=1)
    storage.act(volume, "revert", {"snapshot_id": last})
    assert storage.status(volume) == "error"


def test_image_metadata(storage: Any) -> None:
    volume = storage.create()
    assert "volume_image_metadata" not in storage.show(volume)
    given = {"metadata": {"os": "linux", "arch": "x"}}
    told = storage.act(volume, "os-set_image_metadata", given, expect=200).json()
    assert told == given
    assert storage.show(volume)["volume_image_metadata"] == given["metadata"]
    storage.act(volume, "os-unset_image_metadata", {"key": "arch"}, expect=200)
    storage.act(volume, "os-unset_image_metadata", {"key": "arch"}, expect=404)
    told = storage.act(volume, "os-show_image_metadata", {}, expect=200).json()
    assert told == {"metadata": {"os": "linux"}}


def test_upload_to_an_image(storage: Any) -> None:
    image = storage.rig.images.list()[0]
    volume = storage.create(imageRef=image.id, size=2)
    given = {"image_name": "copy", "disk_format": "raw", "visibility": "private"}
    told = storage.act(volume, "os-volume_upload_image", given).json()["os-volume_upload_image"]
    assert (told["id"], told["status"], told["image_name"]) == (volume, "uploading", "copy")
    assert storage.status(volume) == "available"
    made = next(each for each in storage.rig.images.list() if each.name == "copy")
    assert (made.id, made.status, made.disk_format) == (told["image_id"], "active", "raw")
    again = storage.show(storage.create(imageRef=made.id, size=None))
    assert again["size"] == 2
    storage.act(volume, "os-volume_upload_image", given, version="3.0", expect=400)
    storage.act(volume, "os-reset_status", {"status": "error"})
    storage.act(volume, "os-volume_upload_image", given, expect=400)
    given["visibility"] = "public"
    hers = storage.create(who="alice")
    storage.act(hers, "os-volume_upload_image", given, who="alice", expect=403)


def test_an_image_that_cannot_be_filled_is_not_kept(storage: Any) -> None:
    volume = storage.create()
    before = len(storage.rig.images.list())
    storage.rig.faults.fail("image.fill", Conflict("no"), times=1)
    storage.act(volume, "os-volume_upload_image", {"image_name": "copy"}, expect=409)
    assert storage.status(volume) == "available"
    assert len(storage.rig.images.list()) == before


def test_reserve(storage: Any) -> None:
    volume = storage.create()
    storage.act(volume, "os-reserve")
    assert storage.status(volume) == "attaching"
    storage.act(volume, "os-reserve", expect=400)
    storage("DELETE", f"/volumes/{volume}", expect=400)
    body = {"attachment": {"volume_uuid": volume}}
    storage("POST", "/attachments", body, expect=400)
    storage.act(volume, "os-unreserve")
    assert storage.status(volume) == "available"
    storage.act(volume, "os-unreserve")


def test_attach_and_detach_to_a_host(storage: Any) -> None:
    volume = storage.create()
    storage.act(volume, "os-reserve")
    storage.act(volume, "os-attach", {"host_name": "backup", "mountpoint": "/dev/vdc"})
    told = storage.show(volume)
    (attachment,) = told["attachments"]
    assert told["status"] == "in-use"
    assert (attachment["host_name"], attachment["device"]) == ("backup", "/dev/vdc")
    storage.act(volume, "os-attach", {"host_name": "other"}, expect=400)
    storage.act(volume, "os-begin_detaching")
    assert storage.status(volume) == "detaching"
    storage.act(volume, "os-begin_detaching", expect=400)
    storage.act(volume, "os-roll_detaching")
    assert storage.status(volume) == "in-use"
    absent = storage.rig.new_uuid()
    storage.act(volume, "os-detach", {"attachment_id": absent}, expect=400)
    storage.act(volume, "os-detach", {"attachment_id": attachment["attachment_id"]})
    assert storage.status(volume) == "available"


def test_several_hosts_have_a_volume_of_many_uses(storage: Any) -> None:
    volume = storage.create(volume_type="multiattach")
    storage.act(volume, "os-attach", {"host_name": "one"})
    storage.act(volume, "os-reserve")
    storage.act(volume, "os-attach", {"host_name": "two"})
    assert len(storage.show(volume)["attachments"]) == 2
    storage.act(volume, "os-detach", {}, expect=400)
    for attachment in storage.show(volume)["attachments"]:
        given = {"attachment_id": attachment["attachment_id"]}
        storage.act(volume, "os-force_detach", given)
    assert storage.status(volume) == "available"


def test_a_volume_in_error_recovers_when_nobody_has_it_any_more(storage: Any) -> None:
    volume = storage.create()
    storage.act(volume, "os-attach", {"host_name": "one", "mountpoint": "/dev/vdb"})
    storage.act(volume, "os-reset_status", {"status": "error"})
    storage.act(volume, "os-force_detach", {})
    assert storage.status(volume) == "available"
    storage.act(volume, "os-reset_status", {"status": "attaching"})
    assert storage.status(volume) == "attaching"


def test_connections_without_an_attachment(storage: Any) -> None:
    volume = storage.create()
    given = {"connector": {"host": "one", "initiator": "iqn.1", "multipath": False, "odd": []}}
    told = storage.act(volume, "os-initialize_connection", given, expect=200).json()
    assert told["connection_info"]["driver_volume_type"] == "fake"
    storage.act(volume, "os-terminate_connection", given)
    assert storage.status(volume) == "available"
