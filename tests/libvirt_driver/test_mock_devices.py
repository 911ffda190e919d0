"""Provider trees from what libvirt says of its host, and functions of cards that guests get."""

from __future__ import annotations

from pathlib import Path

import pytest
from fleet import IMAGE, Fleet, file_volume
from lxml import etree

import cellrig_domxml as domxml
from cellrig.driver import ComputeResourcesUnavailable, Device, DeviceKind, PowerState
from cellrig_libvirt.mock_nodes import CARDS, functions_of, node_with_cards
from cellrig_libvirt.providers import feature_traits

NETWORKS = {"ens1f0": "public", "0000:82:00.0": "storage"}
PUBLIC, STORAGE = (address for address, _interface in CARDS)


def test_a_tree_has_the_cards_with_their_networks(fleet: Fleet, tmp_path: Path) -> None:
    driver = fleet.driver(uri=node_with_cards(tmp_path), physical_networks=NETWORKS)
    tree = fleet.tree(driver)
    node = tree.data("host1")
    assert node.inventory["VCPU"].total == 16
    assert node.inventory["MEMORY_MB"].total == driver.get_host_state("host1").memory_mb
    assert node.inventory["DISK_GB"].total > 0
    assert set(driver.capabilities.traits()) <= set(node.traits)
    assert tree.children("host1") == (f"host1_{PUBLIC}", f"host1_{STORAGE}")
    for address, network in ((PUBLIC, "PUBLIC"), (STORAGE, "STORAGE")):
        card = tree.data(f"host1_{address}")
        assert {name: each.total for name, each in card.inventory.items()} == {"SRIOV_NET_VF": 8}
        assert card.traits == (f"CUSTOM_PHYSNET_{network}", "HW_NIC_SRIOV")
    before = tree.to_data()
    assert fleet.tree(driver, tree).to_data() == before


def test_functions_are_providers_of_their_own_where_the_options_say_so(
    fleet: Fleet, tmp_path: Path
) -> None:
    driver = fleet.driver(
        uri=node_with_cards(tmp_path), physical_networks=NETWORKS, sriov_tree="children"
    )
    tree = fleet.tree(driver)
    names = [f"host1_{address}" for address in functions_of(PUBLIC)]
    assert list(tree.children(f"host1_{PUBLIC}")) == names
    (guest,) = [fleet.spawn(driver, devices=(Device(kind=DeviceKind.VF, provider_name=names[5]),))]
    assert [each.address for each in driver.get_guest(guest.uuid).devices] == [
        functions_of(PUBLIC)[5]
    ]


def test_what_others_put_into_the_tree_stays(fleet: Fleet, tmp_path: Path) -> None:
    driver = fleet.driver(uri=node_with_cards(tmp_path), traits=("CUSTOM_FAST",))
    tree = fleet.tree(driver)
    tree.new_child("host1-accelerator", "host1")
    tree.add_traits("host1", "CUSTOM_OF_SOMEBODY_ELSE")
    tree.new_child("host1_0000:99:00.0", "host1")
    fleet.tree(driver, tree)
    assert tree.exists("host1-accelerator")
    assert not tree.exists("host1_0000:99:00.0")
    assert {"CUSTOM_FAST", "CUSTOM_OF_SOMEBODY_ELSE"} <= set(tree.data("host1").traits)


def test_the_options_say_what_a_node_offers(fleet: Fleet) -> None:
    driver = fleet.driver(
        vcpus=4, memory_mb=1000, disk_gb=10, reserved_memory_mb=100, cpu_allocation_ratio=2
    )
    inventory = fleet.tree(driver).data("host1").inventory
    assert {name: each.capacity for name, each in inventory.items()} == {
        "VCPU": 8,
        "MEMORY_MB": 1350,
        "DISK_GB": 10,
    }


def test_numa_cells_have_what_the_host_says(fleet: Fleet) -> None:
    """Libvirt's default mock node has two; a file cannot give a node any."""
    driver = fleet.driver(uri="test:///default", reserved_vcpus=1, reserved_memory_mb=48)
    tree = fleet.tree(driver)
    assert "VCPU" not in tree.data("host1").inventory
    assert tree.children("host1") == ("host1_NUMA0", "host1_NUMA1")
    cells = [tree.data(name).inventory for name in tree.children("host1")]
    assert [(cell["VCPU"].total, cell["MEMORY_MB"].total) for cell in cells] == [
        (8, 2048),
        (8, 4096),
    ]
    # What is reserved for the host itself is taken from its first cell.
    assert [(cell["VCPU"].reserved, cell["MEMORY_MB"].reserved) for cell in cells] == [
        (1, 48),
        (0, 0),
    ]
    assert all("HW_NUMA_ROOT" in tree.data(name).traits for name in tree.children("host1"))
    assert driver.get_host_state("host1").numa_cells == 2


