"""Finding filters and weighers by their entry points, and refusing what does not fit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import EntryPoint
from typing import Any, cast

from stevedore import ExtensionManager

from cellrig.errors import InvalidTopology
from cellrig.scheduler.filters import HostFilter
from cellrig.scheduler.options import SchedulerOptions
from cellrig.scheduler.weighers import HostWeigher

FILTERS = "cellrig.scheduler.filters"
WEIGHERS = "cellrig.scheduler.weighers"

Filters = tuple[tuple[str, HostFilter], ...]
Weighers = tuple[tuple[str, HostWeigher, float], ...]


def load_filters(options: SchedulerOptions) -> Filters:
    """Return the filters that `options` switch on, each with its name, in the order to ask them.

    Raises:
        InvalidTopology: a name is not installed, or what is installed cannot be used.
    """
    found = _installed(FILTERS)
    _refuse_unknown("filters", options.filters, found)
    if options.filters:
        return tuple((name, cast(HostFilter, found[name]())) for name in options.filters)
    made = [(name, cast(HostFilter, found[name]())) for name in sorted(found)]
    return tuple((name, each) for name, each in made if each.enabled_by_default)


def load_weighers(options: SchedulerOptions) -> Weighers:
    """Return the weighers that count, each with its name and multiplier.

    Raises:
        InvalidTopology: a name is not installed, or what is installed cannot be used.
    """
    found = _installed(WEIGHERS)
    _refuse_unknown("weights", options.weights, found)
    made = [(name, cast(HostWeigher, found[name]())) for name in sorted(found)]
    multiplied = [
        (name, each, options.weights.get(name, each.default_multiplier)) for name, each in made
    ]
    return tuple(each for each in multiplied if each[2])


#: What a plugin must have: attributes with their types, and methods.
_SHAPES: Mapping[str, tuple[str, tuple[type, ...], tuple[str, ...]]] = {
    FILTERS: ("enabled_by_default", (bool,), ("applies", "refusal")),
    WEIGHERS: ("default_multiplier", (int, float), ("applies", "weigh")),
}


@cache
def _installed(group: str) -> dict[str, type]:
    """Scanned once a process: what is installed does not change while it runs."""
    failures: dict[str, BaseException] = {}

    def keep(_manager: Any, entry_point: EntryPoint, error: BaseException) -> None:
        failures[entry_point.name] = error

    manager = ExtensionManager[Any](group, on_load_failure_callback=keep)
    for name, error in failures.items():
        raise InvalidTopology(
            f"the plugin {name!r} of {group} cannot be imported: {error}"
        ) from error
    return {
        extension.name: _checked(group, extension.name, extension.plugin) for extension in manager
    }


def _checked(group: str, name: str, plugin: Any) -> type:
    attribute, types, methods = _SHAPES[group]
    wrong = []
    if not isinstance(plugin, type):
        wrong.append(f"it is {plugin!r}, not a class")
    elif not isinstance(getattr(plugin, attribute, None), types):
        wrong.append(f"{attribute} is missing, or not of the type {types[-1].__name__}")
    wrong += [f"method {each} is missing" for each in methods if not hasattr(plugin, each)]
    if wrong:
        raise InvalidTopology(f"the plugin {name!r} of {group} does not fit: {'; '.join(wrong)}")
    return cast(type, plugin)


def _refuse_unknown(option: str, names: Iterable[str], found: Mapping[str, type]) -> None:
    unknown = [name for name in names if name not in found]
    if unknown:
        raise InvalidTopology(
            f"the scheduler option {option!r} names {', '.join(map(repr, unknown))}; "
            f"installed are: {', '.join(sorted(found))}"
        )
