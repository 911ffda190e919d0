"""Rows of the image service's tables, and the values that they are."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import select

from cellrig.db.database import Row, Statement, Transaction
from cellrig.db.statements import delete_by, insert_into, select_by, update_by
from cellrig.image.tables import contents, images, imports, members
from cellrig.image.types import ImageImport, ImageMember, StoredImage

_ALL = Statement(select(images).order_by(images.c.name, images.c.id))
_OTHER_COLUMNS = tuple(column.name for column in images.columns if column.name != "id")
_PROPERTIES, _PROTECTED, _HIDDEN, _TAGS = (
    images.columns.keys().index(name) for name in ("properties", "protected", "hidden", "tags")
)
_decode_strings = msgspec.json.Decoder(dict[str, str]).decode
_decode_tags = msgspec.json.Decoder(tuple[str, ...]).decode


def image_of(row: Row) -> StoredImage:
    """Return the image that a row is."""
    values = list(row)
    values[_PROPERTIES] = _decode_strings(row[_PROPERTIES])
    values[_TAGS] = _decode_tags(row[_TAGS])
    values[_PROTECTED], values[_HIDDEN] = bool(row[_PROTECTED]), bool(row[_HIDDEN])
    return StoredImage(*values)


def row_of(image: StoredImage) -> dict[str, Any]:
    """Return an image as a row, by the names of its columns."""
    row = msgspec.structs.asdict(image)
    row["properties"] = msgspec.json.encode(image.properties).decode()
    row["tags"] = msgspec.json.encode(image.tags).decode()
    row["protected"] = int(image.protected)
    row["hidden"] = int(image.hidden)
    return row


def find_image(transaction: Transaction, image_id: str) -> StoredImage | None:
    """Return an image by its id; None where there is none."""
    row = transaction.one(select_by(images, "id"), id=image_id)
    return None if row is None else image_of(row)


def find_named(transaction: Transaction, name: str) -> list[StoredImage]:
    """Return the images of a name."""
    return [image_of(row) for row in transaction.all(select_by(images, "name"), name=name)]


def all_images(transaction: Transaction) -> list[StoredImage]:
    """Return all images, by name."""
    return [image_of(row) for row in transaction.all(_ALL)]


def add_image(transaction: Transaction, image: StoredImage) -> None:
    """Write an image that is not there."""
    transaction.run(insert_into(images), **row_of(image))


def change_image(transaction: Transaction, image: StoredImage) -> None:
    """Write an image over the one of its id."""
    row = row_of(image)
    row["by_id"] = row.pop("id")
    transaction.run(update_by(images, "id", *_OTHER_COLUMNS), **row)


def delete_image(transaction: Transaction, image_id: str) -> bool:
    """Delete an image with all that belongs to it; False where there is none."""
    transaction.run(delete_by(members, "image_id"), image_id=image_id)
    transaction.run(delete_by(contents, "image_id"), image_id=image_id)
    transaction.run(delete_by(imports, "image_id"), image_id=image_id)
    return transaction.run(delete_by(images, "id"), id=image_id) > 0


def write_content(transaction: Transaction, image_id: str, content: str) -> None:
    """Write small data, in place of what there was."""
    transaction.run(delete_by(contents, "image_id"), image_id=image_id)
    transaction.run(insert_into(contents), image_id=image_id, content=content)


def read_content(transaction: Transaction, image_id: str) -> str | None:
    """Return small data; None where an image has none."""
    row = transaction.one(select_by(contents, "image_id"), image_id=image_id)
    return None if row is None else str(row[1])


def add_import(transaction: Transaction, imported: ImageImport) -> None:
    """Write that an image's data were imported."""
    transaction.run(insert_into(imports), **msgspec.structs.asdict(imported))


def find_import(transaction: Transaction, image_id: str) -> ImageImport | None:
    """Return how an image's data were imported; None where they were not."""
    row = transaction.one(select_by(imports, "image_id"), image_id=image_id)
    return None if row is None else ImageImport(*row)


def members_of(transaction: Transaction, image_id: str) -> list[ImageMember]:
    """Return the members of an image, in the order of their names."""
    rows = transaction.all(select_by(members, "image_id"), image_id=image_id)
    return sorted((ImageMember(*row) for row in rows), key=lambda member: member.member_id)


def memberships_of(transaction: Transaction, project_id: str) -> dict[str, ImageMember]:
    """Return what is shared with a project, by the images' ids."""
    rows = transaction.all(select_by(members, "member_id"), member_id=project_id)
    return {row[0]: ImageMember(*row) for row in rows}


def find_member(transaction: Transaction, image_id: str, member_id: str) -> ImageMember | None:
    """Return one member of an image; None where it is none."""
    row = transaction.one(
        select_by(members, "image_id", "member_id"), image_id=image_id, member_id=member_id
    )
    return None if row is None else ImageMember(*row)


def add_member(transaction: Transaction, member: ImageMember) -> None:
    """Write a member that is not there."""
    transaction.run(insert_into(members), **msgspec.structs.asdict(member))


def delete_member(transaction: Transaction, image_id: str, member_id: str) -> bool:
    """Delete a member; False where there is none."""
    statement = delete_by(members, "image_id", "member_id")
    return transaction.run(statement, image_id=image_id, member_id=member_id) > 0
