"""Where moved servers go: in place, by their groups, zones, tenants and traits; what is kept."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from cellrig import Cell, ComputeOptions, Host, Rig, Server, Topology
from cellrig.model import Migration
from cellrig_pytest import RigFactory

Held = dict[str, dict[str, int]]


def small(vcpus: int = 4, memory_mb: int = 4096, **options: Any) -> dict[str, Any]:
    """The options of a host that promises only what it has."""
    ratios = {"cpu_allocation_ratio": 1.0, "ram_allocation_ratio": 1.0}
    return {"vcpus": vcpus, "memory_mb": memory_mb, "disk_gb": 40, **ratios, **options}


def one_cell(*hosts: dict[str, Any], same_host: bool = True) -> Topology:
    """Make a topology of one cell with the hosts host1, host2, ..."""
    named = [Host(f"host{n}", options=each) for n, each in enumerate(hosts, start=1)]
    compute = ComputeOptions(allow_resize_to_same_host=same_host)
    return Topology(cells=[Cell("cell1", named)], compute=compute)


def held(rig: Rig, consumer: str) -> Held:
    """Return what a consumer holds, by the names of the providers."""
    known = rig.placement.get_allocations(consumer)
    if known is None:
        return {}
    name = {each.uuid: each.name for each in rig.placement.list_providers()}
    return {name[uuid]: amounts for uuid, amounts in known.allocations.items()}


def the_move(rig: Rig, server: Server) -> Migration:
    """Return the latest migration of a server."""
    return rig.migrations.list(server=server)[0]


def told(server: Server) -> str:
    """The message of a server's fault."""
    assert server.fault is not None
    return server.fault.message


# -- in place ----------------------------------------------------------------------------------

SIZES = {
    "old": {"vcpus": 2, "memory_mb": 2048, "root_gb": 10},
    "up": {"vcpus": 4, "memory_mb": 4096, "root_gb": 20},
    "mixed": {"vcpus": 4, "memory_mb": 1024, "root_gb": 10},
    "down": {"vcpus": 1, "memory_mb": 3072, "root_gb": 10},
}


def make_sizes(rig: Rig) -> None:
    """Make the flavors."""
    for name, size in SIZES.items():
        rig.flavors.create(
            name, vcpus=size["vcpus"], memory_mb=size["memory_mb"], root_gb=size["root_gb"]
        )


def holding(size: str) -> dict[str, int]:
    """Return what a size holds of a host."""
    flavor = SIZES[size]
    return {
        "VCPU": flavor["vcpus"],
        "MEMORY_MB": flavor["memory_mb"],
        "DISK_GB": flavor["root_gb"],
    }


@pytest.mark.parametrize("numa_cells", [0, 2])
@pytest.mark.parametrize("end", ["confirm", "revert", "delete"])
@pytest.mark.parametrize(
    ("size", "beyond"),
    [
        ("up", {}),
        ("mixed", {"MEMORY_MB": 1024}),
        ("down", {"VCPU": 1}),
    ],
)
def test_30_1790204_a_full_host_is_enough_for_the_larger_of_both_sizes(
    rig_factory: RigFactory, size: str, beyond: dict[str, int], end: str, numa_cells: int
) -> None:
    cells = max(1, numa_cells)
    options = small(4 * cells, 4096 * cells, numa_cells=numa_cells)
    rig = rig_factory(one_cell(options))
    make_sizes(rig)
    general = "host1_NUMA0" if numa_cells else "host1"
    server = rig.servers.create(flavor="old")
    # The other cell is full, so that there is room for one size only.
    fillers = [rig.servers.create(flavor="up") for _ in range(cells - 1)]
    assert all(each.status == "ACTIVE" for each in fillers)
    before = held(rig, server.id)

    resized = rig.servers.resize(server, size)

    assert (resized.status, resized.host, resized.fault) == ("VERIFY_RESIZE", "host1", None)
    now = held(rig, server.id)
    assert {**now["host1"], **now[general]} == holding(size)
    assert held(rig, the_move(rig, server).uuid) == ({general: beyond} if beyond else {})
    assert rig.guest(server).vcpus == SIZES[size]["vcpus"]
    assert rig.audit.findings() == []
    (provider,) = rig.placement.list_providers(name=general)
    larger = max(2, SIZES[size]["vcpus"]), max(2048, SIZES[size]["memory_mb"])
    usages = rig.placement.get_provider_usages(provider.uuid)
    assert (usages["VCPU"], usages["MEMORY_MB"]) == larger

    if end == "confirm":
        ended = rig.servers.confirm_resize(server)
        assert (ended.status, ended.flavor.name) == ("ACTIVE", size)
        assert held(rig, server.id) == now
    elif end == "revert":
        ended = rig.servers.revert_resize(server)
        assert (ended.status, ended.flavor.name, ended.fault) == ("ACTIVE", "old", None)
        assert held(rig, server.id) == before
        assert rig.guest(server).vcpus == 2
    else:
        rig.servers.delete(server)
        assert held(rig, server.id) == {}
    assert held(rig, the_move(rig, server).uuid) == {}


