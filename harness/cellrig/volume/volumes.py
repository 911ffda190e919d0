"""Showing, changing and deleting volumes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, select

from cellrig.context import RequestContext
from cellrig.db.database import Statement, Transaction
from cellrig.errors import CellrigError, Invalid
from cellrig.volume import tables
from cellrig.volume.checks import (
    check_admin,
    check_not_migrating,
    check_status,
    current_status,
    source_of,
)
from cellrig.volume.choosing import room_on
from cellrig.volume.errors import InvalidVolume, NoBackend
from cellrig.volume.quotas import Wanted, check_quota, check_quota_of_type, check_volume_size
from cellrig.volume.records import (
    VolumeRecord,
    attachments_of,
    change_volume,
    count_snapshots,
    find_type,
    find_volume,
    remove_volume,
    volume_record,
)
from cellrig.volume.showing import show
from cellrig.volume.surroundings import Surroundings
from cellrig.volume.types import AttachmentStatus, Volume, VolumeStatus, VolumeType

_NEWEST_FIRST = tables.volumes.c.number.desc()
_ALL = Statement(select(tables.volumes).order_by(_NEWEST_FIRST))
_OF_PROJECT = Statement(
    select(tables.volumes)
    .where(tables.volumes.c.project_id == bindparam("project_id"))
    .order_by(_NEWEST_FIRST)
)
_DELETABLE = (
    VolumeStatus.AVAILABLE,
    VolumeStatus.ERROR,
    VolumeStatus.ERROR_DELETING,
    VolumeStatus.ERROR_EXTENDING,
)


class Volumes:
    """Volumes that there are."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._transaction = around.database.transaction

    def get(self, context: RequestContext, volume_id: str) -> Volume:
        """See `VolumeClient.volume_get`."""
        with self._transaction() as transaction:
            return self._show(transaction, find_volume(transaction, context, volume_id))

    def all(self, context: RequestContext, all_projects: bool) -> tuple[Volume, ...]:
        """See `VolumeClient.volume_list`."""
        with self._transaction() as transaction:
            if all_projects and context.is_admin:
                rows = transaction.all(_ALL)
            else:
                rows = transaction.all(_OF_PROJECT, project_id=context.project_id)
            found = map(volume_record, rows)
            seen = (each for each in found if context.is_admin or source_of(each) is None)
            return show(transaction, self._around.backends, seen)

    def change(self, context: RequestContext, volume_id: str, **changes: Any) -> Volume:
        """Change what nothing depends on; a value of None changes nothing."""
        given = {name: value for name, value in changes.items() if value is not None}
        with self._transaction() as transaction:
            find_volume(transaction, context, volume_id)
            change_volume(transaction, volume_id, **given)
            return self._show(transaction, find_volume(transaction, context, volume_id))

    def set_read_only(self, context: RequestContext, volume_id: str, read_only: bool) -> None:
        """See `VolumeClient.volume_set_read_only`."""
        with self._transaction() as transaction:
            volume = find_volume(transaction, context, volume_id)
            check_status(transaction, volume, "change its read-only flag", VolumeStatus.AVAILABLE)
            change_volume(transaction, volume_id, read_only=read_only)

    def reset_status(
        self, context: RequestContext, volume_id: str, status: VolumeStatus, forget_migration: bool
    ) -> Volume:
        """See `VolumeClient.volume_reset_status`."""
        check_admin(context, "reset the status of a volume")
        own = VolumeStatus.AVAILABLE if status in _OF_ATTACHMENTS else status
        changes: dict[str, Any] = {"migration_status": None} if forget_migration else {}
        return self.change_all(context, volume_id, status=own, **changes)

    def change_all(self, context: RequestContext, volume_id: str, **changes: Any) -> Volume:
        """Change columns; None is a value too."""
        with self._transaction() as transaction:
            find_volume(transaction, context, volume_id)
            change_volume(transaction, volume_id, **changes)
            return self._show(transaction, find_volume(transaction, context, volume_id))

    def retype(self, context: RequestContext, volume_id: str, name_or_id: str) -> Volume:
        """See `VolumeClient.volume_retype`. Only the database changes: data stay where they are."""
        with self._transaction() as transaction:
            volume = find_volume(transaction, context, volume_id)
            volume_type = find_type(transaction, context, name_or_id)
            allowed = [VolumeStatus.AVAILABLE]
            if volume_type.multiattach == volume.multiattach:
                allowed.append(VolumeStatus.IN_USE)
            what = f"have type {volume_type.name!r}, which changes multiattach,"
            check_status(transaction, volume, what if len(allowed) == 1 else "retype", *allowed)
            check_not_migrating(volume, "retype")
            self._check_fits(volume, volume_type)
            if volume_type.id != volume.volume_type_id:
                more = {"volumes": 1, "gigabytes": volume.size}
                wanted = Wanted(context, volume.project_id, volume_type.id, more)
                check_quota_of_type(transaction, wanted)
            change_volume(
                transaction,
                volume_id,
                volume_type_id=volume_type.id,
                multiattach=volume_type.multiattach,
            )
            return self._show(transaction, find_volume(transaction, context, volume_id))

    def _check_fits(self, volume: VolumeRecord, volume_type: VolumeType) -> None:
        wanted = volume_type.extra_specs.get("volume_backend_name", volume.backend)
        if wanted != volume.backend:
            raise InvalidVolume(
                volume.id,
                f"is on backend {volume.backend!r}; type {volume_type.name!r} wants {wanted!r}: "
                "migrate it first",
            )
        if volume_type.multiattach and not self._around.backend(wanted).driver.multiattach:
            raise InvalidVolume(
                volume.id, f"is on backend {wanted!r}, which lets one host have a volume"
            )

    # -- growing -------------------------------------------------------------------------------

    def extend(self, context: RequestContext, volume_id: str, size: int) -> Volume:
        """See `VolumeClient.volume_extend`.

        A volume whose extension failed is tried again by extending it again.

        Raises:
            BackendFailed: the volume is error_extending (and shows it once it is not in use).
        """
        around = self._around
        with self._transaction() as transaction:
            volume = self._begin_extend(transaction, context, volume_id, size)
        try:
            around.ask(
                volume.backend,
                "extend a volume",
                lambda backend: backend.extend_volume(volume, size),
            )
        except CellrigError:
            self._set(volume_id, status=VolumeStatus.ERROR_EXTENDING)
            raise
        with self._transaction() as transaction:
            change_volume(transaction, volume_id, size=size, status=VolumeStatus.AVAILABLE)
            users = {
                each.instance_uuid
                for each in attachments_of(transaction, volume_id)
                if each.status is AttachmentStatus.ATTACHED and each.instance_uuid is not None
            }
        for instance_uuid in sorted(users):
            self._tell_extended(context, instance_uuid, volume_id)
        return self.get(context, volume_id)

    def _begin_extend(
        self, transaction: Transaction, context: RequestContext, volume_id: str, size: int
    ) -> Volume:
        volume = find_volume(transaction, context, volume_id)
        check_status(
            transaction,
            volume,
            "extend",
            VolumeStatus.AVAILABLE,
            VolumeStatus.IN_USE,
            VolumeStatus.ERROR_EXTENDING,
        )
        check_not_migrating(volume, "extend")
        if size <= volume.size:
            raise Invalid(f"volume {volume_id} has {volume.size} GiB and cannot get {size} GiB")
        check_volume_size(transaction, context, volume.project_id, size)
        more = {"gigabytes": size - volume.size}
        owner = volume.project_id
        check_quota(transaction, Wanted(context, owner, volume.volume_type_id, more))
        room = room_on(transaction, self._around.backend(volume.backend))
        if size - volume.size > room:
            raise NoBackend(size, f"{volume.backend}, where it is, has {room:g} GiB left")
        change_volume(transaction, volume_id, status=VolumeStatus.EXTENDING)
        return self._show(transaction, volume)

    def _tell_extended(self, context: RequestContext, instance_uuid: str, volume_id: str) -> None:
        notify = self._around.announcements.notify
        if notify is None:
            return
        try:
            notify.volume_extended(context, instance_uuid, volume_id)
        except CellrigError as error:
            told = f"volume {volume_id} has grown; server {instance_uuid} sees it later"
            self._around.seams.handled(error, told)

    # -- deleting ------------------------------------------------------------------------------

    def delete(self, context: RequestContext, volume_id: str) -> None:
        """See `VolumeClient.volume_delete`."""
        with self._transaction() as transaction:
            volume = find_volume(transaction, context, volume_id)
            self._check_unused(transaction, volume)
            check_status(transaction, volume, "delete", *_DELETABLE)
            check_not_migrating(volume, "delete")
            shown = self._show(transaction, volume)
            change_volume(transaction, volume_id, status=VolumeStatus.DELETING)
        self._finish_delete(shown)

    def force_delete(self, context: RequestContext, volume_id: str) -> None:
        """See `VolumeClient.volume_force_delete`."""
        check_admin(context, "delete a volume by force")
        with self._transaction() as transaction:
            volume = find_volume(transaction, context, volume_id)
            self._check_unused(transaction, volume)
            shown = self._show(transaction, volume)
            change_volume(transaction, volume_id, status=VolumeStatus.DELETING)
        self._finish_delete(shown)

    def _finish_delete(self, volume: Volume) -> None:
        try:
            self._around.ask(
                volume.backend, "delete a volume", lambda backend: backend.delete_volume(volume)
            )
        except CellrigError:
            self._set(volume.id, status=VolumeStatus.ERROR_DELETING)
            raise
        with self._transaction() as transaction:
            remove_volume(transaction, volume.id)

    def _check_unused(self, transaction: Transaction, volume: VolumeRecord) -> None:
        attachments = attachments_of(transaction, volume.id)
        if attachments:
            servers = ", ".join(sorted({str(each.instance_uuid) for each in attachments}))
            raise InvalidVolume(
                volume.id,
                f"is {current_status(transaction, volume)}: it has attachments of {servers} "
                "and must stay",
            )
        snapshots = count_snapshots(transaction, volume.id)
        if snapshots:
            raise InvalidVolume(volume.id, f"has {snapshots} snapshots and must stay")

    def _set(self, volume_id: str, **changes: Any) -> None:
        with self._transaction() as transaction:
            change_volume(transaction, volume_id, **changes)

    def _show(self, transaction: Transaction, volume: VolumeRecord) -> Volume:
        return show(transaction, self._around.backends, [volume])[0]


#: Statuses that only attachments can give a volume. Attaching it is also when it is reserved in the
#: way that there was before attachments.
_OF_ATTACHMENTS = (
    VolumeStatus.RESERVED,
    VolumeStatus.IN_USE,
    VolumeStatus.DETACHING,
)


def strings(given: Mapping[str, str] | None) -> dict[str, str] | None:
    """Return a mapping as its column takes it."""
    return None if given is None else dict(given)
