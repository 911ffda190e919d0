"""Lists of images over REST: filters, order, pages, and whose images are in them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

ANN, BOB, CAT = "ann:one", "bob:one", "cat:two"
QUOTED = "name=" + quote('in:"a",b')


def set_member(glance: Any, image_id: str, status: str, who: str = CAT) -> Any:
    return glance("PUT", f"/images/{image_id}/members/two", json={"status": status}, who=who)


@pytest.fixture
def several(glance: Any) -> Any:
    """Four images, of which each differs from the others, made one second apart."""
    for number, (name, data) in enumerate([("a", b"1"), ("b", b"22"), ("c", b"333"), ("d", None)]):
        glance.rig.advance(1)
        glance.create(data, name=name, kind="even" if number % 2 else "odd", tags=[name, "all"])
    return glance


#: A query, and the names that are listed, in their order; None where it is refused.
QUERIES = [
    ("", "dcba"),
    ("sort=name:asc", "abcd"),
    ("sort_key=name&sort_dir=asc", "abcd"),
    ("sort=size:asc,name:desc", "dabc"),
    ("sort_key=kind&sort_key=name", None),
    ("sort=secret:asc", None),
    ("sort=name:up", None),
    ("sort=name&sort_key=name", None),
    ("name=b", "b"),
    ("name=in:a,c", "ca"),
    (QUOTED, "ba"),
    ("status=queued", "d"),
    ("status=in:active,queued&name=a", "a"),
    ("kind=even", "db"),
    ("kind=none", ""),
    ("tag=all&tag=c", "c"),
    ("size=3", "c"),
    ("size_min=2", "cb"),
    ("size_max=1&status=active", "a"),
    ("size_min=few", None),
    ("protected=true", ""),
    ("protected=maybe", None),
    ("os_hidden=true", ""),
    ("owner=one", "dcba"),
    ("visibility=private", ""),
    ("visibility=all&name=a", "a"),
    ("visibility=secret", None),
    ("member_status=secret", None),
    ("created_at=gt:2018-02-28T00:00:03", "d"),
    ("created_at=lte:2018-02-28T00:00:02Z", "ba"),
    ("created_at=soon", None),
    ("limit=2", "dc"),
    ("limit=0", ""),
    ("limit=-1", None),
    ("marker=00000000-0000-4000-8000-000000000000", None),
]


def test_a_list_has_what_is_asked_for(several: Any) -> None:
    for query, names in QUERIES:
        if names is None:
            several.refusal(400, "GET", f"/images?{query}")
            continue
        more = "" if "owner" in query else "&owner=one"
        assert (query, "".join(several.names(f"{query}{more}"))) == (query, names)


def test_links_lead_through_all_pages(several: Any) -> None:
    seen, link = [], "/v2/images?limit=2&sort=name:asc"
    while link:
        page = several.get(link.removeprefix("/v2"))
        assert page["first"].startswith("/v2/images?limit=2")
        assert "marker" not in page["first"]
        seen += [image["name"] for image in page["images"]]
        link = page.get("next")
    assert seen == ["a", "b", "c", "cirros", "d"]


def test_a_list_has_what_the_project_sees(glance: Any) -> None:
    for visibility in ("private", "shared", "community"):
        glance.create(name=visibility, visibility=visibility)
    glance.create(name="hidden", os_hidden=True)
    assert set(glance.names(who=BOB)) == {"private", "shared", "community", "cirros"}
    assert glance.names("os_hidden=true") == ["hidden"]
    assert glance.names(who=CAT) == ["cirros"]
    assert glance.names("visibility=community", who=CAT) == ["community"]
    assert set(glance.names("visibility=all", who=CAT)) == {"community", "cirros"}
    assert {"private", "shared"} <= set(glance.names(who="admin"))


def test_a_shared_image_is_listed_once_it_is_accepted(glance: Any) -> None:
    image_id = glance.create(name="gift")["id"]
    glance.refusal(404, "GET", f"/images/{image_id}", who=CAT)
    member = glance("POST", f"/images/{image_id}/members", json={"member": "two"}, expect=200)
    assert member.json()["status"] == "pending"
    assert glance.show(image_id, who=CAT)["name"] == "gift"
    assert glance.names(who=CAT) == ["cirros"]
    assert glance.names("visibility=shared&member_status=pending", who=CAT) == ["gift"]
    assert set_member(glance, image_id, "accepted").status_code == 200
    assert set(glance.names(who=CAT)) == {"gift", "cirros"}
    set_member(glance, image_id, "rejected")
    assert glance.names(who=CAT) == ["cirros"]
    glance("DELETE", f"/images/{image_id}/members/two", expect=204)
    glance.refusal(404, "GET", f"/images/{image_id}", who=CAT)


def test_members_are_the_owners_to_add_and_their_own_to_answer(glance: Any) -> None:
    image_id = glance.create()["id"]
    path = f"/images/{image_id}/members"
    for project in ("two", "three"):
        glance("POST", path, json={"member": project}, expect=200)
    glance.refusal(409, "POST", path, json={"member": "two"})
    glance.refusal(403, "POST", path, json={"member": "four"}, who=CAT)
    glance.refusal(400, "POST", path, json={"member": 4})
    assert [m["member_id"] for m in glance.get(path)["members"]] == ["three", "two"]
    assert [m["member_id"] for m in glance.get(path, who=CAT)["members"]] == ["two"]
    assert glance.get(f"{path}/two", who=CAT)["status"] == "pending"
    glance.refusal(404, "GET", f"{path}/three", who=CAT)
    assert set_member(glance, image_id, "accepted", who=ANN).status_code == 403
    assert set_member(glance, image_id, "perhaps").status_code == 400
    glance.refusal(403, "DELETE", f"{path}/two", who=CAT)
    glance.refusal(404, "DELETE", f"{path}/five")


def test_only_shared_images_have_members(glance: Any) -> None:
    image_id = glance.create(visibility="private")["id"]
    glance.refusal(403, "POST", f"/images/{image_id}/members", json={"member": "two"})
    glance.refusal(403, "GET", f"/images/{image_id}/members")
