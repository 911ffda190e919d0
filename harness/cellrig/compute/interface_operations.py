"""Network interfaces that come to a server, and leave it, while it has a host."""

from __future__ import annotations

from cellrig.compute.guests import guest_of
from cellrig.compute.host import ComputeHost
from cellrig.compute.interfaces import bind_ports
from cellrig.context import RequestContext
from cellrig.driver.errors import DeviceNotFound, GuestNotFound
from cellrig.driver.values import Device, DeviceKind
from cellrig.errors import CellrigError, Conflict, Invalid, NotFound
from cellrig.model import Instance, InstanceChanges, NetworkInterface


class InterfaceOperations:
    """Attaches and detaches interfaces of one host's guests.

    Args:
        host: where.
    """

    def __init__(self, host: ComputeHost) -> None:
        self._host = host

    def attach(
        self, context: RequestContext, instance_uuid: str, interface: NetworkInterface
    ) -> None:
        """Give a guest an interface whose port is the server's; see `ComputeService`."""
        host = self._host
        with host.lock(instance_uuid):
            try:
                with host.event(context, instance_uuid, "compute_attach_interface"):
                    self._attach(context, instance_uuid, interface)
            except Exception:
                self._take_back(context, instance_uuid, interface)
                raise

    def _attach(
        self, context: RequestContext, instance_uuid: str, interface: NetworkInterface
    ) -> None:
        host = self._host
        instance = host.instances.get(instance_uuid)
        if instance.deleted or instance.host != host.name:
            raise Conflict(f"server {instance_uuid} is not on host {host.name} any more")
        if _has(instance, interface.port_id):
            return  # a second copy of the message
        if not host.driver.capabilities.attach_interface:
            raise Invalid(f"the driver of host {host.name} attaches no interfaces")
        host.driver.attach_interface(guest_of(instance), _device(interface))
        self._write(instance, (*instance.network_info, interface))
        bind_ports(host, context, host.instances.get(instance_uuid))

    def _take_back(
        self, context: RequestContext, instance_uuid: str, interface: NetworkInterface
    ) -> None:
        """Leave nothing of an interface that could not be attached."""
        host = self._host
        try:
            instance = host.seams.insist(
                lambda: host.instances.get(instance_uuid), "see what became of a server"
            )
            if instance.host == host.name and not instance.deleted:
                self._unplug(instance, interface)
                self._forget(instance, interface.port_id)
            self._release(context, instance_uuid, interface.port_id)
        except CellrigError as error:
            host.seams.handled(error, "the port goes with its server")

    def detach(self, context: RequestContext, instance_uuid: str, port_id: str) -> None:
        """Take an interface from a guest, and give its port back; see `ComputeService`."""
        host = self._host
        with host.lock(instance_uuid):
            try:
                with host.event(context, instance_uuid, "compute_detach_interface"):
                    self._detach(context, instance_uuid, port_id)
            except Exception as error:  # noqa: BLE001 - the server has it still, and can be asked again
                host.seams.handled(error, "the interface stays")

    def _detach(self, context: RequestContext, instance_uuid: str, port_id: str) -> None:
        host = self._host
        instance = host.instances.get(instance_uuid)
        for interface in instance.network_info:
            if interface.port_id == port_id and not instance.deleted:
                self._unplug(instance, interface)
                self._forget(instance, port_id)
                self._release(context, instance_uuid, port_id)

    def _unplug(self, instance: Instance, interface: NetworkInterface) -> None:
        host = self._host
        if not host.driver.capabilities.attach_interface:
            return
        try:
            host.driver.detach_interface(guest_of(instance), _device(interface))
        except (DeviceNotFound, GuestNotFound) as error:
            host.seams.handled(error, "the guest has no such interface")

    def _forget(self, instance: Instance, port_id: str) -> None:
        kept = tuple(each for each in instance.network_info if each.port_id != port_id)
        if kept != instance.network_info:
            self._write(instance, kept)

    def _write(self, instance: Instance, interfaces: tuple[NetworkInterface, ...]) -> None:
        host = self._host
        changes = InstanceChanges(network_info=interfaces)
        try:
            host.seams.insist(
                lambda: host.instances.update(instance.uuid, changes), "note an interface"
            )
        except NotFound as error:
            host.seams.handled(error, "the server is deleted, and its ports with it")

    def _release(self, context: RequestContext, instance_uuid: str, port_id: str) -> None:
        host, elevated = self._host, context.elevated()
        host.seams.insist(
            lambda: host.networks.release(elevated, instance_uuid, (port_id,)), "release a port"
        )


def _has(instance: Instance, port_id: str) -> bool:
    return any(each.port_id == port_id for each in instance.network_info)


def _device(interface: NetworkInterface) -> Device:
    return Device(
        kind=DeviceKind.VIF,
        mac_address=interface.mac_address,
        port_id=interface.port_id,
        tag=interface.tag,
    )
