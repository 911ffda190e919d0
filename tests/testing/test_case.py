"""`RigFixture` and `RigTestCase`, as a suite of testtools or unittest uses them."""

from __future__ import annotations

import subprocess
import sys
import unittest
from pathlib import Path

import pytest
import testtools

from cellrig import Cell, Rig, RigNotClean, Topology
from cellrig.testing import (
    HasNoLeaks,
    HoldsItsFlavor,
    IsActive,
    IsOnHost,
    RigFixture,
    RigTestCase,
)
from cellrig.testing.story import HEADING

THREE_HOSTS = Topology(cells=[Cell("cell1", hosts=3)])


class TestReschedule(RigTestCase):
    topology = THREE_HOSTS

    def test_failed_build_lands_on_an_alternate(self) -> None:
        self.rig.faults.fail("driver.spawn", times=1)
        server = self.rig.servers.create()
        self.assertThat(server, IsActive())
        (action,) = self.rig.servers.actions(server)
        last, first = action.events
        self.assertThat(server, IsOnHost(last.host))
        self.assertNotEqual(first.host, last.host)
        self.assertThat(server, HoldsItsFlavor(self.rig))
        self.assertThat(self.rig, HasNoLeaks())


class _Probe(RigTestCase):
    """Tests to be run by the tests below."""

    seed = 5

    def runTest(self) -> None:  # noqa: N802 - unittest's name
        pass

    def fails(self) -> None:
        server = self.rig.servers.create()
        self.assertEqual("SHUTOFF", server.status)

    def leaks(self) -> None:
        self.rig.placement.delete_allocations(self.rig.servers.create().id)

    def skips(self) -> None:
        self.skipTest("not today")

    def keeps(self) -> None:
        self.rig.servers.create()


def _run(method: str) -> tuple[unittest.TestResult, _Probe, dict[str, str]]:
    case = _Probe(method)
    told: dict[str, str] = {}

    class Result(testtools.TestResult):
        def addError(self, test, err=None, details=None):  # type: ignore[no-untyped-def] # noqa: N802
            told.update({name: content.as_text() for name, content in details.items()})
            super().addError(test, details=details)

        addFailure = addError  # noqa: N815

        def addSuccess(self, test, details=None):  # type: ignore[no-untyped-def] # noqa: N802
            told.update(dict.fromkeys(details or {}, ""))
            super().addSuccess(test, details=details)

        def addSkip(self, test, reason=None, details=None):  # type: ignore[no-untyped-def] # noqa: N802
            told.update(dict.fromkeys(details or {}, ""))
            super().addSkip(test, details=details)

    result = Result()
    case.run(result)
    return result, case, told


def test_a_failed_test_carries_what_happened_at_the_seams() -> None:
    result, _case, told = _run("fails")
    assert not result.wasSuccessful()
    assert "driver.spawn" in told[HEADING]
    assert "drawn from seed = 5" in told[HEADING]


def test_a_test_that_passes_or_is_skipped_carries_nothing() -> None:
    for method in ("keeps", "skips"):
        result, _case, told = _run(method)
        assert result.wasSuccessful()
        assert HEADING not in told


def test_a_leak_is_an_error_of_the_test_that_leaked() -> None:
    result, case, told = _run("leaks")
    assert not result.wasSuccessful()
    assert "holds nothing; its flavor m1.tiny takes" in "".join(told.values())
    assert HEADING in told
    with pytest.raises(Exception, match="clos"):
        case.rig.servers.list()


def test_a_fixture_gives_a_rig_and_audits_it_when_it_is_cleaned_up() -> None:
    with RigFixture(THREE_HOSTS, seed=3) as fixture:
        assert len(fixture.rig.host_names) == 3
        assert fixture.rig.seed == 3
    fixture = RigFixture()
    fixture.setUp()
    fixture.rig.placement.delete_allocations(fixture.rig.servers.create().id)
    with pytest.raises(RigNotClean, match="holds nothing"):
        fixture.cleanUp()


def test_a_fixture_can_be_used_again() -> None:
    fixture = RigFixture()
    rigs: list[Rig] = []
    for _time in range(2):
        with fixture:
            rigs.append(fixture.rig)
            assert len(fixture.rig.servers.list()) == 0
            fixture.rig.servers.create()
    assert rigs[0] is not rigs[1]


def test_a_fixture_whose_rig_is_not_to_be_audited_says_nothing() -> None:
    with RigFixture(audit=False, plugins=["audit"]) as fixture:
        fixture.rig.placement.delete_allocations(fixture.rig.servers.create().id)


def test_two_fixtures_at_once_do_not_meet() -> None:
    with RigFixture(seed=1) as first, RigFixture(seed=1) as second:
        first.rig.servers.create()
        assert len(second.rig.servers.list()) == 0


SUITE = """
from cellrig.testing import IsActive, RigTestCase

class TestBoot(RigTestCase):
    def test_boots(self):
        self.assertThat(self.rig.servers.create(), IsActive())

    def test_fails(self):
        self.assertEqual("SHUTOFF", self.rig.servers.create().status)
"""


@pytest.mark.parametrize("runner", ["unittest", "testtools.run"])
def test_a_suite_runs_under_unittest_and_testtools(tmp_path: Path, runner: str) -> None:
    (tmp_path / "test_suite.py").write_text(SUITE)
    done = _start(tmp_path, "-m", runner, "test_suite")
    told = done.stdout + done.stderr
    assert done.returncode == 1
    assert "driver.spawn" in told
    assert "FAILED (failures=1)" in told


def test_a_suite_runs_under_stestr_with_two_workers(tmp_path: Path) -> None:
    pytest.importorskip("stestr", reason="stestr is not installed (extra: test)")
    (tmp_path / "test_suite.py").write_text(SUITE)
    (tmp_path / ".stestr.conf").write_text("[DEFAULT]\ntest_path=.\n")
    done = _start(tmp_path, "-m", "stestr.cli", "run", "--concurrency", "2")
    assert " - Passed: 1" in done.stdout
    assert " - Failed: 1" in done.stdout
    assert "driver.spawn" in done.stdout


def _start(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own interpreter, arguments from this file
        [sys.executable, *arguments], cwd=directory, capture_output=True, text=True, check=False
    )
