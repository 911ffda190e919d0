"""The network interfaces of servers: seen, attached, detached, and their security groups."""

from __future__ import annotations

from msgspec.structs import replace

from cellrig.compute.api.network_requests import take_interfaces
from cellrig.compute.api.policy import check_unlocked
from cellrig.compute.api.surroundings import Surroundings
from cellrig.compute.api.tasks import Tasks
from cellrig.context import RequestContext
from cellrig.errors import Invalid, MessagingTimeout, NotFound
from cellrig.model import Instance, NetworkInterface, NetworkRequest, VmState
from cellrig.model.network import DIRECT
from cellrig.network.types import Port

_STATES = (VmState.ACTIVE, VmState.PAUSED, VmState.STOPPED)


class ServerInterfaces:
    """The interfaces of servers.

    Args:
        around: the compute API's surroundings.
        tasks: to find servers with.
    """

    def __init__(self, around: Surroundings, tasks: Tasks) -> None:
        self._around = around
        self._tasks = tasks

    def attach(
        self, context: RequestContext, server_id: str, asked: NetworkRequest
    ) -> NetworkInterface:
        """Give a server one more interface; it has it when this returns.

        Args:
            context, server_id: who asks, for which server.
            asked: for what; without a network and a port, one of the only network.

        Raises:
            NotFound: there is no such server, network or port.
            Conflict: the server's state does not allow it, or the port is another's.
            Invalid: a port that is a virtual function, or its host attaches none.
        """
        _cell, instance, host = self._tasks.find_on_host(
            context, server_id, "attach an interface", _STATES
        )
        if asked.network is None and asked.port is None:
            asked = replace(asked, network=self._only_network(context))
        around, zone = self._around, instance.availability_zone
        (interface,) = take_interfaces(context, around, server_id, zone, (asked,))
        try:
            if interface.vnic_type == DIRECT:
                raise Invalid(
                    f"port {interface.port_id} is of vnic_type {DIRECT}: a server takes such a "
                    "port when it is created"
                )
            around.compute(host).attach_interface(context, server_id, interface)
        except MessagingTimeout:
            raise  # the host gives the port back, or has attached it
        except Exception:
            self._release(context, server_id, interface.port_id)
            raise
        return interface

    def _only_network(self, context: RequestContext) -> str:
        available = self._around.networks.available(context)
        if len(available) != 1:
            raise Invalid(
                f"there are {len(available)} networks: an interface takes a net_id or a port_id"
            )
        return available[0].id

    def _release(self, context: RequestContext, server_id: str, port_id: str) -> None:
        networks, elevated = self._around.networks, context.elevated()
        self._around.seams.insist(
            lambda: networks.release(elevated, server_id, (port_id,)), "give a port back"
        )

    def detach(self, context: RequestContext, server_id: str, port_id: str) -> None:
        """Have an interface taken from a server; a port that was made for it goes.

        Raises:
            NotFound: there is no such server, or it has no such port.
            Conflict: its state does not allow it.
            Invalid: the port is a virtual function.
        """
        _cell, instance, host = self._tasks.find_on_host(
            context, server_id, "detach an interface", _STATES
        )
        if _interface(instance, port_id).vnic_type == DIRECT:
            raise Invalid(
                f"port {port_id} is of vnic_type {DIRECT}: a server keeps it as long as it lives"
            )
        compute = self._around.compute(host)
        self._around.seams.insist(
            lambda: compute.detach_interface(context, server_id, port_id), "order a detachment"
        )

    def ports(
        self, context: RequestContext, interfaces: tuple[NetworkInterface, ...]
    ) -> list[Port]:
        """Return the ports of interfaces, as the network service has them now."""
        if not interfaces:
            return []
        elevated = context.elevated()
        return [self._around.networks.port_get(elevated, each.port_id) for each in interfaces]

    def change_group(
        self, context: RequestContext, server_id: str, name: str, *, add: bool
    ) -> None:
        """Add a security group to the ports of a server, or take it from them.

        Raises:
            NotFound: there is no such group.
            Conflict: the server is locked.
        """
        _cell, instance = self._tasks.placed(context, server_id)
        check_unlocked(context, instance)
        if instance.network_info:
            self._around.networks.change_groups(context, server_id, name, add=add)


def _interface(instance: Instance, port_id: str) -> NetworkInterface:
    for each in instance.network_info:
        if each.port_id == port_id:
            return each
    raise NotFound(f"interface of server {instance.uuid}", port_id)
