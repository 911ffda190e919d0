"""What filters and weighers see of a host."""

from __future__ import annotations

from typing import Protocol

import msgspec

from cellrig.model import Aggregate, ComputeNode, Service


class InstanceCounts(Protocol):
    """How many servers hosts have, found out when it is first asked."""

    def instances(self, host: str) -> int:
        """Return how many servers the cell's database places on `host`."""

    def busy(self, host: str) -> int:
        """Return how many of them have a task going on."""


class HostState(msgspec.Struct, frozen=True, kw_only=True):
    """A host that placement offers for the request, as it is for the next server of the request.

    Nothing here is kept between requests. Amounts are placement's, allocation ratios and reserved
    amounts included, over the host's provider tree and the providers that share with it.

    Args:
        cell: the name of its cell.
        node: its record there; its uuid is that of the tree's root provider.
        service: its compute service.
        aggregates: those it is in, the oldest first.
        zone: its availability zone.
        total_vcpus, free_vcpus: virtual processors.
        total_memory_mb, free_memory_mb: MiB.
        total_disk_gb, free_disk_gb: GiB.
        traits: of the root provider.
        counts: see `num_instances` and `num_io_ops`.
        added: servers of the same request that have claimed it already.
    """

    cell: str
    node: ComputeNode
    service: Service
    aggregates: tuple[Aggregate, ...]
    zone: str
    total_vcpus: int
    free_vcpus: int
    total_memory_mb: int
    free_memory_mb: int
    total_disk_gb: int
    free_disk_gb: int
    traits: frozenset[str]
    counts: InstanceCounts
    added: int = 0

    @property
    def host(self) -> str:
        """The host's name."""
        return self.node.host

    @property
    def num_instances(self) -> int:
        """Servers on the host; the first to ask reads them for all hosts of the request."""
        return self.counts.instances(self.host) + self.added

    @property
    def num_io_ops(self) -> int:
        """Servers on the host with a task going on; read like `num_instances`."""
        return self.counts.busy(self.host) + self.added

    def aggregate_values(self, key: str) -> tuple[str, ...]:
        """Return the values that the host's aggregates have for the metadata `key`."""
        return tuple(each.metadata[key] for each in self.aggregates if key in each.metadata)
