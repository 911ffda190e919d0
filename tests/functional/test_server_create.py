"""Creating servers: one and many, what they carry, and requests that are refused whole."""

from __future__ import annotations

import pytest

from cellrig import Cell, Host, Rig, Topology
from cellrig.errors import CellrigError, Conflict, Forbidden, Invalid, NotFound
from cellrig.model import PowerState
from cellrig_pytest.factory import RigFactory

TWO_CELLS = Topology(cells=[Cell("cell1", 2), Cell("cell2", 1)])
SMALL = Topology(
    cells=[Cell("cell1", 2)],
    options={"vcpus": 2, "cpu_allocation_ratio": 1, "memory_mb": 4096, "disk_gb": 100},
)


def test_a_server_is_active_with_a_running_guest_when_create_returns(rig: Rig) -> None:
    server = rig.servers.create(name="web")
    assert (server.status, server.task_state, server.fault) == ("ACTIVE", None, None)
    assert (server.name, server.cell, server.power_state) == ("web", "cell1", PowerState.RUNNING)
    assert server.launched_at is not None
    guest = rig.guest(server)
    assert (guest.uuid, guest.vcpus, guest.memory_mb) == (server.id, 1, 512)
    assert guest.node == server.node


def test_a_server_holds_exactly_what_its_flavor_asks_for(rig: Rig) -> None:
    server = rig.servers.create(flavor="m1.medium")
    held = rig.placement.get_allocations(server.id)
    assert held is not None
    assert list(held.allocations.values()) == [{"VCPU": 2, "MEMORY_MB": 4096, "DISK_GB": 40}]


@pytest.mark.topology(TWO_CELLS)
def test_one_request_for_many_servers_names_and_numbers_them(rig: Rig) -> None:
    servers = rig.servers.create(count=4, name="web")
    assert [server.name for server in servers] == ["web-1", "web-2", "web-3", "web-4"]
    assert [server.launch_index for server in servers] == [0, 1, 2, 3]
    assert {server.status for server in servers} == {"ACTIVE"}
    assert len({server.id for server in servers}) == 4


def test_asking_for_one_by_count_returns_a_list_of_one(rig: Rig) -> None:
    (server,) = rig.servers.create(count=1, name="web")
    assert server.name == "web"


def test_while_the_rig_is_held_a_server_is_a_build_request_in_no_cell(rig: Rig) -> None:
    with rig.holding():
        server = rig.servers.create(tags=["b", "a"], metadata={"k": "v"})
        assert (server.status, server.cell, server.host) == ("BUILD", None, None)
        assert (server.tags, server.metadata) == (("a", "b"), {"k": "v"})
        assert [s.id for s in rig.servers.list()] == [server.id]
    assert rig.servers.show(server).status == "ACTIVE"


def test_metadata_and_tags_are_kept_and_changed_whole(rig: Rig) -> None:
    server = rig.servers.create(metadata={"role": "web"}, tags=["prod", "eu"])
    assert (server.metadata, server.tags) == ({"role": "web"}, ("eu", "prod"))
    changed = rig.servers.update(server, metadata={"tier": "1"}, tags=["test"], name="db")
    assert (changed.metadata, changed.tags, changed.name) == ({"tier": "1"}, ("test",), "db")
    same = rig.servers.update(server)
    assert (same.metadata, same.tags, same.name) == ({"tier": "1"}, ("test",), "db")


