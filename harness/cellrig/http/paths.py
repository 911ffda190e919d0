"""From the path of a request to the methods that are there.

The framework's own router compares every path that is added with all others beside it and compiles
code at the first request, which together took longer than all else of building the faces.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Methods = Mapping[str, Callable[..., None]]


class _Place:
    """What may follow one segment.

    Attributes:
        literals: places by their segment.
        variable: the place after a segment that may be anything.
        names: of the variable segments on the way here.
        template: of the path that ends here; None where none does.
        methods: of that path.
    """

    __slots__ = ("literals", "methods", "names", "template", "variable")

    def __init__(self) -> None:
        self.literals: dict[str, _Place] = {}
        self.variable: _Place | None = None
        self.names: tuple[str, ...] = ()
        self.template: str | None = None
        self.methods: Methods = {}


class Paths:
    """The paths of an application; a literal segment goes before a variable one."""

    def __init__(self) -> None:
        self._root = _Place()

    def add_route(self, uri_template: str, resource: Methods, **_more: Any) -> None:
        """Add a path.

        Args:
            uri_template: segments in braces are variable.
            resource: the methods of the path.
        """
        place, names = self._root, []
        for segment in uri_template.lstrip("/").split("/"):
            if segment.startswith("{"):
                names.append(segment.strip("{}"))
                if place.variable is None:
                    place.variable = _Place()
                place = place.variable
            else:
                place = place.literals.setdefault(segment, _Place())
        place.template, place.methods, place.names = uri_template, resource, tuple(names)

    def find(
        self, uri: str, req: object = None
    ) -> tuple[Methods, Methods, dict[str, str], str] | None:
        """Return a path's methods, twice, its variables and its template; None for no such path."""
        values: list[str] = []
        place = _found(self._root, uri.lstrip("/").split("/"), 0, values)
        if place is None or place.template is None:
            return None
        variables = dict(zip(place.names, values, strict=True))
        return place.methods, place.methods, variables, place.template


def _found(place: _Place, segments: list[str], index: int, values: list[str]) -> _Place | None:
    """Return the place at which segments end; their variable ones are put into `values`."""
    while index < len(segments):
        segment = segments[index]
        index += 1
        literal, variable = place.literals.get(segment), place.variable
        if literal is None:
            if variable is None:
                return None
            values.append(segment)
            place = variable
            continue
        if variable is not None:
            before = len(values)
            found = _found(literal, segments, index, values)
            if found is not None:
                return found
            del values[before:]
            values.append(segment)
            place = variable
            continue
        place = literal
    return None if place.template is None else place
