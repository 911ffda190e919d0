"""A passage as a value: enough to find the same one again in another run."""

from __future__ import annotations

import msgspec

from cellrig.seams import Passage
from cellrig_faults.fault import Fault
from cellrig_faults.interface import Action, Rig

#: Databases that are not a cell's.
NO_CELLS = ("api", "images", "placement", "volumes", "identity", "networks")


class Passed(msgspec.Struct, frozen=True):
    """One call that passed a seam.

    Args:
        seam: the seam's name.
        nth: which of the passages of that seam, host, cell and service, from 1.
        host: the host that the call was made on or went to.
        cell: the cell whose service made the call, or that it went to.
        service: the kind of service that made the call.
        server: the uuid of the server that it was about.
    """

    seam: str
    nth: int
    host: str | None
    cell: str | None
    service: str
    server: str | None = None

    @classmethod
    def of(cls, passage: Passage, nth: int, rig: Rig) -> Passed:
        """Return the value of `passage`, the `nth` of its kind."""
        return cls(
            passage.seam,
            nth,
            host_of(passage),
            cell_of(passage, rig),
            passage.process.service,
            passage.server,
        )

    def __str__(self) -> str:
        place = self.host or self.cell
        return f"{self.seam} #{self.nth} by {self.service}" + (f" ({place})" if place else "")


def host_of(passage: Passage) -> str | None:
    """Return the host that the call is made on or goes to; a volume backend is not one."""
    is_backend = passage.seam.startswith("volume_backend.")
    return passage.process.host if is_backend else passage.host


def cell_of(passage: Passage, rig: Rig) -> str | None:
    """Return the cell whose service makes the call or, from outside the cells, that it goes to."""
    if passage.process.cell is not None:
        return passage.process.cell
    root, _dot, rest = passage.seam.partition(".")
    name = rest.partition(".")[0] if root == "db" else passage.to
    return name if name in rig.databases and name not in NO_CELLS else None


def passage_fault(passed: Passed, action: Action) -> Fault:
    """Return the fault that does `action` at exactly the passage that was recorded.

    It is to be set in a rig that is where the recorded one was when the recording began, with the
    same seed.
    """
    return Fault(
        seam=passed.seam,
        action=action,
        host=passed.host,
        cell=passed.cell,
        service=passed.service,
        nth=passed.nth,
    )
