"""``rig.volumes``, ``rig.volume_types``, ``rig.volume_snapshots``: block storage in tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cellrig.client.requests import Caller
from cellrig.client.server_requests import ServerRef, VolumeRef, id_of, volume_id_of
from cellrig.volume.client import VolumeClient
from cellrig.volume.types import (
    Attachment,
    Volume,
    VolumeRequest,
    VolumeSnapshot,
    VolumeStatus,
    VolumeType,
)

#: A snapshot, or its id.
SnapshotRef = VolumeSnapshot | str


def _snapshot_id(snapshot: SnapshotRef) -> str:
    return snapshot if isinstance(snapshot, str) else snapshot.id


class VolumesClient:
    """Volumes and their attachments.

    Args:
        call: who asks.
        volumes: block storage.
    """

    def __init__(self, call: Caller, volumes: VolumeClient) -> None:
        self._call = call
        self._volumes = volumes

    def create(
        self,
        *,
        size: int | None = None,
        name: str = "volume",
        type: str | None = None,  # noqa: A002 - the field's word
        multiattach: bool = False,
        image: str | None = None,
        source_volume: VolumeRef | None = None,
        snapshot: SnapshotRef | None = None,
        bootable: bool | None = None,
        read_only: bool = False,
        zone: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> Volume:
        """Create a volume and return it as it is then: available, or in error.

        Args:
            size: GiB; the source's where none is given, 1 without a source.
            name: need not be unique.
            type: a volume type, by name or id; the topology's first when not given.
            multiattach: several servers may have it, whatever the type says.
            image, source_volume, snapshot: what is on it, one at most.
            bootable: whether servers can boot from it; None where the source tells.
            read_only: it is attached read-only.
            zone: an availability zone.
            metadata: key-value pairs.

        Raises:
            Invalid, NotFound, NoBackend: nothing has been made.
        """
        blank = image is None and source_volume is None and snapshot is None
        request = VolumeRequest(
            size=1 if size is None and blank else size,
            name=name,
            volume_type=type,
            multiattach=multiattach,
            image_id=image,
            source_volume_id=None if source_volume is None else volume_id_of(source_volume),
            snapshot_id=None if snapshot is None else _snapshot_id(snapshot),
            bootable=bootable,
            read_only=read_only,
            availability_zone=zone,
            metadata=dict(metadata or {}),
        )
        return self._call(lambda c: self._volumes.volume_create(c, request), "create volume")

    def show(self, volume: VolumeRef) -> Volume:
        """Return a volume as it is now.

        Raises:
            VolumeNotFound: there is none (any more).
        """
        return self._call(
            lambda c: self._volumes.volume_get(c, volume_id_of(volume)), "show volume"
        )

    def list(self, *, all_projects: bool = False) -> Sequence[Volume]:
        """Return the project's volumes, or everybody's, the newest first."""
        return self._call(
            lambda c: self._volumes.volume_list(c, all_projects=all_projects), "list volumes"
        )

    def update(
        self,
        volume: VolumeRef,
        *,
        name: str | None = None,
        description: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> Volume:
        """Change a volume's name, description or whole metadata."""
        return self._call(
            lambda c: self._volumes.volume_update(
                c, volume_id_of(volume), name=name, description=description, metadata=metadata
            ),
            "update volume",
        )

    def delete(self, volume: VolumeRef, *, force: bool = False) -> None:
        """Delete a volume; with `force` in whatever status it is."""
        delete = self._volumes.volume_force_delete if force else self._volumes.volume_delete
        self._call(lambda c: delete(c, volume_id_of(volume)), "delete volume")

    def extend(self, volume: VolumeRef, size: int) -> Volume:
        """Let a volume grow to `size` GiB."""
        return self._call(
            lambda c: self._volumes.volume_extend(c, volume_id_of(volume), size), "extend volume"
        )

    def retype(self, volume: VolumeRef, type: str) -> Volume:  # noqa: A002 - the field's word
        """Give a volume another type."""
        return self._call(
            lambda c: self._volumes.volume_retype(c, volume_id_of(volume), type), "retype volume"
        )

    def set_bootable(self, volume: VolumeRef, bootable: bool = True) -> Volume:
        """Say whether servers can boot from a volume."""
        uuid = volume_id_of(volume)
        self._call(lambda c: self._volumes.volume_set_bootable(c, uuid, bootable), "set bootable")
        return self.show(uuid)

    def set_read_only(self, volume: VolumeRef, read_only: bool = True) -> Volume:
        """Let a volume be attached read-only from now on, or not."""
        uuid = volume_id_of(volume)
        self._call(
            lambda c: self._volumes.volume_set_read_only(c, uuid, read_only), "set read-only"
        )
        return self.show(uuid)

    def migrate(self, volume: VolumeRef, backend: str) -> Volume:
        """Move a volume to another backend."""
        uuid = volume_id_of(volume)
        self._call(lambda c: self._volumes.volume_migrate(c, uuid, backend), "migrate volume")
        return self.show(uuid)

    def reset_status(
        self, volume: VolumeRef, status: VolumeStatus | str, *, forget_migration: bool = False
    ) -> Volume:
        """Say what a volume is doing, after something has been left in the middle."""
        chosen = VolumeStatus(status)
        return self._call(
            lambda c: self._volumes.volume_reset_status(
                c, volume_id_of(volume), chosen, forget_migration=forget_migration
            ),
            "reset volume status",
        )

    def attachments(
        self, volume: VolumeRef | None = None, *, server: ServerRef | None = None
    ) -> Sequence[Attachment]:
        """Return attachments of everybody, the oldest first; only a volume's or a server's."""
        volume_id = None if volume is None else volume_id_of(volume)
        instance_uuid = None if server is None else id_of(server)
        return self._call(
            lambda c: self._volumes.attachment_list(
                c, volume_id=volume_id, instance_uuid=instance_uuid, all_projects=True
            ),
            "list attachments",
        )

    def delete_attachment(self, attachment: Attachment | str) -> None:
        """Delete an attachment behind compute's back, as an administrator cleaning up does."""
        uuid = attachment if isinstance(attachment, str) else attachment.id
        self._call(lambda c: self._volumes.attachment_delete(c, uuid), "delete attachment")


