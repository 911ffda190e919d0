"""Finding plugins by their entry points, and giving each rig its own objects of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pluggy
from stevedore import ExtensionManager

from cellrig.errors import CellrigError
from cellrig.hooks import plugin_manager

#: The group of entry points under which plugins are found.
PLUGINS = "cellrig.plugins"


class InvalidPlugin(CellrigError):
    """A plugin cannot be used. Args: the plugin's name, the reason."""

    template = "plugin {0!r} cannot be used: {1}"


@cache
def installed_plugins() -> dict[str, Callable[[Any], object]]:
    """Return the installed plugins by name, each a callable that takes the rig.

    Found once a process: what is installed does not change while it runs.

    Raises:
        InvalidPlugin: one cannot be imported.
    """

    def refuse(_manager: Any, entry_point: Any, error: BaseException) -> None:
        raise InvalidPlugin(entry_point.name, f"it cannot be imported: {error}") from error

    found = ExtensionManager[Any](PLUGINS, on_load_failure_callback=refuse)
    return {extension.name: extension.plugin for extension in sorted(found, key=lambda e: e.name)}


def register_plugins(
    manager: pluggy.PluginManager, rig: object, names: tuple[str, ...] | None
) -> None:
    """Make and register the plugins of one rig.

    Args:
        manager: the rig's.
        rig: what each plugin is made with.
        names: which; None for all that are installed.

    Raises:
        InvalidPlugin: one is not installed, or implements a hook that does not exist or with
            other arguments.
    """
    if names == ():
        return
    installed = installed_plugins()
    for name in installed if names is None else names:
        if name not in installed:
            raise InvalidPlugin(name, f"it is not installed; there are: {', '.join(installed)}")
        plugin = installed[name](rig)
        try:
            manager.register(plugin, name)
            manager.check_pending()
        except pluggy.PluginValidationError as error:
            raise InvalidPlugin(name, str(error)) from error


__all__ = ["PLUGINS", "InvalidPlugin", "installed_plugins", "plugin_manager", "register_plugins"]
