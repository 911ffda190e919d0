"""What the audit raises."""

from __future__ import annotations

from cellrig.errors import CellrigError


class AuditFailed(CellrigError):
    """Something does not agree. Args: the findings, one sentence each."""

    def __str__(self) -> str:
        return "the audit found:\n" + "\n".join(f"  - {finding}" for finding in self.args[0])
