"""The end of a rig in a test: stop it, and see that nothing of it is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cellrig.rig import Rig

_AUDIT = "audit"


def end(rig: Rig) -> None:
    """Stop `rig`; where it is audited, look once more whether a task or thread outlived it.

    Raises:
        RigNotClean: something was wrong when it stopped, or is left afterwards.
    """
    from cellrig.rig import RigNotClean

    findings: list[str] = []
    try:
        rig.stop()
    except RigNotClean as error:
        findings += error.args[0]
    audit = rig.plugins.get_plugin(_AUDIT)
    if rig.audited and audit is not None:
        findings += audit.leftovers()
    if findings:
        raise RigNotClean(findings)
