"""The audit as a whole: when it runs, what it raises, what it leaves alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cellrig import Rig, RigNotClean
from cellrig_audit import AuditFailed

if TYPE_CHECKING:
    from tests.audit.conftest import BrokenCloud


def test_a_rig_is_audited_when_it_ends() -> None:
    rig = Rig().start()
    server = rig.servers.create()
    rig.placement.delete_allocations(server.id)
    with pytest.raises(RigNotClean, match=f"server {server.id} .* holds nothing"):
        rig.stop()


def test_a_rig_is_not_audited_where_the_test_says_so() -> None:
    rig = Rig(audit=False).start()
    rig.placement.delete_allocations(rig.servers.create().id)
    rig.stop()


def test_an_audit_that_is_asked_for_raises_all_that_it_finds(broken: BrokenCloud) -> None:
    first, second = broken.boot(), broken.boot()
    broken.rig.audit()
    for server in (first, second):
        broken.rig.placement.delete_allocations(server.id)
    with pytest.raises(AuditFailed) as caught:
        broken.rig.audit()
    lines = str(caught.value).splitlines()
    assert lines[0] == "the audit found:"
    assert sorted(uuid for uuid in (first.id, second.id)) == [line.split()[2] for line in lines[1:]]


def test_an_audit_passes_no_seam_and_changes_nothing(broken: BrokenCloud) -> None:
    broken.boot()
    before = broken.rig.snapshot()
    passed = broken.rig.faults.seams_passed(broken.findings)
    assert passed == []
    assert broken.rig.snapshot() == before


def test_a_database_that_has_been_taken_away_is_read_all_the_same(broken: BrokenCloud) -> None:
    server = broken.boot()
    for database in broken.rig.databases.values():
        database.take_down("maintenance")
    assert broken.findings() == []
    assert {database.refusal for database in broken.rig.databases.values()} == {"maintenance"}
    for database in broken.rig.databases.values():
        database.bring_back()
    broken.rig.placement.delete_allocations(server.id)
    broken.rig.databases["placement"].take_down("maintenance")
    broken.rig.databases["cell1"].take_down("maintenance")
    (finding,) = broken.findings()
    assert "holds nothing" in finding


def test_findings_are_the_same_in_the_same_order_each_time(broken: BrokenCloud) -> None:
    for server in broken.rig.servers.create(count=8):
        broken.rig.placement.delete_allocations(server.id)
    assert broken.findings() == broken.findings()
    assert len(broken.findings()) == 8


@pytest.mark.parametrize("seed", [1, 2])
def test_an_audit_does_not_disturb_the_order_of_a_seeded_rig(seed: int) -> None:
    texts = []
    for audited in (False, True):
        with Rig(seed=seed) as rig:
            rig.servers.create(count=3)
            if audited:
                assert rig.audit.findings() == []
            rig.servers.create(count=3)
            texts.append(rig.timeline.text(None))
    assert texts[0] == texts[1]
