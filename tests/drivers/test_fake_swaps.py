"""A disk that was swapped is the one that was plugged in while its guest runs, as QEMU's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from lxml import etree

from cellrig.driver import Disk, HypervisorError, RebootKind
from cellrig.driver.values import Guest

if TYPE_CHECKING:
    from tests.drivers.conftest import Fleet

    from cellrig_fake import FakeDriver


def seen(driver: FakeDriver, guest: Guest) -> list[tuple[str | None, bool]]:
    """The serial of each volume's disk in the guest's document, and whether it is shareable."""
    document = etree.fromstring(driver.domain_xml(guest.uuid))
    return [
        (disk.findtext("serial"), disk.find("shareable") is not None)
        for disk in document.iterfind("devices/disk")
        if disk.find("serial") is not None
    ]


@pytest.fixture
def swapped(fleet: Fleet) -> tuple[FakeDriver, Guest, Disk, Disk]:
    """A driver, a guest of it, its volume before, and the shareable one that it has now."""
    driver, old, new = fleet.driver(), fleet.volume(), fleet.volume(multiattach=True)
    guest = fleet.spawn(driver, old)
    driver.swap_volume(guest, old, new)
    assert driver.get_guest(guest.uuid).disk(serial=new.serial)
    return driver, guest, old, new


def test_it_keeps_its_serial_until_the_guest_is_started_again(
    swapped: tuple[FakeDriver, Guest, Disk, Disk],
) -> None:
    driver, guest, old, new = swapped
    assert seen(driver, guest) == [(old.serial, False)]
    driver.pause(guest)
    assert seen(driver, guest) == [(old.serial, False)]
    driver.unpause(guest)
    driver.reboot(guest, RebootKind.HARD, [new])
    assert seen(driver, guest) == [(new.serial, True)]
    assert driver.get_guest(guest.uuid).disk(serial=new.serial)


def test_it_keeps_its_serial_while_the_guest_is_suspended(
    swapped: tuple[FakeDriver, Guest, Disk, Disk],
) -> None:
    driver, guest, old, new = swapped
    driver.suspend(guest)
    assert seen(driver, guest) == [(new.serial, True)]  # what it would be, started without memory
    driver.resume(guest)
    assert seen(driver, guest) == [(old.serial, False)]
    driver.power_off(guest)
    assert seen(driver, guest) == [(new.serial, True)]


def test_it_can_be_swapped_again_grown_and_unplugged(
    fleet: Fleet, swapped: tuple[FakeDriver, Guest, Disk, Disk]
) -> None:
    driver, guest, old, new = swapped
    third, other = fleet.volume(), fleet.volume()
    driver.swap_volume(guest, new, third)
    driver.extend_volume(guest, third, 3 << 30)
    driver.attach_volume(guest, other)
    assert seen(driver, guest) == [(old.serial, False), (other.serial, False)]
    assert driver.get_guest(guest.uuid).disk(serial=third.serial).size_gb == 3
    driver.detach_volume(guest, third)
    assert seen(driver, guest) == [(other.serial, False)]
    driver.power_off(guest)
    driver.power_on(guest)
    assert seen(driver, guest) == [(other.serial, False)]


def test_the_old_volume_comes_back_only_when_nothing_has_its_serial_any_more(
    swapped: tuple[FakeDriver, Guest, Disk, Disk],
) -> None:
    driver, guest, old, new = swapped
    before = driver.checkpoint()
    with pytest.raises(HypervisorError, match=f"non unique alias detected: ua-{old.serial}"):
        driver.attach_volume(guest, old)
    assert driver.checkpoint() == before
    driver.reboot(guest, RebootKind.HARD, [new])
    driver.attach_volume(guest, old)
    assert sorted(seen(driver, guest)) == sorted([(new.serial, True), (old.serial, False)])


def test_it_takes_its_serial_along_in_a_live_migration(
    fleet: Fleet, swapped: tuple[FakeDriver, Guest, Disk, Disk]
) -> None:
    driver, guest, old, new = swapped
    other = fleet.driver("host2")
    data = fleet.prepare_live_migration(guest, driver, other, new)
    ends: list[object] = []
    fleet.run(
        lambda: driver.live_migration(guest, "host2", lambda: ends.append(None), ends.append, data)
    )
    assert ends == [None]
    there = msgspec.structs.replace(guest, node="host2")
    assert seen(other, there) == [(old.serial, False)]
    assert other.get_guest(guest.uuid).node == "host2"
    other.reboot(there, RebootKind.HARD, [new])
    assert seen(other, there) == [(new.serial, True)]


def test_a_swap_that_is_refused_leaves_no_trace(fleet: Fleet) -> None:
    driver, old, busy = fleet.driver(), fleet.volume(), fleet.volume()
    guest = fleet.spawn(driver, old)
    fleet.spawn(driver, busy)
    before = driver.checkpoint()
    with pytest.raises(HypervisorError):
        driver.swap_volume(guest, old, busy)
    assert driver.checkpoint() == before


def test_a_guest_that_does_not_run_has_another_disk_at_once(fleet: Fleet) -> None:
    driver, old, new = fleet.driver(), fleet.volume(), fleet.volume()
    guest = fleet.spawn(driver, old)
    driver.power_off(guest)
    driver.swap_volume(guest, old, new)
    assert seen(driver, guest) == [(new.serial, False)]


def test_what_is_kept_of_the_hypervisor_knows_of_it(
    swapped: tuple[FakeDriver, Guest, Disk, Disk],
) -> None:
    driver, guest, old, new = swapped
    kept = driver.checkpoint()
    driver.power_off(guest)
    driver.restore(kept)
    assert seen(driver, guest) == [(old.serial, False)]
    driver.power_off(guest)
    assert seen(driver, guest) == [(new.serial, True)]
