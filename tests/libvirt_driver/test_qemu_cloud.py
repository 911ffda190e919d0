"""The whole control plane over real hypervisors, on threads."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from fleet import Fleet
from waiting import wait_for

from cellrig import Cell, Host, Rig, Topology
from cellrig.driver import Disk
from cellrig.model import BlockDevice, Flavor, SourceType
from cellrig.runtime.live import LiveRuntime
from cellrig.topology import StorageBackend
from cellrig.volume.types import Volume
from cellrig_libvirt.hosts import LibvirtHosts

FLAVORS = (
    Flavor("1", "tiny", vcpus=1, memory_mb=64, root_gb=1),
    Flavor("2", "larger", vcpus=1, memory_mb=96, root_gb=2),
    Flavor("3", "diskless", vcpus=1, memory_mb=64, root_gb=0),
)


@pytest.fixture(params=["file", "nbd"])
def cloud(request: pytest.FixtureRequest, hosts: LibvirtHosts) -> Iterator[Rig]:
    """Two hosts with QEMU, and volumes in files or served over the network."""
    backend = StorageBackend(
        "files", driver=request.param, options={"directory": str(hosts.volumes)}
    )
    topology = Topology(
        cells=[
            Cell(
                "cell1",
                [
                    Host(f"host{number}", driver="libvirt", options=hosts[number].options())
                    for number in range(2)
                ],
            )
        ],
        flavors=FLAVORS,
        volume_backends=[backend],
    )
    with Rig(topology, live=True) as rig:
        yield rig
        for server in rig.servers.list():
            rig.servers.delete(server)
        assert rig.placement.list_allocations() == ()
    assert [list(hosts.guest_processes(number)) for number in range(2)] == [[], []]
    for number in range(2):
        assert list(hosts[number].instances_path.glob("*-*")) == []


def serials(rig: Rig, server: object) -> list[str | None]:
    return [disk.serial for disk in rig.guest(server).disks if disk.serial]  # type: ignore[arg-type]


def test_a_server_lives_moves_and_dies_with_its_volume(cloud: Rig) -> None:
    rig = cloud
    server = rig.servers.create()
    assert server.status == "ACTIVE", server.fault
    volume = rig.volumes.create(size=1)
    rig.servers.attach_volume(server, volume)
    assert serials(rig, server) == [volume.id]
    rig.servers.detach_volume(server, volume)
    assert serials(rig, server) == []
    assert rig.volumes.show(volume).status == "available"
    rig.servers.attach_volume(server, volume)

    source = rig.servers.show(server).host
    assert rig.servers.migrate(server).status == "VERIFY_RESIZE"
    moved = rig.servers.confirm_resize(server)
    assert (moved.status, moved.host != source) == ("ACTIVE", True)
    resized = rig.servers.resize(server, "2")
    assert resized.status == "VERIFY_RESIZE", resized.fault
    assert rig.guest(server).memory_mb == 96
    reverted = rig.servers.revert_resize(server)
    assert (reverted.host, rig.guest(server).memory_mb) == (moved.host, 64)
    rig.servers.resize(server, "2")
    rig.servers.confirm_resize(server)
    before = rig.servers.show(server)
    after = rig.servers.live_migrate(server)
    assert (after.status, after.host != before.host) == ("ACTIVE", True), after.fault
    assert serials(rig, server) == [volume.id]
    assert [disk.size_gb for disk in rig.guest(server).disks] == [2, 1]
    rig.servers.delete(server)
    assert rig.volumes.show(volume).status == "available"


def test_a_server_that_boots_from_a_volume_moves_live(cloud: Rig) -> None:
    rig = cloud
    boot = rig.volumes.create(size=1)
    rig.volumes.set_bootable(boot)
    device = BlockDevice(source_type=SourceType.VOLUME, uuid=boot.id, boot_index=0)
    server = rig.servers.create(flavor="3", block_devices=[device])
    assert server.status == "ACTIVE", server.fault
    shared: Volume = rig.volumes.create(size=1, type="multiattach")
    neighbour = rig.servers.create()
    for each in (server, neighbour):
        rig.servers.attach_volume(each, shared)
        assert rig.guest(each).disk(serial=shared.id).shareable
    moved = rig.servers.live_migrate(server)
    assert (moved.status, moved.host != server.host) == ("ACTIVE", True), moved.fault
    assert serials(rig, server) == [boot.id, shared.id]
    assert rig.guest(neighbour).disk(serial=shared.id).shareable
    assert len(rig.volumes.attachments(shared)) == 2


@pytest.mark.parametrize("cloud", ["file"], indirect=True)
def test_a_volume_grows_and_is_swapped_under_a_running_server(cloud: Rig) -> None:
    server = cloud.servers.create()
    old, new = (cloud.volumes.create(size=size) for size in (1, 2))
    cloud.servers.attach_volume(server, old)
    cloud.volumes.extend(old, 2)
    assert cloud.guest(server).disk(serial=old.id).size_gb == 2
    cloud.servers.swap_volume(server, old, new)
    assert serials(cloud, server) == [new.id]
    assert [cloud.volumes.show(each).status for each in (old, new)] == ["available", "in-use"]


@pytest.mark.parametrize("cloud", ["file"], indirect=True)
def test_what_qemu_refuses_is_given_back_by_the_control_plane(
    cloud: Rig, hosts: LibvirtHosts, tmp_path: Path
) -> None:
    server = cloud.servers.create()
    volume = cloud.volumes.create(size=1, type="multiattach")
    # Somebody else has it open, and does not share it.
    runtime = LiveRuntime()
    others = Fleet(runtime, tmp_path)
    driver = others.driver("others", **hosts[1].options())
    guest = others.guest("others")
    path = hosts.volumes / f"volume-{volume.id}"
    info = {"driver_volume_type": "local", "data": {"device_path": str(path)}}
    disk = Disk(serial=volume.id, size_gb=1, connection_info=info)
    driver.spawn(guest, None, [disk], ())

    cloud.servers.attach_volume(server, volume)
    assert serials(cloud, server) == []
    assert cloud.volumes.show(volume).status == "available"
    assert not cloud.volumes.attachments(volume)
    fault = cloud.servers.show(server).fault
    assert fault is None or "write" in fault.message
    driver.destroy(guest, ())
    driver.cleanup_host()
    runtime.close()
    cloud.servers.attach_volume(server, volume)
    assert cloud.guest(server).disk(serial=volume.id).shareable


def test_a_guest_that_is_killed_is_seen_in_its_servers_status(
    cloud: Rig, hosts: LibvirtHosts
) -> None:
    server = cloud.servers.create()
    (pid,) = hosts.guest_processes(int(str(server.host)[-1]))
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: cloud.servers.show(server).status == "SHUTOFF", "SHUTOFF")
    assert cloud.servers.start(server).status == "ACTIVE"
