"""Actions of servers: what each does, with which status, and when it is refused."""

from __future__ import annotations

from typing import Any

import pytest

from cellrig import Cell, Rig, Topology


def _status(compute: Any, server: str) -> str:
    return str(compute.show(server)["status"])


@pytest.mark.parametrize(
    ("action", "then", "back", "at_last"),
    [
        ("os-stop", "SHUTOFF", "os-start", "ACTIVE"),
        ("pause", "PAUSED", "unpause", "ACTIVE"),
        ("suspend", "SUSPENDED", "resume", "ACTIVE"),
        ("shelve", "SHELVED_OFFLOADED", "unshelve", "ACTIVE"),
        ("migrate", "VERIFY_RESIZE", "revertResize", "ACTIVE"),
    ],
)
def test_actions_that_take_nothing(
    compute: Any, action: str, then: str, back: str, at_last: str
) -> None:
    server = compute.create()
    compute.act(server, action)
    assert _status(compute, server) == then
    refused = compute.act(server, action, expect=409)
    assert refused.json()["conflictingRequest"]["code"] == 409
    compute.act(server, back)
    assert _status(compute, server) == at_last


@pytest.mark.parametrize("kind", ["SOFT", "Hard"])
def test_a_reboot_names_its_kind(compute: Any, kind: str) -> None:
    server = compute.create()
    compute.act(server, "reboot", {"type": kind})
    assert _status(compute, server) == "ACTIVE"
    compute.act(server, "reboot", {"type": "gently"}, expect=400)


@pytest.mark.parametrize(
    ("name", "value", "version", "status"),
    [
        ("nonsense", None, "2.1", 400),
        ("os-getVNCConsole", {"type": "novnc"}, "2.5", 400),
        ("os-getVNCConsole", {"type": "novnc"}, "2.6", 400),
        ("trigger_crash_dump", None, "2.16", 400),
        ("resetNetwork", None, "2.1", 410),
        ("changePassword", {"adminPass": "x"}, "2.1", 501),
        ("injectNetworkInfo", None, "2.1", 202),
        ("restore", None, "2.1", 409),
        ("confirmResize", None, "2.1", 409),
        ("resize", {"flavorRef": "1"}, "2.1", 400),
        ("resize", {"flavorRef": "nonsense"}, "2.1", 400),
        ("resize", {}, "2.1", 400),
        ("lock", {"locked_reason": "x"}, "2.73", 202),
        ("lock", {"nonsense": "x"}, "2.73", 400),
        ("evacuate", {}, "2.14", 400),
        ("evacuate", {}, "2.13", 400),
        ("migrate", {"host": "nowhere"}, "2.56", 400),
        ("unshelve", {"availability_zone": "x", "host": "y"}, "2.90", 400),
        ("rebuild", {"imageRef": "cirros"}, "2.1", 400),
    ],
)
def test_what_an_action_may_not_say(
    compute: Any, name: str, value: Any, version: str, status: int
) -> None:
    compute.act(compute.create(), name, value, version=version, expect=status)


def test_an_action_has_one_name(compute: Any) -> None:
    server = compute.create()
    for body in ({}, {"pause": None, "os-stop": None}):
        compute("POST", f"/servers/{server}/action", body, expect=400)


@pytest.mark.parametrize(
    "name", ["migrate", "os-resetState", "shelveOffload", "evacuate", "injectNetworkInfo"]
)
def test_users_are_no_administrators(compute: Any, name: str) -> None:
    alice: dict[str, Any] = {"who": "alice:project"}
    server = compute.create(**alice)
    body = {"os-resetState": {"state": "error"}, "evacuate": {}}.get(name)
    compute.act(server, name, body, expect=403, **alice)


def test_a_resize_is_confirmed_with_204(compute: Any) -> None:
    server = compute.create()
    compute.act(server, "resize", {"flavorRef": "2"})
    assert _status(compute, server) == "VERIFY_RESIZE"
    answer = compute.act(server, "confirmResize", expect=204)
    assert answer.content == b""
    told = compute.show(server, "2.46")
    assert (told["status"], told["flavor"]["id"]) == ("ACTIVE", "2")
    assert told["OS-DCF:diskConfig"] == "MANUAL"
    (move,) = compute.get("/os-migrations?status=confirmed")["migrations"]
    assert (move["old_instance_type_id"], move["new_instance_type_id"]) == (1, 2)


def test_a_resize_says_who_partitions_the_disk(compute: Any) -> None:
    server = compute.create()
    compute.act(server, "resize", {"flavorRef": "2", "OS-DCF:diskConfig": "AUTO"})
    assert compute.show(server)["OS-DCF:diskConfig"] == "AUTO"
    compute.act(server, "resize", {"flavorRef": "1", "OS-DCF:diskConfig": "MANUAL"}, expect=409)
    assert compute.show(server)["OS-DCF:diskConfig"] == "AUTO"


