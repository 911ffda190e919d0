"""The audit finds ports that are not what their servers say."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from cellrig import Cell, Rig, Topology
from cellrig.db.instances import InstanceStore
from cellrig.model import InstanceChanges, Server
from cellrig.network.records import Records
from cellrig.network.starting import NetworkTopology
from cellrig.network.tables import ports
from cellrig.network.types import Port

_PORTS = Records(ports, Port, "port")


@pytest.fixture
def unaudited() -> Iterator[Rig]:
    networks = [NetworkTopology("private", subnets=["10.0.0.0/24"])]
    with Rig(Topology(cells=[Cell("cell1", 2)], networks=networks), audit=False) as rig:
        yield rig


def _spoil(rig: Rig, server: Server, **changes: str) -> Port:
    """Change a server's port past every rule."""
    (port,) = rig.networks.ports(server)
    with rig.databases["networks"].transaction() as transaction:
        return _PORTS.replace(transaction, replace(port, **changes))


def test_a_sound_cloud_has_no_findings(unaudited: Rig) -> None:
    unaudited.servers.create(count=2)
    assert unaudited.audit.findings() == []


def test_a_port_that_is_bound_elsewhere(unaudited: Rig) -> None:
    server = unaudited.servers.create(host="cell1-host1")
    port = _spoil(unaudited, server, host="cell1-host2")
    (finding,) = unaudited.audit.findings()
    assert port.id in finding
    assert "bound to host cell1-host2; its server is on host cell1-host1" in finding


def test_a_port_of_a_deleted_server(unaudited: Rig) -> None:
    server = unaudited.servers.create()
    port = unaudited.networks.ports(server)[0]
    unaudited.servers.delete(server)
    with unaudited.databases["networks"].transaction() as transaction:
        _PORTS.add(transaction, port)
    (finding,) = unaudited.audit.findings()
    assert finding == f"port {port.id} is taken for server {server.id}, which is deleted"


def test_a_port_of_no_server(unaudited: Rig) -> None:
    server = unaudited.servers.create()
    port = _spoil(unaudited, server, device_id="nobody")
    findings = unaudited.audit.findings()
    assert f"port {port.id} is taken for server nobody, and there is no such server" in findings
    assert any("has not taken for it" in finding for finding in findings)
    assert len(findings) == 2


def test_a_port_that_its_server_does_not_have(unaudited: Rig) -> None:
    server = unaudited.servers.create()
    store = InstanceStore(unaudited.databases["cell1"], unaudited.runtime.now)
    store.update(server.id, InstanceChanges(network_info=()))
    (finding,) = unaudited.audit.findings()
    assert finding.endswith("which does not have it")
