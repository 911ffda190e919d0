"""From the control plane's records to what a driver takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cellrig.driver.reports import SnapshotInfo
from cellrig.driver.values import Device, DeviceKind, Guest, Image
from cellrig.image import ImageSource, StoredImage
from cellrig.model import Instance
from cellrig.placement.types import ConsumerAllocations, ProviderRecord

#: Resource classes that a guest gets as a device of its host.
_DEVICE_KINDS = {
    "SRIOV_NET_VF": DeviceKind.VF,
    "PCI_DEVICE": DeviceKind.PCI,
    "VGPU": DeviceKind.VGPU,
    "PGPU": DeviceKind.PCI,
}
_PHYSICAL_NETWORK = "CUSTOM_PHYSNET_"


def guest_of(instance: Instance) -> Guest:
    """Return the guest that a server is on its node."""
    flavor = instance.hosted_flavor
    return Guest(
        uuid=instance.uuid,
        name=f"instance-{instance.uuid[:8]}",
        node=instance.node or "",
        memory_mb=flavor.memory_mb,
        vcpus=flavor.vcpus,
        root_gb=flavor.root_gb,
        ephemeral_gb=flavor.ephemeral_gb,
        swap_mb=flavor.swap_mb,
        display_name=instance.name,
        flavor=flavor.name,
        extra_specs=instance.flavor.extra_specs,
        metadata=instance.metadata,
        system_metadata=instance.system_metadata,
        project_id=instance.project_id,
        user_id=instance.user_id,
        image_id=instance.image_id,
        vm_state=instance.vm_state,
        host_name=instance.hostname or "",
    )


def image_of(image: StoredImage) -> Image:
    """Return an image as a driver takes it."""
    return Image(
        id=image.id,
        name=image.name,
        format=image.disk_format,
        size=image.size,
        min_disk=image.min_disk,
        min_ram=image.min_ram,
        properties=image.properties,
    )


def source_of(made: SnapshotInfo) -> ImageSource:
    """Return what a driver has made as the image service takes it."""
    return ImageSource(
        disk_format=made.format, size=made.size, min_disk=made.min_disk, path=made.path
    )


def provider_of_devices(held: ConsumerAllocations) -> str | None:
    """Return a provider that an allocation names devices of; None where it names none.

    Its tree is the host's. That of another provider may be of one that shares with the host.
    """
    return next(iter(device_amounts(held.allocations)), None)


def device_amounts(allocations: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """Return of how many devices allocations are, by the uuid of the provider that counts them."""
    amounts = {
        uuid: sum(amount for name, amount in held.items() if name in _DEVICE_KINDS)
        for uuid, held in allocations.items()
    }
    return {uuid: amount for uuid, amount in amounts.items() if amount}


def devices_of(
    held: ConsumerAllocations, providers: Iterable[ProviderRecord]
) -> tuple[Device, ...]:
    """Return the devices that an allocation names, one for each unit of a device's class.

    Args:
        held: what the server holds.
        providers: those of the host's tree.
    """
    by_uuid = {provider.uuid: provider for provider in providers}
    devices: list[Device] = []
    for uuid, amounts in sorted(held.allocations.items()):
        provider = by_uuid.get(uuid)
        if provider is None:
            continue
        for resource_class, amount in sorted(amounts.items()):
            kind = _DEVICE_KINDS.get(resource_class)
            if kind is not None:
                devices.extend([_device(provider, resource_class, kind)] * amount)
    return tuple(devices)


def _device(provider: ProviderRecord, resource_class: str, kind: DeviceKind) -> Device:
    networks = sorted(t for t in provider.traits if t.startswith(_PHYSICAL_NETWORK))
    return Device(
        kind=kind,
        provider_uuid=provider.uuid,
        provider_name=provider.name,
        resource_class=resource_class,
        # Of several networks a provider cannot tell which one its next function is wired to.
        physical_network=(
            networks[0].removeprefix(_PHYSICAL_NETWORK).lower() if len(networks) == 1 else None
        ),
    )
