"""Where servers go: groups, aggregates, zones, services that are off, and why a host is refused."""

from __future__ import annotations

from collections import Counter

import pytest

from cellrig import Cell, Host, Rig, SchedulerOptions, Server, Topology
from cellrig.errors import Conflict, Forbidden, Invalid, NotFound
from cellrig_pytest.factory import RigFactory

THREE = Topology(cells=[Cell("cell1", 3)])
TWO_BY_TWO = Topology(cells=[Cell("cell1", 2), Cell("cell2", 2)])
ZONED = Topology(
    cells=[Cell("cell1", 2), Cell("cell2", 1)],
    zones={"east": ["cell1-host1"], "west": ["cell2-host1"]},
)


def hosts_of(servers: list[Server]) -> Counter[str | None]:
    return Counter(server.host for server in servers)


def told(server: Server) -> str:
    """The message of the fault of a server in ERROR."""
    assert server.status == "ERROR"
    assert server.fault is not None
    return server.fault.message


# -- groups ------------------------------------------------------------------------------------


@pytest.mark.topology(TWO_BY_TWO)
def test_members_of_an_affinity_group_share_a_host(rig: Rig) -> None:
    group = rig.server_groups.create("together", "affinity")
    servers = rig.servers.create(count=3, group=group.uuid)
    servers.append(rig.servers.create(group=group.uuid))
    assert len(hosts_of(servers)) == 1
    assert {server.server_group for server in servers} == {group.uuid}


@pytest.mark.topology(TWO_BY_TWO)
def test_members_of_an_anti_affinity_group_are_each_on_a_host_of_their_own(rig: Rig) -> None:
    group = rig.server_groups.create("apart", "anti-affinity")
    servers = rig.servers.create(count=3, group=group.uuid)
    servers.append(rig.servers.create(group=group.uuid))
    assert set(hosts_of(servers).values()) == {1}
    fifth = rig.servers.create(group=group.uuid)
    assert fifth.cell == "cell0"
    assert all(host in told(fifth) for host in rig.host_names)


@pytest.mark.topology(TWO_BY_TWO)
def test_a_rule_lets_so_many_members_share_a_host(rig: Rig) -> None:
    group = rig.server_groups.create("pairs", "anti-affinity", {"max_server_per_host": 2})
    servers = rig.servers.create(count=8, group=group.uuid)
    assert set(hosts_of(servers).values()) == {2}
    assert rig.servers.create(group=group.uuid).status == "ERROR"


@pytest.mark.topology(THREE)
def test_soft_policies_are_wishes(rig: Rig) -> None:
    apart = rig.server_groups.create("apart", "soft-anti-affinity")
    servers = rig.servers.create(count=4, group=apart.uuid)
    assert sorted(hosts_of(servers).values()) == [1, 1, 2]
    together = rig.server_groups.create("together", "soft-affinity")
    servers = rig.servers.create(count=3, group=together.uuid)
    assert {server.status for server in servers} == {"ACTIVE"}


@pytest.mark.topology(THREE)
def test_28_1781710_members_booted_in_one_request_are_apart(rig: Rig) -> None:
    group = rig.server_groups.create("apart", "anti-affinity")
    servers = rig.servers.create(count=3, group=group.uuid)
    assert len(hosts_of(servers)) == 3


@pytest.mark.parametrize("seed", range(20))
def test_28_members_booted_at_the_same_moment_never_share_a_host(
    rig_factory: RigFactory, seed: int
) -> None:
    rig: Rig = rig_factory(THREE, seed=seed)
    group = rig.server_groups.create("apart", "anti-affinity")
    rig.concurrently(*[lambda: rig.servers.create(group=group.uuid)] * 3)
    alive = [server for server in rig.servers.list() if server.status == "ACTIVE"]
    assert set(hosts_of(alive).values()) == {1}
    assert alive


@pytest.mark.parametrize("seed", range(20))
def test_members_booted_at_the_same_moment_never_part(rig_factory: RigFactory, seed: int) -> None:
    rig: Rig = rig_factory(TWO_BY_TWO, seed=seed)
    group = rig.server_groups.create("together", "affinity")
    rig.concurrently(*[lambda: rig.servers.create(group=group.uuid)] * 3)
    alive = [server for server in rig.servers.list() if server.status == "ACTIVE"]
    assert len(hosts_of(alive)) == 1


