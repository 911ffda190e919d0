"""Twenty boots at once into room for twelve, under a thousand interleavings."""

from __future__ import annotations

from collections import Counter

import pytest

from cellrig import Cell, Rig, Topology

ROOM_FOR_TWELVE = Topology(
    cells=[Cell("cell1", 2), Cell("cell2", 1)],
    options={"vcpus": 4, "cpu_allocation_ratio": 1.0},
)
SEEDS = 1000
CHUNK = 25


def boot_twenty(seed: int) -> tuple[Counter[str], str]:
    """Return how the twenty ended, and the fingerprint of all that happened."""
    with Rig(ROOM_FOR_TWELVE, seed=seed) as rig:
        rig.timeline.keep_all()
        outcomes = rig.concurrently(*[rig.servers.create] * 20)
        assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        servers = rig.servers.list()
        for host in rig.host_names:
            assert len(rig.driver(host).list_guests()) <= 4, f"{host} is oversubscribed"
        for server in servers:
            assert (server.fault is None) == (server.status == "ACTIVE")
        ended = Counter(server.status for server in servers)
        return ended, rig.timeline.fingerprint()


@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_twelve_of_twenty_boots_find_room_and_eight_are_refused(first: int) -> None:
    for seed in range(first, first + CHUNK):
        ended, _fingerprint = boot_twenty(seed)
        assert ended == {"ACTIVE": 12, "ERROR": 8}, f"seed {seed}"


def test_the_same_seed_gives_the_same_events_and_seeds_differ() -> None:
    fingerprints = {seed: boot_twenty(seed)[1] for seed in range(5)}
    assert {seed: boot_twenty(seed)[1] for seed in range(5)} == fingerprints
    assert len(set(fingerprints.values())) == 5
