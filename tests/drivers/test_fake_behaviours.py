"""What goes wrong when the options say so: each as data, none as a subclass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cellrig.driver import (
    BuildAbort,
    ComputeResourcesUnavailable,
    DriverError,
    GuestEventKind,
    GuestNotFound,
    HypervisorError,
    HypervisorUnavailable,
    MigrationError,
    MigrationPreCheckError,
    PowerState,
    ProviderTreeError,
    VmState,
)

if TYPE_CHECKING:
    from tests.drivers.conftest import Fleet


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        ("resources", ComputeResourcesUnavailable),
        ("abort", BuildAbort),
        ("hypervisor", HypervisorError),
        ("unavailable", HypervisorUnavailable),
        ("migration", MigrationError),
        ("precheck", MigrationPreCheckError),
        ("bug", RuntimeError),
    ],
)
def test_a_failure_raises_what_it_names_and_does_nothing(
    fleet: Fleet, error: str, raised: type[Exception]
) -> None:
    driver = fleet.driver(behaviours=[{"on": "spawn", "error": error, "message": "because"}])
    with pytest.raises(raised, match="because"):
        fleet.spawn(driver)
    assert driver.list_guests() == []
    assert issubclass(raised, DriverError) is (error != "bug")


def outcomes(fleet: Fleet, calls: int, **behaviour: Any) -> str:
    """Spawn `calls` guests, and say of each whether it was built (o) or failed (x)."""
    driver = fleet.driver(behaviours=[{"on": "spawn", **behaviour}])
    told = ""
    for _call in range(calls):
        try:
            fleet.spawn(driver)
            told += "o"
        except HypervisorError:
            told += "x"
    return told


def test_failures_are_counted(fleet: Fleet) -> None:
    assert outcomes(fleet, 4) == "xxxx"
    assert outcomes(fleet, 4, times=2) == "xxoo"
    assert outcomes(fleet, 4, times=1, skip=2) == "ooxo"
    assert outcomes(fleet, 4, skip=2) == "ooxx"
    assert outcomes(fleet, 3, times=1, per="guest") == "xxx"


def test_calls_are_counted_for_each_guest_on_a_host_or_in_the_cloud(fleet: Fleet) -> None:
    for per, fails_elsewhere in (("guest", True), ("cloud", False)):
        behaviours = [{"on": "spawn", "times": 1, "per": per}]
        one, two = (fleet.driver(host, behaviours=behaviours) for host in ("host1", "host2"))
        guest, twin = fleet.guest("host1"), fleet.guest("host2")
        twin = type(twin)(uuid=guest.uuid, name="x", node="host2", memory_mb=1, vcpus=1)
        with pytest.raises(HypervisorError):
            one.spawn(guest, fleet.image, (), ())
        if fails_elsewhere:
            with pytest.raises(HypervisorError):
                two.spawn(twin, fleet.image, (), ())
        two.spawn(twin, fleet.image, (), ())


def test_a_behaviour_can_be_for_one_guest_or_one_state(fleet: Fleet) -> None:
    driver = fleet.driver(behaviours=[{"on": "spawn", "guest": "unlucky"}])
    fleet.spawn(driver)
    with pytest.raises(HypervisorError):
        fleet.spawn(driver, display_name="unlucky")
    driver = fleet.driver(behaviours=[{"on": "spawn", "vm_state": "shelved_offloaded"}])
    fleet.spawn(driver)
    with pytest.raises(HypervisorError):
        fleet.spawn(driver, vm_state=VmState.SHELVED_OFFLOADED)


def test_failing_afterwards_leaves_what_was_done(fleet: Fleet) -> None:
    driver = fleet.driver(behaviours=[{"on": "spawn", "does": "fail_after"}])
    guest = fleet.guest()
    with pytest.raises(HypervisorError):
        driver.spawn(guest, fleet.image, (), ())
    assert driver.get_guest(guest.uuid).power_state is PowerState.RUNNING


def test_a_guest_vanishes_or_dies_behind_our_back(fleet: Fleet) -> None:
    driver = fleet.driver(
        behaviours=[
            {"on": "power_on", "does": "vanish"},
            {"on": "reboot", "does": "die"},
        ]
    )
    guest = fleet.spawn(driver)
    driver.kill_guest(guest.uuid)
    assert driver.get_guest(guest.uuid).power_state is PowerState.CRASHED
    assert fleet.events[-1].kind is GuestEventKind.DIED
    driver.power_on(guest)
    with pytest.raises(GuestNotFound):
        driver.get_guest(guest.uuid)


def test_nonsense_about_providers_is_refused_by_the_tree(fleet: Fleet) -> None:
    driver = fleet.driver(behaviours=[{"on": "update_provider_tree", "does": "nonsense"}])
    with pytest.raises(ProviderTreeError, match="its parent 'a provider that is not there'"):
        fleet.tree(driver)


def test_a_call_hangs_until_it_is_released(fleet: Fleet) -> None:
    driver = fleet.driver(behaviours=[{"on": "spawn", "does": "hang", "times": 1}])
    guest = fleet.guest()
    task = fleet.runtime.spawn(lambda: driver.spawn(guest, fleet.image, (), ()), name="the build")
    fleet.runtime.settle()
    assert not task.done
    assert "hanging on host1" in fleet.runtime.unfinished()[0]
    assert driver.list_guests() == []
    assert driver.release("spawn") == 1
    fleet.runtime.settle()
    assert task.done
    assert driver.get_guest(guest.uuid).power_state is PowerState.RUNNING
    assert driver.release("spawn") == 0


def test_latency_passes_in_virtual_time(fleet: Fleet) -> None:
    driver = fleet.driver(latencies={"spawn": 90, "list_guests": 0.5})
    before = fleet.runtime.now()
    fleet.spawn(driver)
    assert fleet.runtime.now() - before == 90
    fleet.run(driver.list_guests)
    assert fleet.runtime.now() - before == 90.5


def test_counts_are_a_part_of_a_checkpoint(fleet: Fleet) -> None:
    driver = fleet.driver(behaviours=[{"on": "spawn", "times": 1}])
    state = driver.checkpoint()
    for _round in range(2):
        with pytest.raises(HypervisorError):
            fleet.spawn(driver)
        fleet.spawn(driver)
        driver.restore(state)
