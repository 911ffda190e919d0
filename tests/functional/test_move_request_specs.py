"""What moves leave of a server's request spec: all of it, as it was, but for a new flavor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from cellrig import Cell, Host, Rig, Server, Topology
from cellrig.db.requests import RequestStore
from cellrig.model import RequestSpec
from cellrig_pytest import RigFactory


def cell(hosts: int) -> Topology:
    """Make a topology of one cell with the hosts host1, host2, ..."""
    return Topology(cells=[Cell("cell1", [Host(f"host{n + 1}") for n in range(hosts)])])


def spec_of(rig: Rig, server: Server) -> RequestSpec:
    """Return what is remembered of a server's request."""
    return RequestStore(rig.databases["api"]).spec_get(server.id)


def migrate(rig: Rig, server: Server, **where: str) -> None:
    rig.servers.migrate(server, **where)
    rig.servers.confirm_resize(server)


def revert(rig: Rig, server: Server, **where: str) -> None:
    rig.servers.migrate(server, **where)
    rig.servers.revert_resize(server)


def live(rig: Rig, server: Server, host: str | None = None) -> None:
    rig.servers.live_migrate(server, host)


def forced(rig: Rig, server: Server, host: str = "host3") -> None:
    rig.servers.live_migrate(server, host, force=True)


def evacuate(rig: Rig, server: Server, **where: str) -> None:
    source = str(rig.servers.show(server).host)
    rig.crash(source)
    rig.advance(70)
    rig.servers.evacuate(server, **where)
    rig.restart(source)
    rig.advance(70)


def unshelve(rig: Rig, server: Server, **where: str) -> None:
    rig.servers.shelve(server)
    rig.servers.unshelve(server, **where)


def resize_and_back(rig: Rig, server: Server) -> None:
    rig.servers.resize(server, "2")
    rig.servers.revert_resize(server)


MOVES: dict[str, Callable[..., Any]] = {
    "migrate": migrate,
    "revert": revert,
    "live": live,
    "forced": forced,
    "evacuate": evacuate,
    "unshelve": unshelve,
    "resize and back": resize_and_back,
}
BOOTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "asked for a host": {"host": "host1"},
    "forced to a host": {"zone": "nova:host1"},
    "in a zone": {"zone": "nova"},
    "hints": {"hints": {"different_host": ("00000000-0000-0000-0000-000000000001",)}},
}


@pytest.mark.parametrize("boot", BOOTS)
@pytest.mark.parametrize("kind", MOVES)
def test_24_25_26_a_move_leaves_the_request_spec_as_it_was(
    rig_factory: RigFactory, kind: str, boot: str
) -> None:
    rig = rig_factory(cell(4))
    group = rig.server_groups.create("g", "soft-anti-affinity")
    server = rig.servers.create(group=group.uuid, **BOOTS[boot])
    before = spec_of(rig, server)
    MOVES[kind](rig, server)
    assert rig.servers.show(server).status == "ACTIVE"
    assert spec_of(rig, server) == before
    assert (before.requested_host, before.group_uuid) == (None, group.uuid)


@pytest.mark.parametrize("kind", ["migrate", "live", "forced", "evacuate", "unshelve"])
def test_25_1797580_1815153_a_host_that_is_named_binds_this_move_and_no_later_one(
    rig_factory: RigFactory, kind: str
) -> None:
    rig = rig_factory(cell(3))
    server = rig.servers.create(host="host1")
    before = spec_of(rig, server)
    MOVES[kind](rig, server, host="host3")
    assert rig.servers.show(server).host == "host3"
    assert spec_of(rig, server) == before
    rig.services.disable("host1")
    assert rig.servers.live_migrate(server).host == "host2"


def test_24_1669054_the_host_that_one_move_leaves_out_is_the_next_ones_destination(
    rig_factory: RigFactory,
) -> None:
    rig = rig_factory(cell(2))
    server = rig.servers.create(host="host1")
    migrate(rig, server)
    assert rig.servers.show(server).host == "host2"
    evacuate(rig, server)
    assert rig.servers.show(server).host == "host1"
    migrate(rig, server)
    assert rig.servers.show(server).host == "host2"


