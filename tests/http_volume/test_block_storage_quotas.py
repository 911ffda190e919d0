"""Quotas of block storage: what they are, and that they hold."""

from __future__ import annotations

from typing import Any

ALICE = "alice:wonderland"
_DEFAULTS = {
    "volumes": 10,
    "snapshots": 10,
    "gigabytes": 1000,
    "per_volume_gigabytes": -1,
    "backups": 10,
    "backup_gigabytes": 1000,
    "groups": 10,
    **{
        f"{resource}_{name}": -1
        for name in ("default", "multiattach")
        for resource in ("volumes", "gigabytes", "snapshots")
    },
}


def set_quota(storage: Any, project: str = "wonderland", **limits: Any) -> dict[str, Any]:
    body = {"quota_set": limits}
    answer = storage("PUT", f"/os-quota-sets/{project}", body, expect=200)
    told: dict[str, Any] = answer.json()["quota_set"]
    return told


def in_use(storage: Any, project: str = "wonderland") -> dict[str, int]:
    told = storage.get(f"/os-quota-sets/{project}?usage=True")["quota_set"]
    return {name: usage["in_use"] for name, usage in told.items() if name != "id"}


def test_quotas_are_shown_and_set(storage: Any) -> None:
    path = "/os-quota-sets/wonderland"
    assert storage.get(path)["quota_set"] == {"id": "wonderland", **_DEFAULTS}
    assert storage.get(f"{path}/defaults")["quota_set"] == {"id": "wonderland", **_DEFAULTS}
    assert set_quota(storage, volumes="3", gigabytes=-1) == {
        **_DEFAULTS,
        "volumes": 3,
        "gigabytes": -1,
    }
    assert storage.get(path, who=ALICE)["quota_set"]["volumes"] == 3
    storage("DELETE", path, expect=200)
    assert storage.get(path)["quota_set"]["volumes"] == 10


def test_quotas_of_others_are_for_administrators(storage: Any) -> None:
    path = "/os-quota-sets/builders"
    storage("GET", path, who=ALICE, expect=403)
    storage("PUT", path, {"quota_set": {"volumes": 1}}, who=ALICE, expect=403)
    storage("DELETE", path, who=ALICE, expect=403)
    storage("GET", "/os-quota-class-sets/default", who=ALICE, expect=403)


def test_what_is_no_quota_is_refused(storage: Any) -> None:
    path = "/os-quota-sets/wonderland"
    for limits in (
        {},
        {"volumes": -2},
        {"volumes": "many"},
        {"volumes": 2**31},
        {"volumes": None},
        {"volumes": 1.5},
        {"oranges": 1},
    ):
        storage("PUT", path, {"quota_set": limits}, expect=400)
    storage("PUT", path, {"volumes": 1}, expect=400)


def test_a_class_of_projects(storage: Any) -> None:
    path = "/os-quota-class-sets/default"
    assert storage.get(path)["quota_class_set"] == {"id": "default", **_DEFAULTS}
    body = {"quota_class_set": {"volumes": 1}}
    told = storage("PUT", path, body, expect=200).json()["quota_class_set"]
    assert told == {**_DEFAULTS, "volumes": 1}
    storage.create(who=ALICE)
    storage("POST", "/volumes", {"volume": {"size": 1}}, who=ALICE, expect=413)


