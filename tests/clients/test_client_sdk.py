"""openstacksdk: everything that the six efforts are about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from cloud_of_clients import Cloud, boot, unique
from openstack import exceptions


def test_servers_of_all_cells_are_listed_sorted_and_paged(cloud: Cloud) -> None:
    connection = cloud.connection()
    mark = unique()
    for number in (3, 1, 2, 4):
        boot(connection, f"{mark}-{number}")
    found = connection.compute.servers(name=mark, sort_key="display_name", sort_dir="asc", limit=2)
    assert [server.name for server in found] == [f"{mark}-{number}" for number in (1, 2, 3, 4)]
    hosts = {server.hypervisor_hostname for server in connection.compute.servers(name=mark)}
    assert {host.split("-")[0] for host in hosts} <= {"cell1", "cell2"}


def test_a_server_lives_through_all_its_states(cloud: Cloud) -> None:
    connection = cloud.connection()
    compute = connection.compute
    server = boot(connection, unique())
    steps: list[tuple[Callable[[], Any], str]] = [
        (lambda: compute.stop_server(server), "SHUTOFF"),
        (lambda: compute.start_server(server), "ACTIVE"),
        (lambda: compute.pause_server(server), "PAUSED"),
        (lambda: compute.unpause_server(server), "ACTIVE"),
        (lambda: compute.suspend_server(server), "SUSPENDED"),
        (lambda: compute.resume_server(server), "ACTIVE"),
        (lambda: compute.reboot_server(server, "HARD"), "ACTIVE"),
        (lambda: compute.rescue_server(server), "RESCUE"),
        (lambda: compute.unrescue_server(server), "ACTIVE"),
        (lambda: compute.shelve_server(server), "SHELVED_OFFLOADED"),
        (lambda: compute.unshelve_server(server), "ACTIVE"),
    ]
    for step, status in steps:
        step()
        # What was ACTIVE before its reboot, the client would take for ACTIVE after it.
        found = compute.get_server(server.id)
        assert compute.wait_for_server(found, status=status, interval=0.1).status == status
    actions = {action.action for action in compute.server_actions(server)}
    assert actions >= {"create", "stop", "start", "rescue", "shelve", "unshelve"}
    compute.delete_server(server)
    compute.wait_for_delete(server, interval=0.1)


def test_a_server_moves_cold_and_live_and_its_migrations_are_told(cloud: Cloud) -> None:
    connection = cloud.connection()
    compute = connection.compute
    server = boot(connection, unique())
    first = compute.get_server(server.id).hypervisor_hostname
    compute.migrate_server(server)
    compute.wait_for_server(server, status="VERIFY_RESIZE", interval=0.1)
    held = connection.placement.get(f"/allocations/{server.id}").json()["allocations"]
    assert len(held) == 1  # the source is the migration's
    compute.confirm_server_resize(server)
    compute.wait_for_server(server, status="ACTIVE", interval=0.1)
    second = compute.get_server(server.id).hypervisor_hostname
    assert second != first
    compute.live_migrate_server(server, block_migration="auto")
    # The server that was given is ACTIVE, with which the client would be content at once.
    compute.wait_for_server(compute.get_server(server.id), status="ACTIVE", interval=0.1)
    told = [each for each in compute.migrations() if each.server_id == server.id]
    ended = {each.migration_type: each.status for each in told}
    assert ended == {"live-migration": "completed", "migration": "confirmed"}


def test_a_resize_is_reverted(cloud: Cloud) -> None:
    connection = cloud.connection()
    server = boot(connection, unique())
    larger = connection.compute.find_flavor("m1.small")
    connection.compute.resize_server(server, larger.id)
    connection.compute.wait_for_server(server, status="VERIFY_RESIZE", interval=0.1)
    connection.compute.revert_server_resize(server)
    back = connection.compute.wait_for_server(server, status="ACTIVE", interval=0.1)
    assert back.flavor.original_name == "m1.tiny"


def test_nested_providers_are_seen_and_a_function_of_one_is_a_ports(cloud: Cloud) -> None:
    connection = cloud.connection()
    network = connection.network.find_network("private")
    port = connection.network.create_port(network_id=network.id, binding_vnic_type="direct")
    server = boot(connection, unique(), networks=[{"port": port.id}])
    bound = connection.network.get_port(port.id)
    assert bound.binding_profile["pci_slot"].startswith("0000:81:02.")
    assert bound.binding_host_id == connection.compute.get_server(server.id).hypervisor_hostname
    version = {"OpenStack-API-Version": "placement 1.29"}
    held = connection.placement.get(f"/allocations/{server.id}", headers=version).json()
    classes = [set(each["resources"]) for each in held["allocations"].values()]
    assert {"SRIOV_NET_VF"} in classes
    candidates = connection.placement.get(
        "/allocation_candidates?resources=VCPU:1&resources1=SRIOV_NET_VF:1", headers=version
    ).json()["allocation_requests"]
    assert all(len(each["allocations"]) == 2 for each in candidates)


def test_a_volume_is_attached_grown_and_detached(cloud: Cloud) -> None:
    connection = cloud.connection()
    server = boot(connection, unique())
    volume = connection.block_storage.create_volume(name=unique(), size=1)
    connection.block_storage.wait_for_status(volume, "available", interval=0.1)
    connection.compute.create_volume_attachment(server, volume_id=volume.id)
    connection.block_storage.wait_for_status(volume, "in-use", interval=0.1)
    (attachment,) = connection.block_storage.attachments(volume_id=volume.id)
    assert attachment.instance == server.id
    connection.compute.delete_volume_attachment(server, volume.id)
    connection.block_storage.wait_for_status(volume, "available", interval=0.1)
    connection.block_storage.extend_volume(volume, 2)
    assert connection.block_storage.get_volume(volume.id).size == 2
    connection.block_storage.delete_volume(volume)
    connection.block_storage.wait_for_delete(volume, interval=0.1)


def test_two_servers_share_a_multiattach_volume(cloud: Cloud) -> None:
    connection = cloud.connection()
    storage = connection.block_storage
    volume = storage.create_volume(name=unique(), size=1, volume_type="multiattach")
    storage.wait_for_status(volume, "available", interval=0.1)
    servers = [boot(connection, unique()) for _ in range(2)]
    for server in servers:
        connection.compute.create_volume_attachment(server, volume_id=volume.id)
    shared = storage.wait_for_status(volume, "in-use", interval=0.1)
    assert shared.is_multiattach
    held = {attachment.instance for attachment in storage.attachments(volume_id=volume.id)}
    assert held == {server.id for server in servers}


def test_an_image_is_uploaded_booted_and_downloaded(cloud: Cloud) -> None:
    connection = cloud.connection()
    data = b"a disk" * 1000
    image = connection.image.create_image(
        unique(), data=data, disk_format="raw", container_format="bare", validate_checksum=True
    )
    assert connection.image.get_image(image.id).status == "active"
    assert connection.image.download_image(image).content == data
    server = boot(connection, unique(), image=image)
    assert connection.compute.get_server(server.id).image.id == image.id


def test_a_project_does_not_see_what_is_anothers(cloud: Cloud) -> None:
    admin, demo = cloud.connection(), cloud.connection("demo")
    server = boot(admin, unique())
    volume = admin.block_storage.create_volume(name=unique(), size=1)
    assert server.id not in [each.id for each in demo.compute.servers()]
    looks: list[Callable[[], Any]] = [
        lambda: demo.compute.get_server(server.id),
        lambda: demo.compute.delete_server(server.id, ignore_missing=False),
        lambda: demo.block_storage.get_volume(volume.id),
    ]
    for look in looks:
        with pytest.raises(exceptions.NotFoundException):
            look()
    with pytest.raises(exceptions.ForbiddenException):
        list(demo.compute.hypervisors())


def test_what_cannot_be_is_told_in_the_words_of_the_api(cloud: Cloud) -> None:
    connection = cloud.connection()
    with pytest.raises(exceptions.BadRequestException, match="flavor"):
        boot(connection, unique(), flavor="nothing")
    server = boot(connection, unique())
    with pytest.raises(exceptions.ConflictException):
        connection.compute.start_server(server)


def test_a_connection_cleans_up_by_its_own_layer(cloud: Cloud) -> None:
    connection = cloud.connection("demo")
    made: Any = connection.create_server(
        unique(), image="cirros", flavor="m1.tiny", network="private", auto_ip=False, wait=True
    )
    assert made.status == "ACTIVE"
    assert connection.delete_server(made.id, wait=True)
