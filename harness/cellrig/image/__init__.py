"""The image service."""

from cellrig.image.client import ImageClient
from cellrig.image.data import ImageFiles
from cellrig.image.listing import ImageQuery
from cellrig.image.options import ImageOptions
from cellrig.image.service import ImageService
from cellrig.image.small_disk import small_disk
from cellrig.image.tables import IMAGES_SCHEMA, image_database
from cellrig.image.types import (
    ImageChanges,
    ImageImport,
    ImageMember,
    ImageSource,
    ImageStatus,
    ImageUsage,
    MemberStatus,
    StoredImage,
    Visibility,
)

__all__ = [
    "IMAGES_SCHEMA",
    "ImageChanges",
    "ImageClient",
    "ImageFiles",
    "ImageImport",
    "ImageMember",
    "ImageOptions",
    "ImageQuery",
    "ImageService",
    "ImageSource",
    "ImageStatus",
    "ImageUsage",
    "MemberStatus",
    "StoredImage",
    "Visibility",
    "image_database",
    "small_disk",
]
