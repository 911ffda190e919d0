"""The devices of a fake host: which there are, and which one a guest gets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from uuid import NAMESPACE_DNS, uuid5

import msgspec

from cellrig.driver import ComputeResourcesUnavailable, Device, DeviceKind, HostDevice
from cellrig_fake.device_options import Gpu, PhysicalFunction, physnet_trait
from cellrig_fake.options import FakeOptions


def node_devices(options: FakeOptions, node: str, host: str) -> tuple[HostDevice, ...]:
    """Return all devices of a node, none of them given away.

    Args:
        options: the driver's.
        node: the node's name.
        host: the host's name, which ``{host}`` in the options stands for.
    """
    devices: list[HostDevice] = []
    for card in options.sriov:
        devices.extend(_functions(card, node, host))
    for gpu in options.gpus:
        devices.extend(_mediated(gpu, node))
    return tuple(devices)


def claimed_devices(
    devices: Sequence[HostDevice], node: str, claims: Mapping[str, str]
) -> tuple[HostDevice, ...]:
    """Return the devices of a node with who has them."""
    return tuple(
        msgspec.structs.replace(device, owner=claims.get(claim_key(node, device.address)))
        for device in devices
    )


def _functions(card: PhysicalFunction, node: str, host: str) -> Iterator[HostDevice]:
    name = provider_name(node, card.address)
    counted_at = {"children": None, "inventory": name, "root": node}[card.tree]
    interface = None if card.interface is None else card.interface.replace("{host}", host)
    physical = HostDevice(
        kind=DeviceKind.PF,
        address=card.address,
        provider_name=name,
        physical_network=card.physical_network,
        parent_interface=interface,
        numa_node=card.numa_node,
    )
    yield physical
    for address in card.vf_addresses():
        yield msgspec.structs.replace(
            physical,
            kind=DeviceKind.VF,
            address=address,
            provider_name=counted_at or provider_name(node, address),
            parent=card.address,
        )


def _mediated(gpu: Gpu, node: str) -> Iterator[HostDevice]:
    name = provider_name(node, gpu.address)
    whole = HostDevice(
        kind=DeviceKind.PCI, address=gpu.address, provider_name=name, numa_node=gpu.numa_node
    )
    if not gpu.vgpus:
        yield whole
    for position in range(gpu.vgpus):
        uuid = str(uuid5(NAMESPACE_DNS, f"{name}/{position}"))
        yield msgspec.structs.replace(whole, kind=DeviceKind.VGPU, address=uuid, parent=gpu.address)


def provider_name(node: str, address: str) -> str:
    """Return the name of the provider of a device: ``<node>_<address>``."""
    return f"{node}_{address}"


def choose_devices(
    wanted: Sequence[Device],
    node: str,
    devices: Iterable[HostDevice],
    claims: Mapping[str, str],
    provider_names: Mapping[str, str],
) -> tuple[Device, ...]:
    """Give each wanted device the address of a free one that fits; interfaces stay as they are.

    Args:
        wanted: what a guest is to get.
        node: where.
        devices: all devices of the node.
        claims: those that are given away, by ``<node>/<address>``.
        provider_names: provider's uuid to name.

    Raises:
        ComputeResourcesUnavailable: there is no free one left for one of them.
    """
    devices = tuple(devices)
    taken = {device.address for device in devices if claim_key(node, device.address) in claims}
    chosen = []
    for want in wanted:
        if want.kind is DeviceKind.VIF:
            chosen.append(want)
            continue
        provider = want.provider_name or provider_names.get(want.provider_uuid or "")
        if provider is None and want.provider_uuid is not None:
            raise ComputeResourcesUnavailable(f"devices of provider {want.provider_uuid}", 1, 0)
        device = next(
            (
                each
                for each in devices
                if _fits(each, want, provider, node) and _free(each, devices, taken)
            ),
            None,
        )
        if device is None:
            where = want.address or provider or want.physical_network or node
            raise ComputeResourcesUnavailable(f"devices {want.kind.value} of {where}", 1, 0)
        taken.add(device.address)
        chosen.append(msgspec.structs.replace(want, address=device.address))
    return tuple(chosen)


def claim_key(node: str, address: str) -> str:
    """How a device is named among the claims."""
    return f"{node}/{address}"


def _fits(device: HostDevice, want: Device, provider: str | None, node: str) -> bool:
    return (
        (want.kind is device.kind or (want.kind is DeviceKind.PCI and not _is_mediated(device)))
        and want.address in (None, device.address)
        and provider in (None, device.provider_name, _card_provider(device, node))
        and _is_wired(device, want.physical_network)
        and (device.kind is not DeviceKind.PF or _is_for_a_card(want))
    )


def _is_for_a_card(want: Device) -> bool:
    """Whether a whole card will do: asked for as such or by its address, and for no function."""
    as_such = want.kind is DeviceKind.PF or want.resource_class == "PCI_DEVICE"
    return as_such or bool(want.address)


def _is_wired(device: HostDevice, network: str | None) -> bool:
    """Whether a device is wired to a network, whose name may come from the trait that tells of it.

    A trait has capital letters, digits and underscores only, so names are compared as traits.
    """
    if network is None or device.physical_network is None:
        return network is None
    return physnet_trait(network) == physnet_trait(device.physical_network)


def _card_provider(device: HostDevice, node: str) -> str:
    return provider_name(node, device.parent or device.address)


def _is_mediated(device: HostDevice) -> bool:
    return device.kind is DeviceKind.VGPU


def _free(device: HostDevice, devices: Sequence[HostDevice], taken: set[str]) -> bool:
    """A card is free while none of its functions is taken, and a function while its card is not."""
    if device.address in taken or device.parent in taken:
        return False
    if device.kind is not DeviceKind.PF:
        return True
    return not any(other.parent == device.address and other.address in taken for other in devices)
