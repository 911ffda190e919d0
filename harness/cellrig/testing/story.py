"""What happened in a rig, told when a test has failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cellrig.rig import Rig

#: The heading under which reports show it.
HEADING = "cellrig: what happened at the seams"

#: The name of the plugin that keeps it.
_TIMELINE = "timeline"


def story_of(rig: Rig, replay: str) -> str:
    """Return what happened at the seams of `rig`, in order, and how to see it again.

    Args:
        rig: running or stopped.
        replay: one line that tells how to run the same again.
    """
    timeline = rig.plugins.get_plugin(_TIMELINE)
    if timeline is None:
        told = f"nothing was written down: the rig runs without the plugin {_TIMELINE!r}"
    else:
        told = timeline.text() or "nothing has happened"
    return f"{told}\n\n{replay}"
