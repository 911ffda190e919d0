"""Reading the marker ``topology``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What the marker takes, and what that is.
_TAKEN = {
    "topology": "a cellrig.Topology",
    "seed": "a whole number",
    "live": "True or False",
    "plugins": "a list of the names of plugins",
    "audit": "True or False",
}


def marked_arguments(node: pytest.Item) -> dict[str, Any]:
    """Return what the markers of a test say, the nearest one last heard.

    A marker of a module or class gives what the one of the test leaves out.

    Raises:
        Invalid: a marker takes no such argument, or something else there.
    """
    said: dict[str, Any] = {}
    for mark in node.iter_markers("topology"):
        said = {**_read(mark), **said}
    return said


def _read(mark: pytest.Mark) -> Mapping[str, Any]:
    from cellrig.errors import Invalid

    if len(mark.args) > 1 or (mark.args and "topology" in mark.kwargs):
        raise Invalid("the marker topology takes one topology; more than one was given")
    given = {**dict(zip(("topology",), mark.args, strict=False)), **mark.kwargs}
    for name, value in given.items():
        if name not in _TAKEN:
            raise Invalid(f"the marker topology takes no {name!r}; it takes {', '.join(_TAKEN)}")
        if not _fits(name, value):
            raise Invalid(f"the marker topology: {name} takes {_TAKEN[name]}, not {value!r}")
    return given


def _fits(name: str, value: object) -> bool:
    from cellrig.topology import Topology

    match name:
        case "topology":
            return value is None or isinstance(value, Topology)
        case "seed":
            return value is None or type(value) is int
        case "plugins":
            return value is None or (
                isinstance(value, list | tuple) and all(isinstance(each, str) for each in value)
            )
        case _:
            return isinstance(value, bool)