class VolumeTypesClient:
    """Volume types."""

    def __init__(self, call: Caller, volumes: VolumeClient) -> None:
        self._call = call
        self._volumes = volumes

    def create(
        self,
        name: str,
        *,
        extra_specs: Mapping[str, str] | None = None,
        description: str | None = None,
        is_public: bool = True,
    ) -> VolumeType:
        """Add a volume type."""
        return self._call(
            lambda c: self._volumes.type_create(
                c, name, extra_specs=extra_specs, description=description, is_public=is_public
            ),
            "create volume type",
        )

    def show(self, type: str) -> VolumeType:  # noqa: A002 - the field's word
        """Return a volume type by name or id."""
        return self._call(lambda c: self._volumes.type_get(c, type), "show volume type")

    def list(self) -> Sequence[VolumeType]:
        """Return all volume types, by name."""
        return self._call(self._volumes.type_list, "list volume types")

    def delete(self, type: str) -> None:  # noqa: A002 - the field's word
        """Delete a volume type that no volume has."""
        self._call(lambda c: self._volumes.type_delete(c, type), "delete volume type")


class VolumeSnapshotsClient:
    """Snapshots of volumes."""

    def __init__(self, call: Caller, volumes: VolumeClient) -> None:
        self._call = call
        self._volumes = volumes

    def create(
        self,
        volume: VolumeRef,
        name: str = "snapshot",
        *,
        force: bool = False,
        metadata: Mapping[str, str] | None = None,
    ) -> VolumeSnapshot:
        """Take a snapshot; with `force` also of a volume that is in use."""
        return self._call(
            lambda c: self._volumes.snapshot_create(
                c, volume_id_of(volume), name, force=force, metadata=metadata
            ),
            "create volume snapshot",
        )

    def show(self, snapshot: SnapshotRef) -> VolumeSnapshot:
        """Return a snapshot as it is now."""
        return self._call(
            lambda c: self._volumes.snapshot_get(c, _snapshot_id(snapshot)), "show volume snapshot"
        )

    def list(self) -> Sequence[VolumeSnapshot]:
        """Return the project's snapshots, the newest first."""
        return self._call(self._volumes.snapshot_list, "list volume snapshots")

    def delete(self, snapshot: SnapshotRef) -> None:
        """Delete a snapshot."""
        self._call(
            lambda c: self._volumes.snapshot_delete(c, _snapshot_id(snapshot)),
            "delete volume snapshot",
        )
