"""What a volume's status is: that of its attachments where it has any, else its own."""

from __future__ import annotations

from collections.abc import Iterable

from cellrig.volume.types import AttachmentStatus, VolumeStatus

_FROM_ATTACHMENTS = (
    (AttachmentStatus.ATTACHED, VolumeStatus.IN_USE),
    (AttachmentStatus.ATTACHING, VolumeStatus.ATTACHING),
    (AttachmentStatus.DETACHING, VolumeStatus.DETACHING),
    (AttachmentStatus.RESERVED, VolumeStatus.RESERVED),
)


def status_of(own: VolumeStatus, attachments: Iterable[AttachmentStatus]) -> VolumeStatus:
    """Return the status that a volume shows.

    The furthest of its attachments tells: attached before attaching before detaching before
    reserved, as in Cinder. One that failed tells nothing while there are others. Where all that
    there are have failed the volume is in error: it is neither in use nor free until they are
    deleted. (Cinder calls it available then, and lets the next server attach it.)

    Args:
        own: what the volume itself is doing, which shows when it has no attachments.
        attachments: the statuses of its attachments.
    """
    present = set(attachments)
    if not present:
        return own
    return next((shown for each, shown in _FROM_ATTACHMENTS if each in present), VolumeStatus.ERROR)
