"""The image service: what guests boot from, what is made of them, and what users bring.

An image is registered and waits, ``queued``; its data come, and it is ``active``; they never
change. So the record is in the database, and all but small data are in files (see
`cellrig.image.data`). Some images have no data at all: those that a service has made of guests or
volumes that have none.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec
from msgspec.structs import replace

from cellrig.context import RequestContext
from cellrig.db.database import Database
from cellrig.errors import Conflict, Forbidden, Invalid
from cellrig.image.data import Chunks, ImageFiles
from cellrig.image.errors import ImageNotFound, OverLimit
from cellrig.image.listing import ImageQuery, page_of
from cellrig.image.members import Members
from cellrig.image.options import ImageOptions
from cellrig.image.policy import changeable, check_publishing, is_own, seen_by, visible
from cellrig.image.records import (
    add_image,
    all_images,
    change_image,
    delete_image,
    find_image,
    find_import,
    find_named,
)
from cellrig.image.types import (
    ImageChanges,
    ImageImport,
    ImageMember,
    ImageSource,
    ImageStatus,
    ImageUsage,
    StoredImage,
    Visibility,
)
from cellrig.image.uploads import Uploads

#: The most properties, and the most tags, that one image has.
MOST_PROPERTIES = 128
MOST_TAGS = 128
_LONGEST = 255


class ImageService:
    """The images of one rig; it is an `ImageClient`.

    Args:
        database: the image service's own.
        files: where larger data are.
        options: as the topology says.
    """

    def __init__(
        self, database: Database, files: ImageFiles, options: ImageOptions | None = None
    ) -> None:
        self._database = database
        self._files = files
        self._uploads = Uploads(database, files, options or ImageOptions())
        self._members = Members(database)

    # -- for services ----------------------------------------------------------------------------

    def create(self, image: StoredImage) -> None:
        """See `ImageClient`."""
        with self._database.transaction() as transaction:
            if find_image(transaction, image.id) is not None:
                raise Conflict(f"an image with the id {image.id} exists")
            now = transaction.now()
            add_image(transaction, replace(image, created_at=now, updated_at=now))

    def create_with(self, image: StoredImage, content: bytes) -> None:
        """Register an image with its data, for those who found a rig.

        Raises:
            Conflict: its id is taken.
        """
        self.create(image)
        self._uploads.put(image, content)

    def get(self, image_id: str) -> StoredImage:
        """See `ImageClient`."""
        with self._database.transaction() as transaction:
            image = find_image(transaction, image_id)
            named = find_named(transaction, image_id) if image is None else [image]
        return _only(image_id, named)

    def all(self) -> list[StoredImage]:
        """See `ImageClient`."""
        with self._database.transaction() as transaction:
            return all_images(transaction)

    def finish(self, image_id: str, status: str, size: int) -> None:
        """See `ImageClient`."""
        with self._database.transaction() as transaction:
            image = find_image(transaction, image_id)
            if image is None:
                raise ImageNotFound(image_id)
            now = transaction.now()
            change_image(transaction, replace(image, status=status, size=size, updated_at=now))

    def fill(self, image_id: str, source: ImageSource) -> None:
        """See `ImageClient`."""
        self._uploads.fill(image_id, source)

    def delete(self, image_id: str) -> None:
        """See `ImageClient`."""
        with self._database.transaction() as transaction:
            image = find_image(transaction, image_id)
            if image is None:
                raise ImageNotFound(image_id)
            delete_image(transaction, image_id)
        self._let_go(image)

    def file_of(self, image_id: str) -> Path | None:
        """See `ImageClient`."""
        return self._uploads.file_of(image_id)

    def find_files(self) -> None:
        """Take over the files that an earlier process has left."""
        self._files.find_all()

    # -- snapshots of the rig --------------------------------------------------------------------

    def keep_files(self) -> None:
        """Keep all files of this moment, whatever becomes of their images: for a snapshot."""
        self._files.keep_all()

    def delete_new_files(self) -> None:
        """Delete the files that no snapshot has: the images of one have been restored."""
        self._files.delete_others()

    # -- for users -------------------------------------------------------------------------------

    def find(self, context: RequestContext, image_id: str) -> StoredImage:
        """See `ImageClient`."""
        with self._database.transaction() as transaction:
            image = find_image(transaction, image_id)
            named = find_named(transaction, image_id) if image is None else [image]
            seen = seen_by(transaction, context, named)
        return _only(image_id, [image for image, _member in seen])

    def show(self, context: RequestContext, image_id: str) -> StoredImage:
        """See `ImageClient`."""
        with self._database.transaction() as transaction:
            return visible(transaction, context, image_id)

    def page(self, context: RequestContext, query: ImageQuery) -> list[StoredImage]:
        """See `ImageClient`."""
        query.check()
        with self._database.transaction() as transaction:
            seen = seen_by(transaction, context, all_images(transaction))
        return page_of(context, query, seen)

    def add(self, context: RequestContext, image: StoredImage) -> StoredImage:
        """See `ImageClient`."""
        check_publishing(context, image.visibility)
        if image.owner not in ("", context.project_id) and not context.is_admin:
            raise Forbidden("only an administrator makes an image of another project")
        _check(image)
        made = replace(
            image, status=ImageStatus.QUEUED.value, owner=image.owner or context.project_id
        )
        self.create(made)
        return self.show(context, made.id)

    def change(self, context: RequestContext, image_id: str, changes: ImageChanges) -> StoredImage:
        """See `ImageClient`."""
        told = {
            name: value
            for name, value in msgspec.structs.asdict(changes).items()
            if value is not msgspec.UNSET
        }
        with self._database.transaction() as transaction:
            image = changeable(transaction, context, image_id)
            changed = replace(image, **told)
            _check_change(context, image, changed)
            if changed != image:
                changed = replace(changed, updated_at=transaction.now())
                change_image(transaction, changed)
        return changed

    def remove(self, context: RequestContext, image_id: str) -> None:
        """See `ImageClient`."""
        with self._database.transaction() as transaction:
            image = changeable(transaction, context, image_id)
            if image.protected:
                raise Forbidden(f"image {image_id} is protected: it cannot be deleted")
            delete_image(transaction, image_id)
        self._let_go(image)

    def upload(
        self,
        context: RequestContext,
        image_id: str,
        chunks: Iterable[bytes],
        size: int | None = None,
    ) -> None:
        """See `ImageClient`."""
        saving, active = ImageStatus.SAVING, ImageStatus.ACTIVE
        self._uploads.upload(context, image_id, chunks, size, saving, active)

    def stage(
        self,
        context: RequestContext,
        image_id: str,
        chunks: Iterable[bytes],
        size: int | None = None,
    ) -> None:
        """See `ImageClient`."""
        saving, staged = ImageStatus.SAVING, ImageStatus.UPLOADING
        self._uploads.upload(context, image_id, chunks, size, saving, staged)

    def import_staged(self, context: RequestContext, image_id: str) -> None:
        """See `ImageClient`."""
        self._uploads.import_staged(context, image_id)

    def data(
        self, context: RequestContext, image_id: str, start: int = 0, length: int | None = None
    ) -> Chunks | None:
        """See `ImageClient`."""
        return self._uploads.read(context, image_id, start, length)

    def import_of(self, context: RequestContext, image_id: str) -> ImageImport | None:
        """See `ImageClient`."""
        with self._database.transaction() as transaction:
            visible(transaction, context, image_id)
            return find_import(transaction, image_id)

    def deactivate(self, context: RequestContext, image_id: str) -> None:
        """See `ImageClient`."""
        self._turn(context, image_id, ImageStatus.DEACTIVATED)

    def reactivate(self, context: RequestContext, image_id: str) -> None:
        """See `ImageClient`."""
        self._turn(context, image_id, ImageStatus.ACTIVE)

    def _turn(self, context: RequestContext, image_id: str, status: ImageStatus) -> None:
        with self._database.transaction() as transaction:
            image = changeable(transaction, context, image_id)
            if image.status not in (ImageStatus.ACTIVE, ImageStatus.DEACTIVATED):
                raise Forbidden(f"image {image_id} is {image.status}: it cannot be {status.value}")
            now = transaction.now()
            change_image(transaction, replace(image, status=status.value, updated_at=now))

    def usage(self, context: RequestContext) -> ImageUsage:
        """See `ImageClient`."""
        own = [image for image in self.all() if is_own(context, image)]
        staged = [image for image in own if image.status == ImageStatus.UPLOADING]
        coming = [image for image in own if image.status == ImageStatus.SAVING]
        return ImageUsage(
            count=len(own),
            size=sum(image.size for image in own if image not in staged),
            uploading=len(staged) + len(coming),
            staged=sum(image.size for image in staged),
        )

    # -- members ---------------------------------------------------------------------------------

    def members(self, context: RequestContext, image_id: str) -> list[ImageMember]:
        """See `ImageClient`."""
        return self._members.all(context, image_id)

    def member_add(self, context: RequestContext, image_id: str, member_id: str) -> ImageMember:
        """See `ImageClient`."""
        return self._members.add(context, image_id, member_id)

    def member_change(
        self, context: RequestContext, image_id: str, member_id: str, status: str
    ) -> ImageMember:
        """See `ImageClient`."""
        return self._members.change(context, image_id, member_id, status)

    def member_remove(self, context: RequestContext, image_id: str, member_id: str) -> None:
        """See `ImageClient`."""
        self._members.remove(context, image_id, member_id)

    def _let_go(self, image: StoredImage) -> None:
        """Delete the data of an image that has been deleted."""
        if image.hash_value is not None:
            self._files.delete(image.id, image.hash_value)


def _only(name: str, found: list[StoredImage]) -> StoredImage:
    if not found:
        raise ImageNotFound(name)
    if len(found) > 1:
        raise Conflict(f"{len(found)} images have the name {name!r}: give the id")
    return found[0]


def _check_change(context: RequestContext, image: StoredImage, changed: StoredImage) -> None:
    if changed.visibility != image.visibility:
        check_publishing(context, changed.visibility)
    if changed.owner != image.owner and not context.is_admin:
        raise Forbidden("only an administrator gives an image to another project")
    for field in ("disk_format", "container_format"):
        is_other = getattr(changed, field) != getattr(image, field)
        if is_other and image.status != ImageStatus.QUEUED:
            raise Forbidden(f"the {field} of an image changes only while it is queued")
    _check(changed)


def _check(image: StoredImage) -> None:
    if image.visibility not in list(Visibility):
        raise Invalid(f"visibility takes {', '.join(Visibility)}, not {image.visibility!r}")
    if len(image.properties) > MOST_PROPERTIES:
        raise OverLimit(f"{len(image.properties)} properties", f"{MOST_PROPERTIES} properties")
    if len(image.tags) > MOST_TAGS:
        raise OverLimit(f"{len(image.tags)} tags", f"{MOST_TAGS} tags")
    for tag in image.tags:
        if len(tag) > _LONGEST:
            raise Invalid(f"a tag has at most {_LONGEST} characters; one has {len(tag)}")
