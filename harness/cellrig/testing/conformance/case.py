"""How cases are written: areas, what a case needs, and how all of them are found."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import ClassVar, TypeVar

import msgspec

from cellrig.compute.options import ComputeOptions
from cellrig.driver import Capabilities
from cellrig.testing.conformance.setup import Options, Setup

F = TypeVar("F", bound=Callable[..., None])

_NEEDS = "cellrig_needs"
_UNDECLARED = "cellrig_undeclared"


class Area:
    """Cases about one subject: methods whose names begin with ``test_``, each with a `Lab`.

    Subclass one to add cases to it, or to change one; a name that is set to None is left out.

    Attributes:
        name: the row of the table that its cases count for.
        capability: what the driver must declare for them; None where every driver must pass.
        compute: how compute services do what they may do in one way or another.
    """

    name: ClassVar[str]
    capability: ClassVar[str | None] = None
    compute: ClassVar[ComputeOptions] = ComputeOptions()

    @staticmethod
    def more_options(setup: Setup, host: str) -> Options:
        """Return the options that hosts get for these cases beside their own.

        Raises:
            NotOffered: the set-up has none; the cases are not tried.
        """
        return {}


def needs(*capabilities: str) -> Callable[[F], F]:
    """Mark a case that needs further capabilities than its area's."""

    def mark(function: F) -> F:
        setattr(function, _NEEDS, capabilities)
        return function

    return mark


def undeclared(function: F) -> F:
    """Mark a case of what a driver must refuse while it does not declare the area's capability."""
    setattr(function, _UNDECLARED, True)
    return function


class Case(msgspec.Struct, frozen=True):
    """One case.

    Args:
        area: where it stands.
        method: its name there.
    """

    area: type[Area]
    method: str

    @property
    def name(self) -> str:
        """``Volumes::test_...``, as pytest writes it but for ``Test`` before the area."""
        return f"{self.area.__name__}::{self.method}"

    @property
    def is_of_undeclared(self) -> bool:
        """Whether it is about what must be refused."""
        return bool(getattr(getattr(self.area, self.method), _UNDECLARED, False))

    def unfit(self, capabilities: Capabilities) -> str | None:
        """Say why it is not for a driver with these capabilities; None where it is."""
        own = self.area.capability
        declared = own is None or getattr(capabilities, own)
        if self.is_of_undeclared:
            return f"{own} is declared" if declared else None
        if not declared:
            return f"{own} is not declared"
        wanted: tuple[str, ...] = getattr(getattr(self.area, self.method), _NEEDS, ())
        missing = [each for each in wanted if not getattr(capabilities, each)]
        return f"{', '.join(missing)} is not declared" if missing else None


def cases_of(areas: Iterable[type[Area]]) -> Iterator[Case]:
    """Return all cases of areas, in the order in which they are written, inherited ones first."""
    for area in areas:
        seen = dict.fromkeys(
            name
            for base in reversed(inspect.getmro(area))
            for name in vars(base)
            if name.startswith("test_")
        )
        yield from (Case(area, name) for name in seen if callable(getattr(area, name)))
