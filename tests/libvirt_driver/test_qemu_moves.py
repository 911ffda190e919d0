"""QEMU guests that move between hosts: cold, live, with volumes and with local disks."""

from __future__ import annotations

import threading

import msgspec
import pytest
from fleet import Fleet, disk_path, file_volume

from cellrig.driver import (
    Guest,
    GuestEventKind,
    GuestNotFound,
    HypervisorError,
    MigrateData,
    MigrationError,
    MigrationFailure,
    MigrationPreCheckError,
    MigrationProgress,
    PowerState,
    RebootKind,
)
from cellrig_libvirt import LibvirtDriver
from cellrig_libvirt.hosts import LibvirtHosts

BY_VOLUME = {"root_gb": 0, "image_id": None}
#: Slow enough to be seen, aborted, forced.
SLOWLY = {"migration_bandwidth": 1}


class Continuations:
    """What a live migration calls when it is over."""

    def __init__(self) -> None:
        self.ends: list[MigrationFailure | None] = []
        self.progress: list[MigrationProgress] = []

    def move(self, guest: Guest, source: LibvirtDriver, data: MigrateData) -> None:
        source.live_migration(
            guest,
            data.destination_host,
            lambda: self.ends.append(None),
            self.ends.append,
            data,
            progress=self.progress.append,
        )


@pytest.fixture
def pair(real: Fleet, hosts: LibvirtHosts) -> tuple[LibvirtDriver, LibvirtDriver]:
    return (
        real.driver("host1", **hosts[0].options()),
        real.driver("host2", **hosts[1].options()),
    )


def there(guest: Guest) -> Guest:
    return msgspec.structs.replace(guest, node="host2")


def files(hosts: LibvirtHosts, number: int) -> list[str]:
    return sorted(path.name for path in hosts[number].instances_path.glob("*-*"))


# -- cold ----------------------------------------------------------------------------------------


def test_a_cold_migration_takes_disks_and_volumes_along(
    real: Fleet, hosts: LibvirtHosts, pair: tuple[LibvirtDriver, LibvirtDriver]
) -> None:
    one, other = pair
    volume = file_volume(hosts.volumes)
    guest = real.spawn(one, volume, ephemeral_gb=1)
    larger = msgspec.structs.replace(there(guest), root_gb=2, memory_mb=96)
    for _again in range(2):
        data = one.migrate_disk_and_power_off(guest, larger, "host2", [volume], 60)
        assert one.list_guests() == []
    other.finish_migration(larger, None, data, [volume], ())
    info = other.get_guest(guest.uuid)
    assert (info.power_state, info.memory_mb, info.node) == (PowerState.RUNNING, 96, "host2")
    assert [disk.serial for disk in info.disks] == [None, None, volume.serial]
    domain = other.hypervisor.domain(guest.uuid)
    assert [domain.blockInfo(name)[0] >> 30 for name in ("sda", "sdb", "sdc")] == [2, 1, 1]
    for _again in range(2):
        one.confirm_migration(guest, [volume])
    assert files(hosts, 0) == []


def test_a_cold_migration_is_reverted(
    real: Fleet, hosts: LibvirtHosts, pair: tuple[LibvirtDriver, LibvirtDriver]
) -> None:
    one, other = pair
    volume = file_volume(hosts.volumes)
    guest = real.spawn(one, volume)
    before = one.get_guest(guest.uuid)
    data = one.migrate_disk_and_power_off(guest, there(guest), "host2", [volume])
    other.finish_migration(there(guest), None, data, [volume], ())
    other.destroy(there(guest), [volume])
    for _again in range(2):
        one.finish_revert_migration(guest, [volume], ())
        assert one.get_guest(guest.uuid) == before
    assert files(hosts, 1) == []


def test_a_guest_that_cannot_start_again_is_still_kept(
    real: Fleet, hosts: LibvirtHosts, pair: tuple[LibvirtDriver, LibvirtDriver]
) -> None:
    one, other = pair
    volume = file_volume(hosts.volumes)
    guest = real.spawn(one, volume)
    data = one.migrate_disk_and_power_off(guest, there(guest), "host2", [volume])
    other.finish_migration(there(guest), None, data, [volume], ())
    with pytest.raises(HypervisorError, match='"write" lock'):
        one.finish_revert_migration(guest, [volume], ())
    assert one.list_guests() == []
    other.destroy(there(guest), [volume])
    one.finish_revert_migration(guest, [volume], (), power_on=False)
    assert one.get_guest(guest.uuid).power_state is PowerState.SHUTDOWN


