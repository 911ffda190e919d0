"""Snapshots and transfers over REST."""

from __future__ import annotations

from typing import Any

ALICE, BOB = "alice:wonderland", "bob:builders"


def test_a_snapshot_is_taken_shown_changed_and_deleted(storage: Any) -> None:
    volume = storage.create(size=2)
    made = storage.snapshot(volume, name=" s ", description="d", metadata={"a": "b"})
    path = f"/snapshots/{made}"
    told = storage.get(path)["snapshot"]
    assert (told["name"], told["description"], told["size"]) == ("s", "d", 2)
    assert (told["status"], told["volume_id"]) == ("available", volume)
    assert told["os-extended-snapshot-attributes:progress"] == "100%"
    assert told["os-extended-snapshot-attributes:project_id"] == "admin"
    body = {"snapshot": {"name": "t", "description": None}}
    told = storage("PUT", path, body, expect=200).json()["snapshot"]
    assert (told["name"], told["description"]) == ("t", None)
    metadata = f"{path}/metadata"
    assert storage("POST", metadata, {"metadata": {"c": "d"}}, expect=200).json() == {
        "metadata": {"a": "b", "c": "d"}
    }
    storage("PUT", f"{metadata}/c", {"meta": {"c": "e"}}, expect=200)
    storage("DELETE", f"{metadata}/a", expect=200)
    assert storage.get(metadata) == {"metadata": {"c": "e"}}
    storage("DELETE", path, expect=202)
    storage("GET", path, expect=404)


def test_force_until_3_65(storage: Any) -> None:
    volume = storage.create()
    storage.act(volume, "os-attach", {"host_name": "one"})
    body: dict[str, Any] = {"snapshot": {"volume_id": volume}}
    storage("POST", "/snapshots", body, version="3.65", expect=400)
    storage("POST", "/snapshots", body, version="3.66", expect=202)
    body["snapshot"]["force"] = True
    storage("POST", "/snapshots", body, version="3.65", expect=202)
    storage("POST", "/snapshots", body, version="3.66", expect=202)
    body["snapshot"]["force"] = False
    storage("POST", "/snapshots", body, version="3.66", expect=400)
    storage.act(volume, "os-detach", {})


def test_what_cannot_be_taken_is_refused(storage: Any) -> None:
    volume = storage.create()
    storage.act(volume, "os-reset_status", {"status": "error"})
    for given, status in (
        ({}, 400),
        ({"volume_id": "x"}, 400),
        ({"volume_id": storage.rig.new_uuid()}, 404),
        ({"volume_id": volume}, 400),
        ({"volume_id": volume, "name": "x" * 256}, 400),
        ({"volume_id": volume, "metadata": {"a": 1}}, 400),
        ({"volume_id": volume, "force": "perhaps"}, 400),
    ):
        storage("POST", "/snapshots", {"snapshot": given}, expect=status)


def test_lists(storage: Any) -> None:
    volumes = [storage.create(size=size) for size in (2, 1)]
    made = [storage.snapshot(volume, name=name) for volume, name in zip(volumes, "ba", strict=True)]

    def found(query: str) -> list[str]:
        return [each["id"] for each in storage.get(f"/snapshots/detail{query}")["snapshots"]]

    assert found("") == made[::-1]
    assert found("?sort=name:asc") == made[::-1]
    assert found("?sort=volume_size:asc") == made[::-1]
    assert found("?sort_key=name&sort_dir=desc") == made
    assert found(f"?volume_id={volumes[0]}") == made[:1]
    assert found("?name=a&status=available") == made[1:]
    assert found("?limit=0") == []
    assert found(f"?marker={made[1]}") == made[:1]
    storage("GET", "/snapshots?marker=nothing", expect=404)
    storage("GET", "/snapshots?sort=colour", expect=400)
    told = storage.get("/snapshots?limit=1")
    assert f"marker={made[1]}" in told["snapshots_links"][0]["href"]


