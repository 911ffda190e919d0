"""The image service."""

from cellrig.image.images import ImageService, StoredImage, image_database

__all__ = ["ImageService", "StoredImage", "image_database"]
