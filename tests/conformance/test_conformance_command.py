"""``cellrig conformance``, and the same under pytest."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

COMMAND = "from cellrig.cli import main; main()"


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )


def cellrig(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return run("-c", COMMAND, *arguments, cwd=cwd)


def test_the_table_and_the_reports_tell_the_same(tmp_path: Path) -> None:
    reports = [("junit", "r.xml"), ("json", "r.json"), ("html", "r.html")]
    options = [word for kind, path in reports for word in ("--report", kind, path)]
    done = cellrig("conformance", "--driver", "fake", "-k", "Pause", *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (row,) = [line for line in done.stdout.splitlines() if line.strip().startswith("pause ")]
    assert row.split()[:3] == ["pause", "yes", "yes"]
    suites = ElementTree.parse(tmp_path / "r.xml").getroot()  # noqa: S314 - our own file
    (pause,) = [each for each in suites if each.get("name") == "pause"]
    assert (pause.get("failures"), pause.get("skipped")) == ("0", "2")
    told = json.loads((tmp_path / "r.json").read_text())
    assert told["green"] is True
    assert {each["name"] for each in told["rows"]} == {"pause"}
    page = (tmp_path / "r.html").read_text()
    assert "all that is declared is verified; 4 cases in" in page
    assert not re.search(r"(src|href)=|@import|url\(", page)  # nothing is loaded


def test_what_many_cases_say_is_told_once(tmp_path: Path) -> None:
    hidden = 'behaviours=[{"on": spawn, error: bug}]'
    done = cellrig(
        *("conformance", "--driver", "fake", "--option", hidden, "-k", "Pause"), cwd=tmp_path
    )
    assert done.returncode == 1
    table, _first, again = done.stdout.partition("again: ")
    assert len(re.findall(r"failed:", table)) == 1
    others = int(re.findall(r"and (\d) more failed:", re.sub(r"\s+", " ", table))[0])
    assert again.count("again: ") == others, "each has its line that runs it again"


def test_the_exit_status_tells_that_it_is_not_what_it_declares(tmp_path: Path) -> None:
    hidden = 'behaviours=[{"on": pause, error: bug}]'
    done = cellrig(
        *("conformance", "--driver", "fake", "--option", hidden),
        *("-k", "Pause", "--report", "junit", "r.xml"),
        cwd=tmp_path,
    )
    assert done.returncode == 1
    assert "not so: pause" in done.stdout
    assert "again: cellrig conformance --driver fake --option 'behaviours=" in done.stdout
    assert "-k Pause::test_a_paused_guest_goes_on" in done.stdout
    root = ElementTree.parse(tmp_path / "r.xml").getroot()  # noqa: S314 - our own file
    (failure, *_others) = root.findall("testsuite/testcase/failure")
    assert (failure.text or "").startswith("again: cellrig conformance --driver fake --option ")
    assert int(root.get("failures", "0")) == len(root.findall("testsuite/testcase/failure"))


def test_what_is_known_to_fail_may_and_must(tmp_path: Path) -> None:
    hidden = ("--option", 'behaviours=[{"on": pause, error: bug}]')
    known = ("--known-failing", "pause=it is broken")
    command = ("conformance", "--driver", "fake", "-k", "Pause", *known)
    report = ("--report", "junit", "r.xml")
    assert cellrig(*command, *hidden, *report, cwd=tmp_path).returncode == 0
    root = ElementTree.parse(tmp_path / "r.xml").getroot()  # noqa: S314 - our own file
    assert root.get("failures") == "0"
    told = {str(each.get("message")) for each in root.iterfind("testsuite/testcase/skipped")}
    assert any(each.startswith("known to fail: ") for each in told)
    done = cellrig(*command, *report, cwd=tmp_path)
    assert done.returncode == 1
    assert "it passes, though it is known to fail: it is broken" in done.stdout
    root = ElementTree.parse(tmp_path / "r.xml").getroot()  # noqa: S314 - our own file
    (failure,) = root.findall("testsuite/testcase/failure")
    assert "it passes, though it is known to fail: it is broken" in str(failure.get("message"))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--driver", "hyperv"), "there is no driver 'hyperv'"),
        (("--driver", "fake", "--option", "vcpus"), "'vcpus' cannot be read: it takes NAME=VALUE"),
        (("--driver", "fake", "--option", "vcpus=0"), "option 'vcpus': got 0"),
        (("--driver", "fake", "--host-option", "vcpus=1"), "it takes HOST:NAME=VALUE"),
        (("--driver", "fake", "--host-option", "host9:vcpus=1"), "there is no host 'host9'"),
        (("--driver", "fake", "-k", "wings"), "no case has 'wings' in its name"),
        (("--driver", "fake", "--fault", "7"), "'7' is no fault: it takes KIND:N"),
        (("--driver", "fake", "--known-failing", "wings=x"), "'wings' is no area"),
    ],
)
def test_what_cannot_be_is_one_line_before_anything_runs(
    arguments: tuple[str, ...], told: str, tmp_path: Path
) -> None:
    done = cellrig("conformance", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert told in done.stderr
    assert done.stderr.count("\n") == 1


# -- under pytest ------------------------------------------------------------------------------

SUITE = ("--pyargs", "cellrig.testing.conformance", "-p", "no:cacheprovider")


def suite(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return run("-m", "pytest", *SUITE, *arguments, cwd=cwd)


def test_pytest_runs_the_suite_and_shows_the_table(tmp_path: Path) -> None:
    done = suite(
        "--cellrig-driver=fake",
        *("--cellrig-option", "vcpus=8", "--cellrig-host-option", "host2:vcpus=4"),
        *("-k", "TestPause or TestImages"),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout
    assert "conformance of driver fake" in done.stdout
    lines = [line.split()[:3] for line in done.stdout.splitlines()]
    assert ["pause", "yes", "yes"] in lines
    assert ["images", "always", "yes"] in lines


def test_pytest_shows_the_table_of_several_workers(tmp_path: Path) -> None:
    done = suite("--cellrig-driver=fake", "-n", "2", "-k", "TestPause", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert ["pause", "yes", "yes"] in [line.split()[:3] for line in done.stdout.splitlines()]


@pytest.mark.parametrize("workers", ["0", "2"])
def test_pytest_fails_where_what_is_known_to_fail_passes(tmp_path: Path, workers: str) -> None:
    """One failing case is enough for a capability; with none, no case of it is to blame."""
    one = ("--cellrig-option", 'behaviours=[{"on": unpause, error: bug}]')
    command = ("--cellrig-driver=fake", "-k", "TestPause", "-n", workers)
    known = ("--cellrig-known-failing", "pause=it is broken")
    fails = suite(*command, *one, *known, cwd=tmp_path)
    assert fails.returncode == 0, fails.stdout
    assert ["pause", "yes", "known"] in [line.split()[:3] for line in fails.stdout.splitlines()]
    assert re.search(r"\d+ xfailed, \d+ xpassed|xpassed, \d+ xfailed", fails.stdout)
    passes = suite(*command, *known, cwd=tmp_path)
    assert passes.returncode == 1
    assert ["pause", "yes", "no"] in [line.split()[:3] for line in passes.stdout.splitlines()]
    assert "it passes, though it is known to fail: it is broken" in passes.stdout


def test_pytest_fails_where_it_is_not_what_it_declares(tmp_path: Path) -> None:
    bug = ("--cellrig-option", 'behaviours=[{"on": pause, error: bug}]')
    command = ("--cellrig-driver=fake", "-k", "TestPause")
    known = ("--cellrig-known-failing", "pause=it is broken")
    assert suite(*command, *bug, cwd=tmp_path).returncode == 1
    assert suite(*command, *bug, *known, cwd=tmp_path).returncode == 0
    assert suite(*command, *known, cwd=tmp_path).returncode == 1


def test_pytest_asks_which_driver(tmp_path: Path) -> None:
    done = suite("-k", "TestPause", cwd=tmp_path)
    assert done.returncode == 1
    assert "give --cellrig-driver=NAME" in done.stdout
    done = suite("--cellrig-option", "vcpus=1", cwd=tmp_path)
    assert done.returncode == 4
    assert "options of which driver?" in done.stderr


def test_an_author_adds_cases_by_a_subclass(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(
        "from cellrig.testing.conformance import Lab, equal\n"
        "from cellrig.testing.conformance.areas import Pause\n\n\n"
        "class TestPause(Pause):\n"
        "    def test_mine(self, lab: Lab) -> None:\n"
        "        equal(lab.rig.servers.pause(lab.server()).status, 'PAUSED', 'the status')\n\n"
        "    test_a_paused_guest_goes_on = None\n"
    )
    done = run(
        "-m", "pytest", "--cellrig-driver=fake", "-p", "no:cacheprovider", "-v", cwd=tmp_path
    )
    assert done.returncode == 0, done.stdout
    assert "TestPause::test_mine PASSED" in done.stdout
    assert "TestPause::test_pausing_is_harmless_ten_times PASSED" in done.stdout
    assert "test_a_paused_guest_goes_on" not in done.stdout
