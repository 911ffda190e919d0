"""Drivers of older interfaces: adapted step by step, or refused by name.

A minor version of the interface may add methods, arguments with defaults, fields and capabilities,
and brings an `Adaptation` that makes a driver of the minor version before fit. Where none can be
had, the adaptation says what a driver must change.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from cellrig.driver.errors import InvalidDriver
from cellrig.driver.interface import INTERFACE_VERSION, ComputeDriver

Version = tuple[int, int]


class Adaptation(msgspec.Struct, frozen=True):
    """What a minor version of the interface has changed.

    Args:
        to: the version that brought the change.
        changed: what a driver has to do for it, as the end of a sentence.
        adapt: makes a driver class of the minor version before fit, as a subclass of it; None
            where nobody can but its author.
    """

    to: Version
    changed: str
    adapt: Callable[[type[ComputeDriver]], type[ComputeDriver]] | None = None


class Interface(msgspec.Struct, frozen=True):
    """A version of the interface, and how older drivers get there.

    Args:
        version: major and minor.
        adaptations: one for each minor version since the first of this major one, in order.
    """

    version: Version = INTERFACE_VERSION
    adaptations: tuple[Adaptation, ...] = ()


#: The interface as it is. A new minor version adds its adaptation here.
HERE = Interface()


def adapted(
    name: str, driver: type[ComputeDriver], interface: Interface = HERE
) -> type[ComputeDriver]:
    """Return a driver class that fits an interface, as far as its version tells.

    Args:
        name: what the driver is called, for the error.
        driver: the class.
        interface: what it is to fit.

    Raises:
        InvalidDriver: it states no version or a malformed one, or was written for an interface
            that cannot be adapted to this one; shows both versions and what is needed.
    """
    written_for = _stated(name, driver, interface)
    here = dotted(interface.version)
    told = f"it was written for interface {dotted(written_for)}, this is {here}"
    if written_for[0] != interface.version[0]:
        raise InvalidDriver(name, (f"{told}: another major version is never adapted",))
    if written_for > interface.version:
        raise InvalidDriver(name, (f"{told}: it needs a newer Cellrig, or an older driver",))
    steps = {step.to: step for step in interface.adaptations}
    major, minor = written_for
    while minor < interface.version[1]:
        minor += 1
        step = steps.get((major, minor))
        if step is None or step.adapt is None:
            needed = "nothing adapts it" if step is None else step.changed
            raise InvalidDriver(name, (f"{told}; for {dotted((major, minor))}: {needed}",))
        driver = step.adapt(driver)
    return driver


def dotted(version: Version) -> str:
    """Return a version as people write it."""
    return ".".join(map(str, version))


def _stated(name: str, driver: type[ComputeDriver], interface: Interface) -> Version:
    stated: object = getattr(driver, "interface_version", None)
    here = dotted(interface.version)
    if stated is None:
        raise InvalidDriver(name, (f"it states no interface_version; this is {here}",))
    if (
        isinstance(stated, tuple)
        and len(stated) == 2
        and all(type(number) is int and number >= 0 for number in stated)
    ):
        return stated
    takes = f"takes two whole numbers such as {interface.version}"
    raise InvalidDriver(name, (f"interface_version is {stated!r}, {takes}",))
