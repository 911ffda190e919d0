"""Faults and timeline in a whole rig."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from cellrig import Cell, Rig, RigNotClean, Topology
from cellrig.errors import NotFound
from cellrig_faults import CrashAfter, CrashBefore, Passed, passage_fault

THREE_HOSTS = Topology(cells=(Cell("cell1", hosts=3),))


def new_rig(seed: int | None = None) -> Rig:
    return Rig(THREE_HOSTS, seed=seed, plugins=("faults", "timeline"))


@pytest.fixture
def rig() -> Iterator[Rig]:
    with new_rig() as running:
        yield running


def test_a_failed_build_lands_on_an_alternate_and_the_timeline_tells_how(rig: Rig) -> None:
    rule = rig.faults.fail("driver.spawn", times=1)
    server = rig.servers.create()
    assert server.status == "ACTIVE"
    failed, built = rig.timeline.lines(seam="driver.spawn", server=server.id)
    assert f"compute@{rule.passages[0].host}" in failed
    assert "InjectedFault" in failed
    assert f"compute@{server.host}" in built


def test_an_error_that_reaches_the_test_is_not_swallowed(rig: Rig) -> None:
    with pytest.raises(NotFound):
        rig.servers.show("nobody")


def test_what_the_faults_find_makes_the_rig_not_clean() -> None:
    rig = new_rig().start()
    rig.faults.fail("driver.spawn")
    with pytest.raises(RigNotClean, match=r"at driver\.spawn never fired"):
        rig.stop()


def test_a_server_of_the_rig_is_a_place_for_faults(rig: Rig) -> None:
    first, second = rig.servers.create(), rig.servers.create()
    rule = rig.faults.delay("driver.destroy", 5, server=second)
    rig.servers.delete(first)
    assert rule.fired == 0
    rig.servers.delete(second)
    assert rule.passages[0].server == second.id


def test_a_snapshot_leaves_rules_as_they_are(rig: Rig) -> None:
    rule = rig.faults.fail("driver.spawn", nth=2)
    snapshot = rig.snapshot()
    rig.servers.create()
    rig.restore(snapshot)
    rig.servers.create()
    assert (rule.matched, rule.fired) == (3, 1)


def test_two_rigs_have_faults_of_their_own() -> None:
    with new_rig() as first, new_rig() as second:
        first.faults.fail("driver.spawn", times=1)
        second.servers.create()
        assert "InjectedFault" not in second.timeline.text()
        first.servers.create()
        assert "InjectedFault" in first.timeline.text()


def test_the_same_seed_gives_the_same_events() -> None:
    def fingerprint(seed: int) -> str:
        with new_rig(seed) as rig:
            rig.timeline.keep_all()
            rig.concurrently(*[rig.servers.create] * 5)
            told: str = rig.timeline.fingerprint()
            return told

    assert fingerprint(1) == fingerprint(1)
    assert fingerprint(1) != fingerprint(2)


def passages_of_compute(
    prepare: Callable[[Rig], object], work: Callable[[Rig], object]
) -> list[Passed]:
    with new_rig() as rig:
        prepare(rig)
        passed: list[Passed] = rig.faults.seams_passed(lambda: work(rig))
    return [place for place in passed if place.service == "compute"]


def test_a_compute_service_crashed_at_every_seam_of_a_build_starts_again() -> None:
    places = passages_of_compute(lambda rig: None, lambda rig: rig.servers.create())
    assert len(places) > 5
    for place in places:
        for action in (CrashBefore(), CrashAfter()):
            with new_rig() as rig:
                rule = rig.faults.add(passage_fault(place, action))
                server = rig.servers.create()
                assert rule.passages == [place]
                rig.restart(str(place.host))
                assert rig.servers.show(server.id).status in ("ACTIVE", "ERROR")
