"""What happened in a rig, in order, at its seams."""

from cellrig_timeline.timeline import Timeline

__all__ = ["Timeline"]
