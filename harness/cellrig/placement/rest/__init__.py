"""Placement reached over HTTP."""

from cellrig.placement.rest.client import RestPlacement
from cellrig.placement.rest.wire import PlacementFailed, PlacementUnreachable

__all__ = ["PlacementFailed", "PlacementUnreachable", "RestPlacement"]
