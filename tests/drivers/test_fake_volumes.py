"""Volumes in the fake hypervisor: disks, locks, and the words that a refusal has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from cellrig.driver import CapabilityNotSupported, DiskNotFound, HypervisorError

if TYPE_CHECKING:
    from tests.drivers.conftest import Fleet


def test_a_volume_is_attached_once_however_often_it_is_asked(fleet: Fleet) -> None:
    driver = fleet.driver()
    guest, volume = fleet.spawn(driver), fleet.volume(tag="logs")
    for _time in range(10):
        driver.attach_volume(guest, volume)
    disk = driver.get_guest(guest.uuid).disk(serial=volume.serial)
    assert (disk.target, disk.tag, disk.shareable, disk.cache) == ("sdb", "logs", False, "none")
    assert len(driver.get_guest(guest.uuid).disks) == 2


def test_detaching_an_absent_volume_is_told_and_changes_nothing(fleet: Fleet) -> None:
    driver = fleet.driver()
    volume = fleet.volume()
    guest = fleet.spawn(driver, volume)
    driver.detach_volume(guest, volume)
    before = driver.checkpoint()
    for _time in range(10):
        with pytest.raises(DiskNotFound, match=f"no disk with serial {volume.serial}"):
            driver.detach_volume(guest, volume)
    assert driver.checkpoint() == before


def test_a_second_writer_is_refused_with_the_hypervisors_words(fleet: Fleet) -> None:
    one, two = fleet.driver("host1"), fleet.driver("host2")
    volume = fleet.volume()
    fleet.spawn(one, volume)
    for driver in (one, two):
        guest = fleet.spawn(driver)
        before = driver.domain_xml(guest.uuid)
        with pytest.raises(HypervisorError, match='Failed to get "write" lock'):
            driver.attach_volume(guest, volume)
        assert driver.domain_xml(guest.uuid) == before
        rival = fleet.guest(driver.nodes[0])
        with pytest.raises(HypervisorError, match='Failed to get "write" lock'):
            driver.spawn(rival, fleet.image, [volume], ())
        assert rival.uuid not in [info.uuid for info in driver.list_guests()]


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("second", [True, False])
def test_two_guests_share_a_volume_only_when_both_disks_are_shareable(
    fleet: Fleet, first: bool, second: bool
) -> None:
    one, two = fleet.driver("host1"), fleet.driver("host2")
    volume = fleet.volume(multiattach=first)
    fleet.spawn(one, volume)
    guest = fleet.spawn(two)
    again = msgspec.structs.replace(volume, multiattach=second)
    if first and second:
        two.attach_volume(guest, again)
        assert two.get_guest(guest.uuid).disk(serial=volume.serial).shareable
    else:
        with pytest.raises(HypervisorError):
            two.attach_volume(guest, again)


#: What QEMU 7.2 answers to the second of two disks on one image: (reads only, shareable) of the
#: first one and of the second one, to the lock that it fails to get.
QEMU_DECIDES = {
    ((False, False), (False, False)): '"write" lock',
    ((False, False), (False, True)): '"write" lock',
    ((False, False), (True, False)): 'shared "write" lock',
    ((False, False), (True, True)): None,
    ((False, True), (False, False)): 'shared "write" lock',
    ((False, True), (False, True)): None,
    ((False, True), (True, False)): 'shared "write" lock',
    ((False, True), (True, True)): None,
    ((True, False), (False, False)): '"write" lock',
    ((True, False), (False, True)): '"write" lock',
    ((True, False), (True, False)): None,
    ((True, False), (True, True)): None,
    ((True, True), (False, False)): None,
    ((True, True), (False, True)): None,
    ((True, True), (True, False)): None,
    ((True, True), (True, True)): None,
}


@pytest.mark.parametrize("pair", QEMU_DECIDES, ids=str)
def test_two_disks_of_one_volume_go_together_where_qemu_lets_them(
    fleet: Fleet, pair: tuple[tuple[bool, bool], tuple[bool, bool]]
) -> None:
    one, two = fleet.driver("host1"), fleet.driver("host2")
    lock = QEMU_DECIDES[pair]
    for driver in (one, two):
        volume = fleet.volume()
        first, second = (
            msgspec.structs.replace(volume, read_only=read_only, multiattach=shareable)
            for read_only, shareable in pair
        )
        fleet.spawn(one, first)
        if lock is None:
            fleet.spawn(driver, second)
            continue
        with pytest.raises(HypervisorError, match=f"Failed to get {lock}: Is another process"):
            fleet.spawn(driver, second)


def test_a_disk_that_block_storage_gives_for_reading_only_locks_as_a_reader(fleet: Fleet) -> None:
    driver = fleet.driver()
    volume = fleet.volume(connection_info={"data": {"access_mode": "ro"}})
    fleet.spawn(driver, volume)
    guest = fleet.spawn(driver, volume)
    assert driver.get_guest(guest.uuid).disk(serial=volume.serial).read_only
    with pytest.raises(HypervisorError, match='Failed to get "write" lock'):
        fleet.spawn(driver, msgspec.structs.replace(volume, connection_info={}))


@pytest.mark.parametrize("able", [True, False])
def test_the_trait_of_multiattach_is_there_where_the_driver_is_able(
    fleet: Fleet, able: bool
) -> None:
    driver = fleet.driver(capabilities={"multiattach": able, "extend_volume": able})
    traits = set(fleet.tree(driver).data("host1").traits)
    assert ({"COMPUTE_VOLUME_MULTI_ATTACH", "COMPUTE_VOLUME_EXTEND"} <= traits) is able
    assert able or not any("VOLUME" in trait for trait in traits)


def test_readers_share_a_volume_and_keep_a_writer_out(fleet: Fleet) -> None:
    driver = fleet.driver()
    volume = fleet.volume(read_only=True)
    fleet.spawn(driver, volume)
    fleet.spawn(driver, volume)
    with pytest.raises(HypervisorError, match='Failed to get "write" lock'):
        fleet.spawn(driver, msgspec.structs.replace(volume, read_only=False))
    writer = fleet.volume()
    fleet.spawn(driver, writer)
    with pytest.raises(HypervisorError, match='Failed to get shared "write" lock'):
        fleet.spawn(driver, msgspec.structs.replace(writer, read_only=True))


@pytest.mark.parametrize("release", ["destroy", "detach", "power_off", "suspend", "lose", "kill"])
def test_whoever_lets_go_of_a_volume_frees_it(fleet: Fleet, release: str) -> None:
    one, two = fleet.driver("host1"), fleet.driver("host2")
    volume = fleet.volume()
    guest, rival = fleet.spawn(one, volume), fleet.spawn(two)
    {
        "destroy": lambda: one.destroy(guest, [volume]),
        "detach": lambda: one.detach_volume(guest, volume),
        "power_off": lambda: one.power_off(guest),
        "suspend": lambda: one.suspend(guest),
        "lose": lambda: one.lose_guest(guest.uuid),
        "kill": lambda: one.kill_guest(guest.uuid),
    }[release]()
    two.attach_volume(rival, volume)


def test_a_guest_whose_volume_was_taken_meanwhile_does_not_start(fleet: Fleet) -> None:
    driver = fleet.driver()
    volume = fleet.volume()
    guest, rival = fleet.spawn(driver, volume), fleet.spawn(driver)
    driver.power_off(guest)
    driver.attach_volume(rival, volume)
    with pytest.raises(HypervisorError, match="write"):
        driver.power_on(guest)
    driver.detach_volume(rival, volume)
    driver.power_on(guest)


def test_two_volumes_are_locked_both_or_none(fleet: Fleet) -> None:
    driver = fleet.driver()
    taken, free = fleet.volume(), fleet.volume()
    fleet.spawn(driver, taken)
    with pytest.raises(HypervisorError):
        fleet.spawn(driver, free, taken)
    fleet.spawn(driver, free)


def test_a_volume_is_swapped_in_its_place_and_the_old_one_is_free(fleet: Fleet) -> None:
    driver = fleet.driver()
    old, new = fleet.volume(tag="data"), fleet.volume(size_gb=2)
    guest = fleet.spawn(driver, old)
    driver.swap_volume(guest, old, new)
    disk = driver.get_guest(guest.uuid).disk(serial=new.serial)
    assert (disk.target, disk.tag, disk.size_gb) == ("sdb", "data", 2)
    fleet.spawn(driver, old)
    with pytest.raises(HypervisorError):
        fleet.spawn(driver, new)
    with pytest.raises(DiskNotFound):
        driver.swap_volume(guest, old, new)


def test_swapping_onto_a_volume_in_use_leaves_the_old_one(fleet: Fleet) -> None:
    driver = fleet.driver()
    old, busy = fleet.volume(), fleet.volume()
    guest = fleet.spawn(driver, old)
    fleet.spawn(driver, busy)
    before = driver.domain_xml(guest.uuid)
    with pytest.raises(HypervisorError):
        driver.swap_volume(guest, old, busy)
    assert driver.domain_xml(guest.uuid) == before
    with pytest.raises(HypervisorError):
        fleet.spawn(driver, old)


def test_a_volume_that_has_grown_is_seen_to_have(fleet: Fleet) -> None:
    driver = fleet.driver()
    volume = fleet.volume(size_gb=1)
    guest = fleet.spawn(driver, volume)
    for _time in range(2):
        driver.extend_volume(guest, volume, 3 << 30)
    assert driver.get_guest(guest.uuid).disk(serial=volume.serial).size_gb == 3
    with pytest.raises(DiskNotFound):
        driver.extend_volume(guest, fleet.volume(), 1 << 30)


def test_a_driver_without_multiattach_refuses_such_a_volume(fleet: Fleet) -> None:
    driver = fleet.driver(capabilities={"multiattach": False})
    guest = fleet.spawn(driver)
    with pytest.raises(CapabilityNotSupported, match="multiattach"):
        driver.attach_volume(guest, fleet.volume(multiattach=True))
    with pytest.raises(CapabilityNotSupported, match="multiattach"):
        driver.spawn(fleet.guest(), fleet.image, [fleet.volume(multiattach=True)], ())
    driver.attach_volume(guest, fleet.volume())


def test_the_connector_names_the_host(fleet: Fleet) -> None:
    connector = fleet.driver("host7").get_volume_connector(fleet.guest())
    assert (connector.host, connector.initiator) == ("host7", "iqn.2018-02.org.cellrig:host7")


def test_asking_a_guest_for_a_disk_it_has_not_names_those_it_has(fleet: Fleet) -> None:
    driver = fleet.driver()
    volume = fleet.volume()
    info = driver.get_guest(fleet.spawn(driver, volume).uuid)
    with pytest.raises(LookupError, match=f"serial nope; it has: sda, {volume.serial}"):
        info.disk(serial="nope")
