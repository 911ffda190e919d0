"""What the compute API and the compute managers ask of block storage, and what it asks of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from cellrig.context import RequestContext
from cellrig.driver.reports import Connector
from cellrig.volume.types import (
    Attachment,
    AttachMode,
    Volume,
    VolumeRequest,
    VolumeSnapshot,
    VolumeStatus,
    VolumeType,
)


class VolumeClient(Protocol):
    """The verbs of the Block Storage API, microversion 3.71. Errors are in `volume.errors`.

    A volume, snapshot or attachment of another project does not exist for a plain user
    (`NotFound`). What an operation does to a volume takes a status that allows it; any other is
    refused by `InvalidVolume`, which names both, and nothing is changed.
    """

    # -- volumes -------------------------------------------------------------------------------

    def volume_create(self, context: RequestContext, request: VolumeRequest) -> Volume:
        """Make a volume; it is available, or in error, when this returns.

        Raises:
            Invalid: a size that is none, or smaller than the source's; two sources.
            NotFound: a source or a type that does not exist.
            InvalidVolume: a source that is not available.
            NoBackend: no backend of the type has the room.
        """

    def volume_get(self, context: RequestContext, volume_id: str) -> Volume:
        """Return a volume."""

    def volume_list(
        self, context: RequestContext, *, all_projects: bool = False
    ) -> tuple[Volume, ...]:
        """Return the project's volumes (or all, for an administrator), the newest first."""

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

    def volume_delete(self, context: RequestContext, volume_id: str) -> None:
        """Delete a volume without attachments and without snapshots."""

    def volume_force_delete(self, context: RequestContext, volume_id: str) -> None:
        """Delete a volume in whatever status it is (``os-force_delete``, administrators).

        What holds it still does: attachments and snapshots go first.
        """

    def volume_reset_status(
        self,
        context: RequestContext,
        volume_id: str,
        status: VolumeStatus,
        *,
        forget_migration: bool = False,
    ) -> Volume:
        """Say what a volume is doing itself (``os-reset_status``, administrators).

        For what a process that died has left behind. Attachments stay, and while there are any
        the status still follows from them; a status that only they can give resets it to
        ``available``.

        Args:
            context, volume_id: who asks, of which volume.
            status: what it shall be.
            forget_migration: it is on its way to no other backend.
        """

    def volume_extend(self, context: RequestContext, volume_id: str, size: int) -> Volume:
        """Let a volume grow; compute is told of one that is in use (API 3.42).

        Raises:
            Invalid: `size` is not larger than it is.
        """

    def volume_retype(self, context: RequestContext, volume_id: str, volume_type: str) -> Volume:
        """Give a volume another type; multiattach follows it, so the volume must not be in use."""

    def volume_set_bootable(self, context: RequestContext, volume_id: str, bootable: bool) -> None:
        """Say whether a server can boot from a volume."""

    def volume_set_read_only(
        self, context: RequestContext, volume_id: str, read_only: bool
    ) -> None:
        """Let a volume be attached read-only from now on, or not; it must be available."""

    def volume_migrate(self, context: RequestContext, volume_id: str, backend: str) -> None:
        """Move a volume to another backend; compute swaps it under the servers that use it."""

    def migrate_volume_completion(
        self,
        context: RequestContext,
        old_volume_id: str,
        new_volume_id: str,
        error: bool = False,
    ) -> str:
        """End a swap that block storage asked for.

        Returns:
            The id under which the server's volume is known from now on.
        """

    def begin_detaching(self, context: RequestContext, attachment_id: str) -> None:
        """Let an attached attachment be detaching: nobody else may begin to detach it."""

    def roll_detaching(self, context: RequestContext, attachment_id: str) -> None:
        """Let a detaching attachment be attached again. Of any other: harmless."""

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
        """Take a snapshot; `force` also of a volume in use."""

    def snapshot_get(self, context: RequestContext, snapshot_id: str) -> VolumeSnapshot:
        """Return a snapshot."""

    def snapshot_list(self, context: RequestContext) -> tuple[VolumeSnapshot, ...]:
        """Return the project's snapshots, the newest first."""

    def snapshot_delete(self, context: RequestContext, snapshot_id: str) -> None:
        """Delete a snapshot."""

    def snapshot_reset_status(
        self, context: RequestContext, snapshot_id: str, status: str
    ) -> VolumeSnapshot:
        """Say what a snapshot is doing (``os-reset_status``, administrators)."""

    def type_create(
        self,
        context: RequestContext,
        name: str,
        *,
        extra_specs: Mapping[str, str] | None = None,
        description: str | None = None,
        is_public: bool = True,
    ) -> VolumeType:
        """Make a volume type (administrators)."""

    def type_get(self, context: RequestContext, name_or_id: str) -> VolumeType:
        """Return a volume type."""

    def type_list(self, context: RequestContext) -> tuple[VolumeType, ...]:
        """Return the volume types that there are, by name."""

    def type_delete(self, context: RequestContext, name_or_id: str) -> None:
        """Delete a volume type that no volume has (administrators)."""

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
        """Reserve a volume for a server; with a connector also connect it (API 3.27, mode 3.54).

        Args:
            context, volume_id: who asks, of which volume.
            instance_uuid: the server.
            connector: of the host; None only reserves.
            mode: rw or ro; None for rw, or ro of a volume that is read-only.
            attachment_id: the id that the attachment shall have. Asked again with the same id,
                server and volume, the attachment that is there is returned: twice is harmless.

        Raises:
            InvalidVolume: it is not available, nor is it multiattach, nor attached to this very
                server (which may be moving to another host).
        """

    def attachment_update(
        self, context: RequestContext, attachment_id: str, connector: Connector
    ) -> Attachment:
        """Connect an attachment to a host: it is attaching, and has its connection info.

        Twice with the same connector is harmless.

        Raises:
            InvalidAttachment: a non-multiattach volume has an attachment on that host already.
        """

    def attachment_complete(self, context: RequestContext, attachment_id: str) -> None:
        """Say that the server has the volume (API 3.44). Twice is harmless."""

    def attachment_get(self, context: RequestContext, attachment_id: str) -> Attachment:
        """Return an attachment."""

    def attachment_list(
        self,
        context: RequestContext,
        *,
        volume_id: str | None = None,
        instance_uuid: str | None = None,
        all_projects: bool = False,
    ) -> tuple[Attachment, ...]:
        """Return attachments, the oldest first."""

    def attachment_delete(self, context: RequestContext, attachment_id: str) -> None:
        """End a use of a volume, in whatever state it is, and close the host's way to it.

        Raises:
            AttachmentNotFound: there is none (any more).
        """


class ComputeNotifications(Protocol):
    """What block storage asks of compute."""

    def volume_extended(self, context: RequestContext, instance_uuid: str, volume_id: str) -> None:
        """Let a server see that its volume has grown (the external event ``volume-extended``)."""

    def swap_volume(
        self,
        context: RequestContext,
        instance_uuid: str,
        old_volume_id: str,
        new_volume_id: str,
    ) -> None:
        """Copy a server's volume onto another and go on with that (update a volume attachment)."""

    def attachment_in_use(
        self, context: RequestContext, instance_uuid: str, volume_id: str
    ) -> str | None:
        """Return the attachment by which a server has a volume (its volume attachment).

        Raises:
            NotFound: there is no such server, or it does not have the volume.
        """