def test_30_what_a_revert_may_need_is_nobody_elses_meanwhile(rig_factory: RigFactory) -> None:
    rig = rig_factory(one_cell(small()))
    make_sizes(rig)
    rig.flavors.create("tiny", vcpus=1, memory_mb=512, root_gb=1)
    server = rig.servers.create(flavor="old")
    neighbour = rig.servers.create(flavor="tiny")
    assert rig.servers.resize(server, "down").status == "VERIFY_RESIZE"
    assert held(rig, the_move(rig, server).uuid) == {"host1": {"VCPU": 1}}
    # One processor is left, and no more: the second that the old size has is kept for it.
    assert rig.servers.create(flavor="tiny").status == "ACTIVE"
    assert rig.servers.create(flavor="tiny").status == "ERROR"
    assert rig.servers.revert_resize(server).status == "ACTIVE"
    assert held(rig, server.id) == {"host1": holding("old")}
    assert held(rig, neighbour.id) == {"host1": {"VCPU": 1, "MEMORY_MB": 512, "DISK_GB": 1}}


def test_30_a_host_with_room_for_both_sizes_comes_first(rig_factory: RigFactory) -> None:
    rig = rig_factory(one_cell(small(), small()))
    make_sizes(rig)
    server = rig.servers.create(flavor="old", host="host1")
    resized = rig.servers.resize(server, "up")
    assert (resized.status, resized.host) == ("VERIFY_RESIZE", "host2")
    assert held(rig, the_move(rig, server).uuid) == {"host1": holding("old")}
    assert the_move(rig, server).old_allocations == {}


def test_30_in_place_is_claimed_only_where_the_cloud_allows_it(rig_factory: RigFactory) -> None:
    rig = rig_factory(one_cell(small(), same_host=False))
    make_sizes(rig)
    server = rig.servers.create(flavor="old")
    stays = rig.servers.resize(server, "up")
    assert (stays.status, stays.flavor.name) == ("ACTIVE", "old")
    assert held(rig, server.id) == {"host1": holding("old")}


@pytest.mark.parametrize(
    ("options", "flavor", "refusal"),
    [
        ({}, {"vcpus": 5}, "VCPU: 5 requested, 4 free"),
        ({}, {"extra_specs": {"trait:HW_CPU_X86_AVX": "required"}}, "HW_CPU_X86_AVX"),
        (
            {"children": [{"name": "child", "inventory": {"CUSTOM_MAGIC": 1}}]},
            {"extra_specs": {"resources1:CUSTOM_MAGIC": "1"}},
            "group '1' is not claimed in place",
        ),
    ],
    ids=["too large", "trait", "numbered group"],
)
def test_30_what_does_not_fit_in_place_either_changes_nothing(
    rig_factory: RigFactory, options: dict[str, Any], flavor: dict[str, Any], refusal: str
) -> None:
    rig = rig_factory(one_cell(small(**options)))
    make_sizes(rig)
    rig.flavors.create("new", **{"vcpus": 4, "memory_mb": 2048, "root_gb": 10, **flavor})
    server = rig.servers.create(flavor="old")
    stays = rig.servers.resize(server, "new")
    assert (stays.status, stays.flavor.name) == ("ACTIVE", "old")
    assert refusal in told(stays)
    assert held(rig, server.id) == {"host1": holding("old")}
    assert held(rig, the_move(rig, server).uuid) == {}


