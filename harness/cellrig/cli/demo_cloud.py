"""What the demo is shown on: its own cloud, or one from a file that can show the same."""

from __future__ import annotations

from pathlib import Path

from cellrig.errors import InvalidTopology
from cellrig.topology import Cell, Host, Topology

#: Virtual seconds that the demo's hosts take to start a guest.
_SPAWN_SECONDS = 3.0
_SIZE = {"vcpus": 16, "memory_mb": 32768, "disk_gb": 500, "latencies": {"spawn": _SPAWN_SECONDS}}

#: Two NUMA cells and a network card of two ports: one counts its functions one by one.
_WITH_CARDS = {
    **_SIZE,
    "numa_cells": 2,
    "sriov": [
        {
            "address": "0000:81:00.0",
            "physical_network": "public",
            "vfs": 3,
            "tree": "children",
            "numa_node": 0,
        },
        {
            "address": "0000:81:00.1",
            "physical_network": "storage",
            "vfs": 8,
            "tree": "inventory",
            "numa_node": 1,
        },
    ],
}


def demo_topology() -> Topology:
    """Return the demo's own cloud: three cells, one of them with network cards."""
    return Topology(
        cells=[
            Cell("cell1", hosts=3),
            Cell("cell2", hosts=[Host("node-1", options=_WITH_CARDS), Host("node-2")]),
            Cell("cell3", hosts=2),
        ],
        driver="fake",
        options=_SIZE,
    )


def loaded_topology(path: Path) -> Topology:
    """Read a cloud to show the demo on.

    Raises:
        InvalidTopology: it cannot be read, or has no cell with an alternate host.
    """
    topology = Topology.from_file(path)
    topology.check()
    if not cells_with_alternates(topology):
        raise InvalidTopology(
            f"{path}: the demo takes a topology with two or more hosts in some cell, "
            "one of them for a build that fails on the other; here every cell has less"
        )
    return topology


def cells_with_alternates(topology: Topology) -> list[str]:
    """Return the names of the cells that have more than one host, in the topology's order."""
    hosts = [host.cell for host in topology.hosts()]
    return [cell.name for cell in topology.cells if hosts.count(cell.name) > 1]
