"""A fault as data: where, when, what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypedDict

import msgspec

from cellrig.seams import Passage
from cellrig_faults.interface import Action


class Where(TypedDict, total=False):
    """Which passages a fault acts on: all that are given must be so.

    Args:
        host: the host that the call is made on or goes to.
        cell: the cell whose service makes the call, or that the call goes to.
        server: the uuid of the server that the call is about, or the server itself.
        service: the kind of service that makes the call, for example ``compute``.
        when: a predicate on the passage, for what the others cannot say.
        nth: only the nth passage of those that the above match, from 1.
        from_nth: the nth and every later one.
        times: at most so many passages.
        probability: each with this probability, drawn from the rig's seed; over 0, at most 1.
    """

    host: str
    cell: str
    server: Any
    service: str
    when: Callable[[Passage], bool]
    nth: int
    from_nth: int
    times: int
    probability: float


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """What goes wrong, where and when. The arguments other than these two are those of `Where`.

    Args:
        seam: a seam's name, or a glob: ``driver.spawn``, ``bus.compute.*``, ``db.cell1.*``.
        action: what is done to the call.
    """

    seam: str
    action: Action
    host: str | None = None
    cell: str | None = None
    server: str | None = None
    service: str | None = None
    when: Callable[[Passage], bool] | None = None
    nth: int | None = None
    from_nth: int | None = None
    times: int | None = None
    probability: float | None = None

    def __str__(self) -> str:
        given = {
            name: value
            for name in Where.__annotations__
            if (value := getattr(self, name)) is not None
        }
        told = "".join(f", {name}={_told(value)}" for name, value in given.items())
        return f"{self.action} at {self.seam}{told}"


def _told(value: object) -> str:
    return getattr(value, "__qualname__", "a predicate") if callable(value) else repr(value)