THREE = Topology(cells=[Cell("cell1", hosts=3)])


@pytest.mark.topology(THREE)
def test_moves_go_where_they_are_told(compute: Any) -> None:
    server = compute.create(host="cell1-host1")
    compute.act(server, "migrate", {"host": "cell1-host2"}, version="2.56")
    compute.act(server, "confirmResize", expect=204)
    assert compute.show(server)["OS-EXT-SRV-ATTR:host"] == "cell1-host2"
    live = {"host": "cell1-host3", "block_migration": "auto"}
    compute.act(server, "os-migrateLive", live)
    assert compute.show(server)["OS-EXT-SRV-ATTR:host"] == "cell1-host3"
    old = {"host": "cell1-host1", "block_migration": True, "disk_over_commit": False}
    compute.act(server, "os-migrateLive", old, version="2.1")
    assert compute.show(server)["OS-EXT-SRV-ATTR:host"] == "cell1-host1"
    compute.act(server, "os-migrateLive", {**live, "force": True}, version="2.68", expect=400)
    compute.act(server, "os-migrateLive", old, version="2.25", expect=400)
    kinds = compute.get(f"/os-migrations?instance_uuid={server}&migration_type=live-migration")
    assert [each["status"] for each in kinds["migrations"]] == ["completed", "completed"]


def test_an_evacuation_is_answered_with_200(compute: Any) -> None:
    server = compute.create(host="cell1-host1")
    told = compute.get("/os-services?host=cell1-host1")["services"][0]
    compute.act(server, "evacuate", {}, expect=400)
    compute("PUT", f"/os-services/{told['id']}", {"forced_down": True}, expect=200)
    answer = compute.act(server, "evacuate", {"host": "cell1-host2"}, expect=200)
    assert answer.content == b""
    shown = compute.show(server)
    assert (shown["status"], shown["OS-EXT-SRV-ATTR:host"]) == ("SHUTOFF", "cell1-host2")
    compute("PUT", f"/os-services/{told['id']}", {"forced_down": False}, expect=200)
    compute.rig.restart("cell1-host1")


def test_before_2_95_an_evacuated_server_is_what_it_was(compute: Any) -> None:
    server = compute.create(host="cell1-host1")
    compute.rig.services.force_down("cell1-host1")
    compute.act(server, "evacuate", {}, version="2.94", expect=200)
    assert _status(compute, server) == "ACTIVE"
    compute.rig.services.force_down("cell1-host1", False)
    compute.rig.restart("cell1-host1")


def test_an_evacuation_tells_a_password_before_2_14(compute: Any) -> None:
    server = compute.create(host="cell1-host1")
    compute.rig.services.force_down("cell1-host1")
    body = {"onSharedStorage": False, "adminPass": "secret"}
    answer = compute.act(server, "evacuate", body, version="2.13", expect=200)
    assert answer.json() == {"adminPass": "secret"}
    compute.rig.services.force_down("cell1-host1", False)
    compute.rig.restart("cell1-host1")


@pytest.mark.topology(THREE)
def test_a_live_migration_is_aborted_and_forced(rig: Rig, compute: Any) -> None:
    server = compute.create()
    hold = rig.faults.hold("driver.live_migration", times=1)
    with rig.holding():
        compute.act(server, "os-migrateLive", {"host": None, "block_migration": "auto"})
        rig.settle()
        path = f"/servers/{server}/migrations"
        (move,) = compute.get(path)["migrations"]
        one = f"{path}/{move['id']}"
        compute("DELETE", f"{path}/{move['uuid']}", expect=404)
        compute("DELETE", one, version="2.23", expect=404)
        compute("POST", f"{one}/action", {"force_complete": {}}, expect=400)
        hold.release()
    compute("DELETE", one, expect=400)
    compute("POST", f"{one}/action", {"force_complete": None}, expect=400)


def test_an_unshelved_server_comes_back_where_it_is_told(compute: Any) -> None:
    server = compute.create()
    compute.act(server, "shelve")
    told = compute.show(server)
    assert (told["OS-EXT-SRV-ATTR:host"], told["hostId"]) == (None, "")
    compute.act(server, "unshelve", {"availability_zone": "nowhere"}, version="2.77", expect=400)
    compute.act(server, "unshelve", {"host": "cell1-host2"}, version="2.91")
    assert compute.show(server)["OS-EXT-SRV-ATTR:host"] == "cell1-host2"


def test_a_rescue_tells_a_password(compute: Any) -> None:
    server = compute.create()
    answer = compute.act(server, "rescue", {"adminPass": "secret"}, expect=200)
    assert answer.json() == {"adminPass": "secret"}
    assert _status(compute, server) == "RESCUE"
    compute.act(server, "unrescue")
    assert _status(compute, server) == "ACTIVE"


