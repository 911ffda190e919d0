"""The image service: the few images that guests boot from, and the snapshots made of them."""

from __future__ import annotations

import msgspec
from sqlalchemy import BigInteger, Column, Integer, MetaData, String, Table, Text, select

from cellrig.db.database import Database, Row, Statement
from cellrig.db.schema import Schema
from cellrig.db.statements import delete_by, insert_into, select_by, update_by
from cellrig.errors import Conflict, NotFound

metadata = MetaData()
_images = Table(
    "images",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("name", String(255), nullable=False),
    Column("status", String(32), nullable=False),
    Column("disk_format", String(32), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("min_disk", Integer, nullable=False),
    Column("min_ram", Integer, nullable=False),
    Column("properties", Text, nullable=False),
)
_ALL = Statement(select(_images).order_by(_images.c.name, _images.c.id))
_decode_strings = msgspec.json.Decoder(dict[str, str]).decode


IMAGES_SCHEMA = Schema("images", 1, metadata)


def image_database() -> bytes:
    """Return the image of an empty image service's database."""
    return IMAGES_SCHEMA.image


class StoredImage(msgspec.Struct, frozen=True):
    """An image.

    Args:
        status: queued, saving, active or killed, as the Image API has it.
        size: bytes of its data.
        min_disk: GiB, min_ram: MiB that a flavor must have.
        properties: ``hw_*``, ``trait:*`` and the user's own.
    """

    id: str
    name: str
    status: str = "active"
    disk_format: str = "qcow2"
    size: int = 0
    min_disk: int = 0
    min_ram: int = 0
    properties: dict[str, str] = {}


def _image(row: Row) -> StoredImage:
    return StoredImage(*(*row[:7], _decode_strings(row[7])))


class ImageService:
    """Images of one rig.

    Args:
        database: the image service's own.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, image: StoredImage) -> None:
        """Register an image.

        Raises:
            Conflict: its id is taken.
        """
        row = msgspec.structs.asdict(image)
        row["properties"] = msgspec.json.encode(image.properties).decode()
        with self._database.transaction() as transaction:
            if transaction.one(select_by(_images, "id"), id=image.id):
                raise Conflict(f"an image with the id {image.id} exists")
            transaction.run(insert_into(_images), **row)

    def get(self, image_id: str) -> StoredImage:
        """Return an image by id, or by name where one name is one image.

        Raises:
            NotFound: there is none.
        """
        with self._database.transaction() as transaction:
            row = transaction.one(select_by(_images, "id"), id=image_id)
            named = [] if row else transaction.all(select_by(_images, "name"), name=image_id)
        if row is not None:
            return _image(row)
        if len(named) > 1:
            raise Conflict(f"{len(named)} images have the name {image_id!r}: give the id")
        if not named:
            raise NotFound("image", image_id)
        return _image(named[0])

    def all(self) -> list[StoredImage]:
        """Return all images, by name."""
        with self._database.transaction() as transaction:
            return [_image(row) for row in transaction.all(_ALL)]

    def finish(self, image_id: str, status: str, size: int) -> None:
        """Say how the upload of an image's data ended."""
        with self._database.transaction() as transaction:
            statement = update_by(_images, "id", "status", "size")
            if not transaction.run(statement, by_id=image_id, status=status, size=size):
                raise NotFound("image", image_id)

    def delete(self, image_id: str) -> None:
        """Delete an image; guests that booted from it are not affected."""
        with self._database.transaction() as transaction:
            if not transaction.run(delete_by(_images, "id"), id=image_id):
                raise NotFound("image", image_id)
