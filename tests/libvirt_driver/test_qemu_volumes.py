"""Volumes of QEMU guests: coming and going while the guest runs, shared, swapped, grown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from fleet import Fleet, disk_path, file_volume

from cellrig.driver import (
    Disk,
    DiskNotFound,
    GuestBusy,
    GuestDisk,
    GuestNotFound,
    HypervisorError,
    PowerState,
    RebootKind,
)
from cellrig.volume.backends.files import grow
from cellrig.volume.backends.nbd_server import NbdServer
from cellrig_libvirt.hosts import LibvirtHosts

LOCKED = 'Failed to get .*"write" lock'


@pytest.fixture
def nbd(hosts: LibvirtHosts) -> Iterator[Disk]:
    """A volume that is reached over the network."""
    disk = file_volume(hosts.volumes)
    server = NbdServer(disk_path(disk), "volume", "127.0.0.1", read_only=False)
    data = {"host": "127.0.0.1", "port": server.port, "export": "volume"}
    yield Disk(
        serial=disk.serial,
        size_gb=1,
        connection_info={"driver_volume_type": "nbd", "data": data},
    )
    server.close()


def volumes(real: Fleet, host: int, uuid: str) -> list[GuestDisk]:
    return [disk for disk in real.drivers[host].get_guest(uuid).disks if disk.serial]


@pytest.mark.parametrize("kind", ["file", "nbd"])
def test_a_volume_comes_and_goes_while_the_guest_runs(
    real: Fleet, hosts: LibvirtHosts, nbd: Disk, kind: str
) -> None:
    driver = real.driver(**hosts[0].options())
    guest = real.spawn(driver)
    disk = nbd if kind == "nbd" else file_volume(hosts.volumes, tag="data")
    for _again in range(2):
        driver.attach_volume(guest, disk)
        (found,) = volumes(real, 0, guest.uuid)
        assert (found.serial, found.target, found.bus) == (disk.serial, "sdb", "scsi")
        assert (found.cache, found.shareable, found.size_gb) == ("none", False, 1)
        assert found.tag == disk.tag
    # It outlives the guest's plug.
    driver.reboot(guest, RebootKind.HARD)
    assert [each.serial for each in volumes(real, 0, guest.uuid)] == [disk.serial]
    driver.detach_volume(guest, disk)
    assert volumes(real, 0, guest.uuid) == []
    with pytest.raises(DiskNotFound, match=disk.serial):
        driver.detach_volume(guest, disk)
    driver.reboot(guest, RebootKind.HARD)
    assert volumes(real, 0, guest.uuid) == []


def test_a_volume_of_a_stopped_guest_is_there_when_it_starts(
    real: Fleet, hosts: LibvirtHosts
) -> None:
    driver = real.driver(**hosts[0].options())
    guest = real.spawn(driver)
    driver.power_off(guest)
    first, second = file_volume(hosts.volumes), file_volume(hosts.volumes)
    driver.attach_volume(guest, first)
    driver.attach_volume(guest, second)
    driver.detach_volume(guest, first)
    driver.power_on(guest)
    assert [disk.serial for disk in volumes(real, 0, guest.uuid)] == [second.serial]


def test_a_suspended_guest_takes_no_volume(real: Fleet, hosts: LibvirtHosts) -> None:
    driver = real.driver(**hosts[0].options())
    guest = real.spawn(driver)
    driver.suspend(guest)
    with pytest.raises(GuestBusy, match="SUSPENDED"):
        driver.attach_volume(guest, file_volume(hosts.volumes))
    driver.resume(guest)
    assert volumes(real, 0, guest.uuid) == []


def test_an_attach_of_what_is_not_there_leaves_nothing(real: Fleet, hosts: LibvirtHosts) -> None:
    driver = real.driver(**hosts[0].options())
    guest = real.spawn(driver)
    gone = file_volume(hosts.volumes)
    disk_path(gone).unlink()
    with pytest.raises(HypervisorError):
        driver.attach_volume(guest, gone)
    assert volumes(real, 0, guest.uuid) == []
    with pytest.raises(GuestNotFound):
        driver.attach_volume(real.guest(), gone)


def test_qemu_refuses_a_second_writer_of_a_volume_that_is_not_shareable(
    real: Fleet, hosts: LibvirtHosts
) -> None:
    one, other = (real.driver(f"host{i}", **hosts[i].options()) for i in range(2))
    disk = file_volume(hosts.volumes)
    real.spawn(one, disk)
    # On another host, on the same one, and by an attach.
    for driver in (other, one):
        with pytest.raises(HypervisorError, match=LOCKED):
            real.spawn(driver, disk)
    second = real.spawn(other)
    with pytest.raises(HypervisorError, match=LOCKED):
        other.attach_volume(second, disk)
    assert volumes(real, 1, second.uuid) == []
    assert len(one.list_guests()) == len(other.list_guests()) == 1


def test_qemu_refuses_a_shareable_disk_of_what_is_not_shareable_elsewhere(
    real: Fleet, hosts: LibvirtHosts
) -> None:
    driver = real.driver(**hosts[0].options())
    disk = file_volume(hosts.volumes)
    real.spawn(driver, disk)
    guest = real.spawn(driver)
    with pytest.raises(HypervisorError, match=LOCKED):
        driver.attach_volume(guest, msgspec.structs.replace(disk, multiattach=True))


def test_two_guests_on_two_hosts_have_one_multiattach_volume(
    real: Fleet, hosts: LibvirtHosts
) -> None:
    drivers = [real.driver(f"host{i}", **hosts[i].options()) for i in range(2)]
    disk = file_volume(hosts.volumes, multiattach=True)
    first = real.spawn(drivers[0], disk)
    second = real.spawn(drivers[1])
    drivers[1].attach_volume(second, disk)
    for host, guest in enumerate((first, second)):
        (found,) = volumes(real, host, guest.uuid)
        assert (found.serial, found.shareable, found.cache) == (disk.serial, True, "none")
        assert drivers[host].get_guest(guest.uuid).power_state is PowerState.RUNNING


@pytest.mark.parametrize("kind", ["file", "nbd"])
def test_a_volume_is_swapped_with_its_data(
    real: Fleet, hosts: LibvirtHosts, nbd: Disk, kind: str
) -> None:
    driver = real.driver(**hosts[0].options())
    old = file_volume(hosts.volumes, tag="data")
    new = nbd if kind == "nbd" else file_volume(hosts.volumes)
    with disk_path(old).open("r+b") as data:
        data.write(b"what the guest has written")
    guest = real.spawn(driver, old)
    driver.swap_volume(guest, old, new)
    (found,) = volumes(real, 0, guest.uuid)
    assert (found.serial, found.tag, found.size_gb) == (new.serial, "data", new.size_gb)
    assert found.target == "sdb"
    if kind == "file":
        with disk_path(new).open("rb") as data:
            assert data.read(26) == b"what the guest has written"
        assert found.source == str(disk_path(new))
    with pytest.raises(DiskNotFound):
        driver.detach_volume(guest, old)
    # The old one is free for others, and the new one stays when the guest is restarted.
    real.spawn(driver, old)
    driver.reboot(guest, RebootKind.HARD)
    assert [each.serial for each in volumes(real, 0, guest.uuid)] == [new.serial]
    driver.detach_volume(guest, new)
    assert volumes(real, 0, guest.uuid) == []


def test_a_volume_is_swapped_for_a_larger_one(real: Fleet, hosts: LibvirtHosts) -> None:
    driver = real.driver(**hosts[0].options())
    old, new = file_volume(hosts.volumes), file_volume(hosts.volumes, size_gb=2)
    guest = real.spawn(driver, old)
    driver.swap_volume(guest, old, new)
    assert volumes(real, 0, guest.uuid)[0].serial == new.serial
    assert disk_path(new).stat().st_size == 2 << 30
    # QEMU copies between equals only, so the guest sees the rest when it is started again.
    domain = driver.hypervisor.domain(guest.uuid)
    assert domain.blockInfo("sdb")[0] == 1 << 30
    driver.reboot(guest, RebootKind.HARD)
    assert domain.blockInfo("sdb")[0] == 2 << 30


def test_a_swapped_volume_leaves_the_running_guest(real: Fleet, hosts: LibvirtHosts) -> None:
    driver = real.driver(**hosts[0].options())
    old, new = file_volume(hosts.volumes), file_volume(hosts.volumes)
    guest = real.spawn(driver, old)
    driver.swap_volume(guest, old, new)
    driver.extend_volume(guest, new, 2 << 30)
    (found,) = volumes(real, 0, guest.uuid)
    assert (found.serial, found.size_gb) == (new.serial, 2)
    driver.detach_volume(guest, new)
    assert volumes(real, 0, guest.uuid) == []
    driver.reboot(guest, RebootKind.HARD)
    assert volumes(real, 0, guest.uuid) == []


def test_a_volume_that_keeps_its_id_is_swapped_twice_harmlessly(
    real: Fleet, hosts: LibvirtHosts
) -> None:
    driver = real.driver(**hosts[0].options())
    old, there = file_volume(hosts.volumes), file_volume(hosts.volumes)
    new = Disk(serial=old.serial, size_gb=1, connection_info=there.connection_info)
    guest = real.spawn(driver, old)
    for _again in range(2):
        driver.swap_volume(guest, old, new)
        (found,) = volumes(real, 0, guest.uuid)
        assert (found.serial, found.source) == (old.serial, str(disk_path(there)))


def test_a_swap_to_what_is_too_small_leaves_the_old_volume(
    real: Fleet, hosts: LibvirtHosts
) -> None:
    driver = real.driver(**hosts[0].options())
    old, small = file_volume(hosts.volumes, size_gb=2), file_volume(hosts.volumes)
    guest = real.spawn(driver, old)
    with pytest.raises(HypervisorError):
        driver.swap_volume(guest, old, small)
    assert [each.serial for each in volumes(real, 0, guest.uuid)] == [old.serial]
    driver.detach_volume(guest, old)


def test_a_running_guest_sees_that_its_volume_has_grown(real: Fleet, hosts: LibvirtHosts) -> None:
    driver = real.driver(**hosts[0].options())
    disk = file_volume(hosts.volumes)
    guest = real.spawn(driver, disk)
    domain = driver.hypervisor.domain(guest.uuid)
    assert domain.blockInfo("sdb")[0] == 1 << 30
    grow(disk_path(disk), 3 << 30)
    for _again in range(2):
        driver.extend_volume(guest, disk, 3 << 30)
        assert domain.blockInfo("sdb")[0] == 3 << 30
        assert volumes(real, 0, guest.uuid)[0].size_gb == 3
    with pytest.raises(DiskNotFound):
        driver.extend_volume(guest, file_volume(hosts.volumes), 1 << 30)


def test_sixteen_volumes_hang_on_one_controller(real: Fleet, hosts: LibvirtHosts) -> None:
    driver = real.driver(**hosts[0].options())
    disks = [file_volume(hosts.volumes) for _number in range(16)]
    guest = real.spawn(driver, *disks[:14])
    for disk in disks[14:]:
        driver.attach_volume(guest, disk)
    assert [each.serial for each in volumes(real, 0, guest.uuid)] == [d.serial for d in disks]
    assert driver.domain_xml(guest.uuid).count(b'<controller type="scsi"') == 1


def test_a_volume_that_only_root_could_open_is_lent_to_the_hypervisor(
    real: Fleet, hosts: LibvirtHosts
) -> None:
    driver = real.driver(**hosts[0].options())
    disk = file_volume(hosts.volumes)
    path: Path = disk_path(disk)
    path.chmod(0o600)
    guest = real.spawn(driver, disk)
    assert volumes(real, 0, guest.uuid)[0].source == str(path)
