"""Clouds with networks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from cellrig import Cell, Host, Rig, Topology
from cellrig.network.starting import NetworkTopology

SRIOV: dict[str, Any] = {
    "sriov": [
        {"address": "0000:81:00.0", "physical_network": "physnet1", "vfs": 2},
        {"address": "0000:82:00.0", "physical_network": "physnet2", "vfs": 2},
    ]
}


@pytest.fixture
def networked() -> Iterator[Rig]:
    """One cell of three hosts, and the network ``private`` that everybody shares."""
    networks = [NetworkTopology("private", subnets=["10.0.0.0/24"])]
    with Rig(Topology(cells=[Cell("cell1", 3)], networks=networks)) as rig:
        yield rig


@pytest.fixture
def wired() -> Iterator[Rig]:
    """Two hosts with functions on two physical networks, and a network on each of them."""
    networks = [
        NetworkTopology("blue", subnets=["10.1.0.0/24"], physical_network="physnet1"),
        NetworkTopology("green", subnets=["10.2.0.0/24"], physical_network="physnet2"),
    ]
    hosts = [Host(name, options=SRIOV) for name in ("host1", "host2")]
    with Rig(Topology(cells=[Cell("cell1", hosts)], networks=networks)) as rig:
        yield rig
