"""Guests of QEMU: their life, and what happens to it behind the driver's back."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from boot_sector import LINE, backing_file, boot_sector, write_image
from fleet import IMAGE, Fleet, file_volume
from waiting import wait_for

from cellrig.driver import (
    Guest,
    GuestBusy,
    GuestEventKind,
    GuestExists,
    GuestNotFound,
    HypervisorError,
    Image,
    ImageUnacceptable,
    PowerState,
    RebootKind,
)
from cellrig_libvirt import LibvirtDriver
from cellrig_libvirt.disk_files import QemuDiskFiles
from cellrig_libvirt.hosts import LibvirtHosts

DIED = GuestEventKind.DIED
RAW = Image(id="2b1c9f7e-43f0-4a53-8f0c-3a1f1a0e5a11", name="boot", format="raw")


def test_a_guest_goes_through_all_power_states(real: Fleet, hosts: LibvirtHosts) -> None:
    driver = real.driver(**hosts[0].options())
    guest = real.spawn(driver)

    def state() -> PowerState:
        return driver.get_guest(guest.uuid).power_state

    assert state() is PowerState.RUNNING
    for _again in range(2):
        driver.pause(guest)
        assert state() is PowerState.PAUSED
    driver.unpause(guest)
    for _again in range(2):
        driver.suspend(guest)
        assert state() is PowerState.SUSPENDED
    with pytest.raises(GuestBusy, match="SUSPENDED"):
        driver.power_on(guest)
    driver.resume(guest)
    assert state() is PowerState.RUNNING
    for _again in range(2):
        driver.power_off(guest, timeout=60)
        assert state() is PowerState.SHUTDOWN
    with pytest.raises(GuestBusy):
        driver.reboot(guest, RebootKind.SOFT)
    driver.reboot(guest, RebootKind.HARD)
    driver.reboot(guest, RebootKind.SOFT)
    assert state() is PowerState.RUNNING
    with pytest.raises(GuestExists):
        driver.spawn(guest, IMAGE, (), ())
    for _again in range(2):
        driver.destroy(guest, ())
    with pytest.raises(GuestNotFound, match=guest.uuid):
        driver.get_guest(guest.uuid)
    assert list(hosts[0].instances_path.glob("*-*")) == []
    assert hosts.guest_processes(0) == []


def test_the_hypervisor_says_who_a_guest_is(real: Fleet, hosts: LibvirtHosts) -> None:
    driver = real.driver(**hosts[0].options())
    guest = real.spawn(driver, memory_mb=96, display_name="web <1>", ephemeral_gb=1, swap_mb=64)
    (info,) = driver.list_guests()
    assert (info.uuid, info.name, info.node) == (guest.uuid, guest.name, "host1")
    assert (info.memory_mb, info.vcpus) == (96, 1)
    assert [(disk.target, disk.bus, disk.size_gb) for disk in info.disks] == [
        ("sda", "scsi", 1),
        ("sdb", "scsi", 1),
        ("sdc", "scsi", 1),
    ]


@pytest.mark.parametrize("form", ["raw", "qcow2"])
def test_a_root_disk_begins_with_the_images_data(
    real: Fleet, hosts: LibvirtHosts, form: str
) -> None:
    image = Image(id=real.new_uuid(), name="boot", format=form)
    driver = real.driver(**hosts[0].options(images_path=str(hosts.images)))
    write_image(hosts.images / image.id, form)
    guest = real.guest()
    driver.spawn(guest, image, (), ())
    root = hosts[0].instances_path / guest.uuid / "disk"
    assert backing_file(root) == str(hosts.images / image.id)
    assert LINE in _console(driver, guest)


def test_an_image_that_is_not_there_or_does_not_fit_is_refused(
    real: Fleet, hosts: LibvirtHosts
) -> None:
    driver = real.driver(**hosts[0].options(images_path=str(hosts.images)))
    with pytest.raises(ImageUnacceptable, match="there is no"):
        driver.spawn(real.guest(), RAW, (), ())
    with pytest.raises(ImageUnacceptable, match="vmdk"):
        driver.spawn(real.guest(), Image(id="i", format="vmdk"), (), ())
    large = Image(id=real.new_uuid(), format="raw")
    with (hosts.images / large.id).open("wb") as data:
        data.truncate(2 << 30)
    with pytest.raises(ImageUnacceptable, match="take 2 GiB"):
        driver.spawn(real.guest(), large, (), ())
    assert driver.list_guests() == []
    assert list(hosts[0].instances_path.glob("*-*")) == []


@pytest.mark.usefixtures("qemu")
def test_data_of_an_image_that_refer_to_a_file_of_the_host_are_refused(tmp_path: Path) -> None:
    """Who uploads an image has no right to what is on hosts."""
    secret = Image(id="secret", format="raw")
    (tmp_path / secret.id).write_bytes(bytes(512))
    uploaded = tmp_path / "uploaded"
    QemuDiskFiles(tmp_path, must_exist=True).create(uploaded, 0, secret)
    files = QemuDiskFiles(tmp_path / "images", must_exist=True, fetch=lambda _image_id: uploaded)
    with pytest.raises(ImageUnacceptable, match="refer to another file"):
        files.create(tmp_path / "disk", 1, Image(id="i", format="qcow2"))
    assert not (tmp_path / "disk").exists()


def test_a_guest_boots_from_a_volume_and_writes_its_console(
    real: Fleet, hosts: LibvirtHosts
) -> None:
    volume = file_volume(hosts.volumes, boot_index=0)
    with Path(volume.connection_info["data"]["device_path"]).open("r+b") as data:
        data.write(boot_sector())
    driver = real.driver(**hosts[0].options())
    guest = real.spawn(driver, volume, root_gb=0, image_id=None)
    assert [disk.serial for disk in driver.get_guest(guest.uuid).disks] == [volume.serial]
    assert LINE in _console(driver, guest)


def test_a_guest_that_does_not_start_leaves_nothing(real: Fleet, hosts: LibvirtHosts) -> None:
    driver = real.driver(**hosts[0].options())
    volume = file_volume(hosts.volumes)
    Path(volume.connection_info["data"]["device_path"]).unlink()
    with pytest.raises(HypervisorError, match="No such file|Cannot access"):
        real.spawn(driver, volume)
    assert driver.list_guests() == []
    assert list(hosts[0].instances_path.glob("*-*")) == []


def test_a_rescued_guest_has_its_own_disk_beside_it(real: Fleet, hosts: LibvirtHosts) -> None:
    driver = real.driver(**hosts[0].options(images_path=str(hosts.images)))
    image = Image(id=real.new_uuid(), format="raw")
    write_image(hosts.images / image.id, "raw")
    guest = real.guest()
    driver.spawn(guest, image, (), ())
    before = driver.get_guest(guest.uuid).disks
    for _again in range(2):
        driver.rescue(guest, image)
        disks = driver.get_guest(guest.uuid).disks
        assert [disk.source.rpartition("/")[2] for disk in disks] == ["disk", "disk.rescue"]
        assert [disk.boot_order for disk in disks] == [None, 1]
    for _again in range(2):
        driver.unrescue(guest)
        assert driver.get_guest(guest.uuid).disks == before
    assert not (hosts[0].instances_path / guest.uuid / "disk.rescue").exists()


@pytest.mark.parametrize("running", [True, False])
def test_a_snapshot_has_what_the_root_disk_had(
    real: Fleet, hosts: LibvirtHosts, running: bool
) -> None:
    driver = real.driver(**hosts[0].options(images_path=str(hosts.images)))
    image = Image(id=real.new_uuid(), format="raw")
    write_image(hosts.images / image.id, "raw")
    guest = real.guest()
    driver.spawn(guest, image, (), ())
    if not running:
        driver.power_off(guest)
    snapshot_id = real.new_uuid()
    made = driver.snapshot(guest, snapshot_id)
    target = hosts.images / snapshot_id
    assert (made.format, made.size, made.min_disk) == ("qcow2", target.stat().st_size, 1)
    assert backing_file(target) is None
    another = real.guest()
    driver.spawn(another, Image(id=snapshot_id), (), ())
    assert LINE in _console(driver, another)


def test_a_guest_that_is_killed_behind_our_back_is_noticed(
    real: Fleet, hosts: LibvirtHosts
) -> None:
    driver = real.driver(**hosts[0].options())
    guest = real.spawn(driver)
    (pid,) = hosts.guest_processes(0)
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: DIED in [event.kind for event in real.events], "its death")
    assert real.events[-1].uuid == guest.uuid
    assert driver.get_guest(guest.uuid).power_state is PowerState.CRASHED
    driver.power_on(guest)
    assert driver.get_guest(guest.uuid).power_state is PowerState.RUNNING


def test_a_guest_that_the_hypervisor_has_lost_comes_back_with_its_disk(
    real: Fleet, hosts: LibvirtHosts
) -> None:
    driver = real.driver(**hosts[0].options())
    volume = file_volume(hosts.volumes)
    guest = real.spawn(driver, volume)
    driver.hypervisor.remove(guest.uuid)
    driver.reboot(guest, RebootKind.HARD, [volume])
    info = driver.get_guest(guest.uuid)
    assert info.power_state is PowerState.RUNNING
    assert [disk.serial for disk in info.disks] == [None, volume.serial]


def _console(driver: LibvirtDriver, guest: Guest) -> str:
    wait_for(lambda: LINE in driver.get_console_output(guest), "the guest's line")
    return driver.get_console_output(guest)
