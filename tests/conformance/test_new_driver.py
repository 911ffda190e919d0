"""``cellrig new-driver``: from an empty directory to a green table, a red one, and a green one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cellrig.errors import Invalid
from cellrig.scaffold import make_driver_project

COMMAND = "from cellrig.cli import main; main()"


def run(*arguments: str, cwd: Path, target: Path) -> subprocess.CompletedProcess[str]:
    """Run a module with what is installed in `target`."""
    return subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(target)},
    )


def install(project: Path, target: Path) -> None:
    """Install a project as pip does, without asking any index."""
    quietly = ("--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--upgrade")
    done = run(
        "-m", "pip", "install", *quietly, "--target", str(target), ".", cwd=project, target=target
    )
    assert done.returncode == 0, done.stderr


def conformance(project: Path, target: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ("-c", COMMAND, "conformance", "--driver", "turbo_x", *arguments)
    return run(*command, cwd=project, target=target)


def row(done: subprocess.CompletedProcess[str], name: str) -> list[str]:
    (found,) = [line for line in done.stdout.splitlines() if line.split()[:1] == [name]]
    return found.split()


def test_a_new_driver_is_green_then_red_then_green(tmp_path: Path) -> None:
    project, target = tmp_path / "project", tmp_path / "target"
    done = run("-c", COMMAND, "new-driver", "turbo_x", str(project), cwd=tmp_path, target=target)
    assert done.returncode == 0, done.stderr
    install(project, target)
    done = conformance(project, target, "-k", "Pause")
    assert done.returncode == 0, done.stdout
    assert row(done, "pause")[:3] == ["pause", "no", "refused"]

    # It is declared, and not there: it is refused by name, with what is needed.
    driver = project / "src" / "cellrig_turbo_x" / "driver.py"
    text = driver.read_text()
    declared = text.replace("= Capabilities()", "= Capabilities(pause=True)")
    driver.write_text(declared)
    install(project, target)
    done = conformance(project, target, "-k", "Pause")
    assert done.returncode == 1
    assert "capability pause obliges method pause, which is not there" in done.stderr

    # It is there, and wrong: the table is red.
    driver.write_text(declared.replace("    # Volumes\n", f"{_WRONG}    # Volumes\n"))
    install(project, target)
    done = conformance(project, target, "-k", "Pause")
    assert done.returncode == 1
    assert row(done, "pause")[:3] == ["pause", "yes", "no"]

    # It is there, and right: all of it is green.
    driver.write_text(declared.replace("    # Volumes\n", f"{_RIGHT}    # Volumes\n"))
    install(project, target)
    done = conformance(project, target)
    assert done.returncode == 0, done.stdout
    assert row(done, "pause")[:3] == ["pause", "yes", "yes"]


def test_the_tests_of_a_new_driver_pass(tmp_path: Path) -> None:
    project, target = tmp_path / "project", tmp_path / "target"
    make_driver_project("turbo_x", project)
    install(project, target)
    done = run("-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=project, target=target)
    assert done.returncode == 0, done.stdout
    assert "conformance of driver turbo_x" in done.stdout


def test_the_name_is_everywhere_and_the_templates_nowhere(tmp_path: Path) -> None:
    files = make_driver_project("turbo_x", tmp_path / "project")
    for file in files:
        text = file.read_text()
        assert "NAME" not in text.replace("--driver NAME", ""), file
        assert "emplate" not in text, file
        assert "cellrig.scaffold" not in text, file
    assert tmp_path / "project" / "src" / "cellrig_turbo_x" / "driver.py" in files
    assert (
        "class TurboXDriver(ComputeDriver)"
        in (tmp_path / "project" / "src" / "cellrig_turbo_x" / "driver.py").read_text()
    )


@pytest.mark.parametrize("name", ["", "9lives", "Hyper", "a-b", "class", "../x"])
def test_a_name_that_will_not_do_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="cannot name a driver"):
        make_driver_project(name, tmp_path / "project")
    assert not (tmp_path / "project").exists()


def test_what_is_there_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(Invalid, match="is not an empty directory"):
        make_driver_project("turbo_x", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


_WRONG = """
    def pause(self, guest: Guest) -> None:
        self._enter(guest, PowerState.SHUTDOWN, GuestEventKind.PAUSED)

    def unpause(self, guest: Guest) -> None:
        self._enter(guest, PowerState.RUNNING, GuestEventKind.RESUMED)

"""

_RIGHT = """
    def pause(self, guest: Guest) -> None:
        self._follow(guest, "pause", PowerState.PAUSED, GuestEventKind.PAUSED)

    def unpause(self, guest: Guest) -> None:
        self._follow(guest, "unpause", PowerState.RUNNING, GuestEventKind.RESUMED)

    def _follow(
        self, guest: Guest, method: str, power_state: PowerState, kind: GuestEventKind
    ) -> None:
        state = self.hypervisor.guest(guest.uuid).power_state
        if state not in (PowerState.RUNNING, PowerState.PAUSED):
            raise GuestBusy(guest.uuid, state.name, method, "RUNNING or PAUSED")
        self._enter(guest, power_state, kind)

"""
