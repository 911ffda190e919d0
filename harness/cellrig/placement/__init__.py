"""Placement: who has what to give, who holds what, and where a request fits.

The model is OpenStack Placement's at microversion 1.39. `Placement` is the service; everything
that uses it is written against `PlacementClient` and can be handed another one.
"""

from __future__ import annotations

from cellrig.placement.client import PlacementClient
from cellrig.placement.service import Placement
from cellrig.placement.tables import placement_image

__all__ = ["Placement", "PlacementClient", "placement_image"]
