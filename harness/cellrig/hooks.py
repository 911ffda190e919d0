"""The one catalogue of hooks: what a plugin may take part in.

A plugin is a class found by its entry point in the group ``cellrig.plugins``. Each rig makes its
own object of it, with the rig as the only argument, and registers it here. A plugin implements
any of the hooks below, marked with `hookimpl`; names and arguments are checked when it registers.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from cellrig.http.routes import Route
    from cellrig.runtime import Task
    from cellrig.seams import Passage

hookspec = pluggy.HookspecMarker("cellrig")
hookimpl = pluggy.HookimplMarker("cellrig")


class Hooks:
    """The specifications, in the order in which a rig calls them."""

    @hookspec
    def cellrig_rig_started(self) -> None:
        """Act when every service of the rig is up and nothing has been asked of it yet."""

    @hookspec
    def cellrig_seam_enter(self, passage: Passage) -> None:
        """Act before a call passes a seam; raise, sleep or wait here to fail or delay the call."""

    @hookspec
    def cellrig_seam_exit(self, passage: Passage) -> None:
        """Act after a call passed a seam, with its outcome in `passage`; raise to replace it."""

    @hookspec
    def cellrig_error_handled(self, error: BaseException, because: str) -> None:
        """Note that a service has dealt with an error, and how."""

    @hookspec
    def cellrig_task_failed(self, task: Task, error: BaseException) -> None:
        """Note that a task ended with an error that nobody was waiting for."""

    @hookspec
    def cellrig_settled(self) -> None:
        """Act when the rig has run out of things to do after a request."""

    @hookspec
    def cellrig_snapshot(self) -> tuple[str, Any] | None:
        """Return the plugin's name and its part of a snapshot, a frozen value."""

    @hookspec
    def cellrig_restore(self, parts: dict[str, Any]) -> None:
        """Go back to the plugin's part among `parts`, by name."""

    @hookspec
    def cellrig_reset(self) -> None:
        """End what the plugin does to the rig: it is brought back to its start."""

    @hookspec
    def cellrig_control_routes(self) -> Sequence[Route[Any]] | None:
        """Return the plugin's calls of the control face; see `control_route`."""

    @hookspec
    def cellrig_rig_stopping(self) -> list[str] | None:
        """Return what is wrong with the rig at its end, one sentence each."""


class PluginManager(pluggy.PluginManager):
    """The plugins of one rig: looks at what is marked, and remembers for each class what that is.

    Every rig registers its own plugins; looking at every attribute of each takes longer than all
    else that a plugin does.
    """

    #: Grows whenever a plugin comes or goes.
    generation = 0

    def register(self, plugin: object, name: str | None = None) -> str | None:
        """Register a plugin; see pluggy."""
        self.generation += 1
        return super().register(plugin, name)

    def unregister(self, plugin: object | None = None, name: str | None = None) -> Any:
        """Take a plugin away; see pluggy."""
        self.generation += 1
        return super().unregister(plugin, name)

    def parse_hookimpl_opts(self, plugin: object, name: str) -> Any:
        """Return the options of an attribute that is marked as an implementation."""
        options = _marked(type(plugin)).get(name)  # type: ignore[arg-type]
        return None if options is None else dict(options)

    def parse_hookspec_opts(self, module_or_class: object, name: str) -> Any:
        """Return the options of an attribute that is a specification."""
        return getattr(module_or_class, name).cellrig_spec if name.startswith(_PREFIX) else None


_PREFIX = "cellrig_"


@lru_cache(maxsize=256)
def _marked(kind: Hashable) -> dict[str, dict[str, Any]]:
    found = {
        name: getattr(getattr(kind, name), "cellrig_impl", None)
        for name in dir(kind)
        if not name.startswith("__")
    }
    return {name: dict(options) for name, options in found.items() if options is not None}


def plugin_manager() -> PluginManager:
    """Make the plugin manager of one rig. A plugin is an object of a class, never a module."""
    manager = PluginManager("cellrig")
    manager.add_hookspecs(Hooks)
    return manager
