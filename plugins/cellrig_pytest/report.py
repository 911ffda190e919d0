"""What the report of a failed test says about its rigs."""

from __future__ import annotations

import shlex
from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

from cellrig_pytest.options import SETTINGS

if TYPE_CHECKING:
    from cellrig_pytest.factory import MadeRig, RigFactory

FACTORY = pytest.StashKey["RigFactory"]()
_FAILED = pytest.StashKey[bool]()

#: Sections of a teardown that went well are shown if their name says that they are of one.
_FOUND = "cellrig: what the audit found at teardown"


def has_failed(item: pytest.Item) -> bool:
    """Whether the test, or what was set up for it, has raised something."""
    return item.stash.get(_FAILED, False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add what happened in the rigs to the report of a test that failed."""
    report = yield
    if call.excinfo is not None:
        item.stash[_FAILED] = True
    factory = item.stash.get(FACTORY, None)
    if factory is None:
        return report
    if report.failed:
        _tell(report, item, factory)
    elif report.when == "teardown" and factory.findings:
        report.sections.append((_FOUND, "\n".join(factory.findings)))
    if report.when == "teardown":
        del item.stash[FACTORY]  # pytest keeps its items to the end, and must not keep all rigs
    return report


def _tell(report: pytest.TestReport, item: pytest.Item, factory: RigFactory) -> None:
    from cellrig.testing.story import HEADING, story_of

    for number, made in enumerate(factory.made, start=1):
        which = f" (rig {number} of {len(factory.made)})" if len(factory.made) > 1 else ""
        report.sections.append((f"{HEADING}{which}", story_of(made.rig, _replay(item, made))))


def _replay(item: pytest.Item, made: MadeRig) -> str:
    given = item.config.stash[SETTINGS].replay
    command = " ".join(["pytest", shlex.quote(item.nodeid), *given])
    if made.live:
        return f"The rig was live: its order of tasks cannot be run again.\n{command}"
    if made.seed is None:
        return f"Tasks ran first-in first-out; the same again:\n{command}"
    if f"--cellrig-seed={made.seed}" not in given:
        command += f" --cellrig-seed={made.seed}"
    return f"The order of tasks was drawn from the seed {made.seed}; the same again:\n{command}"
