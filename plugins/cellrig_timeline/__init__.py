"""What happened in a rig, in order, at its seams."""

from cellrig_timeline.timeline import Rig, Timeline

__all__ = ["Rig", "Timeline"]
