"""Moving volumes from one backend to another.

A second volume is made on the other backend, and gets the data: by a copy, or, where a server has
the volume, by that server's host, which swaps it. Then the two change their identities. The volume
keeps its id and has its data where the second one had them, with the attachments that were made
to them; the second one has what is left over, and goes with the last attachment to it. So an
attachment always belongs to the data that it was made for, in whatever order compute deletes the
old one and reports the end (Cinder: ``os-migrate_volume_completion``).
"""

from __future__ import annotations

import msgspec

from cellrig.context import RequestContext
from cellrig.db.database import Transaction
from cellrig.errors import Invalid
from cellrig.volume.burial import bury_if_over
from cellrig.volume.checks import (
    check_admin,
    check_not_migrating,
    check_status,
    source_of,
    target_of,
)
from cellrig.volume.choosing import room_on
from cellrig.volume.errors import BackendFailed, InvalidVolume, NoBackend, VolumeNotFound
from cellrig.volume.records import (
    VolumeRecord,
    add_volume,
    attachments_of,
    change_volume,
    count_snapshots,
    find_volume,
    move_attachments,
)
from cellrig.volume.showing import show
from cellrig.volume.surroundings import Surroundings
from cellrig.volume.types import Attachment, AttachmentStatus, Volume, VolumeStatus

MIGRATING = "migrating"
SUCCESS = "success"
ERROR = "error"


class Migration:
    """Moves volumes between backends."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._transaction = around.database.transaction

    def migrate(self, context: RequestContext, volume_id: str, backend: str) -> None:
        """See `VolumeClient.volume_migrate`. One that is in use has moved when compute says so.

        Raises:
            CellrigError: what went wrong; the volume is where it was.
        """
        check_admin(context, "migrate a volume")
        with self._transaction() as transaction:
            old, new, servers = self._begin(transaction, context, volume_id, backend)
        try:
            self._fill(old, new, copy=not servers)
            for server in servers:
                self._swap(context, server, old, new)
        except Exception:
            if not self._is_taken(new.id):
                self._around.seams.insist(
                    lambda: self.complete(context, old.id, new.id, True),
                    f"volume {old.id} stays on {old.backend}",
                )
            raise
        if not servers:
            self.complete(context, old.id, new.id, False)

    def _begin(
        self, transaction: Transaction, context: RequestContext, volume_id: str, backend: str
    ) -> tuple[Volume, Volume, list[str]]:
        volume = find_volume(transaction, context, volume_id)
        check_status(transaction, volume, "migrate", VolumeStatus.AVAILABLE, VolumeStatus.IN_USE)
        check_not_migrating(volume, "migrate")
        attachments = attachments_of(transaction, volume_id)
        self._check_target(transaction, volume, backend)
        _check_movable(volume, attachments, count_snapshots(transaction, volume_id))
        target = self._target(volume, backend)
        add_volume(transaction, target)
        own = VolumeStatus.AVAILABLE if attachments else VolumeStatus.MAINTENANCE
        change_volume(transaction, volume_id, status=own, migration_status=MIGRATING)
        old, new = show(transaction, self._around.backends, [volume, target])
        return old, new, sorted({str(each.instance_uuid) for each in attachments})

    def _check_target(self, transaction: Transaction, volume: VolumeRecord, backend: str) -> None:
        there = self._around.backend(backend)
        if backend == volume.backend:
            raise Invalid(f"volume {volume.id} is on backend {backend!r} already")
        room = room_on(transaction, there)
        if room < volume.size:
            raise NoBackend(volume.size, f"{backend} has {room:g} GiB left")
        if volume.multiattach and not there.driver.multiattach:
            raise NoBackend(volume.size, f"{backend} does not let several hosts have a volume")

    def _target(self, volume: VolumeRecord, backend: str) -> VolumeRecord:
        now = self._around.runtime.now()
        return msgspec.structs.replace(
            volume,
            id=self._around.new_uuid(),
            status=VolumeStatus.CREATING,
            backend=backend,
            provider_location=None,
            migration_status=target_of(volume.id),
            created_at=now,
            updated_at=now,
        )

    def _fill(self, old: Volume, new: Volume, *, copy: bool) -> None:
        """Make the second volume; with `copy`, also with the data of the first."""
        ask = self._around.ask
        location = ask(new.backend, "create a volume", lambda backend: backend.create_volume(new))
        made = msgspec.structs.replace(new, provider_location=location)
        with self._transaction() as transaction:
            change_volume(
                transaction, new.id, status=VolumeStatus.AVAILABLE, provider_location=location
            )
        path = ask(old.backend, "read a volume", lambda backend: backend.data_path(old))
        if copy and path is not None:
            ask(new.backend, "write a volume", lambda backend: backend.write_data(made, path))

    def _is_taken(self, volume_id: str) -> bool:
        """Whether a server's host is at work on the second volume: then that host ends it all."""
        with self._transaction() as transaction:
            return bool(attachments_of(transaction, volume_id))

    def _swap(self, context: RequestContext, server: str, old: Volume, new: Volume) -> None:
        notify = self._around.announcements.notify
        if notify is None:
            raise BackendFailed(old.backend, "migrate a volume", "nobody can swap it at a server")
        notify.swap_volume(context, server, old.id, new.id)

    # -- the end -------------------------------------------------------------------------------

    def complete(self, context: RequestContext, old_id: str, new_id: str, error: bool) -> str:
        """See `VolumeClient.migrate_volume_completion`.

        A swap that a user asked for is none of block storage's: the server has the new volume.
        Asked again when it has ended, the answer is the same.
        """
        first, second = sorted((old_id, new_id))
        turns = self._around.turns
        with turns.take(first), turns.take(second), self._transaction() as transaction:
            old = find_volume(transaction, context, old_id)
            if self._has_ended(transaction, context, old, new_id, ERROR if error else SUCCESS):
                return old_id
            new = find_volume(transaction, context, new_id)
            if old.migration_status != MIGRATING and source_of(new) is None:
                return old_id if error else new_id
            if old.migration_status != MIGRATING or source_of(new) != old_id:
                raise InvalidVolume(
                    old_id, f"is not migrating to volume {new_id}, which is {new.migration_status}"
                )
            if error:
                _stay(transaction, old, new)
            else:
                _change_places(transaction, old, new)
        bury_if_over(self._around, new_id)
        return old_id

    def _has_ended(
        self,
        transaction: Transaction,
        context: RequestContext,
        old: VolumeRecord,
        new_id: str,
        how: str,
    ) -> bool:
        if old.migration_status != how:
            return False
        try:
            new = find_volume(transaction, context, new_id)
        except VolumeNotFound as error:
            self._around.seams.handled(error, f"the migration of {old.id} had ended")
            return True
        return new.status in (VolumeStatus.DELETING, VolumeStatus.ERROR_DELETING)


