"""The plugin: `rig.audit`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cellrig.errors import CellrigError
from cellrig.hooks import hookimpl
from cellrig.runtime.errors import Deadlock
from cellrig_audit import (
    allocations,
    capacity,
    cells,
    connections,
    guests,
    moves,
    ports,
    tasks,
    unattended,
    volumes,
)
from cellrig_audit.errors import AuditFailed
from cellrig_audit.interface import Rig
from cellrig_audit.reading import take_picture

if TYPE_CHECKING:
    from cellrig.http.routes import Route

#: What is checked, in the order in which findings are told.
_CHECKS = (
    tasks.check,
    unattended.check,
    cells.check,
    allocations.check,
    moves.check,
    capacity.check,
    guests.check,
    volumes.check,
    connections.check,
    ports.check,
)


class Audit:
    """Finds what does not agree in one rig. It passes no seam and changes nothing.

    The databases are read whether they accept connections or not: what is written in one that has
    been taken away still is. ``rig.audit()`` raises where something is wrong,
    ``rig.audit.findings()`` returns it. Every rig is audited when it ends.

    Args:
        rig: the rig that this plugin belongs to.
    """

    def __init__(self, rig: Rig) -> None:
        self._rig = rig

    def __call__(self) -> None:
        """Audit the rig as it is now.

        Raises:
            AuditFailed: with all findings.
        """
        findings = self.findings()
        if findings:
            raise AuditFailed(findings)

    def findings(self) -> list[str]:
        """Return what does not agree now, one sentence each; nothing is settled before."""
        picture = take_picture(self._rig)
        return [finding for check in _CHECKS for finding in check(picture)]

    def leftovers(self) -> list[str]:
        """Return what of a rig that has been stopped is still there: its tasks, its threads."""
        return [
            f"the rig has been stopped, and a task of it is left: {task}"
            for task in self._rig.runtime.unfinished()
        ]

    @hookimpl
    def cellrig_control_routes(self) -> Sequence[Route[Any]]:
        """Return the call ``/rig/audit``."""
        from cellrig_audit.control import routes

        return routes(self)

    @hookimpl(trylast=True)
    def cellrig_rig_stopping(self) -> list[str]:
        """Let what still runs come to its end, then audit."""
        try:
            self._rig.runtime.settle()
        except Deadlock as error:
            return [f"the rig cannot come to rest: {_first_line(error)}", *self.findings()]
        return self.findings()


def _first_line(error: CellrigError) -> str:
    return str(error).splitlines()[0]
