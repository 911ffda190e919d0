"""The data of images: taken in, kept, staged and read."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterable
from pathlib import Path

from msgspec.structs import replace

from cellrig.context import RequestContext
from cellrig.db.database import Database, Transaction
from cellrig.errors import Conflict, Invalid
from cellrig.image.data import Chunks, ImageFiles, Received, chunks_of
from cellrig.image.errors import ImageGone, ImageNotFound
from cellrig.image.formats import virtual_size
from cellrig.image.options import ImageOptions
from cellrig.image.policy import changeable, check_readable, visible
from cellrig.image.records import (
    add_import,
    change_image,
    find_image,
    read_content,
    write_content,
)
from cellrig.image.types import ImageImport, ImageSource, ImageStatus, StoredImage

_Look = Callable[[Transaction], StoredImage]


class Uploads:
    """The data of one rig's images. No transaction is open while data come.

    Args:
        database: the image service's own.
        files: where larger data are.
        options: the image service's.
    """

    def __init__(self, database: Database, files: ImageFiles, options: ImageOptions) -> None:
        self._database = database
        self._files = files
        self._most = options.max_bytes

    def upload(
        self,
        context: RequestContext,
        image_id: str,
        chunks: Iterable[bytes],
        size: int | None,
        during: ImageStatus,
        after: ImageStatus,
    ) -> None:
        """See `ImageClient.upload`; the image has the status `during` it, and the other `after`."""
        self._move(
            lambda transaction: _with_formats(changeable(transaction, context, image_id)),
            ImageStatus.QUEUED,
            during,
        )
        try:
            self._take(image_id, chunks, size, during, after)
        except Exception:
            self._give_up(image_id, during)
            raise

    def fill(self, image_id: str, source: ImageSource) -> None:
        """See `ImageClient.fill`."""
        if source.path is None:
            with self._database.transaction() as transaction:
                found = _known(transaction, image_id)
                change_image(transaction, _filled(found, source, transaction.now()))
            return
        with self._database.transaction() as transaction:
            found = _known(transaction, image_id)
            change_image(transaction, replace(found, status=ImageStatus.SAVING.value))
        received = self._files.receive(image_id, chunks_of(source.path), None, self._most)
        self._keep(image_id, received, ImageStatus.SAVING, ImageStatus.ACTIVE, source)

    def put(self, image: StoredImage, content: bytes) -> None:
        """Let an image that has just been registered have data, whatever its status."""
        received = self._files.receive(image.id, [content], None, len(content))
        status = ImageStatus(image.status)
        self._keep(image.id, received, status, status)

    def import_staged(self, context: RequestContext, image_id: str) -> None:
        """See `ImageClient.import_staged`."""

        def write_down(transaction: Transaction) -> StoredImage:
            image = changeable(transaction, context, image_id)
            if image.status == ImageStatus.UPLOADING:
                told = (image_id, context.request_id, context.user_id, transaction.now())
                add_import(transaction, ImageImport(*told))
            return image

        self._move(write_down, ImageStatus.UPLOADING, ImageStatus.ACTIVE)

    def read(
        self, context: RequestContext, image_id: str, start: int, length: int | None
    ) -> Chunks | None:
        """See `ImageClient.data`."""
        with self._database.transaction() as transaction:
            image = visible(transaction, context, image_id)
            check_readable(context, image)
            content = read_content(transaction, image_id)
        if image.hash_value is None or image.status not in _READABLE:
            return None
        length = image.size - start if length is None else length
        if content is not None:
            return Chunks(io.BytesIO(base64.b64decode(content)), start, length)
        path = self._files.find(image_id, image.hash_value)
        try:
            return None if path is None else Chunks(path.open("rb"), start, length)
        except FileNotFoundError as error:  # deleted at this moment
            raise ImageNotFound(image_id) from error

    def file_of(self, image_id: str) -> Path | None:
        """See `ImageClient.file_of`."""
        with self._database.transaction() as transaction:
            image = _known(transaction, image_id)
            content = read_content(transaction, image_id)
        if image.hash_value is None:
            return None
        path = self._files.find(image_id, image.hash_value)
        if path is None and content is not None:
            return self._files.write(image_id, image.hash_value, base64.b64decode(content))
        return path

    def _take(
        self,
        image_id: str,
        chunks: Iterable[bytes],
        size: int | None,
        during: ImageStatus,
        after: ImageStatus,
    ) -> None:
        received = self._files.receive(image_id, chunks, size, self._most)
        self._keep(image_id, received, during, after)

    def _keep(
        self,
        image_id: str,
        received: Received,
        during: ImageStatus,
        after: ImageStatus,
        source: ImageSource | None = None,
    ) -> None:
        """Let data be an image's. Its file is there before the record says so."""
        try:
            self._files.keep(received, image_id)
            with self._database.transaction() as transaction:
                image = find_image(transaction, image_id)
                if image is None or image.status != during:
                    raise ImageGone(image_id)
                if source is not None:
                    image = replace(image, disk_format=source.disk_format, min_disk=source.min_disk)
                change_image(transaction, _with(image, received, after, transaction.now()))
                if received.content is not None:
                    told = base64.b64encode(received.content).decode()
                    write_content(transaction, image_id, told)
        except BaseException:
            self._files.abandon(received)
            self._files.delete(image_id, received.hash_value)
            raise

    def _give_up(self, image_id: str, during: ImageStatus) -> None:
        """Let an image wait for its data again, unless somebody has deleted it."""
        with self._database.transaction() as transaction:
            image = find_image(transaction, image_id)
            if image is not None and image.status == during:
                change_image(transaction, replace(image, status=ImageStatus.QUEUED.value))

    def _move(self, look: _Look, before: ImageStatus, after: ImageStatus) -> None:
        with self._database.transaction() as transaction:
            image = look(transaction)
            if image.status != before:
                raise Conflict(
                    f"image {image.id} is {image.status}: for this it must be {before.value}"
                )
            now = transaction.now()
            change_image(transaction, replace(image, status=after.value, updated_at=now))


#: What can be read.
_READABLE = (ImageStatus.ACTIVE, ImageStatus.DEACTIVATED)


def _known(transaction: Transaction, image_id: str) -> StoredImage:
    image = find_image(transaction, image_id)
    if image is None:
        raise ImageNotFound(image_id)
    return image


def _with_formats(image: StoredImage) -> StoredImage:
    if not (image.disk_format and image.container_format):
        raise Invalid(
            f"image {image.id} needs a disk_format and a container_format before it has data"
        )
    return image


def _filled(image: StoredImage, source: ImageSource, now: float) -> StoredImage:
    """Return an image of which a service has told all but data."""
    return replace(
        image,
        status=ImageStatus.ACTIVE.value,
        disk_format=source.disk_format,
        min_disk=source.min_disk,
        size=source.size,
        updated_at=now,
    )


def _with(image: StoredImage, received: Received, status: ImageStatus, now: float) -> StoredImage:
    return replace(
        image,
        status=status.value,
        size=received.size,
        checksum=received.checksum,
        hash_value=received.hash_value,
        virtual_size=virtual_size(image.disk_format, received.head, received.size),
        updated_at=now,
    )
