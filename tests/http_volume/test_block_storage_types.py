"""Volume types over REST."""

from __future__ import annotations

from typing import Any

ALICE, BOB = "alice:wonderland", "bob:builders"


def create(storage: Any, name: str, **given: Any) -> str:
    body = {"volume_type": {"name": name, **given}}
    return str(storage("POST", "/types", body, expect=200).json()["volume_type"]["id"])


def names(storage: Any, query: str = "", **how: Any) -> list[str]:
    return [each["name"] for each in storage.get(f"/types{query}", **how)["volume_types"]]


def test_a_type_is_made_changed_and_deleted(storage: Any) -> None:
    made = create(storage, "fast", description="d", extra_specs={"a": "b"})
    told = storage.get(f"/types/{made}")["volume_type"]
    assert (told["name"], told["description"], told["is_public"]) == ("fast", "d", True)
    assert told["extra_specs"] == {"a": "b"}
    storage("POST", "/types", {"volume_type": {"name": "fast"}}, expect=409)
    path = f"/types/{made}"
    storage("PUT", path, {"volume_type": {"name": "default"}}, expect=409)
    storage("PUT", path, {"volume_type": {}}, expect=400)
    storage("PUT", path, {"volume_type": {"name": " "}}, expect=400)
    body = {"volume_type": {"name": "slow", "is_public": False}}
    told = storage("PUT", path, body, expect=200).json()["volume_type"]
    assert (told["name"], told["is_public"]) == ("slow", False)
    volume = storage.create(volume_type="slow")
    assert storage.show(volume)["volume_type_id"] == made
    storage("DELETE", path, expect=400)
    storage("DELETE", f"/volumes/{volume}", expect=202)
    storage("DELETE", path, expect=202)
    storage("GET", path, expect=404)


def test_types_are_named_by_ids(storage: Any) -> None:
    storage("GET", "/types/default-no", expect=404)
    storage("GET", "/types/multiattach", expect=404)
    assert storage.get("/types/default")["volume_type"]["name"] == "default"


def test_types_are_made_by_administrators(storage: Any) -> None:
    made = create(storage, "fast")
    storage("POST", "/types", {"volume_type": {"name": "x"}}, who=ALICE, expect=403)
    storage("PUT", f"/types/{made}", {"volume_type": {"name": "x"}}, who=ALICE, expect=403)
    storage("DELETE", f"/types/{made}", who=ALICE, expect=403)
    specs = f"/types/{made}/extra_specs"
    storage("POST", specs, {"extra_specs": {"a": "b"}}, who=ALICE, expect=403)
    storage("PUT", f"{specs}/a", {"a": "b"}, who=ALICE, expect=403)
    storage("DELETE", f"{specs}/a", who=ALICE, expect=403)
    storage("GET", f"/types/{made}/os-volume-type-access", who=ALICE, expect=403)


def test_what_cannot_be_made_is_refused(storage: Any) -> None:
    for given in (
        {},
        {"name": ""},
        {"name": "  "},
        {"name": "x" * 256},
        {"name": 5},
        {"name": "x", "os-volume-type-access:is_public": "perhaps"},
        {"name": "x", "extra_specs": {"": "x"}},
        {"name": "x", "extra_specs": {"a": 1}},
        {"name": "x", "odd": 1},
    ):
        storage("POST", "/types", {"volume_type": given}, expect=400)


def test_extra_specs(storage: Any) -> None:
    path = f"/types/{create(storage, 'fast')}/extra_specs"
    body = {"extra_specs": {"a": "b", "multiattach": "<is> True"}}
    assert storage("POST", path, body, expect=200).json() == body
    assert storage.get(path) == body
    assert storage.get(path, who=ALICE) == {"extra_specs": {"multiattach": "<is> True"}}
    assert storage.get(f"{path}/a") == {"a": "b"}
    storage("GET", f"{path}/a", who=ALICE, expect=404)
    assert storage("PUT", f"{path}/a", {"a": "c"}, expect=200).json() == {"a": "c"}
    storage("PUT", f"{path}/a", {"b": "c"}, expect=400)
    storage("PUT", f"{path}/a", {"a": "c", "b": "d"}, expect=400)
    storage("DELETE", f"{path}/a", expect=202)
    storage("DELETE", f"{path}/a", expect=404)
    volume = storage.create(volume_type="fast")
    assert storage.show(volume)["multiattach"]
    assert "must stay" in storage.refusal("DELETE", f"{path}/multiattach", expect=400)


