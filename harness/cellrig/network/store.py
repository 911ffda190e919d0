"""What the network service works with: its database, and who may see what."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sqlalchemy import bindparam, delete, select

from cellrig.context import RequestContext
from cellrig.db.database import Database, Statement, Transaction
from cellrig.db.statements import insert_into
from cellrig.errors import Forbidden, NotFound
from cellrig.network import tables
from cellrig.network.records import Records
from cellrig.network.types import Network, Port, SecurityGroup, SecurityGroupRule, Subnet

_addresses = tables.addresses.c
_TAKEN = Statement(
    select(_addresses.ip_address, _addresses.port_id).where(
        _addresses.subnet_id == bindparam("subnet_id")
    )
)
_GIVE_BACK = Statement(delete(tables.addresses).where(_addresses.port_id == bindparam("port_id")))


class Store:
    """The network service's things.

    Args:
        database: its own.
        new_uuid: the rig's source of uuids.
    """

    def __init__(self, database: Database, new_uuid: Callable[[], str]) -> None:
        self.database = database
        self.new_uuid = new_uuid
        self.networks = Records(tables.networks, Network, "network")
        self.subnets = Records(tables.subnets, Subnet, "subnet")
        self.ports = Records(tables.ports, Port, "port")
        self.groups = Records(tables.security_groups, SecurityGroup, "security group")
        self.rules = Records(tables.security_group_rules, SecurityGroupRule, "security group rule")

    def network(
        self, transaction: Transaction, context: RequestContext, network_id: str
    ) -> Network:
        """Return a network that the caller sees.

        Raises:
            NotFound: there is none.
        """
        found = self.networks.get(transaction, network_id)
        if not sees_network(context, found):
            raise NotFound("network", network_id)
        return found

    def taken(self, transaction: Transaction, subnet_id: str) -> dict[str, str]:
        """Return the addresses of a subnet that ports have, each with its port."""
        return dict(tuple(row) for row in transaction.all(_TAKEN, subnet_id=subnet_id))

    def take(self, transaction: Transaction, port: Port) -> None:
        """Let a port have its addresses, and no others."""
        transaction.run(_GIVE_BACK, port_id=port.id)
        for each in port.fixed_ips:
            transaction.run(
                insert_into(tables.addresses),
                subnet_id=each.subnet_id,
                ip_address=each.ip_address,
                port_id=port.id,
            )

    def give_back(self, transaction: Transaction, port_id: str) -> None:
        """Let a port have no addresses."""
        transaction.run(_GIVE_BACK, port_id=port_id)


def owns(context: RequestContext, project_id: str) -> bool:
    """Whether something of a project is the caller's, as far as anybody asks."""
    return context.is_admin or context.project_id == project_id


def sees_network(context: RequestContext, network: Network) -> bool:
    """Whether a network exists for the caller: one's own, and those that are there for all."""
    return network.shared or network.external or owns(context, network.project_id)


def project_for(context: RequestContext, wanted: str) -> str:
    """Return whose something new is.

    Raises:
        Forbidden: somebody who is no administrator makes it for another project.
    """
    if wanted and not owns(context, wanted):
        raise Forbidden(f"to make something for project {wanted} takes an administrator")
    return wanted or context.project_id


def check_administrator(context: RequestContext, what: str, *, asked: bool) -> None:
    """Leave to administrators what is theirs, where it is asked for.

    Raises:
        Forbidden: somebody else asks.
    """
    if asked and not context.is_admin:
        raise Forbidden(f"{what} takes an administrator")


def no_others(names: Iterable[str], known: Iterable[str]) -> None:
    """Check that only fields that there are get changed; a bug of ours where not."""
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise TypeError(f"no such fields: {', '.join(unknown)}")