def test_disks_stand_in_the_order_that_libvirt_keeps_them_in(fleet: Fleet, tmp_path: Path) -> None:
    driver = fleet.driver()
    wanted = (("sdaa", "scsi"), ("vdb", "virtio"), ("sdz", "scsi"), ("vda", "virtio"))
    disks = [file_volume(tmp_path, device=name, bus=bus) for name, bus in wanted]
    guest = fleet.spawn(driver, *disks)
    ours = domxml.build_domain(guest, IMAGE, disks, (), instances_path="/instances")
    ordered = domxml.read_domain(ours, PowerState.RUNNING).disks
    found = driver.get_guest(guest.uuid).disks
    assert [disk.target for disk in found] == [disk.target for disk in ordered]
    assert [disk.target for disk in found] == ["sda", "sdz", "sdaa", "vda", "vdb"]


def test_a_guest_gets_the_function_that_its_allocation_names(fleet: Fleet, tmp_path: Path) -> None:
    driver = fleet.driver(uri=node_with_cards(tmp_path), physical_networks=NETWORKS)
    tree = fleet.tree(driver)
    storage = tree.data(f"host1_{STORAGE}").uuid
    plain = Device(kind=DeviceKind.VF, provider_uuid=storage, physical_network="storage")
    port = Device(
        kind=DeviceKind.VF,
        physical_network="public",
        port_id=fleet.new_uuid(),
        mac_address="fa:16:3e:00:00:01",
        tag="nic",
    )
    guest = fleet.spawn(driver, devices=(plain, port))
    document = etree.fromstring(driver.domain_xml(guest.uuid))
    (hostdev,) = document.findall("devices/hostdev")
    address = hostdev.find("source/address")
    assert address is not None
    assert {str(name): str(value) for name, value in address.items()} == {
        "domain": "0x0000",
        "bus": "0x82",
        "slot": "0x02",
        "function": "0x0",
    }
    (interface,) = document.findall("devices/interface[@type='hostdev']")
    mac = interface.find("mac")
    assert mac is not None
    assert mac.get("address") == port.mac_address
    devices = driver.get_guest(guest.uuid).devices
    assert {(each.kind, each.address, each.port_id, each.tag) for each in devices} == {
        (DeviceKind.VF, functions_of(STORAGE)[0], None, None),
        (DeviceKind.VF, functions_of(PUBLIC)[0], port.port_id, "nic"),
    }


def test_a_function_is_given_away_once_and_comes_back(fleet: Fleet, tmp_path: Path) -> None:
    driver = fleet.driver(uri=node_with_cards(tmp_path), physical_networks=NETWORKS)
    want = Device(kind=DeviceKind.VF, physical_network="public")
    guests = [fleet.spawn(driver, devices=(want,)) for _number in range(8)]
    taken = [driver.get_guest(guest.uuid).devices[0].address for guest in guests]
    assert sorted(map(str, taken)) == functions_of(PUBLIC)
    with pytest.raises(ComputeResourcesUnavailable, match="devices vf of"):
        fleet.spawn(driver, devices=(want,))
    owners = {each.address: each.owner for each in driver.get_host_state("host1").devices}
    assert [owners[str(address)] for address in taken] == [guest.uuid for guest in guests]
    # One that may come back from a move has its function still.
    larger = guests[3]
    driver.migrate_disk_and_power_off(larger, larger, "host2", ())
    with pytest.raises(ComputeResourcesUnavailable):
        fleet.spawn(driver, devices=(want,))
    driver.confirm_migration(larger, ())
    again = fleet.spawn(driver, devices=(want,))
    assert driver.get_guest(again.uuid).devices[0].address == taken[3]


def test_a_card_is_given_whole_while_none_of_its_functions_is_taken(
    fleet: Fleet, tmp_path: Path
) -> None:
    driver = fleet.driver(uri=node_with_cards(tmp_path), physical_networks=NETWORKS)
    fleet.spawn(driver, devices=(Device(kind=DeviceKind.VF, physical_network="public"),))
    whole = fleet.spawn(driver, devices=(Device(kind=DeviceKind.PF),))
    assert driver.get_guest(whole.uuid).devices[0].address == STORAGE
    with pytest.raises(ComputeResourcesUnavailable):
        fleet.spawn(driver, devices=(Device(kind=DeviceKind.VF, physical_network="storage"),))
    with pytest.raises(ComputeResourcesUnavailable):
        driver.spawn(fleet.guest(), IMAGE, (), (Device(kind=DeviceKind.PF),))
    assert len(driver.list_guests()) == 2


def test_features_of_the_processor_are_traits() -> None:
    told = feature_traits(("avx2", "sse4.1", "sse4.2", "sha-ni", "aes", "vmx", "unheard-of"))
    words = ("AVX2", "SHA", "SSE41", "SSE42", "VMX")
    assert {f"HW_CPU_X86_{word}" for word in words} <= set(told)
    assert not any("UNHEARD" in trait for trait in told)
