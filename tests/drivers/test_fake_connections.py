"""What a fake host is connected to: volumes by guests, sessions by volumes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from cellrig.driver import (
    DiskNotFound,
    GuestNotFound,
    HostConnections,
    HypervisorError,
    MigrateData,
    RebootKind,
    ReportsConnections,
)

if TYPE_CHECKING:
    from tests.drivers.conftest import Fleet

    from cellrig.driver import Disk, Guest
    from cellrig_fake import FakeDriver


def on_target(fleet: Fleet, target: str, **fields: Any) -> Disk:
    """Return a volume of a backend whose volumes share the session with `target`."""
    info = {"driver_volume_type": "fake", "data": {"target": target}}
    return fleet.volume(connection_info=info, **fields)


def guests(driver: FakeDriver, volume: Disk) -> tuple[str, ...]:
    return driver.volume_connections().guests(volume.serial)


def there(guest: Guest, node: str) -> Guest:
    return msgspec.structs.replace(guest, node=node)


def test_a_host_is_connected_to_the_volumes_of_its_guests(fleet: Fleet) -> None:
    driver = fleet.driver()
    assert isinstance(driver, ReportsConnections)
    assert driver.volume_connections() == HostConnections()
    first, second = fleet.volume(), fleet.volume()
    guest = fleet.spawn(driver, first)
    for _time in range(3):
        driver.attach_volume(guest, second)
    assert [each.volume_id for each in driver.volume_connections().volumes] == [
        first.serial,
        second.serial,
    ]
    assert guests(driver, second) == (guest.uuid,)
    driver.detach_volume(guest, second)
    assert guests(driver, second) == ()
    for _time in range(3):
        driver.destroy(guest, [first])
    assert driver.volume_connections() == HostConnections()


@pytest.mark.parametrize("leaves", ["detach", "destroy", "lose and clean up"])
def test_bug_1752115_a_guest_that_leaves_a_volume_does_not_disconnect_its_neighbour(
    fleet: Fleet, leaves: str
) -> None:
    driver = fleet.driver()
    volume = on_target(fleet, "t1", multiattach=True)
    one, two = fleet.spawn(driver, volume), fleet.spawn(driver, volume)
    if leaves == "detach":
        driver.detach_volume(one, volume)
    elif leaves == "destroy":
        driver.destroy(one, [volume])
    else:
        driver.lose_guest(one.uuid)
        assert guests(driver, volume) == (one.uuid, two.uuid)
        driver.cleanup(one, [volume])
    assert guests(driver, volume) == (two.uuid,)
    assert driver.volume_connections().sessions == ("t1",)
    driver.detach_volume(two, volume)
    assert driver.volume_connections() == HostConnections()


def test_bug_2048837_the_last_of_two_guests_that_leave_at_once_disconnects(fleet: Fleet) -> None:
    driver = fleet.driver(latencies={"disconnect_volume": 1})
    volume = fleet.volume(multiattach=True)
    one, two = fleet.spawn(driver, volume), fleet.spawn(driver, volume)
    fleet.runtime.spawn(lambda: driver.destroy(one, [volume]), name="one delete")
    fleet.runtime.spawn(lambda: driver.destroy(two, [volume]), name="the other delete")
    fleet.runtime.settle()
    assert driver.volume_connections() == HostConnections()


def test_a_session_lasts_until_the_last_volume_of_its_target(fleet: Fleet) -> None:
    driver = fleet.driver()
    volumes = [on_target(fleet, "t1"), on_target(fleet, "t1"), on_target(fleet, "t2")]
    guest = fleet.spawn(driver, *volumes)
    assert driver.volume_connections().sessions == ("t1", "t2")
    assert driver.volume_connections().users("t1") == 2
    driver.detach_volume(guest, volumes[0])
    assert driver.volume_connections().sessions == ("t1", "t2")
    driver.detach_volume(guest, volumes[1])
    assert driver.volume_connections().sessions == ("t2",)
    assert driver.volume_connections().cut_off() == ()


def test_who_logs_out_of_a_target_does_not_see_who_comes_to_it_meanwhile(fleet: Fleet) -> None:
    driver = fleet.driver(latencies={"connect_volume": 1, "disconnect_volume": 2})
    old, new = on_target(fleet, "t1"), on_target(fleet, "t1")
    one, two = fleet.spawn(driver, old), fleet.spawn(driver)
    fleet.runtime.spawn(lambda: driver.detach_volume(one, old), name="the detach")
    fleet.runtime.spawn(lambda: driver.attach_volume(two, new), name="the attach")
    fleet.runtime.settle()
    assert driver.volume_connections().cut_off() == (new.serial,)


def test_a_volume_whose_session_ends_while_it_is_connected_is_not_attached(fleet: Fleet) -> None:
    driver = fleet.driver(latencies={"connect_volume": 2, "disconnect_volume": 1})
    old, new = on_target(fleet, "t1"), on_target(fleet, "t1")
    one, two = fleet.spawn(driver, old), fleet.spawn(driver)
    refused: list[HypervisorError] = []

    def attach() -> None:
        with pytest.raises(HypervisorError, match="the session with target 't1' ended") as told:
            driver.attach_volume(two, new)
        refused.append(told.value)

    fleet.runtime.spawn(lambda: driver.detach_volume(one, old), name="the detach")
    fleet.runtime.spawn(attach, name="the attach")
    fleet.runtime.settle()
    assert len(refused) == 1
    assert driver.volume_connections() == HostConnections()
    assert new.serial not in [disk.serial for disk in driver.get_guest(two.uuid).disks]


def test_a_volume_that_cannot_be_attached_is_disconnected_again(fleet: Fleet) -> None:
    one, two = fleet.driver("host1"), fleet.driver("host2")
    busy, free = fleet.volume(), fleet.volume()
    fleet.spawn(one, busy)
    guest = fleet.spawn(two, free)
    before = two.volume_connections()
    with pytest.raises(HypervisorError):
        two.attach_volume(guest, busy)
    with pytest.raises(HypervisorError):
        two.swap_volume(guest, free, busy)
    with pytest.raises(DiskNotFound):
        two.swap_volume(guest, fleet.volume(), fleet.volume())
    with pytest.raises(HypervisorError):
        two.spawn(fleet.guest("host2"), fleet.image, [fleet.volume(), busy], ())
    assert two.volume_connections() == before


def test_a_swap_connects_the_one_and_disconnects_the_other(fleet: Fleet) -> None:
    driver = fleet.driver()
    old, new = fleet.volume(), fleet.volume()
    guest = fleet.spawn(driver, old)
    driver.swap_volume(guest, old, new)
    assert (guests(driver, old), guests(driver, new)) == ((), (guest.uuid,))


def test_a_swap_may_keep_the_serial_that_the_guest_has_seen(fleet: Fleet) -> None:
    driver = fleet.driver()
    old = fleet.volume()
    info = {"data": {"volume_id": "the other one", "device_path": "/srv/other.raw"}}
    new = msgspec.structs.replace(old, connection_info=info)
    guest = fleet.spawn(driver, old)
    driver.swap_volume(guest, old, new)
    assert driver.get_guest(guest.uuid).disk(serial=old.serial).source == "/srv/other.raw"
    (connection,) = driver.volume_connections().volumes
    assert connection.volume_id == "the other one"
    with pytest.raises(HypervisorError, match="write"):
        fleet.spawn(driver, old)


def test_what_an_interrupted_attach_left_connected_a_detach_lets_go_of(fleet: Fleet) -> None:
    driver = fleet.driver()
    volume = fleet.volume()
    guest = fleet.spawn(driver, volume)
    driver.lose_guest(guest.uuid)
    with pytest.raises(GuestNotFound):
        driver.detach_volume(guest, volume)
    assert driver.volume_connections() == HostConnections()


@pytest.mark.parametrize("confirmed", [True, False])
def test_a_cold_move_takes_the_connection_along(fleet: Fleet, confirmed: bool) -> None:
    one, two = fleet.driver("host1"), fleet.driver("host2")
    volume = fleet.volume()
    guest = fleet.spawn(one, volume)
    moved = there(guest, "host2")
    data = one.migrate_disk_and_power_off(guest, moved, "host2", [volume])
    assert guests(one, volume) == ()
    two.finish_migration(moved, fleet.image, data, [volume], ())
    assert guests(two, volume) == (guest.uuid,)
    if confirmed:
        one.confirm_migration(guest, [volume])
    else:
        two.destroy(moved, [volume])
        one.finish_revert_migration(guest, [volume], ())
    assert bool(guests(one, volume)) is not confirmed
    assert bool(guests(two, volume)) is confirmed


def test_a_move_that_does_not_fit_leaves_nothing_connected(fleet: Fleet) -> None:
    one, two = fleet.driver("host1"), fleet.driver("host2", memory_mb=1)
    volume = fleet.volume()
    guest = fleet.spawn(one, volume)
    moved = there(guest, "host2")
    data = one.migrate_disk_and_power_off(guest, moved, "host2", [volume])
    with pytest.raises(Exception, match="not enough memory"):
        two.finish_migration(moved, fleet.image, data, [volume], ())
    assert two.volume_connections() == HostConnections()


def test_a_resize_on_its_own_host_keeps_one_connection(fleet: Fleet) -> None:
    driver = fleet.driver()
    volume = fleet.volume()
    guest = fleet.spawn(driver, volume)
    data = driver.migrate_disk_and_power_off(guest, guest, "host1", [volume])
    driver.finish_migration(guest, fleet.image, data, [volume], ())
    driver.confirm_migration(guest, [volume])
    assert guests(driver, volume) == (guest.uuid,)


@pytest.mark.parametrize("arrives", [True, False])
def test_a_live_move_is_connected_on_both_hosts_while_both_need_it(
    fleet: Fleet, arrives: bool
) -> None:
    one, two = fleet.driver("host1"), fleet.driver("host2")
    volume = on_target(fleet, "t1")
    guest = fleet.spawn(one, volume)
    data = fleet.prepare_live_migration(guest, one, two, volume)
    assert (guests(one, volume), guests(two, volume)) == ((guest.uuid,), (guest.uuid,))
    for _time in range(2):
        if arrives:
            one.post_live_migration_at_source(guest, [volume], data)
        else:
            two.rollback_live_migration_at_destination(guest, [volume], data)
    assert bool(guests(one, volume)) is not arrives
    assert bool(guests(two, volume)) is arrives


def test_the_lock_goes_over_with_the_guest_before_anybody_asks(fleet: Fleet) -> None:
    one, two, three = (fleet.driver(f"host{number}") for number in (1, 2, 3))
    volume = fleet.volume()
    guest = fleet.spawn(one, volume)
    data = fleet.prepare_live_migration(guest, one, two, volume)
    ends: list[object] = []
    fleet.run(lambda: one.live_migration(guest, "host2", lambda: ends.append(1), ends.append, data))
    assert ends == [1]
    # The destination has not looked yet which guests have arrived.
    with pytest.raises(HypervisorError, match='Failed to get "write" lock'):
        fleet.spawn(three, volume)
    two.destroy(there(guest, "host2"), [volume])
    fleet.spawn(three, volume)


def test_a_live_move_whose_volume_is_taken_at_the_destination_recovers(fleet: Fleet) -> None:
    one, two = fleet.driver("host1"), fleet.driver("host2")
    volume, other = fleet.volume(), fleet.volume()
    guest = fleet.spawn(one, volume)
    fleet.spawn(two, other)
    data = fleet.prepare_live_migration(guest, one, two, volume, other)
    ends: list[object] = []
    one.live_migration(guest, "host2", lambda: ends.append("post"), ends.append, data)
    assert "write" in str(ends)
    assert "post" not in ends
    assert one.get_guest(guest.uuid).disk(serial=volume.serial)
    two.rollback_live_migration_at_destination(guest, [volume], data)
    with pytest.raises(HypervisorError):
        fleet.spawn(two, volume)


def test_a_guest_that_boots_from_a_volume_has_that_and_no_local_root(fleet: Fleet) -> None:
    driver = fleet.driver()
    root, data = fleet.volume(boot_index=0, size_gb=10), fleet.volume()
    guest = fleet.guest(root_gb=0, image_id=None)
    driver.spawn(guest, None, [root, data], ())
    disks = driver.get_guest(guest.uuid).disks
    assert [(disk.serial, disk.target, disk.boot_order) for disk in disks] == [
        (root.serial, "sda", 1),
        (data.serial, "sdb", None),
    ]
    assert driver.get_host_state("host1").disk_gb_used == 0


def test_a_hard_reboot_brings_a_lost_guest_back_with_its_volumes(fleet: Fleet) -> None:
    driver = fleet.driver()
    volume = fleet.volume(multiattach=True)
    guest = fleet.spawn(driver, volume)
    driver.reboot(guest, RebootKind.HARD, [volume])
    assert guests(driver, volume) == (guest.uuid,)
    driver.destroy(guest, [volume])
    driver.reboot(guest, RebootKind.HARD, [volume])
    assert driver.get_guest(guest.uuid).disk(serial=volume.serial).shareable
    assert guests(driver, volume) == (guest.uuid,)


def test_a_rescued_guest_keeps_its_volumes_and_their_locks(fleet: Fleet) -> None:
    driver = fleet.driver(capabilities={"rescue_volume_backed": True})
    root, data = fleet.volume(boot_index=0), fleet.volume()
    guest = fleet.guest(root_gb=0, image_id=None)
    driver.spawn(guest, None, [root, data], ())
    before = driver.get_guest(guest.uuid)
    driver.rescue(guest, fleet.image)
    rescued = driver.get_guest(guest.uuid)
    assert [disk.serial for disk in rescued.disks] == [root.serial, data.serial, None]
    assert [disk.boot_order for disk in rescued.disks] == [None, None, 1]
    with pytest.raises(HypervisorError, match="write"):
        fleet.spawn(driver, root)
    driver.unrescue(guest)
    assert driver.get_guest(guest.uuid) == before


def test_connections_are_a_part_of_the_hosts_state(fleet: Fleet) -> None:
    driver = fleet.driver()
    volume = on_target(fleet, "t1")
    guest = fleet.spawn(driver, volume)
    kept, before = driver.checkpoint(), driver.volume_connections()
    driver.detach_volume(guest, volume)
    driver.restore(kept)
    assert driver.volume_connections() == before


def test_a_destination_is_not_told_of_what_its_source_is_connected_to(fleet: Fleet) -> None:
    one, two = fleet.driver("host1"), fleet.driver("host2")
    volume = fleet.volume()
    guest = fleet.spawn(one, volume)
    data = MigrateData(source_host="host1", destination_host="host2")
    two.rollback_live_migration_at_destination(guest, [volume], data)
    two.cleanup(guest, [volume])
    assert guests(one, volume) == (guest.uuid,)
