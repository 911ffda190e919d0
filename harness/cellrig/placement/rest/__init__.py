"""Placement reached over HTTP."""

from cellrig.placement.rest.client import PlacementFailed, RestPlacement

__all__ = ["PlacementFailed", "RestPlacement"]
