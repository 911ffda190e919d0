"""What a driver must be like, and what the person who wrote it is told when it is not."""

from __future__ import annotations

import inspect
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import msgspec
import os_traits
import pytest

from cellrig.driver import (
    INTERFACE_VERSION,
    METHODS,
    TRAITS,
    Capabilities,
    CapabilityNotSupported,
    Checkpointable,
    ComputeDriver,
    Guest,
    InvalidDriver,
    UnknownDriver,
)
from cellrig.driver import errors as driver_errors
from cellrig.driver.loading import driver_class, driver_options, installed_drivers, load_driver
from cellrig.driver.registration import check_driver
from cellrig_fake import FakeDriver

if TYPE_CHECKING:
    from tests.drivers.conftest import Fleet


def _variant(**attributes: Any) -> type:
    """A driver class like the fake one but for some attributes."""
    return type("Variant", (FakeDriver,), attributes)


def test_every_capability_trait_is_one_of_os_traits() -> None:
    known = set(os_traits.get_traits())
    assert [trait for trait in TRAITS.values() if trait not in known] == []
    assert set(TRAITS) <= set(Capabilities.__struct_fields__)


def test_every_method_that_a_capability_obliges_exists() -> None:
    assert set(METHODS) <= set(Capabilities.__struct_fields__)
    for methods in METHODS.values():
        assert all(callable(getattr(ComputeDriver, method)) for method in methods)


def test_capabilities_tell_their_names_and_traits() -> None:
    capabilities = Capabilities(multiattach=True, pause=True)
    assert capabilities.names() == ("multiattach", "pause")
    assert capabilities.traits() == ("COMPUTE_VOLUME_MULTI_ATTACH",)
    assert capabilities.without("multiattach").names() == ("pause",)


def test_the_fake_driver_is_found_by_its_entry_point_and_fits() -> None:
    assert driver_class("fake") is FakeDriver
    assert "fake" in [info.name for info in installed_drivers() if info.error is None]


def test_an_installed_driver_is_described_with_all_its_options() -> None:
    (info,) = [info for info in installed_drivers() if info.name == "fake"]
    assert info.interface_version == "1.0"
    assert info.summary.endswith(".")
    options = {option.name: option for option in info.options}
    assert options["vcpus"].type == "a whole number of 1 or more"
    assert options["vcpus"].default == "64"


def test_a_driver_that_is_not_installed_is_refused_with_the_names_of_those_that_are() -> None:
    with pytest.raises(UnknownDriver, match="no driver 'hyperv'; installed are: fake"):
        driver_class("hyperv")


def test_a_driver_is_built_with_its_options_and_context(fleet: Fleet) -> None:
    options = driver_options("fake", {"vcpus": 2})
    driver = load_driver("fake", options, fleet.context("host9"))
    assert driver.get_host_state("host9").vcpus == 2
    assert isinstance(driver, Checkpointable)


def test_a_driver_of_another_major_version_is_refused() -> None:
    newer = _variant(interface_version=(INTERFACE_VERSION[0] + 1, 0))
    with pytest.raises(InvalidDriver, match=r"written for interface 2\.0, this is 1\.0"):
        check_driver("newer", newer)


def test_a_driver_without_a_version_is_refused() -> None:
    with pytest.raises(InvalidDriver, match="states no interface_version"):
        check_driver("old", _variant(interface_version=None))


def test_what_is_no_driver_is_refused() -> None:
    with pytest.raises(InvalidDriver, match="not a subclass of ComputeDriver"):
        check_driver("nonsense", object())


def test_a_missing_method_is_named_with_the_parameters_it_needs() -> None:
    class Lazy(ComputeDriver):
        interface_version = INTERFACE_VERSION

    with pytest.raises(InvalidDriver) as caught:
        check_driver("lazy", Lazy)
    assert "method spawn(self, guest, image, disks, devices) is missing" in str(caught.value)
    assert "method init_host(self) is missing" in str(caught.value)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda self, guest, picture, disks, devices: None,
        lambda self, guest, image, disks: None,
        lambda self, guest, image, disks, devices, more: None,
    ],
)
def test_a_wrong_signature_is_shown_beside_the_one_needed(wrong: Any) -> None:
    with pytest.raises(InvalidDriver) as caught:
        check_driver("wrong", _variant(spawn=wrong))
    assert "method spawn is spawn(self, guest, " in str(caught.value)
    assert "needed is (self, guest, image, disks, devices)" in str(caught.value)