@pytest.mark.parametrize(
    ("given", "kind", "told"),
    [
        ({"flavor": "m9.none"}, NotFound, "m9.none"),
        ({"image": "no-image"}, NotFound, "no-image"),
        ({"zone": "mars"}, Invalid, "mars"),
        ({"zone": "nova:no-host"}, NotFound, "no-host"),
        ({"zone": "a:b:c:d"}, Invalid, "a:b:c:d"),
        ({"host": "no-host"}, NotFound, "no-host"),
        ({"group": "no-group"}, NotFound, "no-group"),
        ({"count": 0}, Invalid, "0"),
        ({"count": -1}, Invalid, "-1"),
        ({"name": ""}, Invalid, "name"),
        ({"name": "x" * 256}, Invalid, "256"),
        ({"metadata": {"": "v"}}, Invalid, "metadata"),
        ({"metadata": {"k": 3}}, Invalid, "3"),
        ({"metadata": {"k": "x" * 256}}, Invalid, "'k'"),
        ({"tags": ["a/b"]}, Invalid, "a/b"),
        ({"tags": ["a,b"]}, Invalid, "a,b"),
        ({"tags": [""]}, Invalid, "''"),
        ({"tags": ["x" * 61]}, Invalid, "60"),
        ({"tags": [str(n) for n in range(51)]}, Invalid, "51"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_wrong_request_names_the_thing_and_leaves_nothing(
    rig: Rig, given: dict[str, object], kind: type[CellrigError], told: str
) -> None:
    before = {name: database.dump() for name, database in rig.databases.items()}
    with pytest.raises(kind, match=told):
        rig.servers.create(**given)  # type: ignore[call-overload]
    assert {name: database.dump() for name, database in rig.databases.items()} == before


def test_an_image_that_does_not_fit_the_flavor_is_refused(rig: Rig) -> None:
    rig.images.create("huge", id="huge", min_disk=500)
    rig.images.create("greedy", id="greedy", min_ram=4096)
    with pytest.raises(Invalid, match="'huge' needs a root disk of 500 GiB.*'m1.tiny' has 1"):
        rig.servers.create(image="huge")
    with pytest.raises(Invalid, match="'greedy' needs 4096 MiB.*'m1.tiny' has 512"):
        rig.servers.create(image="greedy")


def test_two_images_of_one_name_are_told_apart_by_id_only(rig: Rig) -> None:
    rig.images.create("twin", id="one")
    rig.images.create("twin", id="two")
    with pytest.raises(Conflict, match="2 images have the name 'twin'"):
        rig.servers.create(image="twin")
    assert rig.servers.create(image="two").image_id == "two"


def test_past_the_filters_to_a_host_goes_only_an_administrator(rig: Rig) -> None:
    user = rig.as_user("ann", "blue")
    with pytest.raises(Forbidden, match="ann.*choose a host"):
        user.servers.create(zone="nova:cell1-host2")
    with pytest.raises(Forbidden, match="ann.*choose a host"):
        user.servers.create(host="cell1-host2")
    assert rig.servers.create(zone="nova:cell1-host2").host == "cell1-host2"
    assert rig.servers.create(host="cell1-host2").host == "cell1-host2"
    assert len(rig.servers.list()) == 2


def test_a_flavor_that_is_changed_or_deleted_stays_with_the_servers_that_have_it(rig: Rig) -> None:
    rig.flavors.create("mine", vcpus=1, extra_specs={"hw:cpu_policy": "shared"})
    server = rig.servers.create(flavor="mine")
    rig.flavors.set_extra_specs("mine", {})
    rig.flavors.delete("mine")
    assert rig.servers.show(server).flavor.extra_specs == {"hw:cpu_policy": "shared"}
    with pytest.raises(NotFound, match="mine"):
        rig.servers.create(flavor="mine")


def test_a_flavor_with_a_required_trait_goes_to_the_host_that_has_it(
    rig_factory: RigFactory,
) -> None:
    hosts = [Host("plain"), Host("fast", options={"traits": ["HW_CPU_X86_AVX2"]})]
    rig: Rig = rig_factory(Topology(cells=[Cell("cell1", hosts)]))
    rig.flavors.create("avx", extra_specs={"trait:HW_CPU_X86_AVX2": "required"})
    rig.flavors.create("no-avx", extra_specs={"trait:HW_CPU_X86_AVX2": "forbidden"})
    assert [rig.servers.create(flavor="avx").host for _ in range(3)] == ["fast"] * 3
    assert rig.servers.create(flavor="no-avx").host == "plain"


def test_a_flavor_that_asks_for_a_custom_resource_gets_it_on_the_child_that_has_it(
    rig_factory: RigFactory,
) -> None:
    child = {"name": "magic", "inventory": {"CUSTOM_MAGIC": 2}}
    rig: Rig = rig_factory(
        Topology(
            cells=[Cell("cell1", [Host("plain"), Host("wand", options={"children": [child]})])]
        )
    )
    rig.flavors.create("magic", extra_specs={"resources:CUSTOM_MAGIC": "1"})
    servers = rig.servers.create(count=2, flavor="magic")
    assert [server.host for server in servers] == ["wand", "wand"]
    refused = rig.servers.create(flavor="magic")
    assert refused.status == "ERROR"
    rig.servers.delete(servers[0])
    assert rig.servers.create(flavor="magic").status == "ACTIVE"


def test_extra_specs_that_are_not_the_fields_are_refused_before_a_flavor_has_them(rig: Rig) -> None:
    with pytest.raises(Invalid, match="resources:VCPU"):
        rig.flavors.create("bad", extra_specs={"resources:VCPU": "many"})
    with pytest.raises(NotFound):
        rig.flavors.show("bad")


@pytest.mark.topology(SMALL)
def test_no_room_ends_in_cell0_with_a_fault_that_says_what_each_host_lacks(rig: Rig) -> None:
    server = rig.servers.create(flavor="m1.large")
    assert (server.status, server.cell, server.host) == ("ERROR", "cell0", None)
    assert server.fault is not None
    assert server.fault.code == 500
    for host in rig.host_names:
        assert f"{host}: " in server.fault.message
    assert "VCPU" in server.fault.message
    assert rig.placement.list_allocations() == ()


@pytest.mark.topology(SMALL)
def test_many_servers_of_one_request_are_placed_all_or_none(rig: Rig) -> None:
    servers = rig.servers.create(count=5)
    assert [(server.status, server.cell) for server in servers] == [("ERROR", "cell0")] * 5
    assert rig.placement.list_allocations() == ()
    assert {server.status for server in rig.servers.create(count=4)} == {"ACTIVE"}


def test_1806515_a_server_in_cell0_shows_its_tags(rig: Rig) -> None:
    rig.flavors.create("giant", vcpus=1, memory_mb=10**9)
    server = rig.servers.create(flavor="giant", tags=["x", "y"])
    assert (server.cell, server.tags) == ("cell0", ("x", "y"))
    assert rig.servers.update(server, tags=["z"]).tags == ("z",)


def test_1852458_a_server_in_cell0_has_its_create_action_with_the_event_that_failed(
    rig: Rig,
) -> None:
    rig.flavors.create("giant", vcpus=1, memory_mb=10**9)
    server = rig.servers.create(flavor="giant")
    (action,) = rig.servers.actions(server)
    assert (action.action, action.message, action.project_id) == ("create", "Error", "admin")
    (event,) = action.events
    assert (event.name, event.result) == ("conductor_schedule_and_build_instances", "Error")
    assert "NoValidHost" in str(event.traceback)
