"""Finding filters and weighers by their entry points, and refusing what does not fit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
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
    found = _installed(FILTERS, check_filter)
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
    found = _installed(WEIGHERS, check_weigher)
    _refuse_unknown("weights", options.weights, found)
    made = [(name, cast(HostWeigher, found[name]())) for name in sorted(found)]
    multiplied = [
        (name, each, options.weights.get(name, each.default_multiplier)) for name, each in made
    ]
    return tuple(each for each in multiplied if each[2])


@cache
def _installed(group: str, check: Callable[[str, Any], type]) -> dict[str, type]:
    """Scanned once a process: what is installed does not change while it runs."""
    failures: dict[str, BaseException] = {}

    def keep(_manager: Any, entry_point: EntryPoint, error: BaseException) -> None:
        failures[entry_point.name] = error

    found = ExtensionManager[Any](group, on_load_failure_callback=keep)
    for name, error in failures.items():
        raise InvalidTopology(
            f"the plugin {name!r} of {group} cannot be imported: {error}"
        ) from error
    return {each.name: check(each.name, each.plugin) for each in found}


def check_filter(name: str, plugin: Any) -> type:
    """Return `plugin` if it is a class with what a `HostFilter` needs.

    Raises:
        InvalidTopology: names the plugin and all that is missing.
    """
    return _checked(f"filter {name!r}", plugin, "enabled_by_default", (bool,), "refusal")


def check_weigher(name: str, plugin: Any) -> type:
    """Return `plugin` if it is a class with what a `HostWeigher` needs.

    Raises:
        InvalidTopology: names the plugin and all that is missing.
    """
    return _checked(f"weigher {name!r}", plugin, "default_multiplier", (int, float), "weigh")


def _checked(what: str, plugin: Any, attribute: str, types: tuple[type, ...], judging: str) -> type:
    if not isinstance(plugin, type):
        raise InvalidTopology(f"the {what} does not fit: it is {plugin!r}, not a class")
    wrong = []
    if not isinstance(getattr(plugin, attribute, None), types):
        wrong.append(f"{attribute} is missing, or is no {types[-1].__name__}")
    wrong += [
        f"method {method} is missing"
        for method in ("applies", judging)
        if not hasattr(plugin, method)
    ]
    if wrong:
        raise InvalidTopology(f"the {what} does not fit: {'; '.join(wrong)}")
    return plugin


def _refuse_unknown(option: str, names: Iterable[str], found: Mapping[str, type]) -> None:
    unknown = [name for name in names if name not in found]
    if unknown:
        raise InvalidTopology(
            f"the scheduler option {option!r} names {', '.join(map(repr, unknown))}; "
            f"installed are: {', '.join(sorted(found))}"
        )
