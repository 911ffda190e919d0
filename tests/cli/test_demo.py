"""``cellrig demo``: what it shows, that it always shows the same, and how it tells of failure."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
DEMO = [sys.executable, "-c", "from cellrig.cli import main; main()", "demo"]


def piped(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the demo in a process of its own, its output piped."""
    return subprocess.run(  # noqa: S603 - our own command
        [*DEMO, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, **environment},
    )


@pytest.fixture(scope="module")
def shown() -> subprocess.CompletedProcess[str]:
    """One run of the demo, for the tests that look at different sides of it."""
    return piped()


def test_demo_shows_the_main_job_and_says_that_it_held(
    shown: subprocess.CompletedProcess[str],
) -> None:
    assert shown.returncode == 0, shown.stderr
    assert shown.stderr == ""
    assert "FAILED" not in shown.stdout
    for sentence in (
        "7 of 7 hosts are up",
        "9 of 9 servers are ACTIVE",
        "an alternate in the same cell",
        "SRIOV_NET_VF 1/1",
        "2 guests were given 2 virtual functions",
        "ok  2 guests have the volume as a disk that they may share",
        "ok  web-1 lets go of it, and web-3 still has it",
        "cell 'cell3' is down",
        "ok  0 findings",
    ):
        assert sentence in shown.stdout


def test_demo_is_plain_text_when_it_is_piped(shown: subprocess.CompletedProcess[str]) -> None:
    assert "\x1b" not in shown.stdout
    assert "\r" not in shown.stdout
    assert all(line == line.rstrip() for line in shown.stdout.splitlines())


def test_demo_shows_the_same_each_time(shown: subprocess.CompletedProcess[str]) -> None:
    assert piped(PYTHONHASHSEED="7").stdout == shown.stdout


def test_demo_of_a_seed_shows_the_same_each_time(run: Run) -> None:
    first = run("demo", "--seed", "7")
    assert first.status == 0
    assert run("demo", "--seed", "7") == first


def test_demo_is_coloured_in_a_terminal() -> None:
    ours, its = pty.openpty()
    with subprocess.Popen(  # noqa: S603 - our own command
        DEMO, stdout=its, stderr=its, env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "120"}
    ) as process:
        os.close(its)
        shown = b""
        while True:
            try:
                read = os.read(ours, 65536)
            except OSError:  # a terminal whose other side has gone
                break
            if not read:
                break
            shown += read
    os.close(ours)
    assert process.returncode == 0
    assert b"\x1b[" in shown
    assert b"0 findings" in shown


def test_demo_ends_quietly_when_nobody_reads_on() -> None:
    with subprocess.Popen(  # noqa: S603 - our own command
        DEMO, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""


def test_demo_of_another_cloud_shows_that_cloud(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "cloud.yaml"
    file.write_text("cells: [{name: north, hosts: 1}, {name: south, hosts: 2}]")
    outcome = run("demo", "--topology", str(file))
    assert outcome.status == 0, outcome
    assert "cell 'south' is down" in outcome.out


def test_demo_of_a_cloud_whose_hosts_cannot_share_volumes_says_so(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "cloud.yaml"
    file.write_text("{options: {capabilities: {multiattach: false}}, cells: [{name: a, hosts: 2}]}")
    outcome = run("demo", "--topology", str(file))
    assert outcome.status == 0, outcome
    assert "not in this cloud: volume " in outcome.out


def test_demo_of_a_cloud_without_room_fails_and_says_so(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "cloud.yaml"
    file.write_text("{options: {memory_mb: 600}, cells: [{name: small, hosts: 2}]}")
    outcome = run("demo", "--topology", str(file))
    assert outcome.status == 1
    assert "FAILED  2 of 9 servers are ACTIVE" in outcome.out


def test_demo_in_which_the_audit_finds_something_fails_and_shows_it(tmp_path: Path) -> None:
    (tmp_path / "finder.py").write_text(
        "from cellrig.hooks import hookimpl\n"
        "class Finder:\n"
        "    def __init__(self, rig): pass\n"
        "    @hookimpl\n"
        "    def cellrig_rig_stopping(self): return ['the roof [leaks]']\n"
    )
    distribution = tmp_path / "finder-1.0.dist-info"
    distribution.mkdir()
    (distribution / "METADATA").write_text("Metadata-Version: 2.1\nName: finder\nVersion: 1.0\n")
    (distribution / "entry_points.txt").write_text("[cellrig.plugins]\nfinder = finder:Finder\n")
    done = piped(PYTHONPATH=str(tmp_path), XDG_CACHE_HOME=str(tmp_path))
    assert done.returncode == 1
    assert "the roof [leaks]" in done.stdout
    assert "FAILED  1 findings" in done.stdout