def test_actions_are_for_administrators(storage: Any) -> None:
    snapshot = storage.snapshot(storage.create(who=ALICE), who=ALICE)
    path = f"/snapshots/{snapshot}/action"
    body = {"os-reset_status": {"status": "Error"}}
    storage("POST", path, body, who=ALICE, expect=403)
    storage("POST", path, body, expect=202)
    assert storage.get(f"/snapshots/{snapshot}")["snapshot"]["status"] == "error"
    storage("POST", path, {"os-reset_status": {"status": "odd"}}, expect=400)
    storage("POST", path, {"os-sing": None}, expect=400)
    storage("POST", path, {"os-reset_status": {"status": "creating"}}, expect=202)
    storage("DELETE", f"/snapshots/{snapshot}", expect=400)
    storage("POST", path, {"os-force_delete": None}, expect=202)
    storage("GET", f"/snapshots/{snapshot}", expect=404)


def test_its_owner_tells_how_far_a_snapshot_has_come(storage: Any) -> None:
    snapshot = storage.snapshot(storage.create(who=ALICE), who=ALICE)
    path = f"/snapshots/{snapshot}/action"

    def tell(status: str, who: Any, expect: int) -> None:
        body = {"os-update_snapshot_status": {"status": status, "progress": "50%"}}
        storage("POST", path, body, who=who, expect=expect)

    tell("error", ALICE, 400)  # it is available, and nothing goes on
    storage("POST", path, {"os-reset_status": {"status": "creating"}}, expect=202)
    tell("deleting", ALICE, 400)
    tell("available", BOB, 404)
    tell("available", ALICE, 202)
    assert storage.get(f"/snapshots/{snapshot}")["snapshot"]["status"] == "available"
    storage("POST", "/snapshots", {"snapshot": {"volume_id": None}}, expect=404)


# -- transfers -------------------------------------------------------------------------------------


def test_a_volume_is_handed_over(storage: Any) -> None:
    volume = storage.create(who=ALICE, name="gift")
    storage.snapshot(volume, who=ALICE)
    body = {"transfer": {"volume_id": volume, "name": "for bob"}}
    made = storage("POST", "/volume-transfers", body, who=ALICE, expect=202).json()["transfer"]
    assert storage.status(volume) == "awaiting-transfer"
    path = f"/volume-transfers/{made['id']}"
    storage("GET", path, who=BOB, expect=404)
    storage("DELETE", path, who=BOB, expect=404)
    storage("DELETE", f"/volumes/{volume}", who=ALICE, expect=400)
    storage("POST", f"{path}/accept", {"accept": {"auth_key": "x"}}, who=BOB, expect=400)
    key = {"accept": {"auth_key": made["auth_key"]}}
    storage("PUT", "/os-quota-sets/builders", {"quota_set": {"gigabytes": 1}}, expect=200)
    storage("POST", f"{path}/accept", key, who=BOB, expect=413)
    storage("DELETE", "/os-quota-sets/builders", expect=200)
    told = storage("POST", f"{path}/accept", key, who=BOB, expect=202).json()["transfer"]
    assert told["volume_id"] == volume
    assert storage.show(volume, who=BOB)["name"] == "gift"
    assert len(storage.get("/snapshots", who=BOB)["snapshots"]) == 1
    storage("GET", f"/volumes/{volume}", who=ALICE, expect=404)
    storage("POST", f"{path}/accept", key, who=BOB, expect=404)


def test_an_offer_is_taken_back(storage: Any) -> None:
    volume = storage.create()
    storage.snapshot(volume)
    body: dict[str, Any] = {"transfer": {"volume_id": volume, "no_snapshots": True}}
    storage("POST", "/volume-transfers", body, expect=400)
    body = {"transfer": {"volume_id": volume}}
    made = storage("POST", "/os-volume-transfer", body, expect=202).json()["transfer"]
    storage("POST", "/os-volume-transfer", body, expect=400)
    (listed,) = storage.get("/os-volume-transfer/detail")["transfers"]
    assert listed["id"] == made["id"]
    storage("DELETE", f"/os-volume-transfer/{made['id']}", expect=202)
    assert storage.status(volume) == "available"
    assert storage.get("/os-volume-transfer")["transfers"] == []
