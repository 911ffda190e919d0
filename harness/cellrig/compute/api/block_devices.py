"""The disks that a server is asked for with (block_device_mapping_v2), checked and written out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import msgspec

from cellrig.compute.api.disk_sources import Origin, Sources
from cellrig.compute.api.surroundings import Surroundings
from cellrig.context import RequestContext
from cellrig.errors import Invalid
from cellrig.image import StoredImage
from cellrig.model import (
    BlockDevice,
    BlockDeviceMapping,
    DestinationType,
    Flavor,
    ImageProperties,
    SourceType,
)
from cellrig.model.device_names import local_device_names, next_device_name, read_device_name
from cellrig.volume.types import Volume

_MIB_PER_GIB = 1024
_BUSES = ("scsi", "virtio", "sata", "ide", "usb")
_DEVICE_TYPES = ("disk", "cdrom", "lun")


class CheckedDevices(msgspec.Struct, frozen=True):
    """The disks of a request, which fit each other and name only what exists.

    Args:
        devices: those that block storage keeps.
        volumes: the volumes among their sources, by id.
        multiattach_types: volume types whose volumes take several servers.
        boots_from_volume: the server has no local root disk.
        image: what the boot volume is made from, for the scheduler; None where an image boots it.
        bus: of disks that name none: the image's ``hw_disk_bus``.
    """

    devices: tuple[BlockDevice, ...]
    volumes: Mapping[str, Volume]
    multiattach_types: frozenset[str]
    boots_from_volume: bool
    image: ImageProperties | None
    bus: str

    def mappings(
        self, instance_uuid: str, flavor: Flavor, new_uuid: Callable[[], str]
    ) -> tuple[BlockDeviceMapping, ...]:
        """Return the mappings of one server, each with a device name of its own."""
        used = {read_device_name(d.device_name) for d in self.devices if d.device_name}
        if not self.boots_from_volume:
            used |= self._local_names(flavor, used)
        mappings = []
        for device in sorted(self.devices, key=_boot_order):
            bus = device.disk_bus or self.bus
            name = (
                read_device_name(device.device_name)
                if device.device_name
                else next_device_name(bus, used)
            )
            used.add(name)
            if device.boot_index == 0:
                used |= self._local_names(flavor, used)
            mappings.append(self._mapping(device, instance_uuid, name, bus, new_uuid()))
        return tuple(mappings)

    def _local_names(self, flavor: Flavor, taken: set[str]) -> set[str]:
        """Return the names of the local disks: they come after a root disk that is a volume."""
        return set(
            local_device_names(
                flavor, self.bus, boots_from_volume=self.boots_from_volume, taken=taken
            )
        )

    def _mapping(
        self, device: BlockDevice, instance_uuid: str, name: str, bus: str, uuid: str
    ) -> BlockDeviceMapping:
        volume = self.volumes.get(device.uuid or "")
        return BlockDeviceMapping(
            uuid=uuid,
            instance_uuid=instance_uuid,
            source_type=device.source_type,
            source_id=device.uuid,
            volume_id=None if volume is None else volume.id,
            device_name=name,
            disk_bus=bus,
            device_type=device.device_type or "disk",
            boot_index=device.boot_index if _boots(device) else None,
            volume_size=(device.volume_size or 0) if volume is None else volume.size,
            volume_type=device.volume_type,
            multiattach=(
                device.volume_type in self.multiattach_types
                if volume is None
                else volume.multiattach
            ),
            delete_on_termination=device.delete_on_termination,
            tag=device.tag,
        )


def check_block_devices(
    context: RequestContext,
    around: Surroundings,
    devices: Sequence[BlockDevice],
    flavor: Flavor,
    image: StoredImage | None,
    count: int,
) -> CheckedDevices:
    """Check the disks of a request; the rules are those of the Compute API's server creation.

    Raises:
        Invalid: names the disk, what was given and what it takes.
            What it is made from may not exist: the field's 400 too.
    """
    _check_order(devices, image)
    _check_names(devices)
    for device in devices:
        _check_one(device, image)
    _check_local_sizes(devices, flavor)
    kept = tuple(d for d in devices if d.destination_type == DestinationType.VOLUME)
    sources = Sources(context, around)
    origins = [(device, sources.origin(device)) for device in kept]
    for device, origin in origins:
        _check_size(device, origin)
        if count > 1 and origin.volume is not None and not origin.volume.multiattach:
            raise Invalid(
                f"volume {device.uuid} is not multiattach; {count} servers cannot all have it"
            )
    types = {name for device in kept if (name := device.volume_type)}
    boot = next(((device, origin) for device, origin in origins if device.boot_index == 0), None)
    # Beside an image the field does not ask whether the volume boots.
    properties = None if boot is None else _boot_image(*boot, flavor, image is not None)
    source = image.properties if image is not None else {}
    bus = (properties.properties if properties is not None else source).get("hw_disk_bus", "scsi")
    return CheckedDevices(
        devices=kept,
        volumes={each.volume.id: each.volume for _device, each in origins if each.volume},
        multiattach_types=frozenset(name for name in types if sources.shares(name)),
        boots_from_volume=boot is not None,
        image=properties,
        bus=bus if bus in _BUSES else "scsi",
    )


def _check_size(device: BlockDevice, origin: Origin) -> None:
    if origin.volume is None and device.volume_size and device.volume_size < origin.size:
        raise Invalid(
            f"a volume made from {device.source_type} {device.uuid} takes a volume_size of "
            f"{origin.size} GiB or more, not {device.volume_size}"
        )


def _boot_image(
    device: BlockDevice, origin: Origin, flavor: Flavor, may_not_boot: bool
) -> ImageProperties | None:
    """Return what the scheduler has to know of what a server boots from."""
    if device.source_type == SourceType.BLANK:
        raise Invalid("boot_index 0: a server cannot boot from a blank volume")
    if not (origin.bootable or may_not_boot):
        raise Invalid(
            f"{device.source_type} {device.uuid} is not bootable: boot_index 0 takes one that is"
        )
    image = origin.image
    if image is not None and image.min_ram > flavor.memory_mb:
        raise Invalid(
            f"what is on {device.source_type} {device.uuid} needs {image.min_ram} MiB of memory; "
            f"flavor {flavor.name!r} has {flavor.memory_mb}"
        )
    return image


def _boots(device: BlockDevice) -> bool:
    return device.boot_index is not None and device.boot_index >= 0


def _boot_order(device: BlockDevice) -> int:
    return device.boot_index if device.boot_index is not None and _boots(device) else 1_000


def _check_order(devices: Sequence[BlockDevice], image: StoredImage | None) -> None:
    order = sorted(d.boot_index for d in devices if d.boot_index is not None and _boots(d))
    if order != list(range(len(order))):
        given = ", ".join(map(str, order))
        raise Invalid(f"boot_index {given}: they take 0, 1, 2, ... each once")
    if not order:
        raise Invalid("no disk has boot_index 0: a server takes one to boot from")
    first = next(d for d in devices if d.boot_index == 0)
    # Beside a volume to boot from, an image is taken and not looked at.
    if first.destination_type == DestinationType.LOCAL and image is None:
        raise Invalid("a local disk of boot_index 0 takes an image: the server is given none")


def _check_names(devices: Sequence[BlockDevice]) -> None:
    for what, given in (
        ("device name", [read_device_name(d.device_name) for d in devices if d.device_name]),
        ("tag", [d.tag for d in devices if d.tag]),
        ("volume", [d.uuid for d in devices if d.source_type == SourceType.VOLUME]),
    ):
        twice = [each for each, times in Counter(given).items() if times > 1]
        if twice:
            raise Invalid(f"the {what} {twice[0]!r} is given twice; each disk takes one of its own")


def _check_one(device: BlockDevice, image: StoredImage | None) -> None:
    source, destination = device.source_type, device.destination_type
    local = destination == DestinationType.LOCAL
    if local and source in (SourceType.VOLUME, SourceType.SNAPSHOT):
        raise Invalid(f"a disk made from a {source} goes to a volume, not to {destination}")
    if (device.uuid is None) != (source == SourceType.BLANK):
        raise Invalid(
            f"a disk made from a {source} takes {'no uuid' if device.uuid else 'its uuid'}"
        )
    if local and source == SourceType.IMAGE and image is not None and device.uuid != image.id:
        raise Invalid(f"the local root disk is of image {device.uuid}; the server's is {image.id}")
    if not local and source in (SourceType.BLANK, SourceType.IMAGE) and not device.volume_size:
        raise Invalid(f"a volume made from {source} takes a volume_size in GiB")
    if device.volume_size is not None and device.volume_size < 1:
        raise Invalid(f"volume_size takes GiB from 1 on; it was given {device.volume_size}")
    if device.volume_type is not None and (local or source == SourceType.VOLUME):
        raise Invalid("volume_type is for volumes that are made with the server")
    if device.disk_bus is not None and device.disk_bus not in _BUSES:
        raise Invalid(f"disk_bus {device.disk_bus!r}: it takes {', '.join(_BUSES)}")
    if device.device_type is not None and device.device_type not in _DEVICE_TYPES:
        raise Invalid(f"device_type {device.device_type!r}: it takes {', '.join(_DEVICE_TYPES)}")


def _check_local_sizes(devices: Sequence[BlockDevice], flavor: Flavor) -> None:
    blanks = [
        device
        for device in devices
        if device.destination_type == DestinationType.LOCAL
        and device.source_type == SourceType.BLANK
    ]
    swaps = [device for device in blanks if device.guest_format == "swap"]
    others = [device for device in blanks if device.guest_format != "swap"]
    swap_mb = sum((device.volume_size or 0) for device in swaps) * _MIB_PER_GIB
    if len(swaps) > 1 or (swaps and swap_mb > flavor.swap_mb):
        raise Invalid(
            f"{len(swaps)} swap disks of {swap_mb} MiB: flavor {flavor.name!r} takes one of at "
            f"most {flavor.swap_mb}"
        )
    ephemeral = sum((device.volume_size or flavor.ephemeral_gb) for device in others)
    if ephemeral > flavor.ephemeral_gb:
        raise Invalid(
            f"ephemeral disks of {ephemeral} GiB: flavor {flavor.name!r} takes "
            f"{flavor.ephemeral_gb}"
        )
