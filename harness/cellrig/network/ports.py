"""Ports: made, shown, changed, removed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from cellrig.context import RequestContext
from cellrig.db.database import Transaction
from cellrig.errors import Invalid, NotFound
from cellrig.network.choosing import choose_addresses, choose_mac
from cellrig.network.errors import PortInUse
from cellrig.network.quotas import Quotas
from cellrig.network.security_groups import SecurityGroups
from cellrig.network.store import Store, check_administrator, no_others, owns, project_for
from cellrig.network.types import VNIC_TYPES, AddressRequest, Network, NewPort, Port


class Ports:
    """The ports.

    Args:
        store: the network service's things.
        quotas: of projects.
        groups: the security groups.
    """

    def __init__(self, store: Store, quotas: Quotas, groups: SecurityGroups) -> None:
        self._store = store
        self._quotas = quotas
        self._groups = groups

    def create(
        self,
        context: RequestContext,
        wanted: Port,
        addresses: Sequence[AddressRequest] | None = None,
        security_groups: Sequence[str] | None = None,
    ) -> Port:
        """Make a port.

        Args:
            context: who asks.
            wanted: what is asked for.
            addresses: that it is to have; None for one of each IP version.
            security_groups: ids; None for the project's default one.
        """
        return self.create_all(context, [NewPort(wanted, addresses, security_groups)])[0]

    def create_all(self, context: RequestContext, wanted: Sequence[NewPort]) -> tuple[Port, ...]:
        """Make several ports, or none."""
        for each in wanted:
            _check_binding(context, host=each.port.host, profile=each.port.profile)
        with self._store.database.transaction() as transaction:
            return tuple(self._add(transaction, context, *each) for each in wanted)

    def _add(
        self,
        transaction: Transaction,
        context: RequestContext,
        wanted: Port,
        addresses: Sequence[AddressRequest] | None,
        security_groups: Sequence[str] | None,
    ) -> Port:
        network = self._store.network(transaction, context, wanted.network_id)
        given = replace(wanted, project_id=project_for(context, wanted.project_id))
        groups = self._groups_of(transaction, context, given, network, security_groups)
        return self.add(transaction, network, replace(given, security_groups=groups), addresses)

    def add(
        self,
        transaction: Transaction,
        network: Network,
        wanted: Port,
        addresses: Sequence[AddressRequest] | None,
    ) -> Port:
        """Write a new port that has been checked; see `create`."""
        store = self._store
        if wanted.vnic_type not in VNIC_TYPES:
            raise Invalid(f"binding:vnic_type {wanted.vnic_type!r}: it takes {VNIC_TYPES}")
        self._quotas.check(transaction, store.ports, "port", wanted.project_id)
        now = transaction.now()
        port_id = wanted.id or store.new_uuid()
        mac_address = choose_mac(store, transaction, network, wanted.mac_address)
        made = replace(
            wanted,
            id=port_id,
            mac_address=mac_address,
            fixed_ips=choose_addresses(
                store, transaction, network, addresses, port_id, mac_address
            ),
            port_security_enabled=wanted.port_security_enabled and network.port_security_enabled,
            created_at=now,
            updated_at=now,
        )
        store.take(transaction, made)
        return store.ports.add(transaction, made)

    def get(self, context: RequestContext, port_id: str) -> Port:
        """Return a port."""
        with self._store.database.transaction() as transaction:
            return self.see(transaction, context, port_id)

    def all(self, context: RequestContext, device_id: str | None = None) -> tuple[Port, ...]:
        """Return the caller's ports, or everybody's for an administrator, the oldest first."""
        keys = {} if device_id is None else {"device_id": device_id}
        with self._store.database.transaction() as transaction:
            found = self._store.ports.all(transaction, **keys)
        return tuple(each for each in found if owns(context, each.project_id))

    def update(
        self,
        context: RequestContext,
        port_id: str,
        changes: Mapping[str, Any],
        addresses: Sequence[AddressRequest] | None = None,
        security_groups: Sequence[str] | None = None,
    ) -> Port:
        """Change fields of a port; addresses and security groups where they are given."""
        no_others(changes, Port.__struct_fields__)
        _check_binding(context, host=changes.get("host", ""), profile=changes.get("profile", {}))
        store = self._store
        with store.database.transaction() as transaction:
            known = self.see(transaction, context, port_id)
            network = store.networks.get(transaction, known.network_id)
            fields = {**changes, "updated_at": transaction.now()}
            mac_address = fields.pop("mac_address", known.mac_address)
            if mac_address != known.mac_address:
                fields["mac_address"] = choose_mac(store, transaction, network, mac_address)
            if addresses is not None:
                fields["fixed_ips"] = choose_addresses(
                    store, transaction, network, addresses, port_id, mac_address.lower()
                )
            changed = replace(known, **fields)
            if security_groups is not None:
                ids = self._groups_of(transaction, context, changed, network, security_groups)
                changed = replace(changed, security_groups=ids)
            store.take(transaction, changed)
            return store.ports.replace(transaction, changed)

    def delete(self, context: RequestContext, port_id: str) -> None:
        """Remove a port that no server has."""
        with self._store.database.transaction() as transaction:
            known = self.see(transaction, context, port_id)
            if known.claim:
                raise PortInUse(port_id, known.device_id)
            self.remove(transaction, port_id)

    def remove(self, transaction: Transaction, port_id: str) -> None:
        """Let nothing be left of a port."""
        self._store.give_back(transaction, port_id)
        self._store.ports.remove(transaction, port_id)

    def see(self, transaction: Transaction, context: RequestContext, port_id: str) -> Port:
        """Return a port that the caller sees.

        Raises:
            NotFound: there is none.
        """
        found = self._store.ports.get(transaction, port_id)
        if not owns(context, found.project_id):
            raise NotFound("port", port_id)
        return found

    def _groups_of(
        self,
        transaction: Transaction,
        context: RequestContext,
        port: Port,
        network: Network,
        asked: Sequence[str] | None,
    ) -> tuple[str, ...]:
        if not (port.port_security_enabled and network.port_security_enabled):
            if asked:
                raise Invalid("a port without port security takes no security groups")
            return ()
        if asked is None:
            return (self._groups.default_of(transaction, port.project_id).id,)
        for group_id in asked:
            group = self._store.groups.find(transaction, group_id)
            if group is None or not owns(context, group.project_id):
                raise NotFound("security group", group_id)
        return tuple(dict.fromkeys(asked))


def _check_binding(context: RequestContext, *, host: str, profile: Mapping[str, Any]) -> None:
    check_administrator(context, "the port attribute binding:host_id", asked=bool(host))
    check_administrator(context, "the port attribute binding:profile", asked=bool(profile))
