"""Images over REST: registered, shown, changed, deleted; and who may do that."""

from __future__ import annotations

from typing import Any

ANN, BOB, CAT = "ann:one", "bob:one", "cat:two"
NOBODY = "00000000-0000-4000-8000-000000000000"


def op(verb: str, path: str, value: Any = None) -> dict[str, Any]:
    return {"op": verb, "path": path, **({} if verb == "remove" else {"value": value})}


def test_versions_are_told_without_a_token(glance: Any) -> None:
    for path, status in (("/", 300), ("/versions", 200)):
        answer = glance._session.get(path, headers={"X-Auth-Token": None})
        assert answer.status_code == status
        newest, *others = answer.json()["versions"]
        assert newest["status"] == "CURRENT"
        assert newest["links"][0]["href"] == "http://image.rig/v2/"
        assert {each["status"] for each in others} == {"SUPPORTED"}
    glance("GET", "/images", who=None, expect=401)


def test_an_image_waits_for_its_data(glance: Any) -> None:
    answer = glance(
        "POST",
        "/images",
        json={"name": "new", "os_distro": "none", "tags": ["b", "a", "b"], "min_disk": 2},
        expect=201,
    )
    image = answer.json()
    assert answer.headers["Location"].endswith(f"/v2/images/{image['id']}")
    assert answer.headers["OpenStack-image-import-methods"] == "glance-direct"
    assert (image["status"], image["visibility"], image["owner"]) == ("queued", "shared", "one")
    assert (image["size"], image["checksum"], image["disk_format"]) == (None, None, None)
    assert (image["tags"], image["os_distro"], image["min_disk"]) == (["a", "b"], "none", 2)
    assert image["file"] == f"/v2/images/{image['id']}/file"
    assert glance.show(image["id"]) == image


#: What is said of a new image, and the status with which that is refused.
NOT_SAID: list[tuple[Any, int]] = [
    ({"status": "active"}, 403),
    ({"checksum": "0"}, 403),
    ({"os_glance_stage": "x"}, 403),
    ({"visibility": "public"}, 403),
    ({"owner": "two"}, 403),
    ({"id": "image"}, 400),
    ({"min_ram": -1}, 400),
    ({"min_disk": 2**40}, 400),
    ({"disk_format": "papyrus"}, 400),
    ({"visibility": "secret"}, 400),
    ({"own": 5}, 400),
    ({"name": "a\0"}, 400),
    ({"tags": ["a" * 256]}, 400),
    ({f"p{number}": "v" for number in range(129)}, 413),
    ([], 400),
]


def test_what_cannot_be_said_of_an_image_is_refused(glance: Any) -> None:
    for body, status in NOT_SAID:
        assert glance.refusal(status, "POST", "/images", json=body)
    assert glance.names() == ["cirros"]


def test_an_id_is_taken_once(glance: Any) -> None:
    glance.create(id=NOBODY)
    glance.refusal(409, "POST", "/images", json={"id": NOBODY})


def test_a_patch_changes_attributes_properties_and_tags(glance: Any) -> None:
    image_id = glance.create(a="1", b="2", tags=["x", "y"])["id"]
    changed = glance.patch(
        image_id,
        op("replace", "/name", "other"),
        op("add", "/c~1d", "3"),
        op("replace", "/a", "4"),
        op("remove", "/b"),
        op("add", "/tags/-", "z"),
        op("remove", "/tags/0"),
        op("replace", "/os_hidden", True),
    ).json()
    assert changed == glance.show(image_id)
    assert (changed["name"], changed["a"], changed["c/d"]) == ("other", "4", "3")
    assert (changed["tags"], changed["os_hidden"]) == (["y", "z"], True)
    assert "b" not in changed


#: An operation of a patch, and the status with which it is refused.
NOT_DONE: list[tuple[dict[str, Any], int]] = [
    (op("replace", "/status", "active"), 403),
    (op("replace", "/id", NOBODY), 403),
    (op("remove", "/name"), 403),
    (op("add", "/os_glance_stage", "x"), 403),
    (op("replace", "/visibility", "public"), 403),
    (op("replace", "/owner", "two"), 403),
    (op("replace", "/absent", "v"), 409),
    (op("remove", "/absent"), 409),
    (op("add", "/a/b", "v"), 400),
    (op("add", "/a", 5), 400),
    (op("add", "/tags/9", "v"), 400),
    ({"op": "add", "path": "/a"}, 400),
    (op("move", "/a", "v"), 400),
    (op("add", "a", "v"), 400),
]


def test_a_patch_that_cannot_be_done_does_nothing(glance: Any) -> None:
    before = glance.create()
    for operation, status in NOT_DONE:
        first = op("replace", "/name", "other")
        glance.patch(before["id"], first, operation, expect=status)
        assert glance.show(before["id"]) == before


def test_a_patch_may_be_written_as_its_draft_was(glance: Any) -> None:
    image_id = glance.create(a="1", tags=["x"])["id"]
    headers = {"Content-Type": "application/openstack-images-v2.0-json-patch"}
    patch = [
        {"replace": "/name", "value": "other"},
        {"remove": "/a"},
        {"add": "/b", "value": "2"},
        {"add": "/tags/-", "value": "y"},
    ]
    path = f"/images/{image_id}"
    changed = glance("PATCH", path, json=patch, headers=headers, expect=200).json()
    assert (changed["name"], changed["b"], changed["tags"]) == ("other", "2", ["x", "y"])
    assert "a" not in changed
    for wrong, status in (
        ({"swap": "/name", "value": "x"}, 400),
        ({"replace": "/name"}, 400),
        ({"replace": "/name", "add": "/b", "value": "x"}, 400),
        ({"replace": "/status", "value": "x"}, 403),
        ({"replace": "/absent", "value": "x"}, 409),
    ):
        glance("PATCH", path, json=[wrong], headers=headers, expect=status)


