"""Block storage itself, called directly: the client for everything in the same process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from cellrig.context import RequestContext
from cellrig.db.database import Database
from cellrig.driver.reports import Connector
from cellrig.image import ImageClient
from cellrig.runtime import Runtime
from cellrig.seams import Process, Seams
from cellrig.volume.api import StorageApi
from cellrig.volume.attachments import Attachments
from cellrig.volume.client import ComputeNotifications
from cellrig.volume.connections import Connections
from cellrig.volume.creation import Creation
from cellrig.volume.migration import Migration
from cellrig.volume.snapshots import Snapshots
from cellrig.volume.surroundings import Announcements, Backend, Surroundings, Turns
from cellrig.volume.type_catalog import TypeCatalog
from cellrig.volume.types import (
    Attachment,
    AttachMode,
    Volume,
    VolumeRequest,
    VolumeSnapshot,
    VolumeStatus,
    VolumeType,
)
from cellrig.volume.volumes import Volumes, strings

#: The service's name, as it stands in labels.
VOLUME = "volume"


class BlockStorage:
    """The block storage service over its database; a `VolumeClient`, which see for the methods.

    It runs in its caller's task: what has been asked for has happened when the call returns, and
    a caller that dies leaves it where it stands. Every step is written down before a backend is
    asked for it, and what was left in the middle can be asked for again, deleted, or set free by
    an administrator (`volume_reset_status`).

    Args:
        around: what its operations work with; see `block_storage`, which makes one.
    """

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._volumes = Volumes(around)
        self._creation = Creation(around)
        self._snapshots = Snapshots(around)
        self._types = TypeCatalog(around)
        self._attachments = Attachments(around)
        self._connections = Connections(around, self._attachments)
        self._migration = Migration(around)

    @property
    def notify(self) -> ComputeNotifications | None:
        """Whom it tells of volumes that have grown or must be swapped; None before there is one."""
        return self._around.announcements.notify

    @notify.setter
    def notify(self, notify: ComputeNotifications | None) -> None:
        self._around.announcements.notify = notify

    @property
    def backends(self) -> tuple[Backend, ...]:
        """The backends, in the topology's order."""
        return tuple(self._around.backends.values())

    def api(self) -> StorageApi:
        """Return all that a face serves to users."""
        return StorageApi(self._around)

    def serving(self, process: Process) -> BlockStorage:
        """Return the same service, run by another process."""
        return BlockStorage(self._around.serving(process))

    def close(self) -> None:
        """End what the backends run."""
        for backend in self.backends:
            backend.driver.close()

    # -- volumes -------------------------------------------------------------------------------

    def volume_create(self, context: RequestContext, request: VolumeRequest) -> Volume:
        """Make a volume."""
        return self._creation.create(context, request)

    def volume_get(self, context: RequestContext, volume_id: str) -> Volume:
        """Return a volume."""
        return self._volumes.get(context, volume_id)

    def volume_list(
        self, context: RequestContext, *, all_projects: bool = False
    ) -> tuple[Volume, ...]:
        """Return volumes."""
        return self._volumes.all(context, all_projects)

    def volume_update(
        self,
        context: RequestContext,
        volume_id: str,
        *,
        name: str | None = None,
        description: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> Volume:
        """Change a name, a description or the whole metadata."""
        return self._volumes.change(
            context, volume_id, name=name, description=description, metadata=strings(metadata)
        )

    def volume_delete(self, context: RequestContext, volume_id: str) -> None:
        """Delete a volume."""
        self._volumes.delete(context, volume_id)

    def volume_force_delete(self, context: RequestContext, volume_id: str) -> None:
        """Delete a volume in whatever status it is."""
        self._volumes.force_delete(context, volume_id)

    def volume_reset_status(
        self,
        context: RequestContext,
        volume_id: str,
        status: VolumeStatus,
        *,
        forget_migration: bool = False,
    ) -> Volume:
        """Say what a volume is doing itself."""
        return self._volumes.reset_status(context, volume_id, status, forget_migration)

    def volume_extend(self, context: RequestContext, volume_id: str, size: int) -> Volume:
        """Let a volume grow to `size` GiB."""
        return self._volumes.extend(context, volume_id, size)

    def volume_retype(self, context: RequestContext, volume_id: str, volume_type: str) -> Volume:
        """Give a volume another type."""
        return self._volumes.retype(context, volume_id, volume_type)

    def volume_set_bootable(self, context: RequestContext, volume_id: str, bootable: bool) -> None:
        """Say whether a server can boot from a volume."""
        self._volumes.change(context, volume_id, bootable=bootable)

    def volume_set_read_only(
        self, context: RequestContext, volume_id: str, read_only: bool
    ) -> None:
        """Let a volume be attached read-only from now on, or not."""
        self._volumes.set_read_only(context, volume_id, read_only)

    def volume_migrate(self, context: RequestContext, volume_id: str, backend: str) -> None:
        """Move a volume to another backend."""
        self._migration.migrate(context, volume_id, backend)

    def migrate_volume_completion(
        self,
        context: RequestContext,
        old_volume_id: str,
        new_volume_id: str,
        error: bool = False,
    ) -> str:
        """End a swap; return the id of the server's volume from now on."""
        return self._migration.complete(context, old_volume_id, new_volume_id, error)

    # -- snapshots and types -------------------------------------------------------------------

    def snapshot_create(
        self,
        context: RequestContext,
        volume_id: str,
        name: str = "",
        *,
        force: bool = False,
        metadata: Mapping[str, str] | None = None,
        description: str | None = None,
    ) -> VolumeSnapshot:
        """Take a snapshot."""
        return self._snapshots.create(context, volume_id, name, force, metadata, description)

    def snapshot_get(self, context: RequestContext, snapshot_id: str) -> VolumeSnapshot:
        """Return a snapshot."""
        return self._snapshots.get(context, snapshot_id)

    def snapshot_list(self, context: RequestContext) -> tuple[VolumeSnapshot, ...]:
        """Return the project's snapshots."""
        return self._snapshots.all(context)

    def snapshot_delete(self, context: RequestContext, snapshot_id: str) -> None:
        """Delete a snapshot."""
        self._snapshots.delete(context, snapshot_id)

    def snapshot_reset_status(
        self, context: RequestContext, snapshot_id: str, status: str
    ) -> VolumeSnapshot:
        """Say what a snapshot is doing."""
        return self._snapshots.reset_status(context, snapshot_id, status)

    def type_create(
        self,
        context: RequestContext,
        name: str,
        *,
        extra_specs: Mapping[str, str] | None = None,
        description: str | None = None,
        is_public: bool = True,
    ) -> VolumeType:
        """Make a volume type."""
        return self._types.create(context, name, extra_specs, description, is_public)

    def type_get(self, context: RequestContext, name_or_id: str) -> VolumeType:
        """Return a volume type."""
        return self._types.get(context, name_or_id)

    def type_list(self, context: RequestContext) -> tuple[VolumeType, ...]:
        """Return the volume types."""
        return self._types.all(context)

    def type_delete(self, context: RequestContext, name_or_id: str) -> None:
        """Delete a volume type."""
        self._types.delete(context, name_or_id)

    # -- attachments ---------------------------------------------------------------------------

    def attachment_create(
        self,
        context: RequestContext,
        volume_id: str,
        instance_uuid: str | None,
        connector: Connector | None = None,
        mode: AttachMode | None = None,
        attachment_id: str | None = None,
    ) -> Attachment:
        """Reserve a volume for a server; with a connector also connect it."""
        return self._connections.create(
            context, volume_id, instance_uuid, connector, mode, attachment_id
        )

    def attachment_update(
        self, context: RequestContext, attachment_id: str, connector: Connector
    ) -> Attachment:
        """Connect an attachment to a host."""
        return self._connections.update(context, attachment_id, connector)

    def attachment_complete(self, context: RequestContext, attachment_id: str) -> None:
        """Say that the server has the volume."""
        self._attachments.complete(context, attachment_id)

    def attachment_get(self, context: RequestContext, attachment_id: str) -> Attachment:
        """Return an attachment."""
        return self._attachments.get(context, attachment_id)

    def attachment_list(
        self,
        context: RequestContext,
        *,
        volume_id: str | None = None,
        instance_uuid: str | None = None,
        all_projects: bool = False,
    ) -> tuple[Attachment, ...]:
        """Return attachments."""
        return self._attachments.all(context, volume_id, instance_uuid, all_projects)

    def attachment_delete(self, context: RequestContext, attachment_id: str) -> None:
        """End a use of a volume."""
        self._connections.delete(context, attachment_id)

    def begin_detaching(self, context: RequestContext, attachment_id: str) -> None:
        """Let an attached attachment be detaching."""
        self._attachments.begin_detaching(context, attachment_id)

    def roll_detaching(self, context: RequestContext, attachment_id: str) -> None:
        """Let a detaching attachment be attached again."""
        self._attachments.roll_detaching(context, attachment_id)


def block_storage(
    database: Database,
    backends: Sequence[Backend],
    images: ImageClient,
    runtime: Runtime,
    seams: Seams,
    new_uuid: Callable[[], str],
    default_type: str,
) -> BlockStorage:
    """Make a rig's block storage.

    Args:
        database: made from `volume_database()`.
        backends: in the order in which they are preferred, of those with equal room.
        images: what volumes can be made from.
        runtime, seams, new_uuid: the rig's.
        default_type: name of the volume type of a volume that names none.
    """
    return BlockStorage(
        Surroundings(
            database,
            {backend.name: backend for backend in backends},
            images,
            runtime,
            seams,
            new_uuid,
            default_type,
            Turns(runtime),
            Announcements(),
            Process(VOLUME),
        )
    )