def test_a_resize_on_the_same_host_is_confirmed_and_reverted(
    real: Fleet, hosts: LibvirtHosts
) -> None:
    driver = real.driver(**hosts[0].options())
    guest = real.spawn(driver)
    larger = msgspec.structs.replace(guest, root_gb=2)
    for confirmed in (False, True):
        data = driver.migrate_disk_and_power_off(guest, larger, "host1", [])
        driver.finish_migration(larger, None, data, [], (), power_on=False)
        if confirmed:
            driver.confirm_migration(guest, [])
        else:
            driver.destroy(larger, [])
            driver.finish_revert_migration(guest, [], (), power_on=False)
        size = driver.hypervisor.domain(guest.uuid).blockInfo("sda")[0]
        assert size >> 30 == (2 if confirmed else 1)
    assert files(hosts, 0) == [guest.uuid]


def test_what_cannot_be_moved_cold_stays_as_it_was(
    real: Fleet, pair: tuple[LibvirtDriver, LibvirtDriver]
) -> None:
    one, other = pair
    guest = real.spawn(one, root_gb=2)
    smaller = msgspec.structs.replace(there(guest), root_gb=1)
    with pytest.raises(MigrationError, match="does not shrink"):
        one.migrate_disk_and_power_off(guest, smaller, "host2", [])
    assert one.get_guest(guest.uuid).power_state is PowerState.RUNNING
    lost = MigrateData(source_host="host1", destination_host="host2", driver_data={"kept": "/no"})
    with pytest.raises(MigrationError, match="have not come from host1"):
        other.finish_migration(there(guest), None, lost, [], ())
    with pytest.raises(GuestNotFound):
        one.finish_revert_migration(real.guest(), [], ())
    assert other.list_guests() == []


# -- live ----------------------------------------------------------------------------------------


def test_a_guest_moves_live_with_its_volumes(
    real: Fleet, hosts: LibvirtHosts, pair: tuple[LibvirtDriver, LibvirtDriver]
) -> None:
    one, other = pair
    boot = file_volume(hosts.volumes, boot_index=0)
    shared = file_volume(hosts.volumes, multiattach=True, tag="shared")
    guest = real.spawn(one, boot, **BY_VOLUME)
    neighbour = real.spawn(one, shared)
    one.attach_volume(guest, shared)
    before = one.get_guest(guest.uuid)
    data = real.prepare_live_migration(guest, one, other, boot, shared)
    said = Continuations()
    said.move(guest, one, data)
    assert said.ends == [None]
    for _again in range(2):
        one.post_live_migration_at_source(guest, [boot, shared], data)
        other.post_live_migration_at_destination(there(guest), [boot, shared], (), data)
    after = other.get_guest(guest.uuid)
    assert after == msgspec.structs.replace(before, node="host2")
    assert [disk.serial for disk in one.get_guest(neighbour.uuid).disks] == [None, shared.serial]
    assert [info.uuid for info in one.list_guests()] == [neighbour.uuid]
    assert files(hosts, 0) == [neighbour.uuid]
    assert real.events[-1].kind is GuestEventKind.MIGRATED
    assert said.progress[-1].memory_remaining == 0
    # It lasts at its destination.
    other.power_off(there(guest))
    other.power_on(there(guest))
    other.detach_volume(there(guest), shared)


def test_a_volume_is_reached_at_the_destination_as_block_storage_says_there(
    real: Fleet, hosts: LibvirtHosts, pair: tuple[LibvirtDriver, LibvirtDriver]
) -> None:
    one, other = pair
    boot = file_volume(hosts.volumes, boot_index=0)
    guest = real.spawn(one, boot, **BY_VOLUME)
    by_another_name = hosts.volumes / f"{boot.serial}-of-host2"
    by_another_name.hardlink_to(disk_path(boot))
    info = {"driver_volume_type": "local", "data": {"device_path": str(by_another_name)}}
    moved = msgspec.structs.replace(boot, connection_info=info)
    data = real.prepare_live_migration(guest, one, other, moved)
    said = Continuations()
    said.move(guest, one, data)
    assert said.ends == [None]
    for _restarted in range(2):
        assert other.get_guest(guest.uuid).disk(serial=boot.serial).source == str(by_another_name)
        other.reboot(there(guest), RebootKind.HARD)