@pytest.mark.topology(THREE)
def test_a_host_that_finds_a_second_member_hands_it_to_an_alternate(rig: Rig) -> None:
    group = rig.server_groups.create("apart", "anti-affinity")
    hold = rig.faults.hold("bus.compute.build_and_run_instance", nth=1)
    first = rig.servers.create(group=group.uuid)
    second = rig.servers.create(group=group.uuid)
    hold.release()
    rig.settle()
    first, second = rig.servers.show(first), rig.servers.show(second)
    assert (first.status, second.status) == ("ACTIVE", "ACTIVE")
    assert first.host != second.host


@pytest.mark.topology(THREE)
def test_21_1719730_a_server_of_a_group_is_rescheduled_within_its_policy(rig: Rig) -> None:
    group = rig.server_groups.create("apart", "anti-affinity")
    first = rig.servers.create(group=group.uuid, zone="nova:cell1-host2")
    rig.faults.fail("driver.spawn", host="cell1-host1")
    second = rig.servers.create(group=group.uuid)
    assert (first.host, second.host) == ("cell1-host2", "cell1-host3")
    third = rig.servers.create(group=group.uuid)
    assert "cell1-host1" in told(third)
    assert third.cell == "cell1"


def test_a_group_has_a_policy_and_rules_that_exist(rig: Rig) -> None:
    with pytest.raises(Invalid, match="'nearby' is unknown; there are: affinity"):
        rig.server_groups.create("g", "nearby")
    with pytest.raises(Invalid, match="'affinity' does not take the rules"):
        rig.server_groups.create("g", "affinity", {"max_server_per_host": 2})
    with pytest.raises(Invalid, match="from 1 on"):
        rig.server_groups.create("g", "anti-affinity", {"max_server_per_host": 0})
    with pytest.raises(NotFound, match="no-group"):
        rig.server_groups.show("no-group")
    assert rig.server_groups.list() == []


def test_a_group_of_another_project_does_not_exist(rig: Rig) -> None:
    group = rig.as_user("ann", "blue").server_groups.create("mine", "affinity")
    other = rig.as_user("bob", "red")
    for act in (
        lambda: other.server_groups.show(group),
        lambda: other.server_groups.delete(group),
        lambda: other.servers.create(group=group.uuid),
    ):
        with pytest.raises(NotFound, match=group.uuid):
            act()
    assert other.server_groups.list() == []
    assert [each.uuid for each in rig.server_groups.list()] == [group.uuid]


def test_a_group_that_is_deleted_lets_its_members_live(rig: Rig) -> None:
    group = rig.server_groups.create("g", "affinity")
    server = rig.servers.create(group=group.uuid)
    rig.server_groups.delete(group)
    assert rig.servers.show(server).status == "ACTIVE"
    rig.servers.delete(server)


# -- zones and aggregates ----------------------------------------------------------------------


@pytest.mark.topology(ZONED)
def test_a_zone_is_where_its_servers_are(rig: Rig) -> None:
    assert rig.aggregates.zones() == {
        "east": ("cell1-host1",),
        "nova": ("cell1-host2",),
        "west": ("cell2-host1",),
    }
    for zone, host in (("east", "cell1-host1"), ("west", "cell2-host1"), ("nova", "cell1-host2")):
        server = rig.servers.create(zone=zone)
        assert (server.host, server.availability_zone) == (host, zone)


@pytest.mark.topology(ZONED)
def test_a_server_without_a_wish_tells_the_zone_it_got(rig: Rig) -> None:
    server = rig.servers.create(host="cell2-host1")
    assert server.availability_zone == "west"


@pytest.mark.topology(ZONED)
def test_a_full_zone_is_not_left(rig: Rig) -> None:
    rig.services.disable("cell1-host1")
    server = rig.servers.create(zone="east")
    assert (server.status, server.cell) == ("ERROR", "cell0")


@pytest.mark.topology(ZONED)
def test_a_host_is_in_one_zone(rig: Rig) -> None:
    with pytest.raises(Conflict, match="'cell1-host1' is in availability zone 'east'"):
        rig.aggregates.create("more", zone="north", hosts=["cell1-host1"])


@pytest.mark.topology(THREE)
def test_an_aggregate_keeps_flavors_to_its_hosts(rig: Rig) -> None:
    aggregate = rig.aggregates.create("ssd", metadata={"ssd": "true"}, hosts=["cell1-host2"])
    rig.flavors.create("ssd", extra_specs={"aggregate_instance_extra_specs:ssd": "true"})
    assert [rig.servers.create(flavor="ssd").host for _ in range(3)] == ["cell1-host2"] * 3
    rig.aggregates.add_host(aggregate, "cell1-host3")
    rig.aggregates.remove_host(aggregate, "cell1-host2")
    assert rig.servers.create(flavor="ssd").host == "cell1-host3"
    rig.aggregates.set_metadata(aggregate, {"ssd": None})
    refused = rig.servers.create(flavor="ssd")
    assert all(host in told(refused) for host in rig.host_names)


