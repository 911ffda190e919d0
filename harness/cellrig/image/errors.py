"""Failures of the image service. The statuses are the Image API's."""

from __future__ import annotations

from cellrig.errors import CellrigError, Invalid, NotFound
from cellrig.errors import OverLimit as OverLimitBase


class ImageNotFound(NotFound):
    """No image that the caller may see has this id or name. Args: what was given."""

    template = "image {0!r} does not exist"

    @property
    def kind(self) -> str:
        """What sort of thing was looked for."""
        return "image"

    @property
    def name(self) -> str:
        """The id or name that was given."""
        return str(self.args[0])


class MemberNotFound(NotFound):
    """An image has no such member. Args: the image's id, the project."""

    template = "image {0} is not shared with {1!r}"

    @property
    def kind(self) -> str:
        """What sort of thing was looked for."""
        return "image member"

    @property
    def name(self) -> str:
        """The project that was given."""
        return str(self.args[1])


class ImageGone(CellrigError):
    """An image was deleted while its data came (the field's 410). Args: its id."""

    template = "image {0} was deleted while its data came"


class OverLimit(OverLimitBase):
    """Something is more than an image may have (the field's 413). Args: what, the most of it."""

    template = "{0} is more than an image may have: it takes {1} at most"


class ImageTooLarge(OverLimit):
    """Data have more bytes than one image may have. Args: the image's id, the most."""

    template = "the data of image {0} are more than the {1} bytes that one image may have"


class UnsafeImage(Invalid):
    """Data refer to other files of the machine that reads them. Args: in a few words, how."""

    template = "these data {0}: an image has all its data in itself"
