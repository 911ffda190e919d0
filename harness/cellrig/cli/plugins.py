"""``cellrig plugins``: what is installed beside drivers, and what each is for."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from typing import Any

import msgspec
from rich.markup import escape
from stevedore import ExtensionManager

from cellrig.cli.screen import Screen
from cellrig.plugins import PLUGINS
from cellrig.scheduler.plugins import FILTERS, WEIGHERS


class _Installed(msgspec.Struct, frozen=True):
    name: str
    plugin: Any = None
    error: BaseException | None = None

    @property
    def purpose(self) -> str:
        if self.error is not None:
            return f"[bold red]cannot be used:[/] {escape(str(self.error))}"
        lines = (getattr(self.plugin, "__doc__", None) or "").strip().splitlines()
        return escape(lines[0].replace("``", "")) if lines else "(it does not say)"


def show_plugins(screen: Screen) -> bool:
    """List plugins, filters and weighers; return whether all of them can be imported."""
    plugins, filters, weighers = map(_installed, (PLUGINS, FILTERS, WEIGHERS))
    screen.section("plugins: each rig has its own, reached as rig.<name>")
    screen.table(("name", "what it is for"), [(p.name, p.purpose) for p in plugins])
    screen.section("host filters: each may refuse a host")
    screen.table(
        ("name", "by default", "what it is for"),
        [(p.name, _switched(p.plugin), p.purpose) for p in filters],
    )
    screen.section("host weighers: together they put the hosts in an order")
    screen.table(
        ("name", "weight", "what it is for"),
        [(p.name, _weight(p.plugin), p.purpose) for p in weighers],
    )
    return all(found.error is None for found in (*plugins, *filters, *weighers))


def _installed(group: str) -> list[_Installed]:
    """Return what is registered in a group of entry points by name, also what cannot be used."""
    broken: list[_Installed] = []

    def keep(_manager: Any, entry_point: EntryPoint, error: BaseException) -> None:
        broken.append(_Installed(entry_point.name, error=error))

    found = ExtensionManager[Any](group, on_load_failure_callback=keep)
    usable = [_Installed(extension.name, extension.plugin) for extension in found]
    return sorted((*usable, *broken), key=lambda plugin: plugin.name)


def _switched(plugin: Any) -> str:
    return "on" if getattr(plugin, "enabled_by_default", False) else "off"


def _weight(plugin: Any) -> str:
    return f"{getattr(plugin, 'default_multiplier', 0):.10g}"