def test_23_1718512_a_host_where_a_build_or_a_move_has_failed_is_not_refused_later(
    rig_factory: RigFactory,
) -> None:
    rig = rig_factory(cell(2))
    rig.faults.fail("driver.spawn", times=1)
    server = rig.servers.create()
    first = next(host for host in rig.host_names if host != server.host)
    before = spec_of(rig, server)
    rig.faults.fail("driver.finish_migration", times=1)
    rig.servers.migrate(server)
    assert spec_of(rig, server) == before
    assert rig.servers.live_migrate(server).host == first


@pytest.mark.parametrize("kind", ["migrate", "live", "evacuate", "unshelve"])
def test_24_1718455_moving_one_of_many_claims_for_one(rig_factory: RigFactory, kind: str) -> None:
    rig = rig_factory(cell(2))
    servers = rig.servers.create(count=3, host="host1")
    before = [spec_of(rig, server) for server in servers]
    MOVES[kind](rig, servers[1], host="host2")
    (root,) = rig.placement.list_providers(name="host2")
    flavor = servers[1].flavor
    assert rig.placement.get_provider_usages(root.uuid)["VCPU"] == flavor.vcpus
    assert [spec_of(rig, server) for server in servers] == before


@pytest.mark.parametrize("kind", ["migrate", "live", "evacuate", "unshelve"])
def test_26_1845291_a_host_forced_at_boot_binds_no_move(rig_factory: RigFactory, kind: str) -> None:
    rig = rig_factory(cell(2))
    server = rig.servers.create(zone="nova:host1")
    assert spec_of(rig, server).force_host is None
    if kind == "unshelve":
        rig.servers.shelve(server)
        rig.services.disable("host1")
        rig.servers.unshelve(server)
    else:
        MOVES[kind](rig, server)
    assert rig.servers.show(server).host == "host2"


def test_26_1845291_the_move_of_a_server_forced_at_boot_goes_on_to_alternates(
    rig_factory: RigFactory,
) -> None:
    rig = rig_factory(cell(3))
    server = rig.servers.create(zone="nova:host1")
    rig.faults.fail("bus.compute.resize_instance", times=1)
    moved = rig.servers.migrate(server)
    assert (moved.status, moved.host) in (("VERIFY_RESIZE", "host2"), ("VERIFY_RESIZE", "host3"))
    rig.servers.confirm_resize(server)


def test_25_a_zone_asked_for_while_unshelving_is_where_the_server_is_kept_from_then_on(
    rig_factory: RigFactory,
) -> None:
    hosts = [Host(f"host{n}") for n in (1, 2, 3)]
    zones = {"east": ["host1"], "west": ["host2", "host3"]}
    rig = rig_factory(Topology(cells=[Cell("cell1", hosts)], zones=zones))
    server = rig.servers.create(zone="east")
    before = spec_of(rig, server)
    rig.servers.shelve(server)
    back = rig.servers.unshelve(server, zone="west")
    assert spec_of(rig, server) == replace(before, availability_zone="west")
    moved = rig.servers.live_migrate(back)
    assert {back.host, moved.host} == {"host2", "host3"}


@pytest.mark.parametrize("then", ["confirm", "revert", "fail", "no host"])
def test_48_the_spec_has_the_flavor_that_the_server_has_in_the_end(
    rig_factory: RigFactory, then: str
) -> None:
    rig = rig_factory(cell(2))
    server = rig.servers.create()
    before = spec_of(rig, server)
    if then == "fail":
        rig.faults.fail("driver.finish_migration", times=1)
    if then == "no host":
        for host in rig.host_names:
            rig.services.disable(host)
    rig.servers.resize(server, "2")
    if then == "confirm":
        rig.servers.confirm_resize(server)
    elif then == "revert":
        rig.servers.revert_resize(server)
    now = rig.servers.show(server)
    assert now.flavor.id == ("2" if then == "confirm" else "1")
    assert spec_of(rig, server) == replace(before, flavor=now.flavor)