def test_volumes_are_counted(storage: Any) -> None:
    assert in_use(storage)["volumes"] == 0
    volume = storage.create(who=ALICE, size=2)
    storage.snapshot(volume, who=ALICE)
    storage.create(who=ALICE, volume_type="multiattach")
    used = {name: count for name, count in in_use(storage).items() if count}
    assert used == {
        "volumes": 2,
        "snapshots": 1,
        "gigabytes": 5,
        "volumes_default": 1,
        "snapshots_default": 1,
        "gigabytes_default": 4,
        "volumes_multiattach": 1,
        "gigabytes_multiattach": 1,
    }
    absolute = storage.get("/limits", who=ALICE)["limits"]["absolute"]
    assert absolute == {
        "maxTotalVolumes": 10,
        "maxTotalSnapshots": 10,
        "maxTotalVolumeGigabytes": 1000,
        "maxTotalBackups": 10,
        "maxTotalBackupGigabytes": 1000,
        "totalVolumesUsed": 2,
        "totalSnapshotsUsed": 1,
        "totalGigabytesUsed": 5,
        "totalBackupsUsed": 0,
        "totalBackupGigabytesUsed": 0,
    }
    there = storage.get("/limits?project_id=wonderland")["limits"]["absolute"]
    assert there == absolute
    storage("DELETE", f"/volumes/{volume}?cascade=1", who=ALICE, expect=202)
    assert in_use(storage)["gigabytes"] == 1


def test_quotas_hold(storage: Any) -> None:
    set_quota(storage, volumes=2, gigabytes=5, snapshots=1, per_volume_gigabytes=4)
    volume = storage.create(who=ALICE, size=2)
    told = storage("POST", "/volumes", {"volume": {"size": 5}}, who=ALICE, expect=413).json()
    assert told["overLimit"]["code"] == 413
    assert "per_volume_gigabytes" in told["overLimit"]["message"]
    told = storage.refusal("POST", "/volumes", {"volume": {"size": 4}}, who=ALICE, expect=413)
    assert told == "Quota exceeded for gigabytes: Requested 4, but already used 2 of 5 gigabytes"
    storage.act(volume, "os-extend", {"new_size": 4}, who=ALICE)
    storage.create(who=ALICE)
    storage("POST", "/volumes", {"volume": {"size": 1}}, who=ALICE, expect=413)
    storage.act(volume, "os-extend", {"new_size": 6}, who=ALICE, expect=413)
    body = {"snapshot": {"volume_id": volume}}
    storage("POST", "/snapshots", body, who=ALICE, expect=413)
    set_quota(storage, gigabytes=-1)
    storage("POST", "/snapshots", body, who=ALICE, expect=202)
    storage("POST", "/snapshots", body, who=ALICE, expect=413)
    assert len(storage.get("/volumes", who=ALICE)["volumes"]) == 2


def test_quotas_of_a_type_hold(storage: Any) -> None:
    set_quota(storage, volumes_multiattach=1)
    storage.create(who=ALICE, volume_type="multiattach")
    body = {"volume": {"size": 1, "volume_type": "multiattach"}}
    storage("POST", "/volumes", body, who=ALICE, expect=413)
    plain = storage.create(who=ALICE)
    storage.act(plain, "os-retype", {"new_type": "multiattach"}, who=ALICE, expect=413)


def test_a_limit_may_be_below_what_is_used_unless_that_is_checked(storage: Any) -> None:
    storage.create(who=ALICE)
    set_quota(storage, volumes=0)
    body = {"quota_set": {"volumes": 0}}
    path = "/os-quota-sets/wonderland?skip_validation=False"
    assert "already used 1" in storage.refusal("PUT", path, body, expect=400)


def test_quotas_hold_for_servers_that_boot_from_volumes_too(storage: Any) -> None:
    set_quota(storage, "admin", volumes=0)
    rig = storage.rig
    disk = {
        "boot_index": 0,
        "uuid": rig.images.list()[0].id,
        "source_type": "image",
        "destination_type": "volume",
        "volume_size": 1,
    }
    server = {"name": "s", "flavorRef": "1", "block_device_mapping_v2": [disk]}
    compute = rig.session("compute")
    answer = compute.post("/v2.1/servers", json={"server": {**server, "networks": []}})
    assert answer.status_code == 202
    assert rig.servers.show(answer.json()["server"]["id"]).status == "ERROR"
    assert rig.volumes.list() == ()


def test_a_test_in_the_same_process_has_as_much_as_it_wants(storage: Any) -> None:
    set_quota(storage, "admin", volumes=0)
    assert storage.rig.volumes.create().status == "available"
    storage("POST", "/volumes", {"volume": {"size": 1}}, expect=413)
