"""What the image service can be asked.

Services of the cloud register and fill the images that they make, and ask for images without
saying who wants them. What a user asks for is asked with the user's context.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from cellrig.context import RequestContext
from cellrig.image.data import Chunks
from cellrig.image.listing import ImageQuery
from cellrig.image.types import (
    ImageChanges,
    ImageImport,
    ImageMember,
    ImageSource,
    ImageUsage,
    StoredImage,
)


class ImageClient(Protocol):
    """The image service, as others call it; each call passes the seam ``image.<method>``."""

    # -- for services ---------------------------------------------------------------------------

    def create(self, image: StoredImage) -> None:
        """Register an image.

        Raises:
            Conflict: its id is taken.
        """

    def get(self, image_id: str) -> StoredImage:
        """Return an image by id, or by name where one name is one image.

        Raises:
            ImageNotFound: there is none.
            Conflict: several images have this name.
        """

    def all(self) -> list[StoredImage]:
        """Return all images, by name."""

    def finish(self, image_id: str, status: str, size: int) -> None:
        """Say how the filling of an image ended of which nobody keeps data."""

    def fill(self, image_id: str, source: ImageSource) -> None:
        """Let a queued image be active, with what a service has made; again is harmless.

        Raises:
            ImageNotFound: it has been deleted.
            ImageTooLarge: no image may have so much.
        """

    def delete(self, image_id: str) -> None:
        """Delete an image; guests that booted from it are not affected."""

    def file_of(self, image_id: str) -> Path | None:
        """Return a file with an image's data, to be read soon; None where nobody keeps any."""

    # -- for users ------------------------------------------------------------------------------

    def find(self, context: RequestContext, image_id: str) -> StoredImage:
        """Return an image that the caller sees, by id, or by name where one name is one image.

        Raises:
            ImageNotFound: the caller sees none.
            Conflict: the caller sees several of this name.
        """

    def show(self, context: RequestContext, image_id: str) -> StoredImage:
        """Return an image that the caller sees, by id; raises as `find`."""

    def page(self, context: RequestContext, query: ImageQuery) -> list[StoredImage]:
        """Return a page of the images that the caller sees.

        Raises:
            Invalid: a marker that is not there, or a list can not be sorted so.
        """

    def add(self, context: RequestContext, image: StoredImage) -> StoredImage:
        """Register an image that waits for its data; it belongs to the caller.

        Args:
            context: who asks.
            image: its status and times, and its owner where nobody is named, are the service's.

        Raises:
            Conflict: its id is taken.
            Forbidden: it is public, or another project's, and the caller is no administrator.
            OverLimit: it has too many properties or tags.
        """

    def change(self, context: RequestContext, image_id: str, changes: ImageChanges) -> StoredImage:
        """Change an image.

        Raises:
            ImageNotFound: the caller sees none of this id.
            Forbidden: it is another project's; or only an administrator may do that; or its
                formats cannot be changed any more.
            OverLimit: it has too many properties or tags.
        """

    def remove(self, context: RequestContext, image_id: str) -> None:
        """Delete an image.

        Raises:
            ImageNotFound: the caller sees none of this id.
            Forbidden: it is another project's, or protected.
        """

    def upload(
        self,
        context: RequestContext,
        image_id: str,
        chunks: Iterable[bytes],
        size: int | None = None,
    ) -> None:
        """Let a queued image be active, with data that come a chunk at a time.

        Where they do not come whole, the image is queued again.

        Args:
            context, image_id: who asks, for which image.
            chunks: the data.
            size: how many bytes there must be; None where nobody has said.

        Raises:
            Invalid: there are others than `size`, or the image's formats have not been said.
            Conflict: the image is not queued.
            ImageTooLarge: no image may have so much.
            ImageGone: it was deleted meanwhile.
        """

    def stage(
        self,
        context: RequestContext,
        image_id: str,
        chunks: Iterable[bytes],
        size: int | None = None,
    ) -> None:
        """Take a queued image's data, and let it wait to be imported; raises as `upload`."""

    def import_staged(self, context: RequestContext, image_id: str) -> None:
        """Let an image be active, with the data that have been staged.

        Raises:
            Conflict: none have.
        """

    def import_of(self, context: RequestContext, image_id: str) -> ImageImport | None:
        """Return how the data of an image were imported; None where they came in another way.

        Raises:
            ImageNotFound: the caller sees no such image.
        """

    def data(
        self, context: RequestContext, image_id: str, start: int = 0, length: int | None = None
    ) -> Chunks | None:
        """Return a part of an image's data; None where nobody keeps any.

        Raises:
            ImageNotFound: the caller sees none of this id.
            Forbidden: it is deactivated.
        """

    def deactivate(self, context: RequestContext, image_id: str) -> None:
        """Keep everybody but administrators from an image's data.

        Raises:
            Forbidden: it is another project's, or not active.
        """

    def reactivate(self, context: RequestContext, image_id: str) -> None:
        """Let everybody who sees an image have its data again; raises as `deactivate`."""

    def usage(self, context: RequestContext) -> ImageUsage:
        """Return what the images of the caller's project take."""

    # -- members --------------------------------------------------------------------------------

    def members(self, context: RequestContext, image_id: str) -> list[ImageMember]:
        """Return the projects that an image is shared with: all to its owner, else the caller's.

        Raises:
            ImageNotFound: the caller sees none of this id.
            Forbidden: it is not shared.
        """

    def member_add(self, context: RequestContext, image_id: str, member_id: str) -> ImageMember:
        """Share an image with a project, which may accept it.

        Raises:
            Forbidden: it is another project's, or of another visibility.
            Conflict: it is shared with that project.
            OverLimit: it has too many members.
        """

    def member_change(
        self, context: RequestContext, image_id: str, member_id: str, status: str
    ) -> ImageMember:
        """Accept an image, or reject it.

        Raises:
            MemberNotFound: it is not shared with that project, or the caller may not see that.
            Forbidden: the caller is not of that project.
        """

    def member_remove(self, context: RequestContext, image_id: str, member_id: str) -> None:
        """Share an image with a project no more.

        Raises:
            MemberNotFound: it is not shared with it.
            Forbidden: it is another project's image.
        """
