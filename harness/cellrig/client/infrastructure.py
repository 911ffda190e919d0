"""``rig.services``, ``rig.aggregates``, ``rig.hypervisors``: an administrator's view of hosts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cellrig.client.requests import Caller
from cellrig.compute.api import Aggregates, Hypervisors, Services
from cellrig.model import Aggregate, ComputeNode, Service


class ServiceClient:
    """Compute services."""

    def __init__(self, call: Caller, services: Services) -> None:
        self._call = call
        self._services = services

    def list(self) -> Sequence[Service]:
        """Return the services of all cells that answer, by host."""
        return self._call(self._services.all, "list services")

    def show(self, host: str) -> Service:
        """Return the compute service of a host."""
        return self._call(lambda c: self._services.show(c, host), "show service")

    def is_up(self, host: str) -> bool:
        """Whether a host's compute service has reported within the last minute."""
        return self._call(lambda c: self._services.is_up(c, host), "show service")

    def disable(self, host: str, reason: str | None = None) -> None:
        """Keep new servers away from a host."""
        self._call(lambda c: self._services.disable(c, host, reason), "disable service")

    def enable(self, host: str) -> None:
        """Let new servers go to a host again."""
        self._call(lambda c: self._services.enable(c, host), "enable service")

    def force_down(self, host: str, down: bool = True) -> None:
        """Declare a host's compute service dead, or take that back."""
        self._call(lambda c: self._services.force_down(c, host, down), "force service down")

    def delete(self, host: str) -> None:
        """Forget a host that has left for good, and has no servers."""
        self._call(lambda c: self._services.delete(c, host), "delete service")


class HypervisorClient:
    """The nodes that guests run on."""

    def __init__(self, call: Caller, hypervisors: Hypervisors) -> None:
        self._call = call
        self._hypervisors = hypervisors

    def list(self) -> Sequence[ComputeNode]:
        """Return the nodes of all cells that answer; a node's uuid is its provider's."""
        return self._call(self._hypervisors.all, "list hypervisors")


class AggregateClient:
    """Host aggregates and availability zones."""

    def __init__(self, call: Caller, aggregates: Aggregates) -> None:
        self._call = call
        self._aggregates = aggregates

    def create(
        self,
        name: str,
        *,
        zone: str | None = None,
        metadata: Mapping[str, str] | None = None,
        hosts: Sequence[str] = (),
    ) -> Aggregate:
        """Add an aggregate with hosts in it; `zone` makes it an availability zone."""
        return self._call(
            lambda c: self._aggregates.create(
                c, name, zone=zone, metadata=metadata, hosts=tuple(hosts)
            ),
            "create aggregate",
        )

    def list(self) -> Sequence[Aggregate]:
        """Return all aggregates, the oldest first."""
        return self._call(self._aggregates.all, "list aggregates")

    def add_host(self, aggregate: Aggregate, host: str) -> Aggregate:
        """Add a host."""
        return self._call(lambda c: self._aggregates.add_host(c, aggregate.id, host), "add host")

    def remove_host(self, aggregate: Aggregate, host: str) -> Aggregate:
        """Remove a host."""
        return self._call(
            lambda c: self._aggregates.remove_host(c, aggregate.id, host), "remove host"
        )

    def set_metadata(self, aggregate: Aggregate, metadata: Mapping[str, str | None]) -> Aggregate:
        """Change metadata; a value of None removes the key."""
        return self._call(
            lambda c: self._aggregates.set_metadata(c, aggregate.id, metadata), "set metadata"
        )

    def delete(self, aggregate: Aggregate) -> None:
        """Delete an aggregate that has no hosts."""
        self._call(lambda c: self._aggregates.delete(c, aggregate.id), "delete aggregate")

    def zones(self) -> Mapping[str, Sequence[str]]:
        """Return the hosts of each availability zone."""
        return self._call(self._aggregates.zones, "list availability zones")