def test_an_image_with_data_tells_where_they_are(glance: Any) -> None:
    (store,) = glance.get("/info/stores")["stores"]
    waiting = glance.create()
    assert "stores" not in waiting
    assert glance.create(data=b"data")["stores"] == store["id"]
    glance.patch(waiting["id"], op("add", "/stores", "mine"), expect=403)


def test_schemas_of_metadata_definitions_are_told(glance: Any) -> None:
    for path, name in (
        ("namespace", "namespace"),
        ("objects", "objects"),
        ("property", "property"),
        ("tags", "tags"),
        ("resource_type", "resource_type_association"),
        ("resource_types", "resource_type_associations"),
    ):
        told = glance.get(f"/schemas/metadefs/{path}")
        assert (told["name"], bool(told["properties"])) == (name, True)
    glance("GET", "/schemas/metadefs/camel", expect=404)


def test_a_patch_has_a_media_type_of_its_own(glance: Any) -> None:
    image_id = glance.create()["id"]
    glance("PATCH", f"/images/{image_id}", json=[], expect=415)


def test_formats_change_only_while_an_image_is_queued(glance: Any) -> None:
    image_id = glance.create()["id"]
    glance.patch(image_id, op("replace", "/disk_format", "iso"))
    glance.upload(image_id, b"data", expect=204)
    glance.patch(image_id, op("replace", "/disk_format", "raw"), expect=403)


def test_tags_come_and_go_one_by_one(glance: Any) -> None:
    image_id = glance.create()["id"]
    for _time in range(2):
        glance("PUT", f"/images/{image_id}/tags/new", expect=204)
    assert glance.show(image_id)["tags"] == ["new"]
    glance("DELETE", f"/images/{image_id}/tags/new", expect=204)
    glance.refusal(404, "DELETE", f"/images/{image_id}/tags/new")
    glance.refusal(400, "PUT", f"/images/{image_id}/tags/{'a' * 256}")


def test_another_project_finds_no_private_image(glance: Any) -> None:
    image_id = glance.create(visibility="private")["id"]
    assert glance.show(image_id, who=BOB)["id"] == image_id
    for method, path, options in (
        ("GET", "", {}),
        ("DELETE", "", {}),
        ("GET", "/file", {}),
        ("GET", "/members", {}),
        ("PUT", "/tags/t", {}),
        ("POST", "/actions/deactivate", {}),
        ("PUT", "/file", {"data": b"d", "headers": {"Content-Type": "application/octet-stream"}}),
    ):
        glance.refusal(404, method, f"/images/{image_id}{path}", who=CAT, **options)
    assert glance.show(image_id, who="admin")["id"] == image_id


def test_a_public_image_is_seen_by_all_and_changed_by_its_owner(glance: Any) -> None:
    image_id = glance.create(who="admin", visibility="public")["id"]
    assert glance.show(image_id, who=CAT)["visibility"] == "public"
    glance.patch(image_id, op("replace", "/name", "mine"), who=CAT, expect=403)
    glance.refusal(403, "DELETE", f"/images/{image_id}", who=CAT)
    glance("DELETE", f"/images/{image_id}", who="admin", expect=204)


def test_a_protected_image_stays(glance: Any) -> None:
    image_id = glance.create(b"data", protected=True)["id"]
    glance.refusal(403, "DELETE", f"/images/{image_id}")
    glance.patch(image_id, op("replace", "/protected", False))
    glance("DELETE", f"/images/{image_id}", expect=204)
    glance.refusal(404, "GET", f"/images/{image_id}")
    glance.refusal(404, "DELETE", f"/images/{image_id}")


def test_schemas_fit_what_is_shown(glance: Any) -> None:
    import jsonschema

    image = glance.create(b"data", a="b", tags=["t"])
    document = glance.get("/schemas/image")
    jsonschema.validate(image, {"type": "object", **document})
    assert set(image) - {"a"} <= set(document["properties"])
    jsonschema.validate(glance.get("/images"), {"type": "object", **glance.get("/schemas/images")})
    for name in ("member", "members", "task", "tasks", "metadefs/namespace"):
        assert glance.get(f"/schemas/{name}")["name"] == name.rpartition("/")[2]
    glance.refusal(404, "GET", "/schemas/secret")


def test_what_there_is_none_of_is_an_empty_list(glance: Any) -> None:
    assert glance.get("/tasks")["tasks"] == []
    assert glance.get("/metadefs/namespaces")["namespaces"] == []
    assert glance.get("/info/stores")["stores"] == [{"id": "files", "default": "true"}]
    assert glance.get("/info/import")["import-methods"]["value"] == ["glance-direct"]
    glance.refusal(404, "GET", f"/tasks/{NOBODY}")
    glance.refusal(404, "GET", "/cache")


def test_usage_counts_the_projects_own_images(glance: Any) -> None:
    glance.create(b"x" * 1024**2)
    glance.create(b"y" * (1024**2 + 1))
    glance.create(b"z", who=CAT)
    usage = {name: each["usage"] for name, each in glance.get("/info/usage")["usage"].items()}
    assert usage["image_count_total"] == 2
    assert usage["image_size_total"] == 3


def test_the_description_names_every_route(glance: Any) -> None:
    paths = glance._session.get("/openapi.json").json()["paths"]
    upload = paths["/v2/images/{image_id}/file"]["put"]
    assert set(upload["requestBody"]["content"]) == {"application/octet-stream"}
    assert set(paths["/v2/images"]) == {"get", "post"}
