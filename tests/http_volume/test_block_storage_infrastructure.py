"""Services, hosts, pools, and what this cloud has not got."""

from __future__ import annotations

from typing import Any

import pytest

from cellrig import StorageBackend, Topology

_TWO_BACKENDS = Topology(
    volume_backends=(StorageBackend("one", options={"capacity_gb": 10}), StorageBackend("two"))
)


@pytest.mark.topology(_TWO_BACKENDS)
def test_services(storage: Any) -> None:
    found = storage.get("/os-services")["services"]
    assert [(each["binary"], each["host"]) for each in found] == [
        ("cinder-scheduler", "cellrig"),
        ("cinder-volume", "cellrig@one"),
        ("cinder-volume", "cellrig@two"),
    ]
    assert {each["state"] for each in found} == {"up"}
    (one,) = storage.get("/os-services?host=cellrig@one")["services"]
    assert one["status"] == "enabled"
    assert len(storage.get("/os-services?binary=cinder-volume")["services"]) == 2
    storage("GET", "/os-services", who="alice", expect=403)


@pytest.mark.topology(_TWO_BACKENDS)
def test_a_backend_that_is_disabled_gets_no_volumes(storage: Any) -> None:
    body = {"host": "cellrig@two", "binary": "cinder-volume"}
    told = storage("PUT", "/os-services/disable", body, expect=200).json()
    assert told == {
        "host": "cellrig@two",
        "service": "cinder-volume",
        "binary": "cinder-volume",
        "disabled": True,
        "status": "disabled",
    }
    assert storage.show(storage.create())["os-vol-host-attr:host"] == "cellrig@one#one"
    body = {"host": "cellrig@one", "binary": "cinder-volume", "disabled_reason": "tired"}
    told = storage("PUT", "/os-services/disable-log-reason", body, expect=200).json()
    assert told["disabled_reason"] == "tired"
    assert "is disabled" in storage.refusal("POST", "/volumes", {"volume": {"size": 1}}, expect=409)
    (shown,) = storage.get("/os-services?host=cellrig@one")["services"]
    assert (shown["status"], shown["disabled_reason"]) == ("disabled", "tired")
    body = {"host": "cellrig@one", "binary": "cinder-volume"}
    told = storage("PUT", "/os-services/enable", body, expect=200).json()
    assert (told["status"], told["disabled_reason"]) == ("enabled", None)
    storage.create()
    storage("PUT", "/os-services/enable", {"host": "nowhere"}, expect=404)
    storage("PUT", "/os-services/enable", {}, expect=400)
    storage("PUT", "/os-services/enable", body, who="alice", expect=403)


@pytest.mark.topology(_TWO_BACKENDS)
def test_pools(storage: Any) -> None:
    assert storage.get("/scheduler-stats/get_pools")["pools"] == [
        {"name": "cellrig@one#one"},
        {"name": "cellrig@two#two"},
    ]
    storage.rig.volumes.create(size=3)
    pools = storage.get("/scheduler-stats/get_pools?detail=True&name=cellrig@one%23one")["pools"]
    (told,) = pools
    capabilities = told["capabilities"]
    assert capabilities["total_capacity_gb"] == capabilities["free_capacity_gb"] == 10
    unlimited = storage.get("/scheduler-stats/get_pools?detail=1")["pools"][1]["capabilities"]
    assert unlimited["free_capacity_gb"] == "infinite"
    assert unlimited["allocated_capacity_gb"] == 3
    storage("GET", "/scheduler-stats/get_pools", who="alice", expect=403)
    told = storage.get("/capabilities/cellrig@one")
    assert (told["volume_backend_name"], told["replication_targets"]) == ("one", [])
    storage("GET", "/capabilities/nowhere", expect=400)


def test_hosts(storage: Any) -> None:
    storage.snapshot(storage.create(who="alice", size=2), who="alice")
    scheduler, backend = storage.get("/os-hosts")["hosts"]
    assert (scheduler["service"], backend["service"]) == ("cinder-scheduler", "cinder-volume")
    total, hers = storage.get("/os-hosts/cellrig@fake")["host"]
    assert total["resource"]["project"] == "(total)"
    assert hers["resource"] == {
        "host": "cellrig@fake",
        "project": "alice",
        "volume_count": "1",
        "total_volume_gb": "2",
        "snapshot_count": "1",
        "total_snapshot_gb": "2",
    }
    storage("GET", "/os-hosts/nowhere", expect=404)
    told = storage("PUT", "/os-hosts/cellrig@fake", {"status": "disable"}, expect=200).json()
    assert told == {"host": "cellrig@fake", "status": "disabled"}


def test_frozen_and_replicated_hosts(storage: Any) -> None:
    body = {"host": "cellrig@fake"}
    storage("PUT", "/os-services/freeze", body, expect=200)
    assert storage.get("/os-services")["services"][1]["frozen"]
    storage("PUT", "/os-services/thaw", body, expect=200)
    assert not storage.get("/os-services")["services"][1]["frozen"]
    storage("PUT", "/os-services/failover_host", body, expect=400)
    for action in ("freeze", "thaw"):
        storage("PUT", f"/os-services/{action}", {"host": "nowhere"}, expect=400)


def test_zones_and_filters(storage: Any) -> None:
    assert storage.get("/os-availability-zone") == {
        "availabilityZoneInfo": [{"zoneName": "nova", "zoneState": {"available": True}}]
    }
    told = storage.get("/resource_filters?resource=attachment")["resource_filters"]
    assert told == [
        {
            "resource": "attachment",
            "filters": ["volume_id", "status", "instance_id", "attach_status"],
        }
    ]
    told = storage("POST", "/workers/cleanup", {}, expect=202).json()
    assert told == {"cleaning": [], "unavailable": []}


def test_what_this_cloud_has_not_got(storage: Any) -> None:
    absent = storage.rig.new_uuid()
    for path, name in (
        ("/backups", "backups"),
        ("/groups", "groups"),
        ("/group_snapshots", "group_snapshots"),
        ("/group_types", "group_types"),
        ("/consistencygroups", "consistencygroups"),
        ("/cgsnapshots", "cgsnapshots"),
        ("/messages", "messages"),
        ("/clusters", "clusters"),
    ):
        assert storage.get(path) == {name: []}
        assert storage.get(f"{path}/detail") == {name: []}
        storage("GET", f"{path}/{absent}", expect=404)
    storage("POST", "/backups", {"backup": {}}, expect=400)
    aliases = {each["alias"] for each in storage.get("/extensions")["extensions"]}
    assert {"os-hosts", "os-volume-actions"} <= aliases
