"""The network interfaces of one host's guests: their devices, and the bindings of their ports.

A server without interfaces costs no call here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from msgspec.structs import replace

from cellrig.compute.guests import devices_of, provider_of_devices
from cellrig.compute.host import ComputeHost
from cellrig.context import RequestContext
from cellrig.driver.errors import ComputeResourcesUnavailable
from cellrig.driver.values import Device, DeviceKind
from cellrig.model import Instance, NetworkInterface
from cellrig.model.network import DIRECT, has_functions, physical_network_trait
from cellrig.placement.types import ConsumerAllocations, ProviderRecord

_PHYSICAL_NETWORK = physical_network_trait("")


def devices_here(host: ComputeHost, instance: Instance) -> Sequence[Device]:
    """Return the devices that a server's own allocation names, and its other interfaces."""
    held = host.placement.get_allocations(instance.uuid)
    return devices_for(instance, held, host.placement.get_provider_tree)


def devices_for(
    instance: Instance,
    held: ConsumerAllocations | None,
    tree_of: Callable[[str], Iterable[ProviderRecord]],
) -> Sequence[Device]:
    """Return the devices of a server.

    Args:
        instance: the server.
        held: its allocation.
        tree_of: returns the tree of a provider; called only where the server holds devices.

    Raises:
        ComputeResourcesUnavailable: it holds no virtual function for one of its ports.
    """
    provider = None if held is None else provider_of_devices(held)
    tree = () if provider is None else tuple(tree_of(provider))
    devices = () if held is None or provider is None else devices_of(held, tree)
    if not instance.network_info:
        return devices
    return _with_interfaces(devices, tree, instance.network_info)


def _with_interfaces(
    devices: Sequence[Device],
    tree: Iterable[ProviderRecord],
    interfaces: Iterable[NetworkInterface],
) -> Sequence[Device]:
    """Return devices of which some serve ports, and a plain one for each port that needs none."""
    wires = {
        each.uuid: frozenset(t for t in each.traits if t.startswith(_PHYSICAL_NETWORK))
        for each in tree
    }
    found = list(devices)
    for interface in interfaces:
        if interface.vnic_type != DIRECT:
            plain = Device(
                kind=DeviceKind.VIF,
                mac_address=interface.mac_address,
                port_id=interface.port_id,
                tag=interface.tag,
            )
            found.append(plain)
            continue
        at = _function_for(found, wires, interface)
        found[at] = replace(
            found[at],
            mac_address=interface.mac_address,
            port_id=interface.port_id,
            tag=interface.tag,
            physical_network=interface.physical_network,
        )
    return tuple(found)


def _function_for(
    devices: Sequence[Device], wires: dict[str, frozenset[str]], interface: NetworkInterface
) -> int:
    """Return which of the devices serves a port: of those that can, one that can least else."""
    trait = physical_network_trait(interface.physical_network or "")
    fitting = [
        (len(wires[str(device.provider_uuid)]), at)
        for at, device in enumerate(devices)
        if device.kind is DeviceKind.VF
        and device.port_id is None
        and trait in wires[str(device.provider_uuid)]
    ]
    if not fitting:
        raise ComputeResourcesUnavailable(f"virtual functions for port {interface.port_id}", 1, 0)
    return min(fitting)[1]


def bind_ports(host: ComputeHost, context: RequestContext, instance: Instance) -> None:
    """Let a server's ports be bound to this host; twice is harmless."""
    if instance.network_info:
        _bind(host, context, instance, {})


def note_functions(host: ComputeHost, context: RequestContext, instance: Instance) -> None:
    """Tell the ports of a guest that is here which virtual functions serve them."""
    if has_functions(instance.network_info):
        guest = host.driver.get_guest(instance.uuid)
        slots = {
            device.port_id: device.address
            for device in guest.devices
            if device.port_id is not None and device.address is not None
        }
        _bind(host, context, instance, slots)


def _bind(
    host: ComputeHost, context: RequestContext, instance: Instance, slots: dict[str, str]
) -> None:
    elevated = context.elevated()
    host.seams.insist(
        lambda: host.networks.bind(elevated, instance.uuid, host.name, slots), "bind ports"
    )


def unbind_ports(host: ComputeHost, context: RequestContext, instance: Instance) -> None:
    """Let a server's ports be bound to this host no more; twice is harmless."""
    if instance.network_info:
        elevated = context.elevated()
        host.seams.insist(
            lambda: host.networks.unbind(elevated, instance.uuid, host.name), "unbind ports"
        )


def release_ports(host: ComputeHost, context: RequestContext, instance: Instance) -> None:
    """Give all ports of a server back: those that were made for it go, the user's own stay."""
    if instance.network_info:
        elevated = context.elevated()
        host.seams.insist(lambda: host.networks.release(elevated, instance.uuid), "release ports")