def test_a_reverted_guest_finds_its_volume_another_way(
    real: Fleet, hosts: LibvirtHosts, pair: tuple[LibvirtDriver, LibvirtDriver]
) -> None:
    one, _other = pair
    volume = file_volume(hosts.volumes)
    guest = real.spawn(one, volume)
    one.migrate_disk_and_power_off(guest, there(guest), "host2", [volume])
    by_another_name = hosts.volumes / f"{volume.serial}-again"
    disk_path(volume).rename(by_another_name)
    info = {"driver_volume_type": "local", "data": {"device_path": str(by_another_name)}}
    one.finish_revert_migration(guest, [msgspec.structs.replace(volume, connection_info=info)], ())
    assert one.get_guest(guest.uuid).disk(serial=volume.serial).source == str(by_another_name)


def test_a_guest_comes_back_live(
    real: Fleet, hosts: LibvirtHosts, pair: tuple[LibvirtDriver, LibvirtDriver]
) -> None:
    one, other = pair
    boot = file_volume(hosts.volumes, boot_index=0)
    guest = real.spawn(one, boot, **BY_VOLUME)
    for source, destination in ((one, other), (other, one)):
        here = msgspec.structs.replace(guest, node=source.context.host)
        data = real.prepare_live_migration(here, source, destination, boot)
        said = Continuations()
        said.move(here, source, data)
        assert said.ends == [None]
        source.post_live_migration_at_source(here, [boot], data)
    assert one.get_guest(guest.uuid).node == "host1"
    assert other.list_guests() == []


def test_a_block_migration_copies_local_disks(
    real: Fleet, hosts: LibvirtHosts, pair: tuple[LibvirtDriver, LibvirtDriver]
) -> None:
    one, other = pair
    volume = file_volume(hosts.volumes)
    guest = real.spawn(one, volume, ephemeral_gb=1)
    with pytest.raises(MigrationPreCheckError, match="needs a block migration"):
        real.prepare_live_migration(guest, one, other, volume)
    data = real.prepare_live_migration(guest, one, other, volume, block_migration=True)
    said = Continuations()
    said.move(guest, one, data)
    assert said.ends == [None]
    one.post_live_migration_at_source(guest, [volume], data)
    info = other.get_guest(guest.uuid)
    assert [disk.serial for disk in info.disks] == [None, None, volume.serial]
    assert info.disks[0].source == str(hosts[1].instances_path / guest.uuid / "disk")
    assert (files(hosts, 0), files(hosts, 1)) == ([], [guest.uuid])
    assert other.hypervisor.domain(guest.uuid).blockInfo("sda")[0] >> 30 == 1


def test_a_paused_guest_moves_and_stays_paused(
    real: Fleet, hosts: LibvirtHosts, pair: tuple[LibvirtDriver, LibvirtDriver]
) -> None:
    one, other = pair
    boot = file_volume(hosts.volumes, boot_index=0)
    guest = real.spawn(one, boot, **BY_VOLUME)
    one.pause(guest)
    data = real.prepare_live_migration(guest, one, other, boot)
    said = Continuations()
    said.move(guest, one, data)
    assert said.ends == [None]
    assert other.get_guest(guest.uuid).power_state is PowerState.PAUSED


@pytest.mark.parametrize("wish", ["abort", "force_complete"])
def test_a_live_migration_is_ended_early(real: Fleet, hosts: LibvirtHosts, wish: str) -> None:
    one = real.driver("host1", **hosts[0].options(**SLOWLY))
    other = real.driver("host2", **hosts[1].options())
    boot = file_volume(hosts.volumes, boot_index=0)
    guest = real.spawn(one, boot, memory_mb=512, **BY_VOLUME)
    data = real.prepare_live_migration(guest, one, other, boot)
    begun = threading.Event()
    ends: list[MigrationFailure | None] = []
    progress: list[MigrationProgress] = []

    def note(each: MigrationProgress) -> None:
        progress.append(each)
        if each.memory_processed:
            begun.set()

    moving = threading.Thread(
        target=lambda: one.live_migration(
            guest, "host2", lambda: ends.append(None), ends.append, data, progress=note
        )
    )
    moving.start()
    assert begun.wait(20)
    getattr(one, f"live_migration_{wish}")(guest)
    moving.join(30)
    assert not moving.is_alive()
    (end,) = ends
    if wish == "abort":
        assert end is not None and end.cancelled
        for _again in range(2):
            other.rollback_live_migration_at_destination(there(guest), [boot], data)
        assert one.get_guest(guest.uuid).power_state is PowerState.RUNNING
        assert (other.list_guests(), files(hosts, 1)) == ([], [])
    else:
        assert end is None
        assert other.get_guest(guest.uuid).power_state is PowerState.RUNNING
    assert 0 < progress[0].memory_processed < progress[0].memory_total
    one.live_migration_abort(guest)
    with pytest.raises(MigrationError, match="not being migrated"):
        one.live_migration_force_complete(guest)