def test_a_rebuild_changes_what_it_names(compute: Any) -> None:
    server = compute.create(metadata={"old": "1"}, description="kept")
    told = compute.act(
        server,
        "rebuild",
        {"imageRef": compute.image, "name": "new", "metadata": {"a": "b"}, "hostname": "box-2"},
    ).json()["server"]
    assert (told["name"], told["metadata"], told["description"]) == ("new", {"a": "b"}, "kept")
    assert told["adminPass"]
    shown = compute.show(server)
    assert (shown["status"], shown["name"]) == ("ACTIVE", "new")
    assert shown["OS-EXT-SRV-ATTR:hostname"] == "box-2"


def test_a_state_that_is_reset(compute: Any) -> None:
    server = compute.create()
    compute.act(server, "os-resetState", {"state": "error"})
    assert _status(compute, server) == "ERROR"
    compute.act(server, "os-resetState", {"state": "nonsense"}, expect=400)
    compute.act(server, "os-resetState", {"state": "active"})
    assert _status(compute, server) == "ACTIVE"


def test_an_image_is_told_in_a_header_until_2_44_and_in_a_body_then(compute: Any) -> None:
    server = compute.create()
    old = compute.act(server, "createImage", {"name": "one"}, version="2.44")
    assert old.content == b""
    first = old.headers["Location"].rpartition("/")[2]
    body = {"name": "two", "metadata": {"a": "b"}}
    new = compute.act(server, "createImage", body, version="2.45").json()
    images = {image.id: image for image in compute.rig.images.list()}
    assert (images[first].name, images[new["image_id"]].name) == ("one", "two")
    assert images[new["image_id"]].properties["a"] == "b"


def test_of_backups_of_a_kind_only_the_newest_are_kept(compute: Any) -> None:
    server = compute.create()
    for number in range(4):
        body = {"name": f"daily {number}", "backup_type": "daily", "rotation": 2}
        compute.act(server, "createBackup", body)
    weekly = {"name": "weekly", "backup_type": "weekly", "rotation": "1"}
    compute.act(server, "createBackup", weekly)
    names = {image.name for image in compute.rig.images.list()}
    assert names == {"cirros", "daily 2", "daily 3", "weekly"}
    compute.act(server, "createBackup", {**weekly, "rotation": 0})
    assert "weekly" not in {image.name for image in compute.rig.images.list()}


def test_console_output_is_told_as_far_as_it_is_asked_for(compute: Any) -> None:
    server = compute.create()
    whole = compute.act(server, "os-getConsoleOutput", {}, expect=200).json()["output"]
    last = compute.act(server, "os-getConsoleOutput", {"length": 1}, expect=200).json()["output"]
    assert whole
    assert whole.rstrip("\n").endswith(last)
    assert "\n" not in last
    body = {"remote_console": {"protocol": "vnc", "type": "novnc"}}
    compute("POST", f"/servers/{server}/remote-consoles", body, expect=400)


def test_security_groups_are_noted(compute: Any) -> None:
    server = compute.create()
    compute.act(server, "addSecurityGroup", {"name": "web"})
    compute.act(server, "addSecurityGroup", {"name": "web"}, expect=409)
    compute.act(server, "removeSecurityGroup", {"name": "default"})
    compute.act(server, "removeSecurityGroup", {"name": "default"}, expect=404)
    (told,) = compute.get(f"/servers/{server}/os-security-groups")["security_groups"]
    assert told["name"] == "web"
    assert compute.show(server)["security_groups"] == [{"name": "web"}]


def test_a_deletion_can_be_forced(compute: Any) -> None:
    server = compute.create()
    compute.act(server, "forceDelete")
    compute("GET", f"/servers/{server}", expect=404)


def test_the_rest_of_a_server(compute: Any) -> None:
    path = f"/servers/{compute.create()}"
    assert compute.get(f"{path}/ips") == {"addresses": {}}
    compute("GET", f"{path}/ips/private", expect=404)
    assert compute.get(f"{path}/os-interface") == {"interfaceAttachments": []}
    assert compute.get(f"{path}/os-server-password") == {"password": ""}
    compute("DELETE", f"{path}/os-server-password", expect=204)
    assert compute.get(f"{path}/topology") == {"nodes": [], "pagesize_kb": None}


def test_actions_of_a_deleted_server_are_told_from_2_21_on(compute: Any) -> None:
    server = compute.create()
    compute.act(server, "os-stop")
    compute("DELETE", f"/servers/{server}", expect=204)
    path = f"/servers/{server}/os-instance-actions"
    compute("GET", path, version="2.20", expect=404)
    found = compute.get(path, "2.21")["instanceActions"]
    assert [each["action"] for each in found] == ["delete", "stop", "create"]
    page = compute.get(f"{path}?limit=2")
    assert len(page["instanceActions"]) == 2
    (link,) = page["links"]
    assert [e["action"] for e in compute.get(link["href"])["instanceActions"]] == ["create"]
    compute("GET", f"{path}?marker=nobody", expect=400)
    compute("GET", f"{path}/req-nobody", expect=404)
