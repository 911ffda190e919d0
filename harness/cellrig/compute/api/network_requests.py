"""Which interfaces a server is to have, and their ports taken for it.

Source: Compute API, "Create Server", ``networks``: without any a server gets a port on the one
network that its project has, none where there is none, and has to choose where there are several.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from cellrig.compute.api.surroundings import Surroundings
from cellrig.context import RequestContext
from cellrig.errors import CellrigError, Conflict, Forbidden, Invalid
from cellrig.model import NetworkInterface, NetworkRequest
from cellrig.network.errors import AddressInUse, NoFreeAddress, OverQuota

#: What a user may say in place of a list (microversion 2.37).
NetworkChoice = Literal["auto", "none"]


def wanted_interfaces(
    context: RequestContext,
    around: Surroundings,
    asked: NetworkChoice | Sequence[NetworkRequest],
    count: int,
) -> tuple[NetworkRequest, ...]:
    """Return the interfaces that each server of a request is to have.

    Args:
        context, around: who asks, and where.
        asked: for what; an empty list says no more than ``auto``.
        count: for how many servers.

    Raises:
        Invalid: an entry names nothing, or what only one server can have while there are several.
        Conflict: nothing is said, and there are several networks.
    """
    if asked == "none":
        return ()
    if asked == "auto" or not asked:
        return _by_itself(context, around)
    requests = tuple(each for each in asked if isinstance(each, NetworkRequest))
    ports: set[str] = set()
    for each in requests:
        if each.network is None and each.port is None:
            raise Invalid("a requested network takes a uuid or a port")
        if each.port is not None and each.port in ports:
            raise Invalid(f"port {each.port} is asked for twice")
        if count > 1 and each.port is not None:
            raise Invalid("several servers cannot have one port: ask for a network")
        if count > 1 and each.fixed_ip is not None:
            raise Invalid("several servers cannot have one address: ask for none")
        if each.port is not None:
            ports.add(each.port)
    return requests


def _by_itself(context: RequestContext, around: Surroundings) -> tuple[NetworkRequest, ...]:
    available = around.networks.available(context) if around.has_networks() else ()
    if len(available) > 1:
        raise Conflict(
            "Multiple possible networks found, use a Network ID to be more specific. "
            f"There are: {', '.join(network.id for network in available)}"
        )
    return tuple(NetworkRequest(network=network.id) for network in available)


def take_interfaces(
    context: RequestContext,
    around: Surroundings,
    server_id: str,
    zone: str | None,
    requests: Sequence[NetworkRequest],
    security_groups: Sequence[str] = (),
) -> tuple[NetworkInterface, ...]:
    """Take the ports of a server: all or none.

    Raises:
        Forbidden: the project has as many ports as it may have.
        Invalid: an address that cannot be had.
        NotFound, Conflict: a network, port or group that there is not, a port that is another's.
    """
    try:
        return around.networks.allocate(
            context, server_id, zone or "nova", requests, security_groups
        )
    except OverQuota as error:
        raise Forbidden(str(error)) from error
    except (AddressInUse, NoFreeAddress) as error:
        raise Invalid(str(error)) from error


def free_interfaces(context: RequestContext, around: Surroundings, server_id: str) -> None:
    """Give the ports of a server back that is gone; that one stays stops nothing."""
    elevated = context.elevated()
    try:
        around.seams.insist(lambda: around.networks.release(elevated, server_id), "give ports back")
    except CellrigError as error:
        around.seams.handled(error, "the ports of a server that is gone stay")
