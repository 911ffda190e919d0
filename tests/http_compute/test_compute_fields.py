"""Field by field: each answer has what its microversion has, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

Steps = Mapping[tuple[int, int], str]

_BASIC: Steps = {
    (2, 1): "id name status image flavor user_id tenant_id created updated metadata links "
    "addresses hostId progress OS-DCF:diskConfig accessIPv4 accessIPv6",
    (2, 9): "locked",
    (2, 19): "description",
    (2, 26): "tags",
    (2, 63): "trusted_image_certificates",
    (2, 71): "server_groups",
    (2, 73): "locked_reason",
    (2, 96): "pinned_availability_zone",
    (2, 100): "scheduler_hints",
}
_EXTENDED = (
    "key_name security_groups OS-SRV-USG:launched_at OS-SRV-USG:terminated_at "
    "OS-EXT-AZ:availability_zone OS-EXT-STS:task_state OS-EXT-STS:vm_state OS-EXT-STS:power_state "
    "os-extended-volumes:volumes_attached config_drive"
)
_OF_ADMINISTRATORS: Steps = {
    (2, 1): "OS-EXT-SRV-ATTR:host OS-EXT-SRV-ATTR:instance_name "
    "OS-EXT-SRV-ATTR:hypervisor_hostname",
    (2, 3): "OS-EXT-SRV-ATTR:reservation_id OS-EXT-SRV-ATTR:launch_index "
    "OS-EXT-SRV-ATTR:kernel_id OS-EXT-SRV-ATTR:ramdisk_id OS-EXT-SRV-ATTR:hostname "
    "OS-EXT-SRV-ATTR:root_device_name OS-EXT-SRV-ATTR:user_data",
    (2, 16): "host_status",
}
_SERVER_STEPS = (
    *("2.1", "2.3", "2.8", "2.9", "2.16", "2.18", "2.19", "2.26", "2.47", "2.57", "2.62", "2.63"),
    *("2.70", "2.71", "2.72", "2.73", "2.74", "2.75", "2.89", "2.90", "2.95", "2.96", "2.98"),
    *("2.99", "2.100", "2.104"),
)


def at(version: str, *steps: Steps | str) -> set[str]:
    """Return the fields of a microversion."""
    minor = tuple(int(part) for part in version.split("."))
    found: set[str] = set()
    for each in steps:
        if isinstance(each, str):
            found |= set(each.split())
        else:
            found |= {f for since, fields in each.items() if since <= minor for f in fields.split()}
    return found


def minor_of(version: str) -> int:
    return int(version.partition(".")[2])


def test_a_server_shown_to_an_administrator(compute: Any) -> None:
    server = compute.create()
    for version in _SERVER_STEPS:
        expected = at(version, _BASIC, _EXTENDED, _OF_ADMINISTRATORS)
        assert set(compute.show(server, version)) == expected, version
        (listed,) = compute.get("/servers/detail", version)["servers"]
        assert set(listed) == expected - {"server_groups"}, version
        (brief,) = compute.get("/servers", version)["servers"]
        assert set(brief) == {"id", "name", "links"}, version


@pytest.mark.parametrize("version", ["2.1", "2.3", "2.16", "2.89", "2.90", "2.104"])
def test_a_server_shown_to_its_user(compute: Any, version: str) -> None:
    server = compute.create(who="alice:project")
    expected = at(version, _BASIC, _EXTENDED)
    if minor_of(version) >= 90:
        expected.add("OS-EXT-SRV-ATTR:hostname")
    assert set(compute.show(server, version, who="alice:project")) == expected


def test_a_server_that_was_changed(compute: Any) -> None:
    server = compute.create()
    body = {"server": {"name": "other"}}
    for version in _SERVER_STEPS:
        told = compute("PUT", f"/servers/{server}", body, version=version, expect=200).json()
        more = (_EXTENDED, _OF_ADMINISTRATORS) if minor_of(version) >= 75 else ()
        assert set(told["server"]) == at(version, _BASIC, *more), version


def test_a_server_that_is_rebuilt(compute: Any) -> None:
    server = compute.create()
    body = {"imageRef": compute.image}
    for version in (*_SERVER_STEPS, "2.53", "2.54", "2.56"):
        told = compute.act(server, "rebuild", body, version=version).json()["server"]
        expected = at(version, _BASIC, "adminPass", {(2, 54): "key_name", (2, 57): "user_data"})
        if minor_of(version) >= 75:
            expected |= at(version, _EXTENDED, _OF_ADMINISTRATORS)
            expected -= {"OS-EXT-SRV-ATTR:user_data"}
        assert set(told) == expected, version


@pytest.mark.parametrize("version", ["2.1", "2.37", "2.104"])
def test_a_server_that_was_asked_for(compute: Any, version: str) -> None:
    body = compute.body(networks=[])
    told = compute("POST", "/servers", body, version=version, expect=202).json()["server"]
    assert set(told) == {"id", "links", "OS-DCF:diskConfig", "security_groups", "adminPass"}


@pytest.mark.parametrize(
    ("version", "fields"),
    [
        ("2.46", "id links"),
        ("2.47", "original_name vcpus ram disk ephemeral swap extra_specs"),
    ],
)
def test_the_flavor_of_a_server(compute: Any, version: str, fields: str) -> None:
    assert set(compute.show(compute.create(), version)["flavor"]) == set(fields.split())


def test_the_image_of_a_server_shows_its_properties_from_2_98_on(compute: Any) -> None:
    compute.rig.images.create(
        "other", id="6b0c7ea4-3a4c-4b0e-8f57-0d0f1d2c3b4a", properties={"hw_x": "1"}
    )
    server = compute.create(imageRef="6b0c7ea4-3a4c-4b0e-8f57-0d0f1d2c3b4a")
    assert set(compute.show(server, "2.97")["image"]) == {"id", "links"}
    assert compute.show(server, "2.98")["image"]["properties"] == {"hw_x": "1"}


_FLAVOR: Steps = {
    (
        2,
        1,
    ): "name links ram vcpus swap disk id os-flavor-access:is_public OS-FLV-EXT-DATA:ephemeral",
    (2, 55): "description",
    (2, 61): "extra_specs",
}
_OLD_FLAVOR = "OS-FLV-DISABLED:disabled rxtx_factor"


@pytest.mark.parametrize("version", ["2.1", "2.54", "2.55", "2.60", "2.61", "2.101", "2.102"])
def test_flavors(compute: Any, version: str) -> None:
    expected = at(version, _FLAVOR, _OLD_FLAVOR if minor_of(version) < 102 else "")
    assert set(compute.get("/flavors/1", version)["flavor"]) == expected
    assert set(compute.get("/flavors/detail", version)["flavors"][0]) == expected
    brief = at(version, "id name links", {(2, 55): "description"})
    assert set(compute.get("/flavors", version)["flavors"][0]) == brief
    body = {"flavor": {"name": "new", "ram": 64, "vcpus": 1, "disk": 0}}
    made = compute("POST", "/flavors", body, version=version, expect=200).json()["flavor"]
    assert set(made) == expected


@pytest.mark.parametrize(("version", "swap"), [("2.74", ""), ("2.75", 0)])
def test_a_flavor_without_swap_has_a_number_from_2_75_on(
    compute: Any, version: str, swap: object
) -> None:
    assert compute.get("/flavors/1", version)["flavor"]["swap"] == swap


@pytest.mark.parametrize("version", ["2.1", "2.69", "2.70", "2.79", "2.88", "2.89", "2.100"])
def test_volume_attachments(compute: Any, version: str) -> None:
    server, volume = compute.create(), compute.rig.volumes.create(size=1).id
    path = f"/servers/{server}/os-volume_attachments"
    more: Steps = {(2, 70): "tag", (2, 79): "delete_on_termination"}
    body = {"volumeAttachment": {"volumeId": volume}}
    made = compute("POST", path, body, version=version, expect=200).json()["volumeAttachment"]
    assert set(made) == at(version, "id volumeId serverId device", more)
    expected = at(version, "volumeId serverId device", more)
    expected |= {"attachment_id", "bdm_uuid"} if minor_of(version) >= 89 else {"id"}
    (listed,) = compute.get(path, version)["volumeAttachments"]
    assert set(listed) == expected
    assert compute.get(f"{path}/{volume}", version)["volumeAttachment"] == listed


@pytest.mark.parametrize("version", ["2.1", "2.22", "2.23", "2.58", "2.59", "2.80"])
def test_migrations(compute: Any, version: str) -> None:
    server = compute.create()
    compute.act(server, "migrate")
    (told,) = compute.get("/os-migrations", version)["migrations"]
    assert set(told) == at(
        version,
        "id status instance_uuid source_node source_compute dest_node dest_compute dest_host "
        "old_instance_type_id new_instance_type_id created_at updated_at",
        {(2, 23): "migration_type", (2, 59): "uuid", (2, 80): "user_id project_id"},
    )
    assert told["status"] == "finished"


@pytest.mark.parametrize("version", ["2.23", "2.58", "2.59", "2.79", "2.80"])
def test_live_migrations_in_progress(compute: Any, version: str) -> None:
    rig, server = compute.rig, compute.create()
    hold = rig.faults.hold("driver.live_migration", times=1)
    with rig.holding():
        body = {"host": None, "block_migration": "auto"}
        compute.act(server, "os-migrateLive", body)
        rig.settle()
        (told,) = compute.get(f"/servers/{server}/migrations", version)["migrations"]
        shown = compute.get(f"/servers/{server}/migrations/{told['id']}", version)["migration"]
        (listed,) = compute.get("/os-migrations", version)["migrations"]
        hold.release()
    assert shown == told
    assert set(told) == at(
        version,
        "id status server_uuid source_node source_compute dest_node dest_compute dest_host "
        "disk_processed_bytes disk_remaining_bytes disk_total_bytes memory_processed_bytes "
        "memory_remaining_bytes memory_total_bytes created_at updated_at",
        {(2, 59): "uuid", (2, 80): "user_id project_id"},
    )
    assert listed["links"][0]["href"].endswith(f"/servers/{server}/migrations/{told['id']}")
    assert compute.get(f"/servers/{server}/migrations", version)["migrations"] == []


@pytest.mark.parametrize("version", ["2.1", "2.21", "2.51", "2.57", "2.58", "2.62", "2.84"])
def test_instance_actions(compute: Any, version: str) -> None:
    server = compute.create()
    path = f"/servers/{server}/os-instance-actions"
    (listed,) = compute.get(path, version)["instanceActions"]
    expected = at(
        version,
        "action request_id user_id project_id start_time message instance_uuid",
        {(2, 58): "updated_at"},
    )
    assert set(listed) == expected
    shown = compute.get(f"{path}/{listed['request_id']}", version)["instanceAction"]
    assert set(shown) == expected | {"events"}
    assert set(shown["events"][0]) == at(
        version,
        "event start_time finish_time result traceback",
        {(2, 62): "host hostId", (2, 84): "details"},
    )


@pytest.mark.parametrize("version", ["2.50", "2.51", "2.62", "2.84"])
def test_the_steps_of_an_action_are_shown_to_users_from_2_51_on(compute: Any, version: str) -> None:
    server = compute.create(who="alice:project")
    path = f"/servers/{server}/os-instance-actions"
    (listed,) = compute.get(path, version, who="alice:project")["instanceActions"]
    shown = compute.get(f"{path}/{listed['request_id']}", version, who="alice:project")
    events = shown["instanceAction"].get("events")
    if version == "2.50":
        assert events is None
    else:
        assert set(events[0]) == at(
            version,
            "event start_time finish_time result",
            {(2, 62): "hostId", (2, 84): "details"},
        )


_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILZ3xq0rEeUuKbBpVq9uVf0a8H9nGg7rwBqwuJ7VnJ5m me"


@pytest.mark.parametrize("version", ["2.1", "2.2", "2.10", "2.35", "2.92"])
def test_key_pairs(compute: Any, version: str) -> None:
    body = {"keypair": {"name": "key", "public_key": _KEY}}
    kind: Steps = {(2, 2): "type"}
    made = compute("POST", "/os-keypairs", body, version=version)
    assert made.status_code == (200 if version == "2.1" else 201)
    assert set(made.json()["keypair"]) == at(version, "fingerprint name public_key user_id", kind)
    (listed,) = compute.get("/os-keypairs", version)["keypairs"]
    assert set(listed["keypair"]) == at(version, "fingerprint name public_key", kind)
    assert set(compute.get("/os-keypairs/key", version)["keypair"]) == at(
        version,
        "public_key name fingerprint user_id deleted created_at updated_at deleted_at id",
        kind,
    )
    gone = compute("DELETE", "/os-keypairs/key", version=version)
    assert gone.status_code == (202 if version == "2.1" else 204)


@pytest.mark.parametrize("version", ["2.1", "2.12", "2.13", "2.15", "2.63", "2.64"])
def test_server_groups(compute: Any, version: str) -> None:
    old: dict[str, Any] = {"name": "group", "policies": ["affinity"]}
    new: dict[str, Any] = {"name": "group", "policy": "affinity"}
    body = {"server_group": new if version == "2.64" else old}
    made = compute("POST", "/os-server-groups", body, version=version, expect=200).json()
    kind = "policy rules" if version == "2.64" else "policies metadata"
    expected = at(version, "id name members", kind, {(2, 13): "project_id user_id"})
    assert set(made["server_group"]) == expected
    (listed,) = compute.get("/os-server-groups", version)["server_groups"]
    assert listed == made["server_group"]
    group = listed["id"]
    assert compute.get(f"/os-server-groups/{group}", version)["server_group"] == listed


@pytest.mark.parametrize("version", ["2.1", "2.40", "2.41"])
def test_aggregates(compute: Any, version: str) -> None:
    body = {"aggregate": {"name": "fast", "availability_zone": "zone"}}
    uuid: Steps = {(2, 41): "uuid"}
    created = at(
        version, "availability_zone created_at deleted deleted_at id name updated_at", uuid
    )
    made = compute("POST", "/os-aggregates", body, version=version, expect=200).json()["aggregate"]
    assert set(made) == created
    shown = compute.get(f"/os-aggregates/{made['id']}", version)["aggregate"]
    assert set(shown) == created | {"hosts", "metadata"}
    assert compute.get("/os-aggregates", version)["aggregates"] == [shown]


_BRIEF_NODE = "id hypervisor_hostname status state"
_WHOLE_NODE = f"{_BRIEF_NODE} host_ip hypervisor_type hypervisor_version service"
_AMOUNTS = (
    "cpu_info current_workload disk_available_least free_disk_gb free_ram_mb local_gb "
    "local_gb_used memory_mb memory_mb_used running_vms vcpus vcpus_used"
)


@pytest.mark.parametrize("version", ["2.1", "2.28", "2.33", "2.53", "2.87", "2.88"])
def test_hypervisors(compute: Any, version: str) -> None:
    told = compute.get("/os-hypervisors", version)["hypervisors"]
    assert set(told[0]) == set(_BRIEF_NODE.split())
    details = compute.get("/os-hypervisors/detail", version)["hypervisors"]
    amounts = "uptime" if version == "2.88" else _AMOUNTS
    assert set(details[0]) == at(version, _WHOLE_NODE, amounts)
    shown = compute.get(f"/os-hypervisors/{told[0]['id']}", version)["hypervisor"]
    assert shown == details[0]
    if minor_of(version) < 88:
        kind = str if minor_of(version) < 28 else dict
        assert isinstance(shown["cpu_info"], kind)


@pytest.mark.parametrize("version", ["2.1", "2.10", "2.11", "2.52", "2.53", "2.69"])
def test_services(compute: Any, version: str) -> None:
    told = compute.get("/os-services", version)["services"]
    assert set(told[0]) == at(
        version,
        "id zone host state binary status updated_at disabled_reason",
        {(2, 11): "forced_down"},
    )
    assert isinstance(told[0]["id"], int if minor_of(version) < 53 else str)


_QUOTAS = "instances cores ram metadata_items key_pairs server_groups server_group_members"
_NETWORK_QUOTAS = "floating_ips fixed_ips security_groups security_group_rules"
_FILE_QUOTAS = "injected_files injected_file_content_bytes injected_file_path_bytes"


@pytest.mark.parametrize("version", ["2.1", "2.35", "2.36", "2.56", "2.57", "2.104"])
def test_quotas(compute: Any, version: str) -> None:
    expected = at(
        version,
        _QUOTAS,
        _NETWORK_QUOTAS if minor_of(version) < 36 else "",
        _FILE_QUOTAS if minor_of(version) < 57 else "",
    )
    for path in ("", "/defaults", "/detail"):
        told = compute.get(f"/os-quota-sets/project{path}", version)["quota_set"]
        assert set(told) == expected | {"id"}
    body = {"quota_set": {"cores": "7"}}
    changed = compute("PUT", "/os-quota-sets/project", body, version=version, expect=200).json()
    assert set(changed["quota_set"]) == expected
    assert changed["quota_set"]["cores"] == 7


def test_limits(compute: Any) -> None:
    first, last = (
        compute.get("/limits", version)["limits"]["absolute"] for version in ("2.1", "2.57")
    )
    assert set(last) == {
        *("maxTotalInstances", "maxTotalCores", "maxTotalRAMSize", "maxServerMeta"),
        *("maxTotalKeypairs", "maxServerGroups", "maxServerGroupMembers"),
        *("totalInstancesUsed", "totalCoresUsed", "totalRAMUsed", "totalServerGroupsUsed"),
    }
    assert set(first) - set(last) == {
        *("maxTotalFloatingIps", "maxSecurityGroups", "maxSecurityGroupRules", "maxImageMeta"),
        *("maxPersonality", "maxPersonalitySize", "totalFloatingIpsUsed"),
        "totalSecurityGroupsUsed",
    }


def test_diagnostics_have_one_form_from_2_48_on(compute: Any) -> None:
    told = compute.get(f"/servers/{compute.create()}/diagnostics", "2.48")
    assert set(told) == {
        *("state", "driver", "hypervisor", "hypervisor_os", "uptime", "config_drive"),
        *("num_cpus", "num_nics", "num_disks", "memory_details", "cpu_details"),
        *("nic_details", "disk_details"),
    }


def _all_fields(values: Iterable[Mapping[str, Any]]) -> set[str]:
    return {field for value in values for field in value}


def test_availability_zones(compute: Any) -> None:
    for path in ("/os-availability-zone", "/os-availability-zone/detail"):
        told = compute.get(path)["availabilityZoneInfo"]
        assert _all_fields(told) == {"zoneName", "zoneState", "hosts"}
