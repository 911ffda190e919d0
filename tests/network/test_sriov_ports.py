"""Ports that are virtual functions: asked for of placement, named in the port's binding profile."""

from __future__ import annotations

import pytest

from cellrig import Rig
from cellrig.driver.values import DeviceKind
from cellrig.errors import Invalid
from cellrig.model import Server
from cellrig.network.types import Port
from cellrig_fake import FakeDriver

_CARDS = {"blue": "0000:81:", "green": "0000:82:"}


def _port(rig: Rig, network: str = "blue") -> Port:
    return rig.networks.create_port(rig.networks.find(network), vnic_type="direct")


def _check(rig: Rig, server: Server, *ports: Port) -> None:
    """Check that each port has a function of the right card, which its guest has too."""
    shown = rig.servers.show(server)
    assert shown.host is not None
    functions = {
        device.port_id: device.address
        for device in rig.guest(server).devices
        if device.kind is DeviceKind.VF
    }
    assert set(functions) == {port.id for port in ports}
    for port in ports:
        bound = rig.networks.port(port)
        network = rig.networks.show(port.network_id)
        assert (bound.host, bound.vif_type) == (shown.host, "hw_veb")
        assert bound.profile == {
            "pci_slot": functions[port.id],
            "physical_network": network.physical_network,
        }
        assert bound.profile["pci_slot"].startswith(_CARDS[network.name])
    held = rig.placement.get_allocations(server.id)
    assert held is not None
    amounts = [each.get("SRIOV_NET_VF", 0) for each in held.allocations.values()]
    assert sum(amounts) == len(ports)
    rig.audit()


def _free(rig: Rig, host: str) -> int:
    driver = rig.driver(host)
    assert isinstance(driver, FakeDriver)
    (node,) = driver.get_available_nodes()
    devices = driver.get_host_state(node).devices
    return sum(each.owner is None for each in devices if each.kind is DeviceKind.VF)


def test_each_port_gets_a_function_of_its_physical_network(wired: Rig) -> None:
    ports = [_port(wired, "green"), _port(wired, "blue"), _port(wired, "green")]
    server = wired.servers.create(networks=ports)
    assert server.status == "ACTIVE"
    _check(wired, server, *ports)
    wired.servers.delete(server)
    assert [_free(wired, host) for host in ("host1", "host2")] == [4, 4]
    assert all(wired.networks.port(port).profile == {} for port in ports)


def test_a_normal_port_on_a_wired_network_takes_no_function(wired: Rig) -> None:
    server = wired.servers.create(networks=[wired.networks.find("blue")])
    assert [device.kind for device in wired.guest(server).devices] == [DeviceKind.VIF]
    assert wired.networks.ports(server)[0].vif_type == "bridge"


def test_where_no_function_is_left_no_host_is_found(wired: Rig) -> None:
    for _ in range(4):
        assert wired.servers.create(networks=[_port(wired)]).status == "ACTIVE"
    port = _port(wired)
    refused = wired.servers.create(networks=[port])
    assert refused.status == "ERROR"
    assert wired.networks.port(port).host == ""
    assert wired.servers.create(networks=[_port(wired, "green")]).status == "ACTIVE"


def test_the_functions_of_a_flavor_and_of_ports_add_up(wired: Rig) -> None:
    wired.flavors.create(
        "with-function",
        vcpus=1,
        memory_mb=512,
        root_gb=1,
        extra_specs={
            "resources1:SRIOV_NET_VF": "1",
            "trait1:CUSTOM_PHYSNET_PHYSNET1": "required",
        },
    )
    port = _port(wired)
    server = wired.servers.create(flavor="with-function", networks=[port])
    functions = wired.guest(server).devices
    assert sorted(str(each.port_id) for each in functions) == sorted([port.id, "None"])
    assert _free(wired, str(server.host)) == 2


@pytest.mark.parametrize("end", ["confirm", "revert"])
def test_a_cold_migration_takes_a_function_there(wired: Rig, end: str) -> None:
    port, other = _port(wired), _port(wired, "green")
    server = wired.servers.create(networks=[port, other])
    wired.servers.migrate(server)
    assert wired.servers.show(server).host != server.host
    _check(wired, server, port, other)
    getattr(wired.servers, f"{end}_resize")(server)
    _check(wired, server, port, other)
    free = {host: _free(wired, host) for host in ("host1", "host2")}
    assert free.pop(str(wired.servers.show(server).host)) == 2
    assert list(free.values()) == [4]


def test_a_migration_needs_a_free_function(wired: Rig) -> None:
    port = _port(wired)
    server = wired.servers.create(networks=[port])
    others = [host for host in ("host1", "host2") if host != server.host]
    for _ in range(2):
        filler = wired.servers.create(networks=[_port(wired)], zone=f"nova:{others[0]}")
        assert filler.status == "ACTIVE"
    wired.servers.migrate(server)
    assert wired.servers.show(server).host == server.host
    _check(wired, server, port)


def test_a_live_migration_takes_a_function_there(wired: Rig) -> None:
    port = _port(wired)
    server = wired.servers.create(networks=[port])
    wired.servers.live_migrate(server)
    assert wired.servers.show(server).host != server.host
    _check(wired, server, port)


def test_an_evacuation_takes_a_function_there(wired: Rig) -> None:
    port = _port(wired)
    server = wired.servers.create(networks=[port])
    wired.crash(str(server.host))
    wired.advance(120.0)
    wired.servers.evacuate(server)
    assert wired.servers.show(server).host != server.host
    wired.restart(str(server.host))
    _check(wired, server, port)


def test_a_shelved_server_has_no_function_and_gets_one_again(wired: Rig) -> None:
    port = _port(wired)
    server = wired.servers.create(networks=[port])
    wired.servers.shelve(server)
    if wired.servers.show(server).host is not None:
        wired.servers.shelve_offload(server)
    assert (wired.networks.port(port).host, wired.networks.port(port).profile) == ("", {})
    assert [_free(wired, host) for host in ("host1", "host2")] == [4, 4]
    wired.servers.unshelve(server)
    _check(wired, server, port)


def test_a_rebuilt_server_keeps_its_function(wired: Rig) -> None:
    port = _port(wired)
    server = wired.servers.create(networks=[port])
    wired.servers.rebuild(server, "cirros")
    _check(wired, server, port)
    wired.servers.reboot(server, "HARD")
    _check(wired, server, port)


def test_a_function_comes_with_its_server_only(wired: Rig) -> None:
    port = _port(wired)
    server = wired.servers.create(networks="none")
    with pytest.raises(Invalid, match="direct"):
        wired.networks.attach(server, port=port)
    assert wired.networks.port(port).device_id == ""
    other = wired.servers.create(networks=[port])
    with pytest.raises(Invalid, match="direct"):
        wired.networks.detach(other, port)
    _check(wired, other, port)


def test_a_direct_port_takes_a_physical_network(wired: Rig) -> None:
    port = wired.networks.create_port(wired.networks.create(cidr="10.3.0.0/24"), vnic_type="direct")
    with pytest.raises(Invalid, match="physical_network"):
        wired.servers.create(networks=[port])
    assert wired.networks.port(port).device_id == ""
