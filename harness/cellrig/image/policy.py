"""Who may see an image, and who may change it (Image API, "Image visibility")."""

from __future__ import annotations

from cellrig.context import RequestContext
from cellrig.db.database import Transaction
from cellrig.errors import Forbidden
from cellrig.image.errors import ImageNotFound
from cellrig.image.records import find_image, find_member, memberships_of
from cellrig.image.types import ImageMember, ImageStatus, StoredImage, Visibility

_FOR_EVERYBODY = (Visibility.PUBLIC, Visibility.COMMUNITY)


def is_own(context: RequestContext, image: StoredImage) -> bool:
    """Whether an image is the caller's project's."""
    return bool(image.owner) and image.owner == context.project_id


def sees(context: RequestContext, image: StoredImage, membership: ImageMember | None) -> bool:
    """Whether the caller sees an image.

    Args:
        context: who asks.
        image: which has been found.
        membership: of the caller's project; None where it is no member.
    """
    if context.is_admin or image.visibility in _FOR_EVERYBODY or is_own(context, image):
        return True
    return image.visibility == Visibility.SHARED and membership is not None


def visible(transaction: Transaction, context: RequestContext, image_id: str) -> StoredImage:
    """Return an image that the caller sees.

    Raises:
        ImageNotFound: the caller sees none of this id.
    """
    image = find_image(transaction, image_id)
    if image is None or not sees(
        context, image, find_member(transaction, image_id, context.project_id)
    ):
        raise ImageNotFound(image_id)
    return image


def changeable(transaction: Transaction, context: RequestContext, image_id: str) -> StoredImage:
    """Return an image that the caller may change.

    Raises:
        ImageNotFound: the caller sees none of this id.
        Forbidden: it belongs to another project.
    """
    image = visible(transaction, context, image_id)
    if not context.is_admin and not is_own(context, image):
        raise Forbidden(f"image {image_id} belongs to another project: only that changes it")
    return image


def check_publishing(context: RequestContext, visibility: str) -> None:
    """Refuse to let somebody make an image public who is no administrator."""
    if visibility == Visibility.PUBLIC and not context.is_admin:
        raise Forbidden("only an administrator makes an image public")


def check_readable(context: RequestContext, image: StoredImage) -> None:
    """Refuse the data of an image that has been deactivated."""
    if image.status == ImageStatus.DEACTIVATED and not context.is_admin:
        raise Forbidden(f"image {image.id} is deactivated: its data are for administrators only")


def seen_by(
    transaction: Transaction, context: RequestContext, images: list[StoredImage]
) -> list[tuple[StoredImage, ImageMember | None]]:
    """Return those of `images` that the caller sees, each with the caller's membership."""
    memberships = memberships_of(transaction, context.project_id)
    pairs = [(image, memberships.get(image.id)) for image in images]
    return [(image, member) for image, member in pairs if sees(context, image, member)]
