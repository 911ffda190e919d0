"""Zones, tenants, traits and services that are off: what binds a boot binds a move."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from policy_moves import MOVES, cell, die, each_move, end, told, with_filter

from cellrig import Cell, ComputeOptions, Host, Server, Topology
from cellrig.errors import CellrigError
from cellrig_pytest import RigFactory

# -- zones, aggregates, tenants, traits --------------------------------------------------------


@each_move
def test_a_server_of_a_zone_stays_in_it(rig_factory: RigFactory, kind: str) -> None:
    rig = rig_factory(cell(4, zones={"east": ["host1", "host4"], "west": ["host2"]}))
    server = rig.servers.create(zone="east", host="host1")
    moved = end(rig, MOVES[kind](rig, server))
    assert (moved.status, moved.host, moved.availability_zone) == ("ACTIVE", "host4", "east")


@each_move
def test_a_server_without_a_wish_tells_the_zone_that_it_has_come_to(
    rig_factory: RigFactory, kind: str
) -> None:
    rig = rig_factory(cell(2, zones={"east": ["host1"], "west": ["host2"]}))
    server = rig.servers.create(host="host1")
    moved = MOVES[kind](rig, server)
    assert (moved.host, moved.availability_zone) == ("host2", "west")
    if moved.status == "VERIFY_RESIZE":
        back = rig.servers.revert_resize(moved)
        assert (back.host, back.availability_zone) == ("host1", "east")
    end(rig, rig.servers.show(moved))


def test_a_shelved_server_comes_back_in_the_zone_that_is_asked_for(rig_factory: RigFactory) -> None:
    rig = rig_factory(cell(2, zones={"east": ["host1"], "west": ["host2"]}))
    server = rig.servers.create(zone="east")
    rig.servers.shelve(server)
    back = rig.servers.unshelve(server, zone="west")
    assert (back.status, back.host, back.availability_zone) == ("ACTIVE", "host2", "west")


@each_move
def test_a_flavor_is_kept_to_its_aggregate(rig_factory: RigFactory, kind: str) -> None:
    rig = rig_factory(cell(4))
    rig.aggregates.create("ssd", metadata={"ssd": "true"}, hosts=["host1", "host4"])
    specs = {"aggregate_instance_extra_specs:ssd": "true"}
    rig.flavors.create("ssd", memory_mb=512, root_gb=1, extra_specs=specs)
    server = rig.servers.create(flavor="ssd", host="host1")
    moved = end(rig, MOVES[kind](rig, server))
    assert (moved.status, moved.host) == ("ACTIVE", "host4")


@each_move
@pytest.mark.parametrize("of", ["flavor", "image"])
def test_a_trait_that_is_required_is_required_there_too(
    rig_factory: RigFactory, kind: str, of: str
) -> None:
    with_trait = {"traits": ["HW_CPU_X86_AVX2"]}
    hosts = [Host(f"host{n}", options=with_trait if n in (1, 4) else {}) for n in range(1, 5)]
    rig = rig_factory(Topology(cells=[Cell("cell1", hosts)]))
    required = {"trait:HW_CPU_X86_AVX2": "required"}
    rig.flavors.create(
        "fast", memory_mb=512, root_gb=1, extra_specs=required if of == "flavor" else {}
    )
    rig.images.create("picky", id=rig.new_uuid(), properties=required if of == "image" else {})
    server = rig.servers.create(flavor="fast", image="picky", host="host1")
    assert server.status == "ACTIVE", server.fault
    moved = end(rig, MOVES[kind](rig, server))
    assert (moved.status, moved.host) == ("ACTIVE", "host4")


@each_move
def test_a_host_that_is_kept_for_other_tenants_is_no_destination(
    rig_factory: RigFactory, kind: str
) -> None:
    rig = rig_factory(cell(3))
    rig.aggregates.create("blue", metadata={"filter_tenant_id": "blue"}, hosts=["host2"])
    server = rig.servers.create(host="host1")
    moved = end(rig, MOVES[kind](rig, server))
    assert (moved.status, moved.host) == ("ACTIVE", "host3")


@pytest.mark.parametrize("kind", ["resize", "migrate", "live", "evacuate"])
def test_a_hint_given_at_boot_binds_moves_too(rig_factory: RigFactory, kind: str) -> None:
    rig = rig_factory(cell(3))
    other = rig.servers.create(host="host2")
    server = rig.servers.create(hints={"different_host": (other.id,)}, host="host1")
    moved = end(rig, MOVES[kind](rig, server))
    assert (moved.status, moved.host) == ("ACTIVE", "host3")


# -- services that are off ---------------------------------------------------------------------


@each_move
@pytest.mark.parametrize("off", ["disabled", "down"])
def test_a_service_that_is_off_is_no_destination(
    rig_factory: RigFactory, kind: str, off: str
) -> None:
    rig = rig_factory(cell(3))
    server = rig.servers.create(host="host1")
    if off == "disabled":
        rig.services.disable("host2")
    else:
        rig.services.force_down("host2")
    moved = MOVES[kind](rig, server)
    rig.services.force_down("host2", down=False)
    moved = end(rig, moved)
    assert (moved.status, moved.host) == ("ACTIVE", "host3")


@pytest.mark.parametrize("off", ["disabled", "down"])
@pytest.mark.parametrize("kind", ["migrate", "live", "evacuate", "unshelve"])
def test_a_service_that_is_off_is_refused_also_by_name(
    rig_factory: RigFactory, kind: str, off: str
) -> None:
    rig = rig_factory(cell(3))
    server = rig.servers.create(host="host1")
    if off == "disabled":
        rig.services.disable("host2", reason="new fan")
    else:
        rig.services.force_down("host2")
    if kind == "evacuate":
        die(rig, "host1")
    if kind == "unshelve":
        rig.servers.shelve(server)
    acts: dict[str, Callable[..., Server]] = {
        "migrate": rig.servers.migrate,
        "live": rig.servers.live_migrate,
        "evacuate": rig.servers.evacuate,
        "unshelve": rig.servers.unshelve,
    }
    try:
        refused = told(acts[kind](server, host="host2"))
    except CellrigError as error:
        refused = str(error)
    assert off in refused
    stays = rig.servers.show(server)
    assert stays.host == (None if kind == "unshelve" else "host1")
    assert stays.status == ("SHELVED_OFFLOADED" if kind == "unshelve" else "ACTIVE")
    rig.services.force_down("host2", down=False)
    end(rig, stays)


@pytest.mark.parametrize("kind", ["resize", "migrate", "live", "unshelve"])
def test_1938326_a_server_moves_away_from_a_disabled_host(
    rig_factory: RigFactory, kind: str
) -> None:
    rig = rig_factory(cell(2, compute=ComputeOptions(allow_resize_to_same_host=True)))
    server = rig.servers.create(host="host1")
    rig.services.disable("host1")
    moved = end(rig, MOVES[kind](rig, server))
    assert (moved.status, moved.host) == ("ACTIVE", "host2")


def test_a_server_is_brought_back_to_a_host_that_was_disabled_meanwhile(
    rig_factory: RigFactory,
) -> None:
    rig = rig_factory(cell(2))
    server = rig.servers.create(host="host1")
    rig.servers.migrate(server)
    rig.services.disable("host1")
    back = rig.servers.revert_resize(server)
    assert (back.status, back.host) == ("ACTIVE", "host1")


# -- how busy a host is ------------------------------------------------------------------------


def test_a_server_on_a_move_makes_busy_the_host_that_its_record_names(
    rig_factory: RigFactory,
) -> None:
    rig = rig_factory(cell(2, scheduler=with_filter("io_ops", max_io_ops_per_host=1)))
    server = rig.servers.create(host="host1")
    leaving = rig.faults.hold("driver.migrate_disk_and_power_off", times=1)
    arriving = rig.faults.hold("driver.finish_migration", times=1)
    with rig.holding():
        rig.servers.migrate(server)
        rig.settle()
        assert leaving.reached
        at_first = rig.servers.create(host="host1"), rig.servers.create(host="host2")
        rig.settle()
        leaving.release()
        rig.settle()
        assert arriving.reached
        then = rig.servers.create(host="host1"), rig.servers.create(host="host2")
        rig.settle()
        arriving.release()
        rig.settle()
    statuses = [rig.servers.show(each).status for each in (*at_first, *then)]
    assert statuses == ["ERROR", "ACTIVE", "ACTIVE", "ERROR"]
