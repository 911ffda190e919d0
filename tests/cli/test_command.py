"""The ``cellrig`` command as a person, or a script, meets it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cellrig import __version__

COMMANDS = ("demo", "drivers", "plugins", "serve")

Run = Callable[..., Any]


def test_version_is_that_of_the_package(run: Run) -> None:
    outcome = run("--version")
    assert (outcome.status, outcome.out) == (0, f"cellrig {__version__}\n")


def test_no_command_shows_the_help(run: Run) -> None:
    outcome = run()
    assert outcome.status == 0
    assert all(command in outcome.out for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command_shows_an_example(run: Run, command: str) -> None:
    outcome = run(command, "--help")
    assert outcome.status == 0
    assert f"Example: cellrig {command}" in outcome.out


def test_help_imports_nothing_heavy() -> None:
    told = (
        "import sys, cellrig.cli\n"
        "try:\n"
        "    cellrig.cli.main(['demo', '--help'])\n"
        "except SystemExit:\n"
        "    print(sorted({'sqlalchemy', 'rich', 'stevedore', 'lxml'} & set(sys.modules)))\n"
    )
    done = subprocess.run(  # noqa: S603 - our own text
        [sys.executable, "-c", told], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("dance",), "dance"),
        (("demo", "--sed", "1"), "--sed"),
        (("demo", "--seed", "many"), "many"),
        (("demo", "--topology", "nowhere.yaml"), "nowhere.yaml"),
        (("drivers", "fake"), "fake"),
    ],
)
def test_wrong_use_is_one_line_and_status_2(
    run: Run, arguments: tuple[str, ...], named: str
) -> None:
    outcome = run(*arguments)
    assert outcome.status == 2
    assert outcome.out == ""
    assert outcome.err.startswith("cellrig: ")
    assert named in outcome.err
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("cells: [{name: a, hosts: 2, colour: red}]", "colour"),
        ("cells: [{name: a, hosts: 2}, {name: a}]", "'a'"),
        ("cells: [", "cannot be read"),
        ("{driver: nobodys, cells: [{name: a, hosts: 2}]}", "nobodys"),
        ("{options: {vcpus: many}, cells: [{name: a, hosts: 2}]}", "vcpus"),
        ("cells: [{name: a, hosts: 1}, {name: b, hosts: 1}]", "two or more hosts"),
    ],
)
def test_topology_that_cannot_be_shown_is_one_line_and_status_2(
    run: Run, tmp_path: Path, text: str, named: str
) -> None:
    file = tmp_path / "cloud.yaml"
    file.write_text(text)
    outcome = run("demo", "--topology", str(file))
    assert outcome.status == 2
    assert outcome.out == ""
    assert named in outcome.err
    assert outcome.err.count("\n") == 1


def test_drivers_shows_the_fake_driver_with_its_options(run: Run) -> None:
    outcome = run("drivers")
    assert outcome.status == 0
    assert "driver fake" in outcome.out
    assert "multiattach" in outcome.out
    assert any(
        line.split()[:2] == ["memory_mb", "a"] and line.split()[-1] == "131072"
        for line in outcome.out.splitlines()
    )


def test_plugins_shows_plugins_filters_and_weighers_with_their_purpose(run: Run) -> None:
    outcome = run("plugins")
    assert outcome.status == 0
    for name in ("audit", "faults", "timeline", "availability_zone", "soft_affinity"):
        assert any(
            line.split()[:1] == [name] and len(line.split()) > 3
            for line in outcome.out.splitlines()
        )


def test_plugins_that_cannot_be_imported_are_shown_and_cost_the_status(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distribution = tmp_path / "broken-1.0.dist-info"
    distribution.mkdir()
    (distribution / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (distribution / "entry_points.txt").write_text("[cellrig.plugins]\nbroken = no_such_module:X\n")
    done = subprocess.run(
        [sys.executable, "-c", "from cellrig.cli import main; main(['plugins'])"],
        env={"PYTHONPATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "no_such_module" in done.stdout
    assert "timeline" in done.stdout
