"""The network service, put together."""

from __future__ import annotations

from collections.abc import Callable

from cellrig.db.database import Database
from cellrig.network.networks import Networks
from cellrig.network.ports import Ports
from cellrig.network.quotas import Quotas
from cellrig.network.security_groups import SecurityGroups
from cellrig.network.server_ports import ServerPorts
from cellrig.network.store import Store
from cellrig.network.subnets import Subnets


class Networking:
    """Serves `NetworkClient`.

    Args:
        database: the network service's own.
        new_uuid: the rig's source of uuids.
    """

    def __init__(self, database: Database, new_uuid: Callable[[], str]) -> None:
        self._store = store = Store(database, new_uuid)
        quotas = Quotas(store)
        networks, subnets = Networks(store, quotas), Subnets(store)
        groups = SecurityGroups(store, quotas)
        ports = Ports(store, quotas, groups)
        servers = ServerPorts(store, ports, groups)

        self.network_create = networks.create
        self.network_create_all = networks.create_all
        self.network_get = networks.get
        self.network_list = networks.all
        self.network_update = networks.update
        self.network_delete = networks.delete
        self.subnet_create = subnets.create
        self.subnet_create_all = subnets.create_all
        self.subnet_get = subnets.get
        self.subnet_list = subnets.all
        self.subnet_update = subnets.update
        self.subnet_delete = subnets.delete
        self.port_create = ports.create
        self.port_create_all = ports.create_all
        self.port_get = ports.get
        self.port_list = ports.all
        self.port_update = ports.update
        self.port_delete = ports.delete
        self.group_create = groups.create
        self.group_create_all = groups.create_all
        self.group_get = groups.get
        self.group_list = groups.all
        self.group_update = groups.update
        self.group_delete = groups.delete
        self.rule_create = groups.rule_create
        self.rule_create_all = groups.rule_create_all
        self.rule_get = groups.rule_get
        self.rule_list = groups.rules
        self.rule_delete = groups.rule_delete
        self.quota_get = quotas.of
        self.quota_defaults = quotas.defaults
        self.quota_used = quotas.used
        self.quota_update = quotas.update
        self.quota_reset = quotas.reset
        self.available = servers.available
        self.allocate = servers.allocate
        self.bind = servers.bind
        self.unbind = servers.unbind
        self.release = servers.release
        self.change_groups = servers.change_groups
        self.servers_with_address = servers.servers_with_address

    def has_networks(self) -> bool:
        """Whether there is any network at all; compute asks nothing of a service without."""
        with self._store.database.transaction() as transaction:
            return bool(self._store.networks.count(transaction))