def test_30_a_disabled_host_is_not_resized_on(rig_factory: RigFactory) -> None:
    rig = rig_factory(one_cell(small()))
    make_sizes(rig)
    server = rig.servers.create(flavor="old")
    rig.services.disable("host1", reason="new fan")
    stays = rig.servers.resize(server, "up")
    assert (stays.status, stays.flavor.name) == ("ACTIVE", "old")
    assert "disabled" in told(stays)
    assert held(rig, server.id) == {"host1": holding("old")}


def test_30_a_class_that_only_the_new_size_has_comes_beside_the_rest(
    rig_factory: RigFactory,
) -> None:
    child = {"name": "child", "inventory": {"CUSTOM_MAGIC": 3}}
    rig = rig_factory(one_cell(small(children=[child])))
    make_sizes(rig)
    magic = {"resources:CUSTOM_MAGIC": "3"}
    rig.flavors.create("magic", vcpus=4, memory_mb=2048, root_gb=10, extra_specs=magic)
    rig.flavors.create("none", vcpus=3, memory_mb=4096, root_gb=10)
    server = rig.servers.create(flavor="old")
    rig.servers.resize(server, "magic")
    assert held(rig, server.id)["host1-child"] == {"CUSTOM_MAGIC": 3}
    rig.servers.confirm_resize(server)
    resized = rig.servers.resize(server, "none")
    assert resized.status == "VERIFY_RESIZE", resized.fault
    kept = {"host1": {"VCPU": 1}, "host1-child": {"CUSTOM_MAGIC": 3}}
    assert held(rig, the_move(rig, server).uuid) == kept
    rig.servers.revert_resize(server)
    assert held(rig, server.id)["host1-child"] == {"CUSTOM_MAGIC": 3}


def test_30_a_host_that_refuses_a_resize_in_place_gives_the_old_size_back(
    rig_factory: RigFactory,
) -> None:
    rig = rig_factory(one_cell(small(capabilities={"resize_on_same_host": False})))
    make_sizes(rig)
    server = rig.servers.create(flavor="old")
    stays = rig.servers.resize(server, "mixed")
    assert "host host1 cannot resize in place" in told(stays)
    assert (stays.host, stays.flavor.name) == ("host1", "old")
    assert held(rig, server.id) == {"host1": holding("old")}
    assert held(rig, the_move(rig, server).uuid) == {}


def test_30_the_audit_knows_what_a_migration_keeps_in_place(rig_factory: RigFactory) -> None:
    rig = rig_factory(one_cell(small()), audit=False)  # it is made wrong on purpose
    make_sizes(rig)
    server = rig.servers.create(flavor="old")
    rig.servers.resize(server, "mixed")
    assert rig.audit.findings() == []
    rig.placement.delete_allocations(the_move(rig, server).uuid)
    (finding,) = rig.audit.findings()
    assert "its migration holds nothing" in finding
    assert "1024 MEMORY_MB" in finding


def bring_to_rest(rig: Rig) -> None:
    """Restart whatever has died, and let everybody do their periodic work."""
    for service in ("conductor", "conductor@cell1", "host1"):
        rig.restart(service)
    rig.advance(1300)


