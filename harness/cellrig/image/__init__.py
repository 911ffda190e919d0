"""The image service."""

from cellrig.image.images import IMAGES_SCHEMA, ImageService, StoredImage, image_database

__all__ = ["IMAGES_SCHEMA", "ImageService", "StoredImage", "image_database"]