def test_a_lost_default_or_keyword_is_a_wrong_signature() -> None:
    def power_off(self: Any, guest: Guest, timeout: int) -> None: ...

    def finish_revert_migration(self: Any, guest: Guest, disks: Any, devices: Any) -> None: ...

    with pytest.raises(InvalidDriver, match="method power_off"):
        check_driver("wrong", _variant(power_off=power_off))
    with pytest.raises(InvalidDriver, match="method finish_revert_migration"):
        check_driver("wrong", _variant(finish_revert_migration=finish_revert_migration))


def test_a_further_parameter_with_a_default_fits() -> None:
    def power_off(self: Any, guest: Guest, timeout: int = 0, hard: bool = False) -> None: ...

    variant = _variant(power_off=power_off)
    assert check_driver("fits", variant) is variant


def test_a_capability_without_its_methods_is_refused() -> None:
    variant = _variant(pause=ComputeDriver.pause)
    with pytest.raises(InvalidDriver, match="capability pause obliges method pause"):
        check_driver("boastful", variant)


def test_options_without_a_default_are_refused() -> None:
    class Options(msgspec.Struct):
        url: str

    with pytest.raises(InvalidDriver, match="every option needs a default; without one: url"):
        check_driver("demanding", _variant(Options=Options))


def test_an_optional_method_of_the_base_class_is_refused_cleanly(fleet: Fleet) -> None:
    driver = fleet.driver(capabilities={"pause": False})
    guest = fleet.spawn(driver)
    told = "driver 'FakeDriver' does not support pause: it has no capability 'pause'"
    with pytest.raises(CapabilityNotSupported) as caught:
        driver.pause(guest)
    assert str(caught.value) == told
    with pytest.raises(CapabilityNotSupported, match="swap_volume"):
        ComputeDriver.swap_volume(driver, guest, fleet.volume(), fleet.volume())


@pytest.mark.parametrize(
    "capability", [name for name in METHODS if name not in ("cold_migrate_on_same_host",)]
)
def test_a_capability_that_is_off_refuses_every_method_it_obliges(
    fleet: Fleet, capability: str
) -> None:
    together = {name for name in METHODS if set(METHODS[name]) & set(METHODS[capability])}
    driver = fleet.driver(capabilities=dict.fromkeys(together, False))
    guest = fleet.spawn(driver)
    for method in METHODS[capability]:
        refused = getattr(driver, method)
        parameters = list(inspect.signature(refused).parameters.values())
        further = [each for each in parameters[1:] if each.default is inspect.Parameter.empty]
        with pytest.raises(CapabilityNotSupported):
            refused(guest, *(None for _each in further))


def test_every_error_of_a_driver_keeps_its_arguments() -> None:
    for name in dir(driver_errors):
        error = getattr(driver_errors, name)
        if isinstance(error, type) and issubclass(error, driver_errors.DriverError):
            made = error("one", "two", "three", "four")
            assert type(made)(*made.args).args == made.args
            assert str(made)


def test_the_state_directory_is_made_when_it_is_first_needed(fleet: Fleet) -> None:
    context = fleet.context("host1")
    assert fleet.directories == []
    assert context.state_directory.is_dir()
    assert context.state_directory == fleet.directories[0]
    assert len(fleet.directories) == 1


def test_importing_the_interface_imports_neither_lxml_nor_os_traits() -> None:
    code = (
        "import sys, cellrig.driver, cellrig.driver.loading;"
        "print([name for name in ('lxml', 'os_traits', 'cellrig_fake') if name in sys.modules])"
    )
    done = subprocess.run(  # noqa: S603 - our own interpreter and text
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