@pytest.mark.parametrize("how", ["fail", "fail_after", "crash_before", "crash_after"])
@pytest.mark.parametrize(
    ("seam", "nth"),
    [
        ("placement.post_allocations", 1),
        ("bus.scheduler.select_in_place", 1),
        ("db.cell1.migration_update", 1),
        ("placement.post_allocations", 2),
        ("db.cell1.migration_update", 2),
        ("bus.compute.prep_resize", 1),
        ("driver.migrate_disk_and_power_off", 1),
        ("driver.finish_migration", 1),
    ],
)
def test_30_whatever_breaks_off_a_resize_in_place_the_server_holds_one_of_both_sizes(
    rig_factory: RigFactory, seam: str, nth: int, how: str
) -> None:
    rig = rig_factory(one_cell(small()))
    make_sizes(rig)
    server = rig.servers.create(flavor="old")
    getattr(rig.faults, how)(seam, nth=nth, times=1)
    rig.servers.resize(server, "mixed")
    bring_to_rest(rig)
    assert rig.audit.findings() == []
    moved = rig.servers.show(server)
    if moved.status == "VERIFY_RESIZE":
        assert held(rig, server.id) == {"host1": holding("mixed")}
        assert held(rig, the_move(rig, server).uuid) == {"host1": {"MEMORY_MB": 1024}}
        moved = rig.servers.revert_resize(server)
    assert held(rig, server.id) == {"host1": holding("old")}
    assert held(rig, the_move(rig, server).uuid) == {}
    assert (moved.status, moved.flavor.name) in (("ACTIVE", "old"), ("ERROR", "old"))
    if moved.status == "ACTIVE":
        assert rig.servers.resize(server, "mixed").status == "VERIFY_RESIZE"
        assert rig.servers.confirm_resize(server).flavor.name == "mixed"


@pytest.mark.parametrize("how", ["fail", "fail_after", "crash_before", "crash_after"])
@pytest.mark.parametrize(
    ("seam", "nth"),
    [
        ("driver.destroy", 1),
        ("placement.post_allocations", 1),
        ("db.cell1.migration_update", 2),
        ("db.cell1.instance_update", 2),
        ("bus.compute.finish_revert_resize", 1),
        ("driver.finish_revert_migration", 1),
    ],
)
def test_30_whatever_breaks_off_a_revert_in_place_the_server_holds_its_old_size(
    rig_factory: RigFactory, seam: str, nth: int, how: str
) -> None:
    rig = rig_factory(one_cell(small()))
    make_sizes(rig)
    server = rig.servers.create(flavor="old")
    rig.servers.resize(server, "mixed")
    getattr(rig.faults, how)(seam, nth=nth, times=1)
    rig.servers.revert_resize(server)
    bring_to_rest(rig)
    assert rig.servers.show(server).flavor.name == "old"
    assert held(rig, server.id) == {"host1": holding("old")}
    assert held(rig, the_move(rig, server).uuid) == {}
    assert rig.audit.findings() == []


@pytest.mark.parametrize("seed", range(30))
def test_30_servers_resized_at_the_same_moment_never_take_more_than_there_is(
    rig_factory: RigFactory, seed: int
) -> None:
    rig = rig_factory(one_cell(small(7, 8192), small(7, 8192)), seed=seed)
    make_sizes(rig)
    servers = [rig.servers.create(flavor="old") for _ in range(5)]
    sizes = ["up", "mixed", "down", "mixed", "up"]
    # Once together, and once more while the first ones end.
    rig.concurrently(
        *[partial(rig.servers.resize, *pair) for pair in zip(servers, sizes, strict=True)]
    )
    waiting = [each.id for each in rig.servers.list() if each.status == "VERIFY_RESIZE"]
    still = [each for each in rig.servers.list() if each.id not in waiting]
    assert waiting
    rig.concurrently(
        *[partial(rig.servers.revert_resize, server) for server in waiting[::2]],
        *[partial(rig.servers.confirm_resize, server) for server in waiting[1::2]],
        *[partial(rig.servers.resize, server, "down") for server in still],
    )
    for provider in rig.placement.list_providers():
        assert rig.placement.get_provider_usages(provider.uuid)["VCPU"] <= 7
    assert {server.status for server in rig.servers.list()} <= {"ACTIVE", "VERIFY_RESIZE"}
    assert rig.audit.findings() == []