def test_a_wrong_aggregate_is_refused_whole(rig: Rig) -> None:
    with pytest.raises(NotFound, match="no-host"):
        rig.aggregates.create("a", hosts=["cell1-host1", "no-host"])
    assert rig.aggregates.list() == []
    rig.aggregates.create("a")
    with pytest.raises(Conflict, match="'a'"):
        rig.aggregates.create("a")
    with pytest.raises(Forbidden, match="ann"):
        rig.as_user("ann", "blue").aggregates.create("b")
    assert [aggregate.name for aggregate in rig.aggregates.list()] == ["a"]


# -- services ----------------------------------------------------------------------------------


@pytest.mark.topology(THREE)
def test_a_disabled_service_gets_no_new_servers_and_keeps_its_old_ones(rig: Rig) -> None:
    old = rig.servers.create(host="cell1-host1")
    rig.services.disable("cell1-host1", reason="new fan")
    assert rig.services.show("cell1-host1").disabled_reason == "new fan"
    servers = rig.servers.create(count=4)
    assert "cell1-host1" not in hosts_of(servers)
    assert rig.servers.stop(old).status == "SHUTOFF"
    rig.advance(130)
    assert "cell1-host1" not in hosts_of(rig.servers.create(count=4))
    rig.services.enable("cell1-host1")
    assert rig.servers.create(host="cell1-host1").status == "ACTIVE"


@pytest.mark.topology(THREE)
def test_a_service_that_is_forced_down_gets_no_servers_until_that_is_taken_back(rig: Rig) -> None:
    rig.services.force_down("cell1-host1")
    assert not rig.services.is_up("cell1-host1")
    assert "cell1-host1" not in hosts_of(rig.servers.create(count=4))
    rig.advance(30)
    assert not rig.services.is_up("cell1-host1")
    rig.services.force_down("cell1-host1", down=False)
    assert rig.services.is_up("cell1-host1")


@pytest.mark.topology(THREE)
def test_a_service_that_does_not_report_gets_no_servers(rig: Rig) -> None:
    rig.crash("cell1-host1")
    rig.advance(61)
    assert "cell1-host1" not in hosts_of(rig.servers.create(count=4))
    rig.restart("cell1-host1")
    assert rig.servers.create(host="cell1-host1").status == "ACTIVE"


def test_a_service_that_does_not_exist_is_named(rig: Rig) -> None:
    for act in (rig.services.show, rig.services.disable, rig.services.force_down):
        with pytest.raises(NotFound, match="no-host"):
            act("no-host")
    with pytest.raises(Forbidden, match="ann.*disable"):
        rig.as_user("ann", "blue").services.disable("cell1-host1")
    assert not rig.services.show("cell1-host1").disabled


@pytest.mark.topology(
    Topology(
        cells=[
            Cell(
                "cell1",
                [
                    Host("off"),
                    Host("dead"),
                    Host("small", options={"memory_mb": 600, "ram_allocation_ratio": 1}),
                    Host("plain"),
                    Host("taken"),
                ],
            )
        ]
    )
)
def test_no_valid_host_says_of_each_host_what_refused_it(rig: Rig) -> None:
    group = rig.server_groups.create("apart", "anti-affinity")
    rig.servers.create(group=group.uuid, host="taken")
    rig.services.disable("off")
    rig.services.force_down("dead")
    rig.flavors.create("fast", memory_mb=1024)
    rig.services.disable("plain", "being moved")
    message = told(rig.servers.create(flavor="fast", group=group.uuid))
    refusals = dict(part.split(": ", 1) for part in message.split(" (", 1)[1][:-1].split("; "))
    assert set(refusals) == {"off", "dead", "small", "plain", "taken"}
    assert "MEMORY_MB" in refusals["small"]
    assert "disabled" in refusals["off"]
    assert "down" in refusals["dead"]
    assert "group" in refusals["taken"]


@pytest.mark.topology(
    Topology(cells=[Cell("cell1", 4)], scheduler=SchedulerOptions(max_attempts=1))
)
def test_hints_put_servers_beside_others_or_away_from_them(rig: Rig) -> None:
    first = rig.servers.create(host="cell1-host3")
    beside = rig.servers.create(hints={"same_host": first.id})
    assert beside.host == "cell1-host3"
    away = [rig.servers.create(hints={"different_host": (first.id,)}) for _ in range(4)]
    assert "cell1-host3" not in hosts_of(away)
