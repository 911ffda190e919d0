"""The devices that a host can give to guests: network cards' functions, from node devices."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from lxml.etree import _Element

import cellrig_domxml
from cellrig.driver import ComputeResourcesUnavailable, Device, DeviceKind, HostDevice

#: PCI classes of network controllers begin with this.
_NETWORK_CLASS = 0x02


class Card(msgspec.Struct, frozen=True):
    """A physical function and its virtual ones.

    Args:
        address: its PCI address.
        functions: the addresses of its virtual functions.
        numa_node: the NUMA cell that it hangs on.
        interface: the network interface that the host sees it as.
        physical_network: what it is wired to.
    """

    address: str
    functions: tuple[str, ...]
    numa_node: int | None = None
    interface: str | None = None
    physical_network: str | None = None


def find_cards(library: Any, connection: Any, networks: Mapping[str, str]) -> tuple[Card, ...]:
    """Return the host's network cards that have virtual functions, by address.

    Args:
        library: the module `libvirt`.
        connection: with the hypervisor.
        networks: address or interface of a card to its physical network.
    """
    try:
        found = connection.listAllDevices()
    except library.libvirtError as error:
        if error.get_error_code() == library.VIR_ERR_NO_SUPPORT:
            return ()  # an unprivileged daemon may have no node devices
        raise
    documents = [cellrig_domxml.parse(device.XMLDesc().encode()) for device in found]
    interfaces = {
        document.findtext("parent", ""): document.findtext("capability/interface")
        for document in documents
        if document.find("capability[@type='net']") is not None
    }
    cards = [
        _card(document, interfaces, networks)
        for document in documents
        if _functions(document) and _is_network(document)
    ]
    return tuple(sorted(cards, key=lambda card: card.address))


def host_devices(cards: Iterable[Card], node: str, tree: str) -> Iterator[HostDevice]:
    """Return all that guests can have of cards, none of it given away.

    Args:
        cards: the host's.
        node: the node's name.
        tree: where functions are counted, as the options say.
    """
    for card in cards:
        name = provider_name(node, card.address)
        physical = HostDevice(
            kind=DeviceKind.PF,
            address=card.address,
            provider_name=name,
            physical_network=card.physical_network,
            parent_interface=card.interface,
            numa_node=card.numa_node,
        )
        yield physical
        for address in card.functions:
            yield msgspec.structs.replace(
                physical,
                kind=DeviceKind.VF,
                address=address,
                provider_name=name if tree == "inventory" else provider_name(node, address),
                parent=card.address,
            )


def choose_devices(
    wanted: Sequence[Device], devices: Sequence[HostDevice], provider_names: Mapping[str, str]
) -> tuple[Device, ...]:
    """Give each wanted device the address of a free one that fits; interfaces stay as they are.

    Args:
        wanted: what a guest is to get.
        devices: all of the node, with who has them.
        provider_names: provider's uuid to name.

    Raises:
        ComputeResourcesUnavailable: there is no free one left for one of them.
    """
    taken = {device.address for device in devices if device.owner is not None}
    chosen = []
    for want in wanted:
        if want.kind is DeviceKind.VIF:
            chosen.append(want)
            continue
        provider = want.provider_name or provider_names.get(want.provider_uuid or "")
        free = (each for each in devices if _is_free(each, devices, taken))
        device = next((each for each in free if _fits(each, want, provider)), None)
        if device is None:
            where = want.address or provider or want.provider_uuid or want.physical_network
            raise ComputeResourcesUnavailable(f"devices {want.kind.value} of {where}", 1, 0)
        taken.add(device.address)
        chosen.append(msgspec.structs.replace(want, address=device.address))
    return tuple(chosen)


def provider_name(node: str, address: str) -> str:
    """Return the name of the provider of a device: ``<node>_<address>``."""
    return f"{node}_{address}"


def physnet_trait(network: str) -> str:
    """Return the trait that tells of a physical network: ``public`` is CUSTOM_PHYSNET_PUBLIC."""
    return "CUSTOM_PHYSNET_" + re.sub(r"[^A-Z0-9_]", "_", network.upper())


def _is_free(device: HostDevice, devices: Sequence[HostDevice], taken: set[str]) -> bool:
    """A card is free while none of its functions is taken, and a function while its card is not."""
    if device.address in taken or device.parent in taken:
        return False
    if device.kind is not DeviceKind.PF:
        return True
    return not any(other.parent == device.address and other.address in taken for other in devices)


def _fits(device: HostDevice, want: Device, provider: str | None) -> bool:
    if want.address is not None and want.address != device.address:
        return False
    if device.kind is DeviceKind.PF and want.kind is not DeviceKind.PF and not want.address:
        return False  # a whole card is only given as such, or by its address
    return (
        want.kind in (device.kind, DeviceKind.PCI)
        and (want.provider_uuid is None or provider is not None)
        and provider in (None, device.provider_name)
        and _is_wired(device, want.physical_network)
    )


def _is_wired(device: HostDevice, network: str | None) -> bool:
    # The name may come from a trait, which has capital letters, digits and underscores only.
    if network is None or device.physical_network is None:
        return network is None
    return physnet_trait(network) == physnet_trait(device.physical_network)


def _card(
    document: _Element, interfaces: Mapping[str, str | None], networks: Mapping[str, str]
) -> Card:
    place = document.find("capability[@type='pci']")
    parts = {} if place is None else {each.tag: each.text or "0" for each in place}
    domain, bus, slot, function = (
        int(parts.get(part, "0"), 0) for part in ("domain", "bus", "slot", "function")
    )
    address = f"{domain:04x}:{bus:02x}:{slot:02x}.{function:x}"
    interface = interfaces.get(document.findtext("name", ""))
    numa = None if place is None else place.find("numa")
    return Card(
        address=address,
        functions=_functions(document),
        numa_node=None if numa is None else int(numa.get("node", "0")),
        interface=interface,
        physical_network=networks.get(address) or networks.get(interface or ""),
    )


def _functions(document: _Element) -> tuple[str, ...]:
    path = "capability[@type='pci']/capability[@type='virt_functions']/address"
    return tuple(cellrig_domxml.pci_address(address) for address in document.iterfind(path))


def _is_network(document: _Element) -> bool:
    said = document.findtext("capability[@type='pci']/class")
    return said is None or int(said, 0) >> 16 == _NETWORK_CLASS
