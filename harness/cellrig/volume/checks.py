"""What has to be true of a volume before something is done to it."""

from __future__ import annotations

from cellrig.context import RequestContext
from cellrig.db.database import Transaction
from cellrig.errors import Forbidden
from cellrig.volume.errors import InvalidVolume
from cellrig.volume.records import VolumeRecord, attachments_of
from cellrig.volume.status import status_of
from cellrig.volume.types import VolumeStatus

_TARGET = "target:"

#: What a migration that has ended leaves behind.
_ENDED = (None, "success", "error")


def check_admin(context: RequestContext, what: str) -> None:
    """Refuse a caller who is no administrator.

    Raises:
        Forbidden: names what only administrators do.
    """
    if not context.is_admin:
        raise Forbidden(f"only an administrator may {what}")


def current_status(transaction: Transaction, volume: VolumeRecord) -> VolumeStatus:
    """Return the status that a volume shows."""
    statuses = [each.status for each in attachments_of(transaction, volume.id)]
    return status_of(volume.status, statuses)


def check_status(
    transaction: Transaction, volume: VolumeRecord, what: str, *allowed: VolumeStatus
) -> None:
    """Refuse what a volume's status does not allow.

    Args:
        transaction, volume: which volume, as it is in that transaction.
        what: shall be done, for the error.
        allowed: the statuses that allow it. What the volume itself is doing (growing, say) must be
            among them too, or be `available`.

    Raises:
        InvalidVolume: names the status and those that are allowed.
    """
    status = current_status(transaction, volume)
    if status in allowed:
        status = volume.status
    if status not in (*allowed, VolumeStatus.AVAILABLE):
        raise InvalidVolume(volume.id, f"is {status}: to {what} it must be {', '.join(allowed)}")


def check_not_migrating(volume: VolumeRecord, what: str) -> None:
    """Refuse what cannot be done to a volume on its way to another backend.

    Raises:
        InvalidVolume: it is migrating.
    """
    if volume.migration_status not in _ENDED:
        raise InvalidVolume(
            volume.id, f"is migrating ({volume.migration_status}): it is too early to {what} it"
        )


def target_of(volume_id: str) -> str:
    """Return the migration status of the volume that another one's data are moved to."""
    return f"{_TARGET}{volume_id}"


def source_of(volume: VolumeRecord) -> str | None:
    """Return the id of the volume whose data are moved to this one; None where none are."""
    status = volume.migration_status or ""
    return status.removeprefix(_TARGET) if status.startswith(_TARGET) else None
