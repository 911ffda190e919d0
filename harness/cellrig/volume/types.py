"""The values of block storage. All are frozen; times are seconds since the epoch, sizes GiB."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from cellrig.driver.reports import Connector


class VolumeStatus(StrEnum):
    """What a volume is, in the words of the Block Storage API."""

    CREATING = "creating"
    DOWNLOADING = "downloading"
    AVAILABLE = "available"
    RESERVED = "reserved"
    ATTACHING = "attaching"
    IN_USE = "in-use"
    DETACHING = "detaching"
    EXTENDING = "extending"
    RETYPING = "retyping"
    REVERTING = "reverting"
    UPLOADING = "uploading"
    AWAITING_TRANSFER = "awaiting-transfer"
    DELETING = "deleting"
    MAINTENANCE = "maintenance"
    ERROR = "error"
    ERROR_DELETING = "error_deleting"
    ERROR_EXTENDING = "error_extending"


class AttachmentStatus(StrEnum):
    """How far an attachment has come (Block Storage API 3.27 and 3.44)."""

    RESERVED = "reserved"
    ATTACHING = "attaching"
    ATTACHED = "attached"
    DETACHING = "detaching"
    DETACHED = "detached"
    ERROR_ATTACHING = "error_attaching"
    ERROR_DETACHING = "error_detaching"


class AttachMode(StrEnum):
    """Whether a server may write."""

    READ_WRITE = "rw"
    READ_ONLY = "ro"


class VolumeType(msgspec.Struct, frozen=True, kw_only=True):
    """A volume type.

    Args:
        extra_specs: ``multiattach: "<is> True"``, ``volume_backend_name``, and the user's own.
    """

    id: str
    name: str
    description: str | None = None
    is_public: bool = True
    extra_specs: dict[str, str] = {}

    @property
    def multiattach(self) -> bool:
        """Whether volumes of the type take several servers (API 3.50)."""
        return self.extra_specs.get("multiattach", "").strip().lower() == "<is> true"


class VolumeRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The creation of a volume, as a user asks for it; at most one source.

    Args:
        size: GiB; None takes the source's.
        image_id, source_volume_id, snapshot_id: what its data is copied from; none for a blank.
        volume_type: name or id; None for the default type.
        multiattach: several servers may have it, whatever the type says (the API's parameter
            until 3.50).
        bootable: None where the source tells.
        volume_id: the id that it shall have. Asked again with the same id, the volume that is
            there is returned: twice is harmless.
    """

    size: int | None = None
    name: str = ""
    description: str | None = None
    image_id: str | None = None
    source_volume_id: str | None = None
    snapshot_id: str | None = None
    volume_type: str | None = None
    multiattach: bool = False
    bootable: bool | None = None
    read_only: bool = False
    availability_zone: str | None = None
    metadata: dict[str, str] = {}
    volume_id: str | None = None


class Volume(msgspec.Struct, frozen=True, kw_only=True):
    """A volume.

    Args:
        status: follows from the attachments where there are any.
        volume_type, volume_type_id: the type's name, and its id.
        read_only: None where nobody has ever said it.
        backend: the name of the backend that has it.
        backend_uuid: the backend service's uuid, by which hosts lock targets that it shares.
        shared_targets: volumes of the backend share targets on a host, so that connecting one
            and disconnecting another must not overlap there (API 3.48).
        provider_location: the backend's own note of where the data is.
        image_metadata: of the image that it was made from: what a server needs to boot from it.
        migration_status: None, ``migrating``, ``completing``, ``success`` or ``error``.
    """

    id: str
    name: str
    description: str | None
    size: int
    status: VolumeStatus
    volume_type: str
    volume_type_id: str = ""
    multiattach: bool
    bootable: bool
    read_only: bool | None
    project_id: str
    user_id: str
    availability_zone: str
    backend: str
    backend_uuid: str
    shared_targets: bool
    provider_location: str | None = None
    image_id: str | None = None
    snapshot_id: str | None = None
    source_volume_id: str | None = None
    image_metadata: dict[str, str] = {}
    metadata: dict[str, str] = {}
    migration_status: str | None = None
    created_at: float = 0.0
    updated_at: float = 0.0


class VolumeSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot of a volume.

    Args:
        status: creating, available, deleting, error or error_deleting.
        size: of the volume when it was taken.
    """

    id: str
    volume_id: str
    name: str
    description: str | None
    status: str
    size: int
    project_id: str
    user_id: str
    metadata: dict[str, str] = {}
    provider_location: str | None = None
    created_at: float = 0.0
    updated_at: float = 0.0


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """One use of a volume by one server on one host.

    Args:
        connector: of the host; None while the attachment only reserves.
        connection_info: how the host reaches the volume: ``driver_volume_type`` and ``data``;
            empty while there is no connector.
        mountpoint: the device that the server sees it as, where the connector said so.
    """

    id: str
    volume_id: str
    instance_uuid: str | None
    project_id: str
    status: AttachmentStatus
    mode: AttachMode
    connector: Connector | None = None
    connection_info: dict[str, Any] = {}
    mountpoint: str | None = None
    attached_at: float | None = None
    created_at: float = 0.0

    @property
    def host(self) -> str | None:
        """The host that the attachment is for; None while it only reserves."""
        return None if self.connector is None else self.connector.host
