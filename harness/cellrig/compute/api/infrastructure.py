"""Hosts, for administrators: services, aggregates, availability zones, hypervisors."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cellrig.compute.api.policy import check_admin
from cellrig.compute.api.record_lists import all_services
from cellrig.compute.api.requests import DEFAULT_ZONE, zones_of
from cellrig.compute.api.servers import is_up
from cellrig.compute.api.surroundings import Surroundings
from cellrig.context import RequestContext
from cellrig.errors import Conflict
from cellrig.model import Aggregate, ComputeNode, Service
from cellrig.placement.client import PlacementClient
from cellrig.placement.errors import ConcurrentUpdate
from cellrig.placement.types import ProviderRecord
from cellrig.seams import Seams

DISABLED_TRAIT = "COMPUTE_STATUS_DISABLED"
ZONE_KEY = "availability_zone"

#: How often a provider is read anew when its compute service changed it at the same moment.
_ROUNDS = 4


class Services:
    """The compute services.

    Args:
        around: the compute API's surroundings.
    """

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    def all(self, context: RequestContext) -> list[Service]:
        """Return the services of all cells that answer, by host."""
        return list(all_services(self._around.cells))

    def show(self, context: RequestContext, host: str) -> Service:
        """Return the compute service of a host."""
        return self._around.cells.of_host(host).hosts.service_get(host)

    def is_up(self, context: RequestContext, host: str) -> bool:
        """Whether a host's compute service is alive, as far as its reports tell."""
        return is_up(self.show(context, host), self._around.runtime.now())

    def is_alive(self, service: Service) -> bool:
        """Whether a service that has been listed is alive, as far as its reports tell."""
        return is_up(service, self._around.runtime.now())

    def disable(self, context: RequestContext, host: str, reason: str | None = None) -> None:
        """Keep new servers away from a host."""
        check_admin(context, "disable services")
        self._set(host, {"disabled": True, "disabled_reason": reason})
        self._change_traits(host, lambda traits: traits | {DISABLED_TRAIT})

    def enable(self, context: RequestContext, host: str) -> None:
        """Let new servers go to a host again."""
        check_admin(context, "enable services")
        self._set(host, {"disabled": False, "disabled_reason": None})
        self._change_traits(host, lambda traits: traits - {DISABLED_TRAIT})

    def force_down(self, context: RequestContext, host: str, down: bool = True) -> None:
        """Declare a host's compute service dead (it has been fenced), or take that back."""
        check_admin(context, "force services down")
        self._set(host, {"forced_down": down})

    def delete(self, context: RequestContext, host: str) -> None:
        """Forget a host that has left for good: its service, nodes, providers, aggregates, mapping.

        A compute service that still runs ends when it next reports. One that is started again
        registers as a new one.

        Raises:
            NotFound: no cell has such a host.
            Conflict: it has servers, or moves from or to it are under way; nothing is changed
                (``DELETE /os-services/{service_id}``).
        """
        check_admin(context, "delete services")
        cell = self._around.cells.of_host(host)
        service = cell.hosts.service_get(host)
        if servers := cell.instances.all_on_host(host):
            raise Conflict(
                f"host {host!r} has {len(servers)} servers; a service is deleted when it has none"
            )
        if moves := cell.migrations.under_way(host):
            raise Conflict(
                f"migration {moves[0].uuid} of server {moves[0].instance_uuid} from or to host "
                f"{host!r} is {moves[0].status}; a service is deleted when all have ended"
            )
        api = self._around.api
        nodes = cell.hosts.nodes_of_host(host)
        # What others know of the host comes first: what is left of a deletion that was cut off
        # can be found by its service, and deleted again.
        for node in nodes:
            for record in reversed(self._around.placement.get_provider_tree(node.uuid)):
                self._around.placement.delete_provider(record.uuid)
        for aggregate in api.aggregates.all():
            if host in aggregate.hosts:
                api.aggregates.remove_host(aggregate.id, host)
        for node in nodes:
            cell.hosts.node_delete(node.uuid)
        cell.hosts.service_delete(service.uuid)
        api.mappings.host_delete(host)

    def _set(self, host: str, changes: dict[str, object]) -> None:
        store = self._around.cells.of_host(host).hosts
        store.service_update(store.service_get(host).uuid, changes)

    def _change_traits(self, host: str, change: Callable[[frozenset[str]], frozenset[str]]) -> None:
        placement = self._around.placement
        for node in self._around.cells.of_host(host).hosts.nodes_of_host(host):

            def write(record: ProviderRecord) -> None:
                wanted = change(record.traits)
                if wanted != record.traits:
                    placement.set_traits(record.uuid, wanted, generation=record.generation)

            change_provider(placement, self._around.seams, node.uuid, write)


class Hypervisors:
    """The nodes that guests run on.

    Args:
        around: the compute API's surroundings.
    """

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    def all(self, context: RequestContext) -> list[ComputeNode]:
        """Return the nodes of all cells that answer, by host and name."""
        cells = self._around.cells
        gathered = cells.scatter.gather(cells.with_hosts(), lambda cell: cell.hosts.nodes())
        return sorted(
            (node for answer in gathered.answers.values() for node, _service in answer),
            key=lambda node: (node.host, node.hypervisor_hostname),
        )


