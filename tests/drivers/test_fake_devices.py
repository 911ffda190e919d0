"""Provider trees of the fake driver, and the devices that guests get of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from cellrig.driver import (
    ComputeResourcesUnavailable,
    Device,
    DeviceKind,
    DeviceNotFound,
    ProviderTree,
    ReshapeNeeded,
)
from cellrig.placement.types import Inventory

if TYPE_CHECKING:
    from tests.drivers.conftest import Fleet

CARD = {"address": "0000:81:00.0", "physical_network": "public", "vfs": 8}


def vf(**fields: Any) -> Device:
    return Device(**{"kind": DeviceKind.VF, "resource_class": "SRIOV_NET_VF", **fields})


def totals(tree: ProviderTree) -> dict[str, dict[str, int]]:
    return {
        provider.name: {name: record.total for name, record in provider.inventory.items()}
        for provider in tree.to_data()
    }


def test_a_plain_node_has_the_three_resources_and_its_capabilities(fleet: Fleet) -> None:
    driver = fleet.driver(traits=["HW_CPU_X86_AVX"])
    root = fleet.tree(driver).data("host1")
    assert root.inventory["VCPU"] == Inventory(total=64, max_unit=64, allocation_ratio=16.0)
    assert totals(fleet.tree(driver)) == {
        "host1": {"DISK_GB": 2048, "VCPU": 64, "MEMORY_MB": 131072}
    }
    assert set(root.traits) == {"HW_CPU_X86_AVX", *driver.capabilities.traits()}


def test_describing_a_node_again_edits_nothing(fleet: Fleet) -> None:
    driver = fleet.driver(sriov=[CARD], numa_cells=2, gpus=[{"address": "0000:06:00.0"}])
    tree = fleet.tree(driver)
    before = tree.to_data()
    fleet.tree(driver, tree)
    assert all(one is other for one, other in zip(before, tree.to_data(), strict=True))


def test_virtual_functions_are_inventory_of_their_card(fleet: Fleet) -> None:
    tree = fleet.tree(fleet.driver(sriov=[CARD]))
    card = tree.data("host1_0000:81:00.0")
    assert card.parent_uuid == tree.data("host1").uuid
    assert totals(tree)[card.name] == {"SRIOV_NET_VF": 8}
    assert card.traits == ("CUSTOM_PHYSNET_PUBLIC", "HW_NIC_SRIOV")


def test_virtual_functions_are_children_of_their_card(fleet: Fleet) -> None:
    tree = fleet.tree(fleet.driver(sriov=[{**CARD, "tree": "children"}]))
    functions = tree.children("host1_0000:81:00.0")
    assert functions == tuple(f"host1_0000:81:02.{number}" for number in range(8))
    assert totals(tree)["host1_0000:81:00.0"] == {}
    assert totals(tree)["host1_0000:81:02.5"] == {"SRIOV_NET_VF": 1}
    assert "CUSTOM_PHYSNET_PUBLIC" in tree.data("host1_0000:81:02.5").traits


def test_virtual_functions_are_inventory_of_the_node(fleet: Fleet) -> None:
    other = {**CARD, "address": "0000:82:00.0"}
    cards = [{**card, "tree": "root"} for card in (CARD, other)]
    tree = fleet.tree(fleet.driver(sriov=cards))
    assert tree.names() == ("host1",)
    assert totals(tree)["host1"]["SRIOV_NET_VF"] == 16
    assert "CUSTOM_PHYSNET_PUBLIC" in tree.data("host1").traits


def test_numa_cells_share_processors_and_memory_and_carry_their_cards(fleet: Fleet) -> None:
    driver = fleet.driver(
        vcpus=5,
        memory_mb=1001,
        reserved_memory_mb=3,
        numa_cells=2,
        sriov=[{**CARD, "numa_node": 1}],
    )
    tree = fleet.tree(driver)
    assert totals(tree)["host1"] == {"DISK_GB": 2048}
    assert totals(tree)["host1_NUMA0"] == {"VCPU": 3, "MEMORY_MB": 501}
    assert totals(tree)["host1_NUMA1"] == {"VCPU": 2, "MEMORY_MB": 500}
    assert tree.data("host1_NUMA0").inventory["MEMORY_MB"].reserved == 2
    assert tree.children("host1_NUMA1") == ("host1_0000:81:00.0",)


def test_graphics_cards_and_custom_children_are_providers(fleet: Fleet) -> None:
    driver = fleet.driver(
        gpus=[{"address": "0000:06:00.0", "vgpus": 4}, {"address": "0000:07:00.0"}],
        children=[{"name": "child", "inventory": {"CUSTOM_MAGIC": 10}, "traits": ["OWNER_NOVA"]}],
        sriov=[{"address": "0000:83:00.0"}],
    )
    tree = fleet.tree(driver)
    assert totals(tree)["host1_0000:06:00.0"] == {"VGPU": 4}
    assert totals(tree)["host1_0000:07:00.0"] == {"PGPU": 1}
    assert totals(tree)["host1-child"] == {"CUSTOM_MAGIC": 10}
    assert totals(tree)["host1_0000:83:00.0"] == {"PCI_DEVICE": 1}
    assert tree.data("host1-child").traits == ("OWNER_NOVA",)


def test_what_others_told_the_tree_is_left_alone_and_what_is_gone_is_removed(fleet: Fleet) -> None:
    tree = fleet.tree(fleet.driver(sriov=[CARD]))
    tree.new_child("bandwidth agent", "host1")
    tree.add_traits("host1", "CUSTOM_GOLD")
    fleet.tree(fleet.driver(capabilities={"multiattach": False}), tree)
    assert tree.names() == ("host1", "bandwidth agent")
    assert "CUSTOM_GOLD" in tree.data("host1").traits
    assert "COMPUTE_VOLUME_MULTI_ATTACH" not in tree.data("host1").traits


def test_moving_a_resource_to_other_providers_needs_the_allocations(fleet: Fleet) -> None:
    tree = fleet.tree(fleet.driver(sriov=[{**CARD, "tree": "root"}]))
    root = tree.data("host1").uuid
    before = tree.to_data()
    reshaped = fleet.driver(sriov=[{**CARD, "vfs": 2, "tree": "children"}])
    with pytest.raises(ReshapeNeeded, match="SRIOV_NET_VF of host1 is counted at other providers"):
        reshaped.update_provider_tree(tree, "host1")
    assert tree.to_data() == before
    allocations = {
        consumer: {root: {"VCPU": 1, "SRIOV_NET_VF": 1}} for consumer in ("first", "second")
    }
    reshaped.update_provider_tree(tree, "host1", allocations)
    functions = [tree.data(name).uuid for name in tree.children("host1_0000:81:00.0")]
    assert allocations == {
        "first": {root: {"VCPU": 1}, functions[0]: {"SRIOV_NET_VF": 1}},
        "second": {root: {"VCPU": 1}, functions[1]: {"SRIOV_NET_VF": 1}},
    }
    assert "SRIOV_NET_VF" not in totals(tree)["host1"]


@pytest.mark.parametrize("form", ["inventory", "root"])
def test_a_guest_gets_a_free_function_of_the_provider_that_was_allocated(
    fleet: Fleet, form: str
) -> None:
    other = {**CARD, "address": "0000:82:00.0", "vfs": 1}
    driver = fleet.driver(sriov=[{**CARD, "tree": form}, other])
    guest = fleet.spawn(driver, devices=(vf(provider_name="host1_0000:82:00.0"),))
    (device,) = driver.get_guest(guest.uuid).devices
    assert (device.kind, device.address) == (DeviceKind.VF, "0000:82:02.0")


def test_a_guest_gets_the_function_that_is_a_provider_of_its_own(fleet: Fleet) -> None:
    driver = fleet.driver(sriov=[{**CARD, "tree": "children"}])
    tree = fleet.tree(driver)
    uuid = tree.data("host1_0000:81:02.5").uuid
    guest = fleet.spawn(
        driver, devices=(vf(provider_uuid=uuid), vf(provider_name="host1_0000:81:02.1"))
    )
    addresses = [device.address for device in driver.get_guest(guest.uuid).devices]
    assert addresses == ["0000:81:02.5", "0000:81:02.1"]
    owners = {device.address: device.owner for device in driver.get_host_state("host1").devices}
    assert owners["0000:81:02.5"] == guest.uuid
    assert owners["0000:81:02.0"] is None


def test_a_device_is_for_one_guest_at_a_time(fleet: Fleet) -> None:
    driver = fleet.driver(sriov=[CARD])
    wanted = vf(address="0000:81:02.3")
    first = fleet.spawn(driver, devices=(wanted,))
    with pytest.raises(ComputeResourcesUnavailable, match=r"devices vf of 0000:81:02\.3"):
        fleet.spawn(driver, devices=(wanted,))
    driver.destroy(first, ())
    fleet.spawn(driver, devices=(wanted,))


def test_functions_run_out_and_a_failed_guest_keeps_none(fleet: Fleet) -> None:
    driver = fleet.driver(sriov=[{**CARD, "vfs": 3}])
    fleet.spawn(driver, devices=(vf(), vf()))
    before = driver.checkpoint()
    with pytest.raises(ComputeResourcesUnavailable, match="1 asked, 0 free"):
        fleet.spawn(driver, devices=(vf(), vf()))
    assert driver.checkpoint() == before
    fleet.spawn(driver, devices=(vf(),))


def test_a_card_and_its_functions_are_not_given_away_together(fleet: Fleet) -> None:
    driver = fleet.driver(sriov=[CARD])
    whole = Device(kind=DeviceKind.PF, address="0000:81:00.0")
    first = fleet.spawn(driver, devices=(whole,))
    with pytest.raises(ComputeResourcesUnavailable):
        fleet.spawn(driver, devices=(vf(),))
    driver.destroy(first, ())
    fleet.spawn(driver, devices=(vf(),))
    with pytest.raises(ComputeResourcesUnavailable):
        fleet.spawn(driver, devices=(whole,))


@pytest.mark.parametrize(
    "wanted",
    [
        vf(physical_network="private"),
        vf(provider_name="host1_0000:99:00.0"),
        vf(provider_uuid="00000000-0000-4000-8000-000000000000"),
        vf(address="0000:99:02.0"),
        Device(kind=DeviceKind.VGPU),
    ],
)
def test_a_device_that_does_not_exist_is_not_given(fleet: Fleet, wanted: Device) -> None:
    driver = fleet.driver(sriov=[CARD])
    with pytest.raises(ComputeResourcesUnavailable):
        fleet.spawn(driver, devices=(wanted,))


def test_virtual_gpus_are_mediated_devices_and_run_out(fleet: Fleet) -> None:
    driver = fleet.driver(gpus=[{"address": "0000:06:00.0", "vgpus": 2}])
    wanted = Device(kind=DeviceKind.VGPU, provider_name="host1_0000:06:00.0")
    guest = fleet.spawn(driver, devices=(wanted, wanted))
    one, other = driver.get_guest(guest.uuid).devices
    assert one.kind is DeviceKind.VGPU
    assert one.uuid != other.uuid
    with pytest.raises(ComputeResourcesUnavailable):
        fleet.spawn(driver, devices=(wanted,))


def test_nodes_of_a_host_have_devices_of_their_own(fleet: Fleet) -> None:
    driver = fleet.driver(nodes=["a", "b"], sriov=[{**CARD, "vfs": 1}])
    for node in ("a", "b"):
        fleet.spawn(driver, node=node, devices=(vf(provider_name=f"{node}_0000:81:00.0"),))
    with pytest.raises(ComputeResourcesUnavailable):
        fleet.spawn(driver, node="a", devices=(vf(),))


def test_interfaces_come_and_go_and_give_their_function_back(fleet: Fleet) -> None:
    driver = fleet.driver(sriov=[{**CARD, "vfs": 1}])
    guest = fleet.spawn(driver)
    port = vf(port_id="port-1", mac_address="fa:16:3e:00:00:01")
    for _time in range(2):
        driver.attach_interface(guest, port)
    (device,) = driver.get_guest(guest.uuid).devices
    assert (device.kind, device.port_id, device.address) == (
        DeviceKind.VF,
        "port-1",
        "0000:81:02.0",
    )
    with pytest.raises(ComputeResourcesUnavailable):
        driver.attach_interface(guest, msgspec.structs.replace(port, port_id="port-2"))
    driver.detach_interface(guest, port)
    assert driver.get_guest(guest.uuid).devices == ()
    with pytest.raises(DeviceNotFound, match="has no device port-1"):
        driver.detach_interface(guest, port)
    driver.attach_interface(guest, port)


def test_a_driver_without_sriov_refuses_a_function(fleet: Fleet) -> None:
    driver = fleet.driver(sriov=[CARD], capabilities={"sriov": False})
    with pytest.raises(ComputeResourcesUnavailable):
        driver.spawn(fleet.guest(), fleet.image, (), (vf(),))
    assert fleet.tree(driver).names() == ("host1",)
