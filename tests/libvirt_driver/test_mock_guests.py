"""Guests of libvirt's mock hypervisor: what can be shown of the driver without any data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from fleet import IMAGE, Fleet

from cellrig.driver import (
    CapabilityNotSupported,
    Disk,
    DiskNotFound,
    Guest,
    GuestBusy,
    GuestEventKind,
    GuestExists,
    GuestNotFound,
    HypervisorError,
    HypervisorUnavailable,
    PowerState,
    RebootKind,
)


def volume(fleet: Fleet, **fields: Any) -> Disk:
    serial = fleet.new_uuid()
    info = {"driver_volume_type": "local", "data": {"device_path": f"/srv/volume-{serial}"}}
    return Disk(**{"serial": serial, "size_gb": 1, "connection_info": info, **fields})


def test_a_guest_goes_through_all_power_states(fleet: Fleet) -> None:
    driver = fleet.driver()
    guest = fleet.spawn(driver)

    def state() -> PowerState:
        return driver.get_guest(guest.uuid).power_state

    assert state() is PowerState.RUNNING
    steps = (
        (driver.pause, PowerState.PAUSED),
        (driver.unpause, PowerState.RUNNING),
        (driver.suspend, PowerState.SUSPENDED),
        (driver.resume, PowerState.RUNNING),
        (driver.power_off, PowerState.SHUTDOWN),
        (driver.power_on, PowerState.RUNNING),
    )
    for step, leads_to in steps:
        for _again in range(2):
            step(guest)
            assert state() is leads_to, step
    driver.power_off(guest)
    for step in (driver.pause, driver.unpause, driver.suspend, driver.resume):
        with pytest.raises(GuestBusy, match="SHUTDOWN"):
            step(guest)
    with pytest.raises(GuestBusy):
        driver.reboot(guest, RebootKind.SOFT)
    driver.reboot(guest, RebootKind.HARD)
    driver.reboot(guest, RebootKind.SOFT)
    assert state() is PowerState.RUNNING


def test_a_suspended_guest_is_destroyed_with_its_memory(fleet: Fleet) -> None:
    driver = fleet.driver()
    guest = fleet.spawn(driver)
    driver.suspend(guest)
    for _again in range(2):
        driver.destroy(guest, ())
    assert driver.list_guests() == []


def test_twice_the_same_guest_and_an_unknown_one_are_refused(fleet: Fleet) -> None:
    driver = fleet.driver()
    guest = fleet.spawn(driver)
    with pytest.raises(GuestExists, match=guest.uuid):
        driver.spawn(guest, IMAGE, (), ())
    unknown = fleet.guest()
    calls: tuple[Callable[[Guest], object], ...] = (
        driver.power_on,
        driver.power_off,
        driver.get_console_output,
        lambda guest: driver.rescue(guest, IMAGE),
        lambda guest: driver.attach_volume(guest, volume(fleet)),
        lambda guest: driver.detach_volume(guest, volume(fleet)),
    )
    for call in calls:
        with pytest.raises(GuestNotFound, match=unknown.uuid):
            call(unknown)
    assert [info.uuid for info in driver.list_guests()] == [guest.uuid]


def test_a_domain_of_somebody_else_is_left_alone(fleet: Fleet) -> None:
    driver = fleet.driver(uri="test:///default")
    domains = driver.hypervisor.connection.get().listAllDomains()
    assert [domain.name() for domain in domains] == ["test"]
    assert driver.list_guests() == []
    assert driver.get_host_state("host1").memory_mb_used == 0


def test_volumes_come_and_go_by_another_definition(fleet: Fleet) -> None:
    driver = fleet.driver()
    guest = fleet.spawn(driver)
    shared = volume(fleet, multiattach=True, tag="data")
    for _again in range(2):
        driver.attach_volume(guest, shared)
    disk = driver.get_guest(guest.uuid).disk(serial=shared.serial)
    assert (disk.shareable, disk.cache, disk.tag, disk.target) == (True, "none", "data", "sdb")
    other = volume(fleet)
    driver.swap_volume(guest, shared, other)
    driver.extend_volume(guest, other, 5 << 30)
    for shareable in (True, False):  # as with QEMU, it is the disk that was plugged in for now
        disk = driver.get_guest(guest.uuid).disk(serial=other.serial)
        assert (disk.size_gb, disk.target, disk.tag) == (5, "sdb", "data")
        assert disk.shareable is shareable
        if shareable:
            with pytest.raises(HypervisorError, match="non unique alias"):
                driver.attach_volume(guest, shared)
            driver.power_off(guest)
            driver.power_on(guest)
    driver.detach_volume(guest, other)
    for gone in (shared, other):
        with pytest.raises(DiskNotFound, match=gone.serial):
            driver.detach_volume(guest, gone)
    assert driver.get_guest(guest.uuid).power_state is PowerState.RUNNING


def test_a_guest_that_boots_from_a_volume_has_no_local_disk(fleet: Fleet) -> None:
    driver = fleet.driver()
    boot = volume(fleet, boot_index=0)
    guest = fleet.spawn(driver, boot, root_gb=0, image_id=None)
    (disk,) = driver.get_guest(guest.uuid).disks
    assert (disk.serial, disk.boot_order) == (boot.serial, 1)


def test_a_rescued_guest_comes_back_as_it_was(fleet: Fleet) -> None:
    driver = fleet.driver()
    guest = fleet.spawn(driver, volume(fleet, boot_index=0), root_gb=0, image_id=None)
    before = driver.get_guest(guest.uuid)
    for _again in range(2):
        driver.rescue(guest, IMAGE)
        assert [disk.boot_order for disk in driver.get_guest(guest.uuid).disks] == [None, 1]
    for _again in range(2):
        driver.unrescue(guest)
        assert driver.get_guest(guest.uuid) == before


def test_a_cold_migration_is_finished_reverted_and_confirmed(fleet: Fleet) -> None:
    one, other = fleet.driver("host1"), fleet.driver("host2")
    disk = volume(fleet)
    guest = fleet.spawn(one, disk)
    there = msgspec.structs.replace(guest, node="host2", root_gb=2)
    before = one.get_guest(guest.uuid)
    for confirmed in (False, True):
        for _again in range(2):
            data = one.migrate_disk_and_power_off(guest, there, "host2", [disk], 60)
        assert one.list_guests() == []
        other.finish_migration(there, IMAGE, data, [disk], ())
        assert [each.size_gb for each in other.get_guest(guest.uuid).disks] == [2, 1]
        if confirmed:
            for _again in range(2):
                one.confirm_migration(guest, [disk])
            assert one.list_guests() == []
        else:
            other.destroy(there, [disk])
            for _again in range(2):
                one.finish_revert_migration(guest, [disk], ())
            assert one.get_guest(guest.uuid) == before


def test_a_guest_that_was_lost_is_defined_anew_by_a_hard_reboot(fleet: Fleet) -> None:
    driver = fleet.driver()
    disk = volume(fleet)
    guest = fleet.spawn(driver, disk)
    driver.hypervisor.remove(guest.uuid)
    driver.reboot(guest, RebootKind.HARD, [disk])
    assert driver.get_guest(guest.uuid).disk(serial=disk.serial).source.endswith(disk.serial)


def test_what_needs_data_is_not_declared_and_refused(fleet: Fleet) -> None:
    driver = fleet.driver()
    guest = fleet.spawn(driver)
    assert not driver.capabilities.live_migration
    assert "COMPUTE_NET_VIF_MODEL_SRIOV" not in driver.capabilities.traits()
    with pytest.raises(CapabilityNotSupported, match="snapshot"):
        driver.snapshot(guest, "image")
    with pytest.raises(CapabilityNotSupported, match="live_migration"):
        driver.live_migration(guest, "host2", lambda: None, lambda _failure: None, None)  # type: ignore[arg-type]


def test_events_enter_the_virtual_runtime_by_its_own_clock(fleet: Fleet) -> None:
    driver = fleet.driver()
    guest = fleet.spawn(driver)
    domain = driver.hypervisor.domain(guest.uuid)
    fleet.hear()
    for act, kind in (
        (domain.suspend, GuestEventKind.PAUSED),
        (domain.resume, GuestEventKind.RESUMED),
        (domain.destroy, GuestEventKind.STOPPED),
        (domain.create, GuestEventKind.STARTED),
    ):
        act()
        assert [(event.uuid, event.kind) for event in fleet.hear()] == [(guest.uuid, kind)]
    driver.cleanup_host()
    domain.suspend()
    assert fleet.hear() == []
    driver.init_host()
    assert driver.get_guest(guest.uuid).power_state is PowerState.PAUSED


def test_an_hypervisor_that_is_not_there_is_told_by_name(fleet: Fleet) -> None:
    with pytest.raises(HypervisorUnavailable, match="host1.*no/such"):
        fleet.driver(uri="test:///no/such/node.xml")
    fleet.drivers.clear()
