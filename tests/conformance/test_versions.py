"""Drivers of other versions of the interface: adapted step by step, or refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from cellrig.driver import ComputeDriver, InvalidDriver
from cellrig.driver.interface import INTERFACE_VERSION
from cellrig.driver.registration import check_driver
from cellrig.driver.versions import HERE, Adaptation, Interface, dotted
from cellrig_fake import FakeDriver


def written_for(version: object, **more: Any) -> type[FakeDriver]:
    return type("Older", (FakeDriver,), {"interface_version": version, **more})


def noting(mark: str) -> Adaptation:
    """An adaptation that leaves a mark on the class that it makes."""
    number = int(mark)

    def adapt(driver: type[ComputeDriver]) -> type[ComputeDriver]:
        marks = (*getattr(driver, "marks", ()), mark)
        return type(driver.__name__, (driver,), {"marks": marks})

    return Adaptation((1, number), "mark it", adapt)


def test_a_driver_of_this_version_is_itself() -> None:
    driver = written_for(INTERFACE_VERSION)
    assert check_driver("mine", driver) is driver


def test_every_minor_version_of_this_interface_has_its_adaptation() -> None:
    major, minor = HERE.version
    assert [step.to for step in HERE.adaptations] == [(major, n + 1) for n in range(minor)]


def test_a_driver_of_an_older_minor_version_is_adapted_step_by_step() -> None:
    interface = Interface((1, 3), (noting("1"), noting("2"), noting("3")))
    adapted: Any = check_driver("mine", written_for((1, 1)), interface)
    assert adapted.marks == ("2", "3")
    assert adapted.interface_version == (1, 1)


def test_an_adaptation_comes_before_the_check_of_signatures() -> None:
    def power_off(self: Any, guest: Any) -> None: ...

    def adapt(driver: type[ComputeDriver]) -> type[ComputeDriver]:
        def with_timeout(self: Any, guest: Any, timeout: int = 0) -> None:
            driver.power_off(self, guest)

        return type(driver.__name__, (driver,), {"power_off": with_timeout})

    older = written_for((1, 0), power_off=power_off)
    interface = Interface((1, 1), (Adaptation((1, 1), "take a timeout", adapt),))
    assert issubclass(check_driver("mine", older, interface), older)
    with pytest.raises(InvalidDriver, match="power_off"):
        check_driver("mine", older)


def test_a_version_that_cannot_be_adapted_is_refused_with_what_is_needed() -> None:
    step = Adaptation((1, 1), "power_off must take a timeout")
    with pytest.raises(InvalidDriver) as refused:
        check_driver("mine", written_for((1, 0)), Interface((1, 1), (step,)))
    assert str(refused.value) == (
        "driver 'mine' cannot be used: it was written for interface 1.0, this is 1.1; "
        "for 1.1: power_off must take a timeout"
    )


def test_a_version_that_nothing_is_known_of_is_refused() -> None:
    with pytest.raises(InvalidDriver, match=r"for 1\.1: nothing adapts it"):
        check_driver("mine", written_for((1, 0)), Interface((1, 2), (noting("2"),)))


@pytest.mark.parametrize(
    ("version", "told"),
    [
        ((1, 9), "this is 1.0: it needs a newer Cellrig, or an older driver"),
        ((0, 1), "this is 1.0: another major version is never adapted"),
        ((2, 0), "this is 1.0: another major version is never adapted"),
        (None, "it states no interface_version; this is 1.0"),
        ("1.0", "interface_version is '1.0', takes two whole numbers such as (1, 0)"),
        ((1,), "interface_version is (1,), takes two whole numbers such as (1, 0)"),
        ((1, -1), "interface_version is (1, -1), takes two whole numbers such as (1, 0)"),
    ],
)
def test_a_version_that_does_not_fit_is_refused_with_both(version: object, told: str) -> None:
    with pytest.raises(InvalidDriver) as refused:
        check_driver("mine", written_for(version), Interface((1, 0)))
    assert str(refused.value).endswith(told)
    assert dotted((1, 0)) == "1.0"
