"""What a topology may say of the image service."""

from __future__ import annotations

from typing import Annotated

import msgspec


class ImageOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the image service is set up.

    Args:
        max_bytes: the most that the data of one image may have which somebody brings.
    """

    max_bytes: Annotated[int, msgspec.Meta(ge=1)] = 10 * 1024**3
