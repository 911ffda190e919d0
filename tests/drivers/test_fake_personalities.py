"""Every personality of the field's fake drivers, and what it is known for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from cellrig.driver import (
    BuildAbort,
    CapabilityNotSupported,
    ComputeResourcesUnavailable,
    GuestEventKind,
    HypervisorError,
    MigrateData,
    MigrationFailure,
    PowerState,
    VmState,
)
from cellrig_fake import PERSONALITIES, FakeDriver

if TYPE_CHECKING:
    from tests.drivers.conftest import Fleet

Check = Callable[["Fleet", FakeDriver], None]


def room(vcpus: int, memory_mb: int, disk_gb: int) -> Check:
    def check(fleet: Fleet, driver: FakeDriver) -> None:
        state = driver.get_host_state("host1")
        assert (state.vcpus, state.memory_mb, state.disk_gb) == (vcpus, memory_mb, disk_gb)

    return check


def magic(fleet: Fleet, driver: FakeDriver) -> None:
    child = fleet.tree(driver).data("host1-child")
    assert child.inventory["CUSTOM_MAGIC"].total == 10
    assert child.traits == ("OWNER_NOVA",)


def trait(name: str) -> Check:
    def check(fleet: Fleet, driver: FakeDriver) -> None:
        assert name in fleet.tree(driver).data("host1").traits
        plain = fleet.tree(fleet.driver("host2")).data("host2")
        assert name not in plain.traits

    return check


def rescues_from_volume(fleet: Fleet, driver: FakeDriver) -> None:
    volume = fleet.volume(boot_index=0)
    guest = fleet.spawn(driver, volume)
    driver.rescue(guest, fleet.image)
    plain = fleet.driver("host2")
    with pytest.raises(CapabilityNotSupported, match="rescue_volume_backed"):
        plain.rescue(fleet.spawn(plain, fleet.volume(boot_index=0)), fleet.image)


def tells_of_power(fleet: Fleet, driver: FakeDriver) -> None:
    guest = fleet.spawn(driver)
    driver.change_power(guest.uuid, PowerState.SHUTDOWN)
    assert fleet.events[-1].kind is GuestEventKind.STOPPED


def reschedules(fleet: Fleet, driver: FakeDriver) -> None:
    other = fleet.driver("host2", **PERSONALITIES["FakeRescheduleDriver"])
    guest = fleet.guest("host1")
    with pytest.raises(ComputeResourcesUnavailable):
        driver.spawn(guest, fleet.image, (), ())
    there = type(guest)(uuid=guest.uuid, name="x", node="host2", memory_mb=1, vcpus=1)
    other.spawn(there, fleet.image, (), ())


def aborts(fleet: Fleet, driver: FakeDriver) -> None:
    for _time in range(3):
        with pytest.raises(BuildAbort):
            fleet.spawn(driver)


def fails_to_unshelve(fleet: Fleet, driver: FakeDriver) -> None:
    fleet.spawn(driver)
    with pytest.raises(HypervisorError):
        fleet.spawn(driver, vm_state=VmState.SHELVED_OFFLOADED)


def fails_to_finish(fleet: Fleet, driver: FakeDriver) -> None:
    source = fleet.driver("host2")
    guest = fleet.spawn(source)
    data = source.migrate_disk_and_power_off(guest, guest, "host1", ())
    with pytest.raises(HypervisorError):
        driver.finish_migration(guest, fleet.image, data, (), ())


def holds_live_migrations(fleet: Fleet, driver: FakeDriver) -> None:
    destination = fleet.driver("host2")
    guest = fleet.spawn(driver)
    data = fleet.prepare_live_migration(guest, driver, destination)
    ended: list[object] = []

    def migrate(data: MigrateData) -> None:
        driver.live_migration(guest, "host2", lambda: ended.append("post"), ended.append, data)

    fleet.runtime.spawn(lambda: migrate(data), name="the first")
    fleet.runtime.settle()
    assert ended == []
    driver.live_migration_abort(guest)
    fleet.runtime.settle()
    (failure,) = ended
    assert isinstance(failure, MigrationFailure)
    assert failure.cancelled
    fleet.runtime.spawn(lambda: migrate(data), name="the second")
    fleet.runtime.settle()
    driver.live_migration_force_complete(guest)
    fleet.runtime.settle()
    assert ended[1:] == ["post"]
    assert driver.list_guests() == []


def has_cards(fleet: Fleet, driver: FakeDriver) -> None:
    tree = fleet.tree(driver)
    networks = [
        [name for name in tree.data(card).traits if name.startswith("CUSTOM_PHYSNET")]
        for card in tree.children("host1")
    ]
    assert networks == [
        ["CUSTOM_PHYSNET_PHYSNET1"],
        ["CUSTOM_PHYSNET_PHYSNET2"],
        ["CUSTOM_PHYSNET_PHYSNET2"],
    ]
    assert all(
        tree.data(card).inventory["SRIOV_NET_VF"].total == 1 for card in tree.children("host1")
    )


def names_its_interfaces(fleet: Fleet, driver: FakeDriver) -> None:
    devices = driver.get_host_state("host1").devices
    names = [device.parent_interface for device in devices if device.parent is not None]
    assert names == ["host1-ens1", "host1-ens2", "host1-ens3"]


def caches_once(fleet: Fleet, driver: FakeDriver) -> None:
    assert driver.cache_image(fleet.image)
    assert not driver.cache_image(fleet.image)


def has_lasting_uuids(fleet: Fleet, driver: FakeDriver) -> None:
    again = fleet.driver("host1", **PERSONALITIES["PredictableNodeUUIDDriver"])
    uuid = driver.get_host_state("host1").uuid
    assert uuid is not None
    assert again.get_host_state("host1").uuid == uuid
    assert fleet.driver("host1").get_host_state("host1").uuid is None


def names_its_node_after_the_host(fleet: Fleet, driver: FakeDriver) -> None:
    assert driver.get_available_nodes() == ["host1"]


KNOWN_FOR: dict[str, tuple[Check, ...]] = {
    "FakeDriver": (room(1000, 800000, 600000),),
    "SmallFakeDriver": (room(2, 8192, 1028),),
    "MediumFakeDriver": (room(10, 8192, 1028),),
    "SameHostColdMigrateDriver": (trait("COMPUTE_SAME_HOST_COLD_MIGRATE"),),
    "RescueBFVDriver": (trait("COMPUTE_RESCUE_BFV"), rescues_from_volume),
    "PowerUpdateFakeDriver": (tells_of_power,),
    "MediumFakeDriverWithNestedCustomResources": (room(10, 8192, 1028), magic),
    "FakeFinishMigrationFailDriver": (fails_to_finish,),
    "PredictableNodeUUIDDriver": (has_lasting_uuids,),
    "FakeRescheduleDriver": (reschedules,),
    "FakeRescheduleDriverWithNestedCustomResources": (reschedules, magic),
    "FakeBuildAbortDriver": (aborts,),
    "FakeBuildAbortDriverWithNestedCustomResources": (aborts, magic),
    "FakeUnshelveSpawnFailDriver": (fails_to_unshelve,),
    "FakeUnshelveSpawnFailDriverWithNestedCustomResources": (fails_to_unshelve, magic),
    "FakeLiveMigrateDriver": (holds_live_migrations,),
    "FakeLiveMigrateDriverWithNestedCustomResources": (holds_live_migrations, magic),
    "FakeDriverWithPciResources": (has_cards,),
    "FakeDriverWithPciResourcesConfigFixture": (has_cards, names_its_interfaces),
    "FakeLiveMigrateDriverWithPciResources": (holds_live_migrations, has_cards),
    "FakeDriverWithCaching": (caches_once,),
    "EphEncryptionDriver": (trait("COMPUTE_EPHEMERAL_ENCRYPTION"),),
    "EphEncryptionDriverLUKS": (trait("COMPUTE_EPHEMERAL_ENCRYPTION_LUKS"),),
    "EphEncryptionDriverPLAIN": (trait("COMPUTE_EPHEMERAL_ENCRYPTION_PLAIN"),),
    "FakeDriverWithoutFakeNodes": (names_its_node_after_the_host,),
}


def test_every_personality_has_something_that_it_is_known_for() -> None:
    assert set(KNOWN_FOR) == set(PERSONALITIES)


@pytest.mark.parametrize(("name", "check"), [(n, c) for n, cs in KNOWN_FOR.items() for c in cs])
def test_a_personality_does_what_it_is_known_for(fleet: Fleet, name: str, check: Check) -> None:
    options: dict[str, Any] = dict(PERSONALITIES[name])
    check(fleet, fleet.driver("host1", **options))