class Aggregates:
    """Host aggregates; each is mirrored in placement, where scheduling uses it.

    Args:
        around: the compute API's surroundings.
    """

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    def create(
        self,
        context: RequestContext,
        name: str,
        *,
        zone: str | None = None,
        metadata: Mapping[str, str] | None = None,
        hosts: tuple[str, ...] = (),
    ) -> Aggregate:
        """Add an aggregate, with hosts in it.

        Args:
            context: an administrator's.
            name: unique.
            zone: the availability zone that it makes of its hosts.
            metadata: further key-value pairs.
            hosts: to add at once.

        Raises:
            NotFound: no cell has a host; nothing is created.
            Conflict: the name is taken, or a host would be in two zones.
        """
        check_admin(context, "create aggregates")
        for host in hosts:
            self._around.api.mappings.cell_of_host(host)
        data = {**(metadata or {}), **({ZONE_KEY: zone} if zone else {})}
        aggregate = self._around.api.aggregates.create(
            self._around.new_uuid(), name, data, self._around.runtime.now()
        )
        for host in hosts:
            aggregate = self.add_host(context, aggregate.id, host)
        return aggregate

    def all(self, context: RequestContext) -> list[Aggregate]:
        """Return all aggregates, the oldest first."""
        return self._around.api.aggregates.all()

    def show(self, context: RequestContext, aggregate_id: int) -> Aggregate:
        """Return an aggregate."""
        return self._around.api.aggregates.get(aggregate_id)

    def add_host(self, context: RequestContext, aggregate_id: int, host: str) -> Aggregate:
        """Add a host.

        Raises:
            NotFound: no cell has it.
            Conflict: it is in the aggregate already, or would be in two zones.
        """
        check_admin(context, "change aggregates")
        store = self._around.api.aggregates
        self._around.api.mappings.cell_of_host(host)
        self._check_zone(host, store.get(aggregate_id))
        aggregate = store.add_host(aggregate_id, host)
        try:
            self._mirror(host, lambda known: known | {aggregate.uuid})
        except Exception:
            store.remove_host(aggregate_id, host)
            raise
        return aggregate

    def remove_host(self, context: RequestContext, aggregate_id: int, host: str) -> Aggregate:
        """Remove a host.

        Raises:
            NotFound: it is not in the aggregate.
        """
        check_admin(context, "change aggregates")
        store = self._around.api.aggregates
        aggregate = store.remove_host(aggregate_id, host)
        self._mirror(host, lambda known: known - {aggregate.uuid})
        return aggregate

    def set_metadata(
        self, context: RequestContext, aggregate_id: int, metadata: Mapping[str, str | None]
    ) -> Aggregate:
        """Change metadata; a value of None removes the key."""
        check_admin(context, "change aggregates")
        known = self._around.api.aggregates.get(aggregate_id)
        merged = {**known.metadata, **metadata}
        data = {key: value for key, value in merged.items() if value is not None}
        return self._around.api.aggregates.set_metadata(aggregate_id, data)

    def update(
        self,
        context: RequestContext,
        aggregate_id: int,
        *,
        name: str | None = None,
        zone: str | None = None,
    ) -> Aggregate:
        """Give an aggregate another name, or its hosts another zone; what is None stays.

        Raises:
            NotFound: there is no such aggregate.
            Conflict: the name is taken.
        """
        check_admin(context, "change aggregates")
        store = self._around.api.aggregates
        aggregate = store.get(aggregate_id)
        if name is not None:
            aggregate = store.rename(aggregate_id, name, self._around.runtime.now())
        if zone is not None:
            aggregate = self.set_metadata(context, aggregate_id, {ZONE_KEY: zone})
        return aggregate

    def delete(self, context: RequestContext, aggregate_id: int) -> None:
        """Delete an aggregate.

        Raises:
            Conflict: it has hosts.
        """
        check_admin(context, "delete aggregates")
        self._around.api.aggregates.delete(aggregate_id)

    def zones(self, context: RequestContext) -> dict[str, tuple[str, ...]]:
        """Return the hosts of each availability zone."""
        aggregates = self._around.api.aggregates.all()
        zones: dict[str, list[str]] = {zone: [] for zone in sorted(zones_of(aggregates))}
        for host in self._around.api.mappings.hosts():
            zones[_zone_of(host, aggregates)].append(host)
        return {zone: tuple(hosts) for zone, hosts in zones.items()}

    def _check_zone(self, host: str, aggregate: Aggregate) -> None:
        zone = aggregate.metadata.get(ZONE_KEY)
        for other in self._around.api.aggregates.all():
            known = other.metadata.get(ZONE_KEY)
            if host in other.hosts and zone and known and known != zone:
                raise Conflict(
                    f"host {host!r} is in availability zone {known!r} by aggregate "
                    f"{other.name!r}; it cannot be in {zone!r} too"
                )

    def _mirror(self, host: str, change: Callable[[frozenset[str]], frozenset[str]]) -> None:
        placement = self._around.placement
        for node in self._around.cells.of_host(host).hosts.nodes_of_host(host):

            def write(record: ProviderRecord) -> None:
                wanted = change(record.aggregates)
                placement.set_aggregates(record.uuid, wanted, generation=record.generation)

            change_provider(placement, self._around.seams, node.uuid, write)


def _zone_of(host: str, aggregates: list[Aggregate]) -> str:
    for aggregate in aggregates:
        if host in aggregate.hosts and ZONE_KEY in aggregate.metadata:
            return aggregate.metadata[ZONE_KEY]
    return DEFAULT_ZONE


def change_provider(
    placement: PlacementClient,
    seams: Seams,
    provider_uuid: str,
    write: Callable[[ProviderRecord], None],
) -> None:
    """Read a provider and write to it; again when somebody else wrote in between.

    Raises:
        ConcurrentUpdate: somebody else did so each time.
    """
    for round_ in range(_ROUNDS):
        record = next(
            record
            for record in placement.get_provider_tree(provider_uuid)
            if record.uuid == provider_uuid
        )
        try:
            write(record)
        except ConcurrentUpdate as error:
            if round_ == _ROUNDS - 1:
                raise
            seams.handled(error, "the provider is read again")
        else:
            return