def _check_movable(volume: VolumeRecord, attachments: list[Attachment], snapshots: int) -> None:
    if snapshots:
        raise InvalidVolume(volume.id, f"has {snapshots} snapshots and must stay where they are")
    waiting = [each for each in attachments if each.status is not AttachmentStatus.ATTACHED]
    if waiting:
        raise InvalidVolume(
            volume.id,
            f"has attachment {waiting[0].id}, which is {waiting[0].status}: "
            "to migrate all must be attached",
        )
    if len(attachments) > 1:
        raise InvalidVolume(
            volume.id, f"has {len(attachments)} attachments: to migrate it has one at most"
        )


def _stay(transaction: Transaction, old: VolumeRecord, new: VolumeRecord) -> None:
    change_volume(transaction, old.id, status=VolumeStatus.AVAILABLE, migration_status=ERROR)
    change_volume(transaction, new.id, status=VolumeStatus.DELETING, migration_status=None)


def _change_places(transaction: Transaction, old: VolumeRecord, new: VolumeRecord) -> None:
    change_volume(
        transaction,
        old.id,
        backend=new.backend,
        provider_location=new.provider_location,
        status=VolumeStatus.AVAILABLE,
        migration_status=SUCCESS,
    )
    change_volume(
        transaction,
        new.id,
        backend=old.backend,
        provider_location=old.provider_location,
        status=VolumeStatus.DELETING,
        migration_status=None,
    )
    move_attachments(transaction, (old.id, new.id))
