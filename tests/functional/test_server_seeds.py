"""A thousand interleavings of twenty boots into room for twelve."""

from __future__ import annotations

from collections import Counter

import pytest
from seeds import seeds

from cellrig import Cell, Rig, Topology

#: Three hosts with room for four servers each.
ROOM_FOR_TWELVE = Topology(
    cells=[Cell("cell1", 3)],
    options={"vcpus": 4, "cpu_allocation_ratio": 1, "memory_mb": 65536, "disk_gb": 1000},
)
#: The same room in two cells, and one host that fails every other build.
ROOM_IN_TWO_CELLS = Topology(
    cells=[Cell("cell1", 2), Cell("cell2", 1)], options=ROOM_FOR_TWELVE.options
)
BOOTS = 20
SEEDS_IN_A_TEST = 50


def boot_twenty(topology: Topology, seed: int, plugins: list[str]) -> Rig:
    """Return a rig in which twenty users asked for a server at the same moment."""
    rig = Rig(topology, seed=seed, plugins=plugins).start()
    rig.concurrently(*[rig.servers.create] * BOOTS)
    return rig


def check_twelve(rig: Rig) -> None:
    """Twelve are there, four on each host; eight are refused, each with its reason."""
    servers = rig.servers.list()
    alive = [server for server in servers if server.status == "ACTIVE"]
    refused = [server for server in servers if server.status == "ERROR"]
    assert (len(alive), len(refused)) == (12, 8), f"seed {rig.seed}"
    assert set(Counter(server.host for server in alive).values()) == {4}, f"seed {rig.seed}"
    assert all(server.fault and server.fault.message for server in refused), f"seed {rig.seed}"
    assert len(rig.placement.list_allocations()) == 12
    for provider in rig.placement.list_providers():
        assert rig.placement.get_provider_usages(provider.uuid)["VCPU"] == 4, f"seed {rig.seed}"


@pytest.mark.parametrize("some", seeds(1000, SEEDS_IN_A_TEST), ids=str)
def test_twenty_boots_into_room_for_twelve_never_oversubscribe(some: range) -> None:
    for seed in some:
        rig = boot_twenty(ROOM_FOR_TWELVE, seed, ["audit"])
        check_twelve(rig)
        rig.stop()


@pytest.mark.parametrize("seed", range(5))
def test_two_cells_share_twelve_the_same_way(seed: int) -> None:
    rig = boot_twenty(ROOM_IN_TWO_CELLS, seed, ["audit", "faults"])
    check_twelve(rig)
    rig.stop()


@pytest.mark.parametrize("seed", [0, 7, 421])
def test_the_same_seed_gives_the_same_events(seed: int) -> None:
    fingerprints = []
    for _again in range(2):
        rig = Rig(ROOM_FOR_TWELVE, seed=seed, plugins=["timeline"])
        rig.timeline.keep_all()
        rig.start()
        rig.concurrently(*[rig.servers.create] * BOOTS)
        fingerprints.append(rig.timeline.fingerprint())
        rig.stop()
    assert fingerprints[0] == fingerprints[1]


def test_another_seed_gives_other_events() -> None:
    told = []
    for seed in (1, 2):
        rig = boot_twenty(ROOM_FOR_TWELVE, seed, ["timeline"])
        told.append([line.split()[1:3] for line in rig.timeline.lines(None)])
        rig.stop()
    assert told[0] != told[1]


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(
    "seam",
    [
        "bus.conductor.schedule_and_build_instances",
        "bus.compute.build_and_run_instance",
        "bus.conductor.build_instances",
    ],
)
def test_a_message_that_comes_twice_builds_one_server(seam: str, seed: int) -> None:
    rig = Rig(ROOM_FOR_TWELVE, seed=seed).start()
    rig.faults.deliver_twice(seam)
    rig.faults.fail("driver.spawn", host="cell1-host1", times=1)
    for flavor in ("m1.large", "m1.large"):
        server = rig.servers.create(flavor=flavor)
        assert (server.status, server.fault) == ("ACTIVE", None)
    assert len(rig.servers.list()) == 2
    rig.stop()


@pytest.mark.parametrize("seed", range(10))
def test_boots_and_deletes_at_the_same_moment_leave_what_was_not_deleted(seed: int) -> None:
    rig = Rig(ROOM_FOR_TWELVE, seed=seed).start()
    old = rig.servers.create(count=6)
    rig.concurrently(
        *[lambda server=server: rig.servers.delete(server) for server in old],
        *[rig.servers.create] * 6,
    )
    alive = [server for server in rig.servers.list() if server.status == "ACTIVE"]
    assert len(alive) == 6
    assert not {server.id for server in old} & {server.id for server in rig.servers.list()}
    rig.stop()


@pytest.mark.parametrize("seed", range(10))
def test_servers_deleted_while_they_are_built_and_rebuilt_elsewhere_leave_nothing(
    seed: int,
) -> None:
    rig = Rig(ROOM_FOR_TWELVE, seed=seed).start()
    rig.faults.fail("driver.spawn", host="cell1-host1")
    with rig.holding():
        servers = [rig.servers.create() for _ in range(8)]
        rig.concurrently(*[lambda server=server: rig.servers.delete(server) for server in servers])
    assert len(rig.servers.list()) == 0
    assert rig.placement.list_allocations() == ()
    rig.stop()
