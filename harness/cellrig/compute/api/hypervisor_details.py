"""What the API shows of hypervisors beside their own records."""

from __future__ import annotations

import msgspec

from cellrig.compute.api.policy import check_admin
from cellrig.compute.api.servers import is_up
from cellrig.compute.api.surroundings import Surroundings
from cellrig.context import RequestContext
from cellrig.db import CellDatabase
from cellrig.model import ComputeNode, Instance, Service


class HypervisorDetail(msgspec.Struct, frozen=True):
    """One node.

    Args:
        node, service: its record, and its host's compute service.
        is_up: whether that service is alive.
        used: amount by resource class that is allocated.
        servers: those that are on it.
    """

    node: ComputeNode
    service: Service
    is_up: bool
    used: dict[str, int]
    servers: tuple[Instance, ...]


class HypervisorDetails:
    """Reads details.

    Args:
        around: the compute API's surroundings.
    """

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    def all(self, context: RequestContext) -> list[HypervisorDetail]:
        """Return the nodes of all cells that answer, by uuid (administrators)."""
        check_admin(context, "see hypervisors")
        cells = self._around.cells
        gathered = cells.scatter.gather(cells.with_hosts(), self._of_cell)
        found = [each for answer in gathered.answers.values() for each in answer]
        return sorted(found, key=lambda each: each.node.uuid)

    def _of_cell(self, cell: CellDatabase) -> list[HypervisorDetail]:
        around, now = self._around, self._around.runtime.now()
        found = []
        for node, service in cell.hosts.nodes():
            servers = [
                instance
                for instance in cell.instances.all_on_host(node.host)
                if instance.node == node.hypervisor_hostname
            ]
            used = around.placement.get_provider_usages(node.uuid)
            up = is_up(service, now)
            found.append(HypervisorDetail(node, service, up, used, tuple(servers)))
        return found
