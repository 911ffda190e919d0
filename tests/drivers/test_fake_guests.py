"""The life of guests in the fake hypervisor, and what it enforces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

import cellrig_domxml
from cellrig.driver import (
    BuildAbort,
    ComputeResourcesUnavailable,
    GuestBusy,
    GuestEvent,
    GuestEventKind,
    GuestExists,
    GuestNotFound,
    HypervisorError,
    ImageUnacceptable,
    PowerState,
    RebootKind,
)

if TYPE_CHECKING:
    from tests.drivers.conftest import Fleet


def test_a_guest_that_was_spawned_runs_and_is_listed(fleet: Fleet) -> None:
    driver = fleet.driver()
    guest = fleet.spawn(driver, memory_mb=1024, vcpus=2)
    info = driver.get_guest(guest.uuid)
    assert driver.list_guests() == [info]
    assert (info.name, info.memory_mb, info.vcpus) == (guest.name, 1024, 2)
    assert (info.node, info.power_state) == ("host1", PowerState.RUNNING)
    assert cellrig_domxml.parse(driver.domain_xml(guest.uuid)).findtext("uuid") == guest.uuid


def test_spawning_a_guest_twice_is_refused_and_leaves_the_first(fleet: Fleet) -> None:
    driver = fleet.driver()
    guest = fleet.spawn(driver)
    before = driver.checkpoint()
    with pytest.raises(GuestExists, match=guest.uuid):
        driver.spawn(guest, fleet.image, (), ())
    assert driver.checkpoint() == before


def test_destroying_a_guest_gives_everything_back_however_often(fleet: Fleet) -> None:
    driver = fleet.driver(sriov=[{"address": "0000:81:00.0", "vfs": 1}])
    empty = driver.get_host_state("host1")
    guest = fleet.spawn(driver, fleet.volume())
    for _time in range(10):
        driver.destroy(guest, ())
        driver.cleanup(guest, ())
    assert driver.list_guests() == []
    assert driver.get_host_state("host1") == empty


def test_an_unknown_guest_is_refused_by_every_method_that_needs_one(fleet: Fleet) -> None:
    driver = fleet.driver()
    guest, volume = fleet.guest(), fleet.volume()
    for call in (
        lambda: driver.get_guest(guest.uuid),
        lambda: driver.reboot(guest, RebootKind.SOFT),
        lambda: driver.power_on(guest),
        lambda: driver.power_off(guest),
        lambda: driver.pause(guest),
        lambda: driver.unpause(guest),
        lambda: driver.suspend(guest),
        lambda: driver.resume(guest),
        lambda: driver.rescue(guest, fleet.image),
        lambda: driver.unrescue(guest),
        lambda: driver.snapshot(guest, "image"),
        lambda: driver.get_console_output(guest),
        lambda: driver.attach_volume(guest, volume),
        lambda: driver.detach_volume(guest, volume),
        lambda: driver.swap_volume(guest, volume, volume),
        lambda: driver.extend_volume(guest, volume, 1),
        lambda: driver.migrate_disk_and_power_off(guest, guest, "host2", ()),
        lambda: driver.finish_revert_migration(guest, (), ()),
    ):
        with pytest.raises(GuestNotFound, match=f"the hypervisor has no guest {guest.uuid}"):
            call()


def test_memory_runs_out_at_its_ratio(fleet: Fleet) -> None:
    driver = fleet.driver(memory_mb=1024, ram_allocation_ratio=1.5)
    for _guest in range(3):
        fleet.spawn(driver)
    with pytest.raises(ComputeResourcesUnavailable) as caught:
        fleet.spawn(driver)
    assert str(caught.value) == "not enough memory on host1: 512 MiB asked, 0 MiB free"
    assert len(driver.list_guests()) == 3


def test_disk_runs_out_and_volumes_take_none_of_it(fleet: Fleet) -> None:
    driver = fleet.driver(disk_gb=2, reserved_disk_gb=1)
    fleet.spawn(driver, root_gb=1)
    fleet.spawn(driver, fleet.volume(boot_index=0), root_gb=20)
    with pytest.raises(ComputeResourcesUnavailable, match="disk on host1: 1 GiB asked, 0 GiB free"):
        fleet.spawn(driver, root_gb=1)


def test_the_host_state_counts_what_guests_take(fleet: Fleet) -> None:
    driver = fleet.driver(memory_mb=4096, reserved_memory_mb=256)
    guest = fleet.spawn(driver, memory_mb=1024, vcpus=2, root_gb=3)
    state = driver.get_host_state("host1")
    assert (state.vcpus_used, state.memory_mb_used, state.disk_gb_used) == (2, 1280, 3)
    assert state.running_guests == 1
    driver.power_off(guest)
    assert driver.get_host_state("host1").running_guests == 0


def test_a_node_that_is_not_there_is_refused(fleet: Fleet) -> None:
    driver = fleet.driver()
    with pytest.raises(HypervisorError, match="host1 has no node 'host2'; it has: host1"):
        driver.spawn(fleet.guest("host2"), fleet.image, (), ())
    with pytest.raises(HypervisorError, match="no node 'host2'"):
        driver.get_host_state("host2")


def test_several_nodes_have_room_of_their_own(fleet: Fleet) -> None:
    driver = fleet.driver(nodes=["{host}-a", "{host}-b"], memory_mb=512, ram_allocation_ratio=1)
    assert driver.get_available_nodes() == ["host1-a", "host1-b"]
    fleet.spawn(driver, node="host1-a")
    fleet.spawn(driver, node="host1-b")
    with pytest.raises(ComputeResourcesUnavailable, match="memory on host1-a"):
        fleet.spawn(driver, node="host1-a")
    assert [guest.node for guest in driver.list_guests()] == ["host1-a", "host1-b"]


def test_an_image_that_cannot_boot_gives_the_build_up(fleet: Fleet) -> None:
    driver = fleet.driver(image_formats=["raw"])
    with pytest.raises(ImageUnacceptable, match="its format is 'qcow2', taken are: raw"):
        driver.spawn(fleet.guest(), fleet.image, (), ())
    assert issubclass(ImageUnacceptable, BuildAbort)
    wide = msgspec.structs.replace(fleet.image, format="raw", min_ram=1024)
    with pytest.raises(ImageUnacceptable, match="needs 1024 MiB of memory, the flavor has 512"):
        driver.spawn(fleet.guest(), wide, (), ())
    deep = msgspec.structs.replace(fleet.image, format="raw", min_disk=5)
    with pytest.raises(ImageUnacceptable, match="a root disk of 5 GiB, the flavor has 1"):
        driver.spawn(fleet.guest(), deep, (), ())
    assert driver.list_guests() == []


@pytest.mark.parametrize(
    ("calls", "power_state"),
    [
        ("pause", PowerState.PAUSED),
        ("pause pause", PowerState.PAUSED),
        ("pause unpause unpause", PowerState.RUNNING),
        ("suspend suspend", PowerState.SUSPENDED),
        ("suspend resume resume", PowerState.RUNNING),
        ("power_off power_off", PowerState.SHUTDOWN),
        ("power_off power_on power_on", PowerState.RUNNING),
        ("pause power_off", PowerState.SHUTDOWN),
        ("suspend power_off", PowerState.SHUTDOWN),
    ],
)
def test_power_states_follow_each_other_and_twice_is_harmless(
    fleet: Fleet, calls: str, power_state: PowerState
) -> None:
    driver = fleet.driver()
    guest = fleet.spawn(driver)
    for call in calls.split():
        getattr(driver, call)(guest)
    assert driver.get_guest(guest.uuid).power_state is power_state


@pytest.mark.parametrize(
    ("before", "refused"),
    [
        ("power_off", "pause"),
        ("power_off", "unpause"),
        ("power_off", "suspend"),
        ("power_off", "resume"),
        ("pause", "suspend"),
        ("pause", "power_on"),
        ("suspend", "pause"),
        ("suspend", "power_on"),
    ],
)
def test_what_a_power_state_does_not_allow_is_refused(
    fleet: Fleet, before: str, refused: str
) -> None:
    driver = fleet.driver()
    guest = fleet.spawn(driver)
    getattr(driver, before)(guest)
    power_state = driver.get_guest(guest.uuid).power_state
    with pytest.raises(GuestBusy, match=f"is {power_state.name}; to {refused} it must be"):
        getattr(driver, refused)(guest)
    assert driver.get_guest(guest.uuid).power_state is power_state


def test_a_soft_reboot_needs_a_running_guest_and_a_hard_one_does_not(fleet: Fleet) -> None:
    driver = fleet.driver()
    guest = fleet.spawn(driver)
    driver.reboot(guest, RebootKind.SOFT)
    assert "boot 2" in driver.get_console_output(guest)
    driver.power_off(guest)
    with pytest.raises(GuestBusy, match="to reboot softly it must be RUNNING"):
        driver.reboot(guest, RebootKind.SOFT)
    driver.reboot(guest, RebootKind.HARD)
    assert driver.get_guest(guest.uuid).power_state is PowerState.RUNNING


def test_a_hard_reboot_defines_a_guest_anew_that_the_hypervisor_has_lost(fleet: Fleet) -> None:
    driver = fleet.driver()
    volume = fleet.volume()
    guest = fleet.spawn(driver, volume)
    before = driver.get_guest(guest.uuid)
    driver.lose_guest(guest.uuid)
    driver.reboot(guest, RebootKind.HARD, [volume])
    assert driver.get_guest(guest.uuid) == before


def test_a_rescued_guest_boots_from_the_rescue_image_until_it_is_unrescued(fleet: Fleet) -> None:
    driver = fleet.driver()
    guest = fleet.spawn(driver)
    before = driver.domain_xml(guest.uuid)
    for _time in range(2):
        driver.rescue(guest, fleet.image)
    boots = [disk.source for disk in driver.get_guest(guest.uuid).disks if disk.boot_order == 1]
    assert [source.rpartition("/")[2] for source in boots] == ["disk.rescue"]
    for _time in range(2):
        driver.unrescue(guest)
    assert driver.domain_xml(guest.uuid) == before
    assert driver.get_guest(guest.uuid).power_state is PowerState.RUNNING


def test_a_snapshot_tells_its_size(fleet: Fleet) -> None:
    driver = fleet.driver()
    made = driver.snapshot(fleet.spawn(driver, root_gb=4), "image")
    assert (made.format, made.min_disk, made.size) == ("qcow2", 4, 256 << 20)


def test_events_go_to_the_sink_and_then_to_the_listener(fleet: Fleet) -> None:
    driver = fleet.driver()
    guest = fleet.spawn(driver)
    assert fleet.events == [GuestEvent(guest.uuid, GuestEventKind.STARTED, PowerState.RUNNING)]
    heard: list[GuestEvent] = []
    driver.register_event_listener(heard.append)
    driver.pause(guest)
    driver.kill_guest(guest.uuid)
    driver.change_power(guest.uuid, PowerState.RUNNING)
    driver.destroy(guest, ())
    assert [(event.kind, event.power_state) for event in heard] == [
        (GuestEventKind.PAUSED, PowerState.PAUSED),
        (GuestEventKind.DIED, PowerState.CRASHED),
        (GuestEventKind.STARTED, PowerState.RUNNING),
        (GuestEventKind.STOPPED, PowerState.SHUTDOWN),
    ]
    assert len(fleet.events) == 1


def test_a_guest_that_was_lost_is_gone_without_a_word(fleet: Fleet) -> None:
    driver = fleet.driver()
    guest = fleet.spawn(driver)
    told = len(fleet.events)
    driver.lose_guest(guest.uuid)
    assert driver.list_guests() == []
    assert len(fleet.events) == told


def test_events_can_be_silenced(fleet: Fleet) -> None:
    fleet.spawn(fleet.driver(lifecycle_events=False))
    assert fleet.events == []


def test_an_image_is_cached_once_and_by_its_first_guest(fleet: Fleet) -> None:
    driver = fleet.driver()
    other = msgspec.structs.replace(fleet.image, id="other")
    assert driver.cache_image(other)
    assert not driver.cache_image(other)
    fleet.spawn(driver)
    assert not driver.cache_image(fleet.image)


def test_a_checkpoint_brings_everything_back_byte_for_byte(fleet: Fleet) -> None:
    driver = fleet.driver(sriov=[{"address": "0000:81:00.0", "vfs": 2}])
    paused = fleet.spawn(driver, fleet.volume())
    driver.pause(paused)
    fleet.tree(driver)
    state, fabric = driver.checkpoint(), fleet.fabric.checkpoint()
    guests, host = driver.list_guests(), driver.get_host_state("host1")
    driver.destroy(paused, ())
    fleet.spawn(driver, fleet.volume())
    assert driver.checkpoint() != state
    driver.restore(state)
    fleet.fabric.restore(fabric)
    assert driver.checkpoint() == state
    assert fleet.fabric.checkpoint() == fabric
    assert driver.list_guests() == guests
    assert driver.get_host_state("host1") == host
    other = fleet.driver(sriov=[{"address": "0000:81:00.0", "vfs": 2}])
    other.restore(state)
    assert other.list_guests() == guests
    assert other.get_host_state("host1") == host
