"""Finding drivers by their entry points, and building one for a host."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib.metadata import EntryPoint
from typing import Any

import msgspec
from stevedore import ExtensionManager, NamedExtensionManager

from cellrig.driver.capabilities import Capabilities
from cellrig.driver.context import DriverContext
from cellrig.driver.errors import InvalidDriver, UnknownDriver
from cellrig.driver.interface import ComputeDriver
from cellrig.driver.options import OptionInfo, describe_options, parse_options
from cellrig.driver.registration import check_driver

#: The group of entry points under which drivers are found.
DRIVERS = "cellrig.drivers"


class DriverInfo(msgspec.Struct, frozen=True):
    """An installed driver, for people.

    Args:
        name: the name of its entry point, which topologies use.
        version: the driver's own.
        interface_version: what it was written for.
        capabilities: the most that it can do.
        options: what it takes.
        summary: the first line of its docstring.
        error: why it cannot be used; then the rest is empty.
    """

    name: str
    version: str = ""
    interface_version: str = ""
    capabilities: Capabilities = Capabilities()
    options: tuple[OptionInfo, ...] = ()
    summary: str = ""
    error: str | None = None


@lru_cache(maxsize=64)
def driver_class(name: str) -> type[ComputeDriver]:
    """Return the driver class that is registered as `name`, checked.

    Found once a process: what is installed does not change while it runs.

    Raises:
        UnknownDriver: no such driver is installed; the message names those that are.
        InvalidDriver: it cannot be imported, or does not fit the interface.
    """
    failures: dict[str, BaseException] = {}
    found = NamedExtensionManager[Any](
        DRIVERS,
        [name],
        on_load_failure_callback=_keeping(failures),
        on_missing_entrypoints_callback=lambda _names: None,
    )
    if name in failures:
        misfit = f"it cannot be imported: {failures[name]}"
        raise InvalidDriver(name, (misfit,)) from failures[name]
    if name not in found:
        raise UnknownDriver(name, ", ".join(_installed_names()) or "none")
    return check_driver(name, found[name].plugin)


def _installed_names() -> list[str]:
    failures: dict[str, BaseException] = {}
    found = ExtensionManager[Any](DRIVERS, on_load_failure_callback=_keeping(failures))
    return sorted({*found.names(), *failures})


def _keeping(
    failures: dict[str, BaseException],
) -> Callable[[Any, EntryPoint, BaseException], None]:
    def keep(_manager: Any, entry_point: EntryPoint, error: BaseException) -> None:
        failures[entry_point.name] = error

    return keep


def driver_options(name: str, given: Mapping[str, Any]) -> msgspec.Struct:
    """Return the validated options for driver `name`, to be shared by all its hosts.

    Raises:
        UnknownDriver, InvalidDriver: see `driver_class`.
        InvalidDriverOption: an option is unknown or takes something else.
    """
    return parse_options(name, driver_class(name), given)


def load_driver(name: str, options: msgspec.Struct, context: DriverContext) -> ComputeDriver:
    """Build driver `name` for one host.

    Args:
        name: as registered.
        options: what `driver_options` returned.
        context: the host's.
    """
    return driver_class(name)(options, context)


def installed_drivers() -> tuple[DriverInfo, ...]:
    """Describe every installed driver, sorted by name; also those that cannot be used, and why."""
    return tuple(_describe(name) for name in _installed_names())


def _describe(name: str) -> DriverInfo:
    try:
        driver = driver_class(name)
    except InvalidDriver as error:
        return DriverInfo(name, error=str(error))
    return DriverInfo(
        name=name,
        version=driver.version,
        interface_version=".".join(str(number) for number in driver.interface_version),
        capabilities=driver.capabilities,
        options=describe_options(driver),
        summary=(driver.__doc__ or "").strip().splitlines()[0] if driver.__doc__ else "",
    )
