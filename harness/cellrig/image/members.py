"""Sharing images with other projects (Image API, "Image sharing")."""

from __future__ import annotations

from msgspec.structs import replace

from cellrig.context import RequestContext
from cellrig.db.database import Database, Transaction
from cellrig.errors import Conflict, Forbidden, Invalid
from cellrig.image.errors import MemberNotFound, OverLimit
from cellrig.image.policy import changeable, is_own, visible
from cellrig.image.records import add_member, delete_member, find_member, members_of
from cellrig.image.types import ImageMember, MemberStatus, StoredImage, Visibility

#: The most projects that one image is shared with.
MOST_MEMBERS = 128


class Members:
    """The members of one rig's images.

    Args:
        database: the image service's own.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self, context: RequestContext, image_id: str) -> list[ImageMember]:
        """See `ImageClient.members`."""
        with self._database.transaction() as transaction:
            image = visible(transaction, context, image_id)
            _check_shared(image)
            found = members_of(transaction, image_id)
        return [member for member in found if _sees(context, image, member.member_id)]

    def add(self, context: RequestContext, image_id: str, member_id: str) -> ImageMember:
        """See `ImageClient.member_add`."""
        if not 1 <= len(member_id) <= 255:
            raise Invalid(f"a member takes 1 to 255 characters, not {len(member_id)}")
        with self._database.transaction() as transaction:
            _check_shared(changeable(transaction, context, image_id))
            if find_member(transaction, image_id, member_id) is not None:
                raise Conflict(f"image {image_id} is shared with {member_id!r}")
            if len(members_of(transaction, image_id)) >= MOST_MEMBERS:
                raise OverLimit(f"member {member_id!r}", f"{MOST_MEMBERS} members")
            now = transaction.now()
            member = ImageMember(image_id, member_id, MemberStatus.PENDING, now, now)
            add_member(transaction, member)
        return member

    def change(
        self, context: RequestContext, image_id: str, member_id: str, status: str
    ) -> ImageMember:
        """See `ImageClient.member_change`."""
        if status not in list(MemberStatus):
            taken = ", ".join(MemberStatus)
            raise Invalid(f"a member's status takes {taken}, not {status!r}")
        with self._database.transaction() as transaction:
            member = self._find(transaction, context, image_id, member_id)
            if not context.is_admin and context.project_id != member_id:
                raise Forbidden(f"only project {member_id!r} says whether it accepts an image")
            changed = replace(member, status=status, updated_at=transaction.now())
            delete_member(transaction, image_id, member_id)
            add_member(transaction, changed)
        return changed

    def remove(self, context: RequestContext, image_id: str, member_id: str) -> None:
        """See `ImageClient.member_remove`."""
        with self._database.transaction() as transaction:
            _check_shared(changeable(transaction, context, image_id))
            if not delete_member(transaction, image_id, member_id):
                raise MemberNotFound(image_id, member_id)

    @staticmethod
    def _find(
        transaction: Transaction, context: RequestContext, image_id: str, member_id: str
    ) -> ImageMember:
        image = visible(transaction, context, image_id)
        member = find_member(transaction, image_id, member_id)
        if member is None or not _sees(context, image, member_id):
            raise MemberNotFound(image_id, member_id)
        return member


def _sees(context: RequestContext, image: StoredImage, member_id: str) -> bool:
    return context.is_admin or is_own(context, image) or context.project_id == member_id


def _check_shared(image: StoredImage) -> None:
    if image.visibility != Visibility.SHARED:
        raise Forbidden(f"image {image.id} is {image.visibility}: only a shared one has members")
