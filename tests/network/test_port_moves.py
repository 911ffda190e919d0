"""Ports follow their servers: bound to where the server is, to nothing where it is nowhere."""

from __future__ import annotations

import pytest

from cellrig import Cell, ComputeOptions, Rig, Topology
from cellrig.driver.errors import HypervisorError
from cellrig.network.starting import NetworkTopology


def _bound(rig: Rig, server: str) -> str:
    (port,) = rig.networks.ports(server)
    return port.host


@pytest.mark.parametrize("end", ["confirm", "revert"])
def test_a_cold_migration(networked: Rig, end: str) -> None:
    server = networked.servers.create()
    source = server.host
    networked.servers.migrate(server)
    moved = networked.servers.show(server)
    assert moved.host != source
    assert _bound(networked, server.id) == moved.host
    networked.audit()
    if end == "confirm":
        networked.servers.confirm_resize(server)
    else:
        networked.servers.revert_resize(server)
    there = networked.servers.show(server).host
    assert _bound(networked, server.id) == there == (moved.host if end == "confirm" else source)
    assert len(networked.guest(server).devices) == 1


@pytest.mark.parametrize("seam", ["driver.finish_migration", "driver.migrate_disk_and_power_off"])
def test_a_cold_migration_that_fails(networked: Rig, seam: str) -> None:
    server = networked.servers.create()
    networked.faults.fail(seam, HypervisorError("no"), times=1)
    networked.servers.migrate(server)
    assert _bound(networked, server.id) == networked.servers.show(server).host == server.host


def test_a_live_migration(networked: Rig) -> None:
    server = networked.servers.create()
    networked.servers.live_migrate(server)
    moved = networked.servers.show(server)
    assert moved.host != server.host
    assert _bound(networked, server.id) == moved.host
    assert len(networked.guest(server).devices) == 1


def test_a_live_migration_that_fails(networked: Rig) -> None:
    server = networked.servers.create()
    networked.faults.fail("driver.pre_live_migration", HypervisorError("no"), times=1)
    networked.servers.live_migrate(server)
    assert _bound(networked, server.id) == networked.servers.show(server).host == server.host


def test_an_evacuation(networked: Rig) -> None:
    server = networked.servers.create()
    source = str(server.host)
    networked.crash(source)
    networked.advance(120.0)
    networked.servers.evacuate(server)
    moved = networked.servers.show(server)
    assert moved.host != source
    assert _bound(networked, server.id) == moved.host
    networked.restart(source)
    assert _bound(networked, server.id) == moved.host


def test_a_shelved_server_is_bound_to_nothing(networked: Rig) -> None:
    server = networked.servers.create()
    networked.servers.shelve(server)
    shelved = networked.servers.show(server)
    if shelved.host is not None:
        networked.servers.shelve_offload(server)
    assert _bound(networked, server.id) == ""
    networked.audit()
    networked.servers.unshelve(server)
    assert _bound(networked, server.id) == networked.servers.show(server).host
    assert len(networked.guest(server).devices) == 1


def test_a_rebuilt_server_keeps_its_interface(networked: Rig) -> None:
    server = networked.servers.create()
    devices = networked.guest(server).devices
    networked.servers.rebuild(server, "cirros")
    assert networked.guest(server).devices == devices
    assert _bound(networked, server.id) == server.host


@pytest.mark.parametrize("end", ["confirm", "revert"])
def test_a_move_to_another_cell(end: str) -> None:
    topology = Topology(
        cells=[Cell("cell1", 1), Cell("cell2", 1)],
        compute=ComputeOptions(allow_cross_cell_moves=True),
        networks=[NetworkTopology("private", subnets=["10.0.0.0/24"])],
    )
    with Rig(topology) as rig:
        server = rig.servers.create(host="cell1-host1")
        rig.servers.migrate(server)
        assert _bound(rig, server.id) == rig.servers.show(server).host == "cell2-host1"
        rig.audit()
        getattr(rig.servers, f"{end}_resize")(server)
        there = rig.servers.show(server)
        assert _bound(rig, server.id) == there.host
        assert there.host == ("cell2-host1" if end == "confirm" else "cell1-host1")
        assert there.network_info == server.network_info
