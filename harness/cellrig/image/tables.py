"""The image service's tables."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Index, Integer, MetaData, String, Table, Text

from cellrig.db.schema import Schema

metadata = MetaData()

_ID = String(36)
_NAME = String(255)
_WORD = String(32)

images = Table(
    "images",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("name", _NAME, nullable=False),
    Column("status", _WORD, nullable=False),
    Column("disk_format", _WORD, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("min_disk", Integer, nullable=False),
    Column("min_ram", Integer, nullable=False),
    Column("properties", Text, nullable=False),
    Column("container_format", _WORD, nullable=False),
    Column("owner", _NAME, nullable=False),
    Column("visibility", _WORD, nullable=False),
    Column("protected", Integer, nullable=False),
    Column("hidden", Integer, nullable=False),
    Column("tags", Text, nullable=False),
    Column("checksum", _WORD),
    Column("hash_value", String(128)),
    Column("virtual_size", BigInteger),
    Column("created_at", Float(53), nullable=False),
    Column("updated_at", Float(53), nullable=False),
    Index("images_by_name", "name"),
)

members = Table(
    "image_members",
    metadata,
    Column("image_id", _ID, primary_key=True),
    Column("member_id", _NAME, primary_key=True),
    Column("status", _WORD, nullable=False),
    Column("created_at", Float(53), nullable=False),
    Column("updated_at", Float(53), nullable=False),
)

#: The data of small images, as Base64: so that a rig that has no others needs no files.
contents = Table(
    "image_contents",
    metadata,
    Column("image_id", _ID, primary_key=True),
    Column("content", Text, nullable=False),
)

#: Which images' data were staged first, and who imported them.
imports = Table(
    "image_imports",
    metadata,
    Column("image_id", _ID, primary_key=True),
    Column("request_id", _NAME, nullable=False),
    Column("user_id", _NAME, nullable=False),
    Column("imported_at", Float(53), nullable=False),
)

IMAGES_SCHEMA = Schema("images", 1, metadata)


def image_database() -> bytes:
    """Return the image of an empty image service's database."""
    return IMAGES_SCHEMA.image