def test_private_types(storage: Any) -> None:
    made = create(storage, "secret", **{"os-volume-type-access:is_public": False})
    path = f"/types/{made}"
    assert names(storage) == ["default", "multiattach"]
    assert names(storage, "?is_public=None") == ["default", "multiattach", "secret"]
    assert names(storage, "?is_public=False") == ["secret"]
    storage("GET", "/types?is_public=perhaps", expect=400)
    assert names(storage, who=ALICE) == ["default", "multiattach"]
    storage("GET", path, who=ALICE, expect=404)
    body = {"volume": {"size": 1, "volume_type": "secret"}}
    storage("POST", "/volumes", body, who=ALICE, expect=404)
    grant = {"addProjectAccess": {"project": "wonderland"}}
    storage("POST", f"{path}/action", grant, expect=202)
    storage("POST", f"{path}/action", grant, expect=409)
    assert storage.get(f"{path}/os-volume-type-access")["volume_type_access"] == [
        {"volume_type_id": made, "project_id": "wonderland"}
    ]
    assert names(storage, who=ALICE) == ["default", "multiattach", "secret"]
    assert storage.show(storage.create(who=ALICE, volume_type="secret"))["volume_type"] == "secret"
    storage("GET", path, who=BOB, expect=404)
    take = {"removeProjectAccess": {"project": "wonderland"}}
    storage("POST", f"{path}/action", take, expect=202)
    storage("POST", f"{path}/action", take, expect=404)
    storage("GET", path, who=ALICE, expect=404)
    public = create(storage, "open")
    storage("POST", f"/types/{public}/action", grant, expect=400)
    storage("GET", f"/types/{public}/os-volume-type-access", expect=404)


def test_lists(storage: Any) -> None:
    create(storage, "fast", extra_specs={"a": "b"})
    assert names(storage, "?extra_specs={'a': 'b'}") == ["fast"]
    assert names(storage, "?limit=1") == ["default"]
    assert names(storage, "?sort=name:desc") == ["multiattach", "fast", "default"]
    assert names(storage, "?name=fast") == ["fast"]
    storage("GET", "/types?extra_specs=a", expect=400)
    storage("GET", "/types?marker=nothing", expect=404)
    assert "volume_types_links" in storage.get("/types?limit=1")


def test_defaults_of_projects(storage: Any) -> None:
    path = "/default-types/wonderland"
    storage("GET", path, expect=404)
    multiattach = storage.get("/types?name=multiattach")["volume_types"][0]["id"]
    body = {"default_type": {"volume_type": "multiattach"}}
    told = storage("PUT", path, body, expect=200).json()
    assert told == {"default_type": {"project_id": "wonderland", "volume_type_id": multiattach}}
    assert storage.get("/default-types")["default_types"] == [told["default_type"]]
    assert storage.get("/default-types/")["default_types"] == [told["default_type"]]
    assert storage.get(path) == told
    assert storage.get("/types/default", who=ALICE)["volume_type"]["name"] == "multiattach"
    assert storage.show(storage.create(who=ALICE))["volume_type"] == "multiattach"
    assert storage.show(storage.create(who=BOB))["volume_type"] == "default"
    storage("PUT", path, {"default_type": {"volume_type": "nothing"}}, expect=404)
    storage("DELETE", path, expect=204)
    storage("DELETE", path, expect=404)
    storage("GET", path, who=ALICE, expect=403)
