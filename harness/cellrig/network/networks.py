"""Networks: made, shown, changed, removed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from cellrig.context import RequestContext
from cellrig.db.database import Transaction
from cellrig.errors import Conflict, Invalid, NotFound
from cellrig.network.errors import NetworkInUse
from cellrig.network.quotas import Quotas
from cellrig.network.store import (
    Store,
    check_administrator,
    no_others,
    owns,
    project_for,
    sees_network,
)
from cellrig.network.types import Network

_OF_ADMINISTRATORS = (
    "shared",
    "external",
    "network_type",
    "physical_network",
    "segmentation_id",
    "is_default",
)
_WITHOUT_SEGMENT = ("flat", "local")
_TYPES = ("flat", "vlan", "vxlan", "gre", "geneve", "local")
_MAX_MTU = 65535
_LEAST_MTU = 68


class Networks:
    """The networks.

    Args:
        store: the network service's things.
        quotas: of projects.
    """

    def __init__(self, store: Store, quotas: Quotas) -> None:
        self._store = store
        self._quotas = quotas

    def create(self, context: RequestContext, wanted: Network) -> Network:
        """Make a network; one whose segment is left open gets the next free one."""
        return self.create_all(context, [wanted])[0]

    def create_all(self, context: RequestContext, wanted: Sequence[Network]) -> tuple[Network, ...]:
        """Make several networks, or none."""
        plain = Network()
        for each in wanted:
            for name in _OF_ADMINISTRATORS:
                asked = getattr(each, name) != getattr(plain, name)
                check_administrator(context, f"the network attribute {name}", asked=asked)
            _check(each)
        with self._store.database.transaction() as transaction:
            return tuple(self._add(transaction, context, each) for each in wanted)

    def _add(self, transaction: Transaction, context: RequestContext, wanted: Network) -> Network:
        store = self._store
        now = transaction.now()
        project_id = project_for(context, wanted.project_id)
        self._quotas.check(transaction, store.networks, "network", project_id)
        segment = wanted.segmentation_id
        if segment is None and wanted.network_type not in _WITHOUT_SEGMENT:
            segment = self._free_segment(transaction, wanted)
        else:
            self._check_segment(transaction, wanted)
        made = replace(
            wanted,
            id=wanted.id or store.new_uuid(),
            project_id=project_id,
            segmentation_id=segment,
            created_at=now,
            updated_at=now,
        )
        return store.networks.add(transaction, made)

    def get(self, context: RequestContext, network_id: str) -> Network:
        """Return a network."""
        with self._store.database.transaction() as transaction:
            return self._store.network(transaction, context, network_id)

    def all(self, context: RequestContext) -> tuple[Network, ...]:
        """Return the networks that exist for the caller, the oldest first."""
        with self._store.database.transaction() as transaction:
            found = self._store.networks.all(transaction)
        return tuple(each for each in found if sees_network(context, each))

    def update(
        self, context: RequestContext, network_id: str, changes: Mapping[str, Any]
    ) -> Network:
        """Change fields of a network."""
        no_others(changes, Network.__struct_fields__)
        for name in _OF_ADMINISTRATORS:
            check_administrator(context, f"the network attribute {name}", asked=name in changes)
        with self._store.database.transaction() as transaction:
            known = self._own(transaction, context, network_id)
            changed = replace(known, **{**changes, "updated_at": transaction.now()})
            _check(changed)
            return self._store.networks.replace(transaction, changed)

    def delete(self, context: RequestContext, network_id: str) -> None:
        """Remove a network with its subnets; its ports must be gone."""
        store = self._store
        with store.database.transaction() as transaction:
            self._own(transaction, context, network_id)
            if store.ports.count(transaction, network_id=network_id):
                raise NetworkInUse(network_id)
            for subnet in store.subnets.all(transaction, network_id=network_id):
                store.subnets.remove(transaction, subnet.id)
            store.networks.remove(transaction, network_id)

    def _own(self, transaction: Transaction, context: RequestContext, network_id: str) -> Network:
        """Return a network that the caller may change."""
        found = self._store.network(transaction, context, network_id)
        if not owns(context, found.project_id):
            raise NotFound("network", network_id)
        return found

    def _free_segment(self, transaction: Transaction, wanted: Network) -> int:
        taken = {
            each.segmentation_id
            for each in self._store.networks.all(transaction)
            if _same_wire(each, wanted)
        }
        most = 4094 if wanted.network_type == "vlan" else 1 << 24
        for number in range(1, most + 1):
            if number not in taken:
                return number
        raise Conflict(f"there is no free segment of type {wanted.network_type}")

    def _check_segment(self, transaction: Transaction, wanted: Network) -> None:
        """Check that no other network has the segment, or the whole wire of a flat one."""
        if wanted.network_type == "local":
            return
        for each in self._store.networks.all(transaction):
            if _same_wire(each, wanted) and each.segmentation_id == wanted.segmentation_id:
                raise Conflict(
                    f"the {wanted.network_type} network {wanted.segmentation_id or ''} on physical "
                    f"network {wanted.physical_network} is in use"
                )


def _same_wire(one: Network, other: Network) -> bool:
    return (one.network_type, one.physical_network) == (other.network_type, other.physical_network)


def _check(network: Network) -> None:
    if network.network_type not in _TYPES:
        raise Invalid(f"provider:network_type {network.network_type!r}: it takes {_TYPES}")
    wired = network.network_type in ("flat", "vlan")
    if wired and not network.physical_network:
        raise Invalid(f"a {network.network_type} network takes a provider:physical_network")
    if not wired and network.physical_network:
        raise Invalid(f"a {network.network_type} network takes no provider:physical_network")
    if network.segmentation_id is not None:
        most = 4094 if network.network_type == "vlan" else (1 << 24) - 1
        if network.network_type in _WITHOUT_SEGMENT or not 1 <= network.segmentation_id <= most:
            raise Invalid(
                f"provider:segmentation_id {network.segmentation_id} of a "
                f"{network.network_type} network: only vlan takes 1 to 4094, tunnels more"
            )
    if not _LEAST_MTU <= network.mtu <= _MAX_MTU:
        raise Invalid(f"mtu {network.mtu}: it takes {_LEAST_MTU} to {_MAX_MTU}")
