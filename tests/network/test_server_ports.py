"""Servers and their ports: asked for, given, taken, given back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cellrig import Cell, Rig, Topology
from cellrig.driver.errors import HypervisorError
from cellrig.errors import CellrigError, Conflict, Invalid, MessagingTimeout, NotFound
from cellrig.model import NetworkRequest, Server
from cellrig.network.errors import PortInUse


def _addresses(server: Server) -> list[str]:
    return [fixed.ip_address for each in server.network_info for fixed in each.fixed_ips]


def test_a_server_gets_a_port_on_the_only_network(networked: Rig) -> None:
    server = networked.servers.create()
    (port,) = networked.networks.ports(server)
    assert (port.device_owner, port.host, port.status) == ("compute:nova", server.host, "ACTIVE")
    assert _addresses(server) == ["10.0.0.2"]
    (device,) = networked.guest(server).devices
    assert (device.port_id, device.mac_address) == (port.id, port.mac_address)
    (listed,) = networked.servers.list().servers
    assert listed.network_info == server.network_info
    networked.servers.delete(server)
    assert networked.networks.ports() == ()


def test_several_networks_leave_the_choice_to_the_user(networked: Rig) -> None:
    other = networked.networks.create("other", cidr="10.9.0.0/24", shared=True)
    with pytest.raises(Conflict, match="Multiple possible networks"):
        networked.servers.create()
    server = networked.servers.create(networks=[other, networked.networks.find("private")])
    assert _addresses(server) == ["10.9.0.2", "10.0.0.2"]
    assert [each.network for each in server.network_info] == ["other", "private"]
    assert networked.servers.create(networks="none").network_info == ()


def test_networks_of_others_and_without_a_subnet_are_not_available() -> None:
    with Rig(Topology(cells=[Cell("cell1", 1)])) as rig:
        rig.as_user("bob", "two").networks.create(cidr="10.9.0.0/24")
        rig.networks.create("bare", shared=True)
        rig.networks.create("out", cidr="10.8.0.0/24", external=True)
        assert rig.as_user("ann", "one").servers.create().network_info == ()


def test_a_server_without_networks_asks_nothing_of_the_network_service() -> None:
    with Rig(Topology(cells=[Cell("cell1", 2)])) as rig:
        with rig.faults.record() as passed:
            server = rig.servers.create()
            rig.servers.migrate(server)
            rig.servers.confirm_resize(server)
            rig.servers.delete(server)
        assert [each.seam for each in passed if each.seam.startswith("network.")] == []


def test_a_listing_asks_nothing_of_the_network_service(networked: Rig) -> None:
    networked.servers.create(count=2)
    with networked.faults.record() as passed:
        assert len(networked.servers.list().servers) == 2
    assert [each.seam for each in passed if each.seam.startswith("network.")] == []


def test_a_given_port_outlives_its_server(networked: Rig) -> None:
    network = networked.networks.find("private")
    port = networked.networks.create_port(network, fixed_ip="10.0.0.99")
    server = networked.servers.create(networks=[port])
    assert _addresses(server) == ["10.0.0.99"]
    with pytest.raises(PortInUse):
        networked.servers.create(networks=[port])
    with pytest.raises(PortInUse):
        networked.networks.delete_port(port)
    networked.servers.delete(server)
    left = networked.networks.port(port)
    assert (left.device_id, left.device_owner, left.host) == ("", "", "")
    assert _addresses(networked.servers.create(networks=[port])) == ["10.0.0.99"]


def test_what_cannot_be_had_leaves_nothing(networked: Rig) -> None:
    network = networked.networks.find("private")
    port = networked.networks.create_port(network)
    missing = "00000000-0000-0000-0000-000000000001"
    bad: list[tuple[list[NetworkRequest], int | None, type[CellrigError]]] = [
        ([NetworkRequest(network=missing)], None, NotFound),
        ([NetworkRequest(port=missing)], None, NotFound),
        ([NetworkRequest(network=network.id), NetworkRequest(network=missing)], None, NotFound),
        ([NetworkRequest()], None, Invalid),
        ([NetworkRequest(port=port.id), NetworkRequest(port=port.id)], None, Invalid),
        ([NetworkRequest(port=port.id)], 2, Invalid),
        ([NetworkRequest(network=network.id, fixed_ip="10.0.0.9")], 2, Invalid),
        ([NetworkRequest(network=network.id, fixed_ip="192.0.2.1")], None, Invalid),
        (
            [NetworkRequest(network=network.id, fixed_ip=port.fixed_ips[0].ip_address)],
            None,
            Invalid,
        ),
    ]
    for asked, count, error in bad:
        with pytest.raises(error):
            if count is None:
                networked.servers.create(networks=asked)
            else:
                networked.servers.create(networks=asked, count=count)
    assert networked.networks.ports() == (port,)
    assert not networked.servers.list().servers


def test_of_several_servers_all_get_ports_or_none(networked: Rig) -> None:
    networked.networks.set_quota("admin", port=2)
    with pytest.raises(CellrigError):
        networked.servers.create(count=3)
    assert networked.networks.ports() == ()
    assert [_addresses(each) for each in networked.servers.create(count=2)] == [
        ["10.0.0.2"],
        ["10.0.0.3"],
    ]


def test_a_failed_build_takes_its_port_to_the_next_host(networked: Rig) -> None:
    networked.faults.fail("driver.spawn", HypervisorError("no"), times=1)
    server = networked.servers.create()
    (port,) = networked.networks.ports(server)
    assert (server.status, port.host) == ("ACTIVE", server.host)


def test_a_server_that_no_host_builds_keeps_its_port_unbound(networked: Rig) -> None:
    networked.faults.fail("driver.spawn", HypervisorError("no"), times=3)
    server = networked.servers.create()
    (port,) = networked.networks.ports(server)
    assert (server.status, port.host, port.device_id) == ("ERROR", "", server.id)
    networked.audit()
    networked.servers.delete(server)
    assert networked.networks.ports() == ()


def test_a_host_that_dies_while_it_builds_leaves_no_binding(networked: Rig) -> None:
    networked.faults.crash_after("driver.spawn", times=1)
    server = networked.servers.create()
    host = networked.networks.ports(server)[0].host
    networked.restart(host)
    assert networked.servers.show(server).status == "ERROR"
    assert networked.networks.ports(server)[0].host == ""


def test_a_server_of_a_dead_host_gives_its_port_back(networked: Rig) -> None:
    server = networked.servers.create()
    networked.crash(str(server.host))
    networked.advance(120.0)
    networked.servers.delete(server)
    assert networked.networks.ports() == ()
    networked.restart(str(server.host))


@pytest.mark.parametrize("seam", ["network.allocate", "network.bind", "network.release"])
@pytest.mark.parametrize("way", ["fail", "fail_after"])
def test_a_call_that_fails_once_leaves_nothing_behind(networked: Rig, seam: str, way: str) -> None:
    port = networked.networks.create_port(networked.networks.find("private"))
    getattr(networked.faults, way)(seam, MessagingTimeout("x", "y", 1.0), times=1)
    try:
        server = networked.servers.create(networks=[port, networked.networks.find("private")])
    except MessagingTimeout:
        assert seam == "network.allocate"
    else:
        assert server.status == "ACTIVE"
        networked.servers.delete(server)
    (left,) = networked.networks.ports()
    assert (left.id, left.device_id, left.host) == (port.id, "", "")


def test_an_interface_comes_and_goes_while_the_server_runs(networked: Rig) -> None:
    server = networked.servers.create()
    network = networked.networks.create("other", cidr="10.9.0.0/24")
    port = networked.networks.create_port(network)
    attached = networked.networks.attach(server, network=network)
    networked.networks.attach(server, port=port)
    shown = networked.servers.show(server)
    assert _addresses(shown) == ["10.0.0.2", "10.9.0.3", "10.9.0.2"]
    assert {each.host for each in networked.networks.ports(server)} == {server.host}
    assert len(networked.guest(server).devices) == 3
    networked.networks.detach(server, attached.port_id)
    networked.networks.detach(server, port)
    assert _addresses(networked.servers.show(server)) == ["10.0.0.2"]
    assert len(networked.guest(server).devices) == 1
    assert networked.networks.port(port).device_id == ""
    with pytest.raises(NotFound):
        networked.networks.port(attached)
    with pytest.raises(NotFound):
        networked.networks.detach(server, port)


@pytest.mark.parametrize(
    "seam", ["driver.attach_interface", "network.bind", "bus.conductor.instance_update"]
)
@pytest.mark.parametrize("way", ["fail", "fail_after"])
def test_an_interface_that_cannot_be_attached_leaves_nothing(
    networked: Rig, seam: str, way: str
) -> None:
    server = networked.servers.create()
    before = networked.servers.show(server).network_info
    rule = getattr(networked.faults, way)(seam, HypervisorError("no"), nth=1)
    try:
        networked.networks.attach(server, network=networked.networks.find("private"))
    except HypervisorError:
        assert networked.servers.show(server).network_info == before
        assert len(networked.networks.ports(server)) == 1
    else:
        assert len(networked.networks.ports(server)) == 2
    assert rule.fired == 1
    interfaces = networked.servers.show(server).network_info
    assert len(networked.guest(server).devices) == len(interfaces)


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"ip": "10.0.0"}, 2),
        ({"ip": r"^10\.0\.0\.2$"}, 1),
        ({"ip": "192"}, 0),
        ({"ip6": "2001:db8"}, 1),
        ({"ip": "10.0.0.3", "ip6": "2001"}, 0),
    ],
)
def test_servers_are_found_by_their_addresses(
    networked: Rig, filters: dict[str, str], found: int
) -> None:
    dual = networked.networks.create("dual", cidr="10.7.0.0/24")
    networked.networks.create_subnet(dual, "2001:db8::/64")
    private = networked.networks.find("private")
    networked.servers.create(networks=[private, dual])
    networked.servers.create(networks=[private])
    listed = networked.servers.list(**filters)  # type: ignore[arg-type]
    assert len(listed.servers) == found


def test_a_project_does_not_take_anothers_port(networked: Rig) -> None:
    user = networked.as_user("ann", "one")
    port = networked.networks.create_port(networked.networks.find("private"))
    attempts: list[Callable[[], object]] = [
        lambda: user.servers.create(networks=[port]),
        lambda: user.networks.attach(user.servers.create(), port=port),
    ]
    for attempt in attempts:
        with pytest.raises(NotFound):
            attempt()
    assert networked.networks.port(port) == port
