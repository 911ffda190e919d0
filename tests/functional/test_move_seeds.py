"""Five hundred interleavings of ten moves of ten servers among four hosts with room for twelve."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random

import pytest
from move_kinds import source_returns
from seeds import seeds

from cellrig import Cell, Rig, Server, Topology
from cellrig.errors import CellrigError
from cellrig.hooks import hookimpl
from cellrig.seams import Passage

#: Four hosts with room for three servers each.
ROOM_FOR_TWELVE = Topology(
    cells=[Cell("cell1", 4)],
    options={"vcpus": 3, "cpu_allocation_ratio": 1, "memory_mb": 65536, "disk_gb": 1000},
)
SERVERS = 10
SEEDS = 500
SEEDS_IN_A_TEST = 25

#: Every how many seeds one of the hosts is dead, and its servers are evacuated.
DEAD_EVERY = 5

_STARTS = ("ACTIVE", "SHUTOFF", "VERIFY_RESIZE", "SHELVED_OFFLOADED", "ERROR")


class CapacityWatch:
    """Looks at every provider whenever somebody has written to placement.

    Args:
        rig: where.

    Attributes:
        looks: how often it has looked.
        wrongs: what it has seen, one sentence each.
    """

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._providers = [provider.uuid for provider in rig.placement.list_providers()]
        self.looks = 0
        self.wrongs: list[str] = []

    @hookimpl
    def cellrig_seam_exit(self, passage: Passage) -> None:
        if not passage.seam.endswith(("put_allocations", "post_allocations")):
            return
        self.looks += 1
        for uuid in self._providers:
            used = self._rig.placement.get_provider_usages(uuid).get("VCPU", 0)
            if used > 3:
                self.wrongs.append(f"{used} of 3 VCPU after {passage.seam}")


def prepared(seed: int) -> Rig:
    """Return a rig with ten servers: most run, one waits to be confirmed, one is put away."""
    rig = Rig(ROOM_FOR_TWELVE, seed=seed, plugins=["audit"]).start()
    servers = rig.servers.create(count=SERVERS)
    rig.servers.migrate(servers[0])
    rig.servers.shelve(servers[1])
    rig.servers.stop(servers[2])
    if seed % DEAD_EVERY == 0:
        rig.crash(rig.host_names[-1])
        rig.services.force_down(rig.host_names[-1])
    return rig


def move_of(rig: Rig, server: Server, draw: Random) -> Callable[[], object]:
    """Return a move that the server's state allows."""
    servers = rig.servers
    if server.host == rig.host_names[-1] and rig.seed % DEAD_EVERY == 0:
        return lambda: servers.evacuate(server)
    ways: dict[str, list[Callable[[], object]]] = {
        "ACTIVE": [
            lambda: servers.migrate(server),
            lambda: servers.resize(server, "m1.small"),
            lambda: servers.live_migrate(server),
            lambda: servers.shelve(server),
        ],
        "SHUTOFF": [lambda: servers.migrate(server)],
        "VERIFY_RESIZE": [
            lambda: servers.confirm_resize(server),
            lambda: servers.revert_resize(server),
        ],
        "SHELVED_OFFLOADED": [lambda: servers.unshelve(server)],
    }
    return draw.choice(ways[server.status])


def check_one_place_each(rig: Rig) -> None:
    """Every server has come to an end that it may have, with its guest on its own host only."""
    guests = Counter(
        (guest.uuid, host) for host in rig.host_names for guest in rig.driver(host).list_guests()
    )
    listed = rig.servers.list()
    assert len(listed) == SERVERS
    for server in listed:
        assert server.status in _STARTS, server
        assert server.task_state is None, server
        assert server.status != "ERROR" or server.fault, server
        places = [host for uuid, host in guests if uuid == server.id]
        assert places == ([] if server.host is None else [server.host]), server


@pytest.mark.counted("concurrent moves of ten servers", times=SEEDS_IN_A_TEST)
@pytest.mark.parametrize("some", seeds(SEEDS, SEEDS_IN_A_TEST), ids=str)
def test_ten_moves_at_the_same_moment_never_take_more_than_there_is(some: range) -> None:
    for seed in some:
        rig = prepared(seed)
        watch = CapacityWatch(rig)
        rig.plugins.register(watch, name="capacity watch")
        draw = Random(seed)
        outcomes = rig.concurrently(*[move_of(rig, each, draw) for each in rig.servers.list()])
        assert watch.looks > 0
        assert not watch.wrongs, f"seed {seed}"
        refused = [each for each in outcomes if isinstance(each, Exception)]
        assert all(isinstance(each, CellrigError) for each in refused), f"seed {seed}: {refused}"
        source_returns(rig)
        rig.audit()
        check_one_place_each(rig)
        rig.stop()
