"""Failures of the network service; the statuses are the Networking API's, the codes its types."""

from __future__ import annotations

from cellrig.errors import Conflict


class NetworkInUse(Conflict):
    """A network cannot be removed while it has ports. Args: its id."""

    code = "NetworkInUse"
    # Clients that clean up know it by these words.
    template = "network {0}: There are one or more ports still in use on the network"


class SubnetInUse(Conflict):
    """A subnet cannot be removed while ports have addresses of it. Args: its id, how many."""

    code = "SubnetInUse"
    template = "subnet {0} is in use: ports have {1} address(es) of it"


class SecurityGroupInUse(Conflict):
    """A security group cannot be removed while ports have it. Args: its id."""

    code = "SecurityGroupInUse"
    template = "security group {0} is in use: ports have it"


class PortInUse(Conflict):
    """A port is somebody's already. Args: the port, the device that it is of."""

    code = "PortInUse"
    template = "port {0} is in use by device {1}"


class NoFreeAddress(Conflict):
    """A subnet has no address left. Args: the network."""

    code = "IpAddressGenerationFailure"
    template = "no more IP addresses are available on network {0}"


class AddressInUse(Conflict):
    """An address is a port's already. Args: the address, the subnet."""

    code = "IpAddressAlreadyAllocated"
    template = "IP address {0} is already allocated in subnet {1}"


class MacAddressInUse(Conflict):
    """Two ports of a network cannot have one MAC address. Args: the address, the network."""

    code = "MacAddressInUse"
    template = "MAC address {0} is in use on network {1}"


class OverQuota(Conflict):
    """A project has all that it may have. Args: the resource, the limit."""

    code = "OverQuota"
    template = "quota exceeded for resources: {0} (the limit is {1})"
