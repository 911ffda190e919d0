"""Block device mappings: which disks a server has, and where each comes from."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType


class SourceType(StrEnum):
    """What a disk is made from (block_device_mapping_v2's ``source_type``)."""

    BLANK = "blank"
    IMAGE = "image"
    SNAPSHOT = "snapshot"
    VOLUME = "volume"


class DestinationType(StrEnum):
    """Where a disk is kept: on the host, or by block storage."""

    LOCAL = "local"
    VOLUME = "volume"


class BlockDevice(msgspec.Struct, frozen=True, kw_only=True):
    """One disk, as a user asks for it (an entry of ``block_device_mapping_v2``).

    Args:
        uuid: of the image, snapshot or volume; None of a blank.
        boot_index: 0 for the disk that the server boots from; None or below 0: not to boot from.
        device_name: ``sdb`` or ``/dev/sdb``; None takes the next free one.
        volume_size: GiB; None takes the source's.
        guest_format: ``swap`` or a file system, of a local blank disk.
        tag: the user's name for the device.
    """

    source_type: SourceType
    destination_type: DestinationType = DestinationType.VOLUME
    uuid: str | None = None
    boot_index: int | None = None
    device_name: str | None = None
    device_type: str | None = None
    disk_bus: str | None = None
    guest_format: str | None = None
    volume_size: int | None = None
    volume_type: str | None = None
    delete_on_termination: bool = False
    tag: str | None = None


class BlockDeviceMapping(msgspec.Struct, frozen=True, kw_only=True):
    """One volume of a server, as its cell's database has it.

    What the volume is used for is told by its attachment alone; the mapping names it.

    Args:
        source_id: of the image, snapshot or volume that it is made from.
        volume_id: None until the volume has been made.
        attachment_id: None until the volume has been reserved.
        connection_info: how the server's host reaches the volume; empty while it does not.
        boot_index: None where the server does not boot from it.
    """

    uuid: str
    instance_uuid: str
    source_type: SourceType = SourceType.VOLUME
    source_id: str | None = None
    volume_id: str | None = None
    attachment_id: str | None = None
    device_name: str = ""
    disk_bus: str = "scsi"
    device_type: str = "disk"
    boot_index: int | None = None
    volume_size: int = 0
    volume_type: str | None = None
    multiattach: bool = False
    delete_on_termination: bool = False
    tag: str | None = None
    connection_info: dict[str, Any] = {}
    created_at: float = 0.0


class BlockDeviceChanges(msgspec.Struct, frozen=True, kw_only=True):
    """New values for some columns of a mapping; what is not given stays as it is."""

    volume_id: str | UnsetType = UNSET
    attachment_id: str | UnsetType | None = UNSET
    volume_size: int | UnsetType = UNSET
    multiattach: bool | UnsetType = UNSET
    delete_on_termination: bool | UnsetType = UNSET
    connection_info: dict[str, Any] | UnsetType = UNSET

    def given(self) -> dict[str, Any]:
        """Return what is given, by column."""
        return {
            name: value
            for name in self.__struct_fields__
            if (value := getattr(self, name)) is not UNSET
        }