def test_a_live_migration_that_is_forced_at_once_ends_with_a_guest_that_runs(
    real: Fleet, hosts: LibvirtHosts
) -> None:
    one = real.driver("host1", **hosts[0].options(**SLOWLY))
    other = real.driver("host2", **hosts[1].options())
    boot = file_volume(hosts.volumes, boot_index=0)
    guest = real.spawn(one, boot, memory_mb=512, **BY_VOLUME)
    data = real.prepare_live_migration(guest, one, other, boot)
    told = Continuations()
    moving = threading.Thread(target=lambda: told.move(guest, one, data))
    moving.start()

    def is_forced() -> bool:
        try:
            one.live_migration_force_complete(guest)
        except MigrationError:
            return False
        return True

    while moving.is_alive() and not is_forced():  # at once: libvirt has not begun yet
        pass
    moving.join(30)
    assert told.ends == [None]
    assert other.get_guest(guest.uuid).power_state is PowerState.RUNNING


def test_a_live_migration_that_fails_leaves_the_guest_where_it_was(
    real: Fleet, hosts: LibvirtHosts, pair: tuple[LibvirtDriver, LibvirtDriver]
) -> None:
    one, other = pair
    boot = file_volume(hosts.volumes, boot_index=0)
    guest = real.spawn(one, boot, **BY_VOLUME)
    data = real.prepare_live_migration(guest, one, other, boot)
    wrong = {**data.driver_data, "uri": "qemu+unix:///session?socket=/no/such/socket"}
    said = Continuations()
    said.move(guest, one, msgspec.structs.replace(data, driver_data=wrong))
    (end,) = said.ends
    assert end is not None
    assert not end.cancelled
    assert "/no/such/socket" in end.reason
    assert one.get_guest(guest.uuid).power_state is PowerState.RUNNING
    said = Continuations()
    said.move(real.guest(), one, data)
    assert [end is not None for end in said.ends] == [True]


def test_what_cannot_move_live_is_refused_before(
    real: Fleet, hosts: LibvirtHosts, pair: tuple[LibvirtDriver, LibvirtDriver]
) -> None:
    one, other = pair
    boot = file_volume(hosts.volumes, boot_index=0)
    guest = real.spawn(one, boot, **BY_VOLUME)
    with pytest.raises(MigrationPreCheckError, match="has it already"):
        real.prepare_live_migration(guest, one, one, boot)
    state = msgspec.structs.replace(one.get_host_state("host1"), hypervisor_type="Xen")
    with pytest.raises(MigrationPreCheckError, match="from Xen to QEMU"):
        other.check_can_live_migrate_destination(there(guest), state)
    one.power_off(guest)
    with pytest.raises(MigrationPreCheckError, match="SHUTDOWN"):
        real.prepare_live_migration(guest, one, other, boot)


def test_a_swapped_volume_moves_along(
    real: Fleet, hosts: LibvirtHosts, pair: tuple[LibvirtDriver, LibvirtDriver]
) -> None:
    one, other = pair
    boot, old, new = (file_volume(hosts.volumes, boot_index=i) for i in (0, None, None))
    guest = real.spawn(one, boot, old, **BY_VOLUME)
    one.swap_volume(guest, old, new)
    data = real.prepare_live_migration(guest, one, other, boot, new)
    said = Continuations()
    said.move(guest, one, data)
    assert said.ends == [None]
    serials = [disk.serial for disk in other.get_guest(guest.uuid).disks]
    assert serials == [boot.serial, new.serial]
    other.detach_volume(there(guest), new)
