"""The ``openstack`` command, with osc-placement."""

from __future__ import annotations

import pytest
from cloud_of_clients import Cloud, unique

LISTS = (
    "server list --long",
    "server list --all-projects",
    "flavor list --long",
    "image list --long",
    "network list --long",
    "subnet list",
    "port list",
    "security group list",
    "keypair list",
    "server group list",
    "aggregate list",
    "availability zone list",
    "hypervisor list --long",
    "compute service list",
    "server migration list",
    "volume list --long",
    "volume type list --long",
    "volume snapshot list",
    "volume attachment list",
    "volume service list",
    "volume backend pool list",
    "project list",
    "user list",
    "role list",
    "role assignment list --names",
    "domain list",
    "endpoint list",
    "catalog list",
    "quota show",
    "limits show --absolute",
    "extension list",
)


def test_a_server_from_nothing_to_its_end(cloud: Cloud) -> None:
    name, volume = unique(), unique()
    made = cloud.json(
        *("server", "create", "--image", "cirros", "--flavor", "m1.tiny"),
        *("--network", "private", "--wait", name),
    )
    assert made["status"] == "ACTIVE"
    shown = cloud.json("server", "show", name)
    assert list(shown["addresses"]) == ["private"]
    cloud.command("volume", "create", "--size", "1", "--type", "multiattach", volume)
    cloud.wait_for_volume(volume, "available")
    cloud.command("server", "add", "volume", name, volume)
    cloud.wait_for_volume(volume, "in-use")
    assert cloud.json("volume", "show", volume)["status"] == "in-use"
    cloud.command("server", "remove", "volume", name, volume)
    cloud.wait_for_volume(volume, "available")
    cloud.command("server", "migrate", "--wait", name)
    cloud.command("server", "migrate", "confirm", name)
    cloud.command("server", "delete", "--wait", name)
    assert name not in [server["Name"] for server in cloud.json("server", "list")]
    cloud.command("volume", "delete", volume)


def test_everything_is_listed(cloud: Cloud) -> None:
    for words in LISTS:
        assert isinstance(cloud.json(*words.split()), list | dict), words


def test_a_project_of_its_own_with_a_user_who_signs_in(cloud: Cloud) -> None:
    project, user = unique(), unique()
    cloud.command("project", "create", project)
    cloud.command("user", "create", "--password", "x", user)
    cloud.command("role", "add", "--project", project, "--user", user, "member")
    names = cloud.json("role", "assignment", "list", "--project", project, "--names")
    assert [(each["Role"], each["User"].split("@")[0]) for each in names] == [("member", user)]


def test_a_server_is_snapshotted_and_rebuilt(cloud: Cloud) -> None:
    name = unique()
    cloud.command(
        *("server", "create", "--image", "cirros", "--flavor", "m1.tiny", "--nic", "none"),
        *("--wait", name),
    )
    cloud.command("server", "image", "create", "--name", f"of-{name}", "--wait", name)
    assert cloud.json("image", "show", f"of-{name}")["status"] == "active"
    cloud.command("server", "rebuild", "--image", "cirros-0.6.3-x86_64-disk", "--wait", name)
    assert cloud.json("server", "show", name)["image"].startswith("cirros-0.6.3-x86_64-disk")


def test_placement_is_seen_through_its_plugin(cloud: Cloud) -> None:
    version = ("--os-placement-api-version", "1.29")
    providers = cloud.json(*version, "resource", "provider", "list")
    (card,) = [each for each in providers if each["name"].startswith("cell1-host1_")]
    assert card["parent_provider_uuid"]
    inventory = cloud.json(*version, "resource", "provider", "inventory", "list", card["uuid"])
    assert [(each["resource_class"], each["total"]) for each in inventory] == [("SRIOV_NET_VF", 8)]
    traits = cloud.json(*version, "resource", "provider", "trait", "list", card["uuid"])
    assert {"name": "CUSTOM_PHYSNET_PUBLIC"} in traits
    candidates = cloud.json(
        *version,
        *(
            "allocation",
            "candidate",
            "list",
            "--resource",
            "VCPU=1",
            "--resource",
            "SRIOV_NET_VF=1",
        ),
    )
    assert candidates


def test_a_mistake_is_told_in_one_sentence(cloud: Cloud) -> None:
    with pytest.raises(AssertionError, match="No Server found for nobody"):
        cloud.command("server", "show", "nobody")
