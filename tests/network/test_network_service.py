"""The network service: addresses, isolation, rules of its own."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellrig import Rig, Topology
from cellrig.errors import Conflict, Forbidden, Invalid, InvalidTopology, NotFound
from cellrig.network.addressing import lowest_free, whole_pools
from cellrig.network.errors import AddressInUse, NoFreeAddress, OverQuota
from cellrig.network.types import Network, Pool, SecurityGroupRule


def test_addresses_are_given_lowest_first_pool_by_pool(networked: Rig) -> None:
    networks = networked.networks
    network = networks.create()
    networks.create_subnet(
        network, "192.0.2.0/24", pools=[("192.0.2.50", "192.0.2.51"), ("192.0.2.10", "192.0.2.10")]
    )
    ports = [networks.create_port(network) for _ in range(2)]
    first = ports[0]
    assert [port.fixed_ips[0].ip_address for port in ports] == ["192.0.2.50", "192.0.2.51"]
    assert networks.create_port(network).fixed_ips[0].ip_address == "192.0.2.10"
    with pytest.raises(NoFreeAddress):
        networks.create_port(network)
    networks.delete_port(first)
    assert networks.create_port(network).fixed_ips[0].ip_address == "192.0.2.50"


def test_a_port_gets_one_address_of_each_version(networked: Rig) -> None:
    network = networked.networks.create(cidr="192.0.2.0/24")
    networked.networks.create_subnet(network, "2001:db8::/64")
    port = networked.networks.create_port(network)
    assert [fixed.ip_address for fixed in port.fixed_ips] == ["192.0.2.2", "2001:db8::2"]


def test_an_address_is_one_ports_alone(networked: Rig) -> None:
    network = networked.networks.create(cidr="192.0.2.0/24")
    networked.networks.create_port(network, fixed_ip="192.0.2.77")
    with pytest.raises(AddressInUse):
        networked.networks.create_port(network, fixed_ip="192.0.2.77")
    for wrong in ("198.51.100.1", "192.0.2.0", "192.0.2.255", "nonsense"):
        with pytest.raises(Invalid):
            networked.networks.create_port(network, fixed_ip=wrong)
    assert len(networked.networks.ports()) == 1


@settings(deadline=None, max_examples=60)
@given(
    bits=st.integers(26, 32),
    gateway=st.integers(0, 63),
    taken=st.sets(st.integers(0, 63), max_size=40),
)
def test_pools_are_all_addresses_but_those_of_nobody(
    bits: int, gateway: int, taken: set[int]
) -> None:
    block = ip_network(f"10.0.0.0/{bits}")
    at = str(block[gateway % block.num_addresses])
    free = {str(each) for each in block} - {at}
    if block.num_addresses > 2:
        free -= {str(block[0]), str(block[-1])}
    pools = whole_pools(block, at)
    in_pools = {
        str(ip_address(number))
        for pool in pools
        for number in range(int(ip_address(pool.start)), int(ip_address(pool.end)) + 1)
    }
    assert in_pools == free
    busy = {str(block[number]) for number in taken if number < block.num_addresses}
    left = sorted(free - busy, key=lambda text: int(ip_address(text)))
    assert lowest_free(pools, busy) == (left[0] if left else None)


@pytest.mark.parametrize(
    ("cidr", "pools"),
    [
        ("nonsense", ()),
        ("10.9.0.0/24", [("10.9.1.1", "10.9.1.2")]),
        ("10.9.0.0/24", [("10.9.0.9", "10.9.0.3")]),
        ("10.9.0.0/24", [("10.9.0.2", "10.9.0.9"), ("10.9.0.9", "10.9.0.20")]),
        ("10.9.0.0/24", [("10.9.0.1", "10.9.0.9")]),
    ],
)
def test_a_subnet_that_cannot_be_is_refused(
    networked: Rig, cidr: str, pools: list[tuple[str, str]]
) -> None:
    network = networked.networks.create()
    with pytest.raises(Invalid):
        networked.networks.create_subnet(network, cidr, pools=pools)
    assert len(networked.networks.subnets()) == 1


def test_subnets_of_a_network_do_not_overlap(networked: Rig) -> None:
    network = networked.networks.create(cidr="10.9.0.0/24")
    with pytest.raises(Invalid, match="overlaps"):
        networked.networks.create_subnet(network, "10.9.0.128/25")


def test_a_project_sees_its_own_and_what_is_for_all(networked: Rig) -> None:
    mine, theirs = networked.as_user("ann", "one"), networked.as_user("bob", "two")
    own = mine.networks.create("own", cidr="192.0.2.0/24")
    networked.networks.create("hidden")
    networked.networks.create("out", external=True)
    assert [each.name for each in mine.networks.list()] == ["private", "own", "out"]
    assert [each.name for each in theirs.networks.list()] == ["private", "out"]
    port = mine.networks.create_port(own)
    group = mine.networks.create_group("web")
    refused: list[Callable[[], object]] = [
        lambda: theirs.networks.show(own),
        lambda: theirs.networks.delete(own),
        lambda: theirs.networks.create_port(own),
        lambda: theirs.networks.port(port),
        lambda: theirs.networks.delete_port(port),
        lambda: theirs.networks.delete_group(group),
        lambda: theirs.networks.create_port(
            networked.networks.find("private"), security_groups=[group]
        ),
    ]
    for attempt in refused:
        with pytest.raises(NotFound):
            attempt()
    assert theirs.networks.ports() == ()
    assert [each.name for each in theirs.networks.groups()] == ["default"]


def test_what_is_the_administrators_is_refused_to_others(networked: Rig) -> None:
    user = networked.as_user("ann", "one")
    for given_ in ({"shared": True}, {"external": True}, {"physical_network": "physnet1"}):
        with pytest.raises(Forbidden):
            user.networks.create(**given_)
    port = user.networks.create_port(user.networks.find("private"))
    with pytest.raises(Forbidden):
        user.networks.update_port(port, {"host": "cell1-host1"})
    with pytest.raises(Forbidden):
        user.networks.update_port(port, {"profile": {"pci_slot": "0000:00:01.0"}})
    with pytest.raises(Forbidden):
        user.networks.set_quota("one", port=1)


def test_quotas_hold(networked: Rig) -> None:
    networked.networks.set_quota("one", port=2, network=1)
    user = networked.as_user("ann", "one")
    network = user.networks.create(cidr="192.0.2.0/24")
    with pytest.raises(OverQuota):
        user.networks.create()
    for _ in range(2):
        user.networks.create_port(network)
    with pytest.raises(OverQuota):
        user.networks.create_port(network)
    with pytest.raises(Forbidden):
        user.servers.create(networks=[network])
    assert len(user.networks.ports()) == 2


def test_what_is_in_use_stays(networked: Rig) -> None:
    network = networked.networks.create(cidr="192.0.2.0/24")
    group = networked.networks.create_group("web")
    networked.networks.create_port(network, security_groups=[group])
    with pytest.raises(Conflict):
        networked.networks.delete(network)
    with pytest.raises(Conflict):
        networked.networks.delete_group(group)


def test_every_project_has_its_default_group(networked: Rig) -> None:
    user = networked.as_user("ann", "one")
    (group,) = user.networks.groups()
    rules = user.networks.rules(group)
    assert (group.name, group.project_id) == ("default", "one")
    assert sorted((rule.direction, rule.ethertype) for rule in rules) == [
        ("egress", "IPv4"),
        ("egress", "IPv6"),
        ("ingress", "IPv4"),
        ("ingress", "IPv6"),
    ]
    port = user.networks.create_port(user.networks.find("private"))
    assert port.security_groups == (group.id,)
    with pytest.raises(Conflict):
        user.networks.create_group("default")
    with pytest.raises(Conflict):
        user.networks.delete_group(group)


def test_a_rule_is_there_once_and_makes_sense(networked: Rig) -> None:
    group = networked.networks.create_group("web")
    rule = SecurityGroupRule(
        security_group_id=group.id, protocol="tcp", port_range_min=80, port_range_max=80
    )
    networked.networks.create_rule(rule)
    with pytest.raises(Conflict):
        networked.networks.create_rule(rule)
    for wrong in (
        SecurityGroupRule(security_group_id=group.id, direction="sideways"),
        SecurityGroupRule(security_group_id=group.id, port_range_min=80, port_range_max=80),
        SecurityGroupRule(
            security_group_id=group.id, protocol="tcp", port_range_min=90, port_range_max=80
        ),
    ):
        with pytest.raises(Invalid):
            networked.networks.create_rule(wrong)


def test_segments_are_free_ones(networked: Rig) -> None:
    first = networked.networks.create(physical_network="physnet1")
    second = networked.networks.create(physical_network="physnet1")
    assert (first.network_type, first.segmentation_id, second.segmentation_id) == ("vlan", 1, 2)
    with pytest.raises(Conflict):
        networked.networks.create(physical_network="physnet1", segmentation_id=2)
    with pytest.raises(Invalid):
        networked.networks.create(network_type="vlan")
    with pytest.raises(Invalid):
        networked.networks.create(physical_network="physnet1", segmentation_id=5000)


def test_a_topology_says_the_networks_also_in_yaml() -> None:
    topology = Topology.from_yaml(
        """
        networks:
          - {name: private, subnets: [10.0.0.0/24]}
          - name: wired
            shared: false
            physical_network: physnet1
            segmentation_id: 101
            subnets: [{cidr: 192.0.2.0/24, gateway: 192.0.2.254, pools: [[192.0.2.9, 192.0.2.9]]}]
        """
    )
    with Rig(topology) as rig:
        wired = rig.networks.find("wired")
        (subnet,) = [each for each in rig.networks.subnets() if each.network_id == wired.id]
        assert (wired.segmentation_id, wired.shared) == (101, False)
        assert (subnet.gateway_ip, subnet.pools) == (
            "192.0.2.254",
            (Pool("192.0.2.9", "192.0.2.9"),),
        )
        assert isinstance(rig.networks.find("private"), Network)
    with pytest.raises(InvalidTopology):
        Topology.from_yaml("networks: [{name: private, subnet: 10.0.0.0/24}]")


def test_a_snapshot_has_the_networks(networked: Rig) -> None:
    snapshot = networked.snapshot()
    server = networked.servers.create()
    assert len(networked.networks.ports(server)) == 1
    networked.restore(snapshot)
    assert networked.networks.ports() == ()
    assert networked.servers.create().network_info[0].fixed_ips[0].ip_address == "10.0.0.2"
