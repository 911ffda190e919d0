"""The early check of a fault: what cannot be is refused before it is set, with one sentence."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from cellrig.db.database import Database
from cellrig_faults.actions import BringBack, Delay, DropReply, Fail, FailAfter, TakeDown
from cellrig_faults.errors import InvalidFault
from cellrig_faults.fault import Fault, Where
from cellrig_faults.interface import Action, Rig
from cellrig_faults.known import SERVICES, check_replied, check_seam
from cellrig_faults.passed import NO_CELLS


def check_names(given: Iterable[str]) -> None:
    """Refuse arguments that are not those of `Where`."""
    taken = list(Where.__annotations__)
    for name in given:
        if name not in taken:
            raise InvalidFault(
                f"a fault takes no {name!r}{suggestion(name, taken)}; it takes {', '.join(taken)}"
            )


def check_fault(fault: Fault, rig: Rig) -> None:
    """Refuse a fault that could not work in `rig`.

    Raises:
        InvalidFault: names what was given and what is taken.
    """
    check_seam(fault.seam, rig)
    _check_action(fault.action, rig)
    if isinstance(fault.action, DropReply):
        check_replied(fault.seam)
    _check_one_of("host", fault.host, rig.host_names)
    _check_one_of("cell", fault.cell, [name for name in rig.databases if name not in NO_CELLS])
    _check_one_of("service", fault.service, SERVICES)
    if fault.server is not None and (not isinstance(fault.server, str) or not fault.server):
        raise InvalidFault(
            f"server was given as {fault.server!r}, a fault takes a uuid or something that has one"
        )
    if fault.when is not None and not callable(fault.when):
        raise InvalidFault(f"when was given as {fault.when!r}, a fault takes a function")
    _check_times(fault)


def _check_one_of(name: str, value: str | None, taken: Sequence[str]) -> None:
    if value is not None and value not in taken:
        shown = ", ".join(taken[:8]) + (", ..." if len(taken) > 8 else "")
        raise InvalidFault(
            f"there is no {name} {value!r}{suggestion(value, taken)}; there are {shown}"
        )


def _check_times(fault: Fault) -> None:
    for name in ("nth", "from_nth", "times"):
        value = getattr(fault, name)
        if value is not None and (type(value) is not int or value < 1):
            raise InvalidFault(f"{name} was given as {value!r}, a fault takes a number from 1")
    if fault.nth is not None and fault.from_nth is not None:
        raise InvalidFault(
            f"nth={fault.nth} and from_nth={fault.from_nth} were given: a fault takes one of them"
        )
    if fault.nth is not None and fault.times not in (None, 1):
        raise InvalidFault(
            f"nth={fault.nth} is one passage, times={fault.times} was given with it: "
            "take from_nth for several"
        )
    chance = fault.probability
    if chance is not None and not (
        type(chance) in (int, float) and math.isfinite(chance) and 0 < chance <= 1
    ):
        raise InvalidFault(f"probability was given as {chance!r}, takes a number over 0, at most 1")


def _check_action(action: Action, rig: Rig) -> None:
    if isinstance(action, Fail | FailAfter):
        check_error(action.error)
    elif isinstance(action, Delay):
        if type(action.seconds) not in (int, float) or not 0 < action.seconds < math.inf:
            raise InvalidFault(f"a delay of {action.seconds!r} was given, takes seconds over 0")
    elif isinstance(action, TakeDown | BringBack):
        database_of(action.name, rig)
    elif not callable(getattr(action, "act", None)) or not hasattr(action, "after"):
        raise InvalidFault(
            f"{action!r} was given as what a fault does, it takes an action (Fail, Delay, ...)"
        )


def check_error(error: object) -> None:
    """Refuse what cannot be raised at one passage after another."""
    if error is None:
        return
    kind = error if isinstance(error, type) else type(error)
    if not issubclass(kind, Exception) or issubclass(kind, StopIteration):
        raise InvalidFault(
            f"{error!r} was given as the error, a fault takes an Exception or a class of them "
            "(crash_before and crash_after end a service)"
        )
    try:
        str(error() if isinstance(error, type) else copy.copy(error))
    except Exception as failure:
        told = "made without arguments: give an object" if isinstance(error, type) else "copied"
        raise InvalidFault(f"{kind.__name__} cannot be {told} ({failure})") from failure


def database_of(name: str, rig: Rig) -> Database:
    """Return the database that is called `name`; a cell's is called as the cell."""
    if not isinstance(name, str) or name not in rig.databases:
        raise InvalidFault(
            f"{name!r} is no cell or database{suggestion(name, rig.databases)}; "
            f"there are {', '.join(rig.databases)}"
        )
    return rig.databases[name]


def suggestion(given: object, taken: Iterable[str]) -> str:
    """Return what `given` may have been meant to be, as a part of a sentence."""
    close = get_close_matches(str(given), list(taken), 1)
    return f" (is {close[0]!r} meant?)" if close else ""
