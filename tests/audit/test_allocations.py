"""Invariant a: who holds what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cellrig import Cell, Host, Rig, Topology
from cellrig.model import InstanceChanges, VmState
from cellrig.placement.types import AllocationsWrite, Inventory

if TYPE_CHECKING:
    from tests.audit.conftest import BrokenCloud

TINY = {"VCPU": 1, "MEMORY_MB": 512, "DISK_GB": 1}


def test_a_cloud_with_servers_in_every_state_is_clean(broken: BrokenCloud) -> None:
    rig = broken.rig
    active, stopped, paused, deleted = rig.servers.create(count=4)
    rig.servers.stop(stopped)
    rig.servers.pause(paused)
    rig.servers.delete(deleted)
    rig.servers.create(flavor="m1.large", count=2)
    rig.servers.rebuild(active, "cirros")
    assert broken.findings() == []


def test_a_server_that_no_host_could_take_is_clean(broken: BrokenCloud) -> None:
    broken.rig.flavors.create("huge", memory_mb=10_000_000)
    assert broken.rig.servers.create(flavor="huge").status == "ERROR"
    assert broken.findings() == []


def test_a_server_that_holds_nothing_is_found(broken: BrokenCloud) -> None:
    server = broken.boot()
    broken.rig.placement.delete_allocations(server.id)
    (finding,) = broken.findings()
    assert finding == (
        f"server {server.id} (ACTIVE) of cell cell1 on host cell1-host1 holds nothing; its flavor "
        "m1.tiny takes 1 DISK_GB, 512 MEMORY_MB, 1 VCPU"
    )


def test_a_server_that_holds_too_much_is_found(broken: BrokenCloud) -> None:
    server = broken.boot()
    broken.hold(server.id, "cell1-host1", {**TINY, "VCPU": 2})
    (finding,) = broken.findings()
    assert finding == (
        f"server {server.id} (ACTIVE) of cell cell1 on host cell1-host1 holds 1 DISK_GB, "
        "512 MEMORY_MB, 2 VCPU; its flavor m1.tiny takes 1 DISK_GB, 512 MEMORY_MB, 1 VCPU"
    )


def test_a_server_that_holds_resources_of_another_host_is_found(broken: BrokenCloud) -> None:
    server = broken.boot()
    broken.hold(server.id, "cell1-host2", TINY)
    (finding,) = broken.findings()
    assert f"server {server.id} (ACTIVE) of cell cell1 on host cell1-host1 holds" in finding
    assert f"provider cell1-host2 ({broken.node_uuid('cell1-host2')})" in finding
    assert "is not in the tree of its node cell1-host1" in finding


def test_a_server_on_a_node_that_its_cell_does_not_know_is_found(broken: BrokenCloud) -> None:
    server = broken.boot()
    broken.instances("cell1").update(server.id, InstanceChanges(node="node-x"))
    assert (
        f"server {server.id} (ACTIVE) of cell cell1 on host cell1-host1 is placed on node node-x, "
        "which its cell does not know"
    ) in broken.findings()


def test_a_server_in_error_without_a_host_that_holds_something_is_found(
    broken: BrokenCloud,
) -> None:
    server = broken.boot()
    broken.lose_guest(server)
    broken.instances("cell1").update(
        server.id, InstanceChanges(vm_state=VmState.ERROR, host=None, node=None)
    )
    (finding,) = broken.findings()
    assert f"server {server.id} (ERROR) of cell cell1 is on no host, and holds" in finding


def test_a_deleted_server_that_holds_something_is_found(broken: BrokenCloud) -> None:
    server = broken.boot()
    broken.rig.servers.delete(server)
    broken.hold(server.id, "cell1-host1", TINY)
    (finding,) = broken.findings()
    assert f"server {server.id} (DELETED) of cell cell1 is deleted, and holds" in finding
    assert finding.endswith("; expected nothing")


def test_a_consumer_that_does_not_exist_is_found(broken: BrokenCloud) -> None:
    stranger = "c0ffee00-0000-4000-8000-000000000001"
    broken.hold(stranger, "cell2-host1", {"VCPU": 3})
    (finding,) = broken.findings()
    assert finding == (
        f"consumer {stranger} (INSTANCE) holds 3 VCPU of provider cell2-host1 "
        f"({broken.node_uuid('cell2-host1')}), and there is no such server"
    )


def test_a_consumer_of_another_type_than_its_server_is_found(broken: BrokenCloud) -> None:
    server = broken.boot()
    broken.hold(server.id, "cell1-host1", TINY, kind="MIGRATION")
    (finding,) = broken.findings()
    assert finding == (
        f"server {server.id} (ACTIVE) of cell cell1 on host cell1-host1 is a consumer of type "
        "MIGRATION; expected INSTANCE"
    )


def test_a_flavor_that_cannot_be_read_is_found(broken: BrokenCloud) -> None:
    server = broken.boot()
    broken.execute(
        "cell1",
        "UPDATE instances SET flavor = replace(flavor, :before, :after)",
        before='"extra_specs":{}',
        after='"extra_specs":{"resources:NO_SUCH CLASS":"1"}',
    )
    (finding,) = broken.findings()
    assert server.id in finding
    assert "flavor m1.tiny cannot be read" in finding


def test_a_build_that_waits_for_its_host_may_hold_one_hosts_resources(broken: BrokenCloud) -> None:
    rig = broken.rig
    rig.crash("cell2-host1")
    server = rig.servers.create(host="cell2-host1")
    assert server.status == "BUILD"
    assert broken.findings() == []
    broken.hold(server.id, "cell2-host1", {"VCPU": 1})
    (finding,) = broken.findings()
    assert "holds 1 VCPU; its flavor m1.tiny takes" in finding
    rig.placement.delete_allocations(server.id)
    assert broken.findings() == []


def test_a_build_request_may_hold_what_its_server_needs(broken: BrokenCloud) -> None:
    rig = broken.rig
    rig.faults.crash_before("db.cell1.instance_create")
    server = rig.servers.create(host="cell1-host1")
    assert server.cell is None
    assert rig.placement.get_allocations(server.id) is not None
    assert broken.findings() == []
    broken.hold(server.id, "cell1-host1", {"VCPU": 7})
    (finding,) = broken.findings()
    assert finding == (
        f"server {server.id} (build request) holds 7 VCPU; its flavor m1.tiny takes "
        "1 DISK_GB, 512 MEMORY_MB, 1 VCPU"
    )
    rig.restart("conductor")
    assert broken.findings() == []


def test_a_deletion_that_its_host_died_in_may_have_given_back_already(
    broken: BrokenCloud,
) -> None:
    server = broken.boot()
    broken.rig.faults.crash_after("placement.delete_allocations", service="compute", nth=1)
    broken.rig.servers.delete(server)
    assert broken.rig.placement.get_allocations(server.id) is None
    assert broken.findings() == []
    broken.rig.restart("cell1-host1")
    assert broken.findings() == []


def test_a_build_that_holds_resources_of_two_hosts_is_found(broken: BrokenCloud) -> None:
    rig = broken.rig
    rig.crash("cell1-host1")
    server = rig.servers.create(host="cell1-host1")
    held = rig.placement.get_allocations(server.id)
    assert held is not None
    first, second = broken.node_uuid("cell1-host1"), broken.node_uuid("cell1-host2")
    rig.placement.put_allocations(
        server.id,
        AllocationsWrite(
            {first: {"VCPU": 1, "MEMORY_MB": 512}, second: {"DISK_GB": 1}},
            "admin",
            "admin",
            held.generation,
        ),
    )
    (finding,) = broken.findings()
    assert finding.endswith(": resources of 2 hosts")


def test_what_a_sharing_provider_gives_is_not_foreign() -> None:
    with Rig(Topology(cells=[Cell("cell1", hosts=1)]), audit=False) as rig:
        server = rig.servers.create()
        held = rig.placement.get_allocations(server.id)
        assert held is not None
        ((node, amounts),) = held.allocations.items()
        pool = rig.placement.create_provider("pool", uuid="c0ffee00-0000-4000-8000-000000000002")
        generation = rig.placement.set_inventories(
            pool.uuid, {"DISK_GB": Inventory(100)}, generation=0
        )
        split = {
            node: {name: amount for name, amount in amounts.items() if name != "DISK_GB"},
            pool.uuid: {"DISK_GB": 1},
        }
        rig.placement.put_allocations(
            server.id, AllocationsWrite(split, "admin", "admin", held.generation)
        )
        assert len(rig.audit.findings()) == 1
        now = rig.placement.get_provider(pool.uuid).generation
        assert now > generation
        rig.placement.set_traits(
            pool.uuid, frozenset({"MISC_SHARES_VIA_AGGREGATE"}), generation=now
        )
        assert rig.audit.findings() == []


def test_what_nested_providers_give_belongs_to_the_host() -> None:
    cards = [{"address": "0000:81:00.0", "physical_network": "public", "vfs": 2}]
    node = Host("node-1", options={"sriov": cards})
    with Rig(Topology(cells=[Cell("cell1", hosts=[node])]), audit=False) as rig:
        rig.flavors.create("vf", extra_specs={"resources1:SRIOV_NET_VF": "1"})
        server = rig.servers.create(flavor="vf")
        held = rig.placement.get_allocations(server.id)
        assert held is not None and len(held.allocations) == 2
        assert rig.audit.findings() == []
