"""Finding the drivers of volume backends by their entry points, and building one."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib.metadata import EntryPoint
from typing import Any

import msgspec
from stevedore import ExtensionManager, NamedExtensionManager

from cellrig.driver.options import parse_options
from cellrig.volume.backends.interface import BackendContext, VolumeBackend
from cellrig.volume.errors import InvalidBackendDriver, UnknownBackendDriver

#: The group of entry points under which drivers of volume backends are found.
VOLUME_BACKENDS = "cellrig.volume_backends"


@lru_cache(maxsize=64)
def backend_class(driver: str) -> type[VolumeBackend]:
    """Return the class that is registered as `driver`, checked.

    Raises:
        UnknownBackendDriver: no such driver is installed; the message names those that are.
        InvalidBackendDriver: it cannot be imported, or does not fit the interface.
    """
    failures: dict[str, BaseException] = {}
    found = NamedExtensionManager[Any](
        VOLUME_BACKENDS,
        [driver],
        on_load_failure_callback=_keeping(failures),
        on_missing_entrypoints_callback=lambda _names: None,
    )
    if driver in failures:
        misfit = f"it cannot be imported: {failures[driver]}"
        raise InvalidBackendDriver(driver, misfit) from failures[driver]
    if driver not in found:
        raise UnknownBackendDriver(driver, ", ".join(_installed_names()) or "none")
    return check_backend(driver, found[driver].plugin)


def _installed_names() -> list[str]:
    failures: dict[str, BaseException] = {}
    found = ExtensionManager[Any](VOLUME_BACKENDS, on_load_failure_callback=_keeping(failures))
    return sorted({*found.names(), *failures})


def _keeping(
    failures: dict[str, BaseException],
) -> Callable[[Any, EntryPoint, BaseException], None]:
    def keep(_manager: Any, entry_point: EntryPoint, error: BaseException) -> None:
        failures[entry_point.name] = error

    return keep


def check_backend(driver: str, candidate: object) -> type[VolumeBackend]:
    """Check that `candidate` fits the interface, and return it as a backend class.

    Raises:
        InvalidBackendDriver: with a clause for everything that does not fit.
    """
    if not (isinstance(candidate, type) and issubclass(candidate, VolumeBackend)):
        misfit = f"{candidate!r} is not a subclass of VolumeBackend"
        raise InvalidBackendDriver(driver, misfit)
    misfits = [*_misfits_of_options(candidate), *_misfits_of_methods(candidate)]
    if misfits:
        raise InvalidBackendDriver(driver, "; ".join(misfits))
    return candidate


def _misfits_of_options(backend: type[VolumeBackend]) -> list[str]:
    options = backend.Options
    if not (isinstance(options, type) and issubclass(options, msgspec.Struct)):
        return [f"Options is {options!r}, takes a msgspec.Struct"]
    required = [field.name for field in msgspec.structs.fields(options) if field.required]
    return [f"every option needs a default; without one: {', '.join(required)}"] if required else []


def _misfits_of_methods(backend: type[VolumeBackend]) -> list[str]:
    missing = [f"method {name} is missing" for name in sorted(backend.__abstractmethods__)]
    for name, needed in sorted(vars(VolumeBackend).items()):
        here = getattr(backend, name)
        if name.startswith("_") or not inspect.isfunction(needed) or here is needed:
            continue
        given, wanted = (
            list(inspect.signature(function).parameters) if callable(function) else []
            for function in (here, needed)
        )
        if given != wanted:
            missing.append(f"{name} takes ({', '.join(given)}), needed is ({', '.join(wanted)})")
    return missing


def load_backend(driver: str, given: Mapping[str, Any], context: BackendContext) -> VolumeBackend:
    """Build the backend that `context` names.

    Args:
        driver: as registered.
        given: option name to value, of JSON types.
        context: the backend's.

    Raises:
        UnknownBackendDriver, InvalidBackendDriver: see `backend_class`.
        InvalidDriverOption: an option is unknown or takes something else.
    """
    backend = backend_class(driver)
    return backend(parse_options(driver, backend, given), context)
