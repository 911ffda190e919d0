"""From block device mappings to the disks that a driver takes."""

from __future__ import annotations

from collections.abc import Iterable

from cellrig.driver.values import Disk
from cellrig.model import BlockDeviceMapping


def disk_of(mapping: BlockDeviceMapping) -> Disk:
    """Return a volume as a disk of its server."""
    data = mapping.connection_info.get("data", {})
    return Disk(
        serial=mapping.volume_id or "",
        connection_info=mapping.connection_info,
        bus=mapping.disk_bus,
        device=mapping.device_name or None,
        boot_index=mapping.boot_index,
        tag=mapping.tag,
        read_only=data.get("access_mode") == "ro",
        multiattach=mapping.multiattach,
        size_gb=mapping.volume_size,
    )


def disks_of(mappings: Iterable[BlockDeviceMapping]) -> tuple[Disk, ...]:
    """Return the disks of a server: those of its volumes that its host has a way to."""
    return tuple(disk_of(mapping) for mapping in mappings if mapping.connection_info)
