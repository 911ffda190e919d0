"""Cold and live moves between fake hosts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from cellrig.driver import (
    CapabilityNotSupported,
    ComputeResourcesUnavailable,
    Device,
    DeviceKind,
    GuestEventKind,
    GuestNotFound,
    HypervisorError,
    MigrateData,
    MigrationError,
    MigrationFailure,
    MigrationPreCheckError,
    MigrationProgress,
    PowerState,
)

if TYPE_CHECKING:
    from tests.drivers.conftest import Fleet

    from cellrig.driver import Guest
    from cellrig_fake import FakeDriver

CARD = {"address": "0000:81:00.0", "vfs": 2}


class Ending:
    """Hears how a live migration ends."""

    def __init__(self) -> None:
        self.posts = 0
        self.failures: list[MigrationFailure] = []
        self.progress: list[MigrationProgress] = []

    def post(self) -> None:
        self.posts += 1

    def start(self, fleet: Fleet, source: FakeDriver, guest: Guest, destination: str) -> None:
        """Start a live migration as a task of its own, and run what can run."""
        data = MigrateData(source_host="", destination_host=destination)
        fleet.runtime.spawn(
            lambda: source.live_migration(
                guest,
                destination,
                self.post,
                self.failures.append,
                data,
                progress=self.progress.append,
            ),
            name="the live migration",
        )


def resized(guest: Guest, node: str, **fields: int) -> Guest:
    return msgspec.structs.replace(guest, node=node, **fields)


def test_a_cold_migration_moves_a_guest_and_confirming_erases_the_source(fleet: Fleet) -> None:
    one, two = fleet.driver("host1"), fleet.driver("host2")
    volume = fleet.volume()
    guest = fleet.spawn(one, volume)
    larger = resized(guest, "host2", memory_mb=1024, root_gb=2)
    data = one.migrate_disk_and_power_off(guest, larger, "host2", [volume])
    assert one.list_guests() == []
    assert one.get_host_state("host1").disk_gb_used == 1
    two.finish_migration(larger, fleet.image, data, [volume], ())
    info = two.get_guest(guest.uuid)
    assert (info.memory_mb, info.power_state) == (1024, PowerState.RUNNING)
    assert info.disk(serial=volume.serial).target == "sdb"
    for _time in range(10):
        one.confirm_migration(guest, [volume])
    assert one.get_host_state("host1").disk_gb_used == 0


def test_a_reverted_migration_brings_the_guest_back_as_it_was(fleet: Fleet) -> None:
    one, two = fleet.driver("host1", sriov=[CARD]), fleet.driver("host2", sriov=[CARD])
    volume = fleet.volume()
    wanted = (Device(kind=DeviceKind.VF, address="0000:81:02.1"),)
    guest = fleet.spawn(one, volume, devices=wanted)
    before = one.get_guest(guest.uuid)
    there = resized(guest, "host2")
    for _time in range(2):
        data = one.migrate_disk_and_power_off(guest, there, "host2", [volume])
    two.finish_migration(there, fleet.image, data, [volume], wanted, power_on=True)
    two.destroy(there, [volume])
    for _time in range(10):
        one.finish_revert_migration(guest, [volume], wanted)
    assert one.get_guest(guest.uuid) == before
    with pytest.raises(ComputeResourcesUnavailable):
        fleet.spawn(one, devices=wanted)


@pytest.mark.parametrize("confirmed", [True, False])
def test_a_resize_on_the_same_host_holds_both_sizes_until_it_ends(
    fleet: Fleet, confirmed: bool
) -> None:
    driver = fleet.driver(sriov=[CARD])
    wanted = (Device(kind=DeviceKind.VF),)
    guest = fleet.spawn(driver, root_gb=2, devices=wanted)
    larger = resized(guest, "host1", root_gb=5)
    data = driver.migrate_disk_and_power_off(guest, larger, "host1", ())
    driver.finish_migration(larger, fleet.image, data, (), wanted)
    assert driver.get_host_state("host1").disk_gb_used == 7
    with pytest.raises(ComputeResourcesUnavailable):
        fleet.spawn(driver, devices=wanted)
    if confirmed:
        driver.confirm_migration(guest, ())
    else:
        driver.destroy(larger, ())
        driver.finish_revert_migration(guest, (), ())
    assert driver.get_host_state("host1").disk_gb_used == (5 if confirmed else 2)
    (device,) = driver.get_guest(guest.uuid).devices
    assert device.address == ("0000:81:02.1" if confirmed else "0000:81:02.0")
    fleet.spawn(driver, devices=wanted)


def test_a_stopped_guest_stays_stopped_when_it_moves(fleet: Fleet) -> None:
    one, two = fleet.driver("host1"), fleet.driver("host2")
    guest = fleet.spawn(one)
    there = resized(guest, "host2")
    data = one.migrate_disk_and_power_off(guest, there, "host2", ())
    two.finish_migration(there, fleet.image, data, (), (), power_on=False)
    assert two.get_guest(guest.uuid).power_state is PowerState.SHUTDOWN
    two.destroy(there, ())
    one.finish_revert_migration(guest, (), (), power_on=False)
    assert one.get_guest(guest.uuid).power_state is PowerState.SHUTDOWN


def test_a_move_that_cannot_be_is_refused_and_changes_nothing(fleet: Fleet) -> None:
    one, two = fleet.driver("host1"), fleet.driver("host2", memory_mb=256)
    guest = fleet.spawn(one, root_gb=5)
    before = one.checkpoint()
    smaller = resized(guest, "host2", root_gb=2)
    with pytest.raises(MigrationError, match="5 GiB does not shrink to 2"):
        one.migrate_disk_and_power_off(guest, smaller, "host2", ())
    assert one.checkpoint() == before
    there = resized(guest, "host2")
    with pytest.raises(MigrationError, match="its disks have not come from host1"):
        data = MigrateData(source_host="host1", destination_host="host2")
        two.finish_migration(there, fleet.image, data, (), ())
    data = one.migrate_disk_and_power_off(guest, there, "host2", ())
    with pytest.raises(ComputeResourcesUnavailable):
        two.finish_migration(there, fleet.image, data, (), ())
    assert two.list_guests() == []


def test_cold_moves_need_their_own_capabilities(fleet: Fleet) -> None:
    driver = fleet.driver(capabilities={"resize_on_same_host": False})
    guest = fleet.spawn(driver)
    with pytest.raises(CapabilityNotSupported, match="resize_on_same_host"):
        driver.migrate_disk_and_power_off(guest, guest, "host1", ())
    driver = fleet.driver("host2", capabilities={"cold_migration": False})
    guest = fleet.spawn(driver)
    with pytest.raises(CapabilityNotSupported, match="cold_migration"):
        driver.migrate_disk_and_power_off(guest, guest, "host3", ())


def test_a_live_migration_takes_the_guest_with_its_volumes(fleet: Fleet) -> None:
    one, two = fleet.driver("host1"), fleet.driver("host2")
    volume = fleet.volume()
    guest = fleet.spawn(one, volume)
    data = fleet.prepare_live_migration(guest, one, two, volume)
    assert two.list_guests() == []
    ending = Ending()
    ending.start(fleet, one, guest, "host2")
    fleet.runtime.settle()
    assert (ending.posts, ending.failures) == (1, [])
    assert one.list_guests() == []
    for _time in range(10):
        one.post_live_migration_at_source(guest, [volume], data)
        two.post_live_migration_at_destination(resized(guest, "host2"), [volume], (), data)
    info = two.get_guest(guest.uuid)
    assert info.power_state is PowerState.RUNNING
    assert info.disk(serial=volume.serial)
    assert fleet.events[-1].kind is GuestEventKind.MIGRATED
    with pytest.raises(HypervisorError, match="write"):
        fleet.spawn(one, volume)
    two.destroy(guest, [volume])
    fleet.spawn(one, volume)


def test_a_live_migration_tells_how_far_it_has_come(fleet: Fleet) -> None:
    one, two = fleet.driver("host1", latencies={"live_migration": 8}), fleet.driver("host2")
    guest = fleet.spawn(one, memory_mb=4)
    fleet.prepare_live_migration(guest, one, two)
    ending, before = Ending(), fleet.runtime.now()
    ending.start(fleet, one, guest, "host2")
    fleet.runtime.settle()
    assert fleet.runtime.now() - before == 8
    remaining = [told.memory_remaining >> 20 for told in ending.progress]
    assert remaining == [4, 3, 2, 1, 0]
    assert ending.posts == 1


def test_a_held_live_migration_goes_on_when_it_is_forced(fleet: Fleet) -> None:
    hold = [{"on": "live_migration", "does": "hold"}]
    one, two = fleet.driver("host1", behaviours=hold), fleet.driver("host2")
    guest = fleet.spawn(one)
    fleet.prepare_live_migration(guest, one, two)
    ending = Ending()
    ending.start(fleet, one, guest, "host2")
    fleet.runtime.settle()
    assert (ending.posts, ending.failures) == (0, [])
    for _time in range(2):
        one.live_migration_force_complete(guest)
    fleet.runtime.settle()
    assert (ending.posts, ending.failures) == (1, [])
    assert [info.uuid for info in two.list_guests()] == [guest.uuid]
    with pytest.raises(MigrationError, match="it is not being migrated"):
        one.live_migration_force_complete(guest)


@pytest.mark.parametrize("options", ["hold", "latency"])
def test_an_aborted_live_migration_recovers_at_the_source(fleet: Fleet, options: str) -> None:
    variants: dict[str, dict[str, Any]] = {
        "hold": {"behaviours": [{"on": "live_migration", "does": "hold"}]},
        "latency": {"latencies": {"live_migration": 1000}},
    }
    one, two = fleet.driver("host1", **variants[options]), fleet.driver("host2")
    volume = fleet.volume()
    guest = fleet.spawn(one, volume)
    data = fleet.prepare_live_migration(guest, one, two, volume)
    before = fleet.runtime.now()
    ending = Ending()
    ending.start(fleet, one, guest, "host2")
    fleet.runtime.advance(10)
    for _time in range(10):
        one.live_migration_abort(guest)
    fleet.runtime.settle()
    assert fleet.runtime.now() == before + 10
    assert ending.posts == 0
    assert [failure.cancelled for failure in ending.failures] == [True]
    for _time in range(10):
        two.rollback_live_migration_at_destination(guest, [volume], data)
    assert one.get_guest(guest.uuid).power_state is PowerState.RUNNING
    assert two.get_host_state("host2").memory_mb_used == 0
    fleet.spawn(two)


def test_a_live_migration_that_fails_tells_so_and_raises_nothing(fleet: Fleet) -> None:
    fails = [{"on": "live_migration", "error": "migration", "message": "the wire is cut"}]
    one, two = fleet.driver("host1", behaviours=fails), fleet.driver("host2")
    guest = fleet.spawn(one)
    fleet.prepare_live_migration(guest, one, two)
    ending = Ending()
    ending.start(fleet, one, guest, "host2")
    fleet.runtime.settle()
    told = f"guest {guest.uuid} cannot move: the wire is cut"
    assert ending.failures == [MigrationFailure(told, cancelled=False)]
    assert one.get_guest(guest.uuid).power_state is PowerState.RUNNING


def test_a_live_migration_fails_after_its_checks_have_passed(fleet: Fleet) -> None:
    one = fleet.driver("host1")
    two = fleet.driver("host2", behaviours=[{"on": "pre_live_migration", "error": "migration"}])
    guest = fleet.spawn(one)
    with pytest.raises(MigrationError):
        fleet.prepare_live_migration(guest, one, two)
    assert two.get_host_state("host2").memory_mb_used == 0


def test_a_destination_that_was_not_prepared_does_not_take_a_guest(fleet: Fleet) -> None:
    one, two = fleet.driver("host1"), fleet.driver("host2")
    guest = fleet.spawn(one)
    ending = Ending()
    ending.start(fleet, one, guest, "host2")
    fleet.runtime.settle()
    assert [failure.reason for failure in ending.failures] == [
        f"guest {guest.uuid} cannot move: host2 does not expect it"
    ]
    data = MigrateData(source_host="host1", destination_host="host2")
    with pytest.raises(GuestNotFound):
        two.post_live_migration_at_destination(guest, (), (), data)


def test_what_a_continuation_raises_is_not_told_to_the_other(fleet: Fleet) -> None:
    one, two = fleet.driver("host1"), fleet.driver("host2")
    guest = fleet.spawn(one)
    data = fleet.prepare_live_migration(guest, one, two)
    failures: list[MigrationFailure] = []

    def post() -> None:
        raise MigrationError(guest.uuid, "the core stumbled")

    with pytest.raises(MigrationError, match="the core stumbled"):
        one.live_migration(guest, "host2", post, failures.append, data)
    assert failures == []


def test_the_checks_before_a_live_migration_refuse_and_change_nothing(fleet: Fleet) -> None:
    one = fleet.driver("host1", hypervisor_version=2)
    older = fleet.driver("host2", hypervisor_version=1)
    other = fleet.driver("host3", hypervisor_type="other", hypervisor_version=9)
    full = fleet.driver("host4", hypervisor_version=2, memory_mb=256)
    guest = fleet.spawn(one)
    for destination, told in (
        (older, "hypervisor 1 of host2 is older"),
        (other, "from fake to other"),
        (full, "not enough memory on host4"),
        (one, "already has a guest"),
    ):
        before = destination.checkpoint()
        with pytest.raises(MigrationPreCheckError, match=told):
            fleet.prepare_live_migration(guest, one, destination)
        assert destination.checkpoint() == before


def test_local_disks_need_block_migration_or_shared_storage(fleet: Fleet) -> None:
    one, two = (fleet.driver(host, shared_storage=True) for host in ("host1", "host2"))
    guest = fleet.spawn(one)
    with pytest.raises(MigrationPreCheckError, match="cannot be used with shared storage"):
        fleet.prepare_live_migration(guest, one, two)
    state = one.get_host_state("host1")
    there = resized(guest, "host2")
    data = two.check_can_live_migrate_destination(there, state)
    assert one.check_can_live_migrate_source(guest, (), data).shared_storage
    local = fleet.driver("host3")
    guest = fleet.spawn(local)
    data = two.check_can_live_migrate_destination(resized(guest, "host2"), state)
    with pytest.raises(MigrationPreCheckError, match="not on shared storage"):
        local.check_can_live_migrate_source(guest, (), data)
    local.power_off(guest)
    with pytest.raises(MigrationPreCheckError, match="it is SHUTDOWN, not running or paused"):
        local.check_can_live_migrate_source(guest, (), data)
