"""What the command line says about every rig of a run."""

from __future__ import annotations

import argparse
import random
import shlex
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import pytest

_RANDOM: Literal["random"] = "random"
#: Under this key a worker of pytest-xdist finds the seed of the run.
_WORKER_INPUT = "cellrig_seed"
_MARKER = (
    "topology(topology=None, *, seed=None, live=False, plugins=None, audit=True): what the `rig` "
    "of this test is built from; the arguments are those of cellrig.Rig"
)


class Settings(NamedTuple):
    """The options of a run.

    Args:
        seed: of rigs that name none; None runs their tasks first-in first-out.
        driver: of hosts that name none; None for the topology's.
        driver_options: the driver's.
        replay: the options as they are typed to run a test in the same way.
    """

    seed: int | None
    driver: str | None
    driver_options: Mapping[str, Any]
    replay: tuple[str, ...]


SETTINGS = pytest.StashKey[Settings]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("cellrig")
    group.addoption(
        "--cellrig-driver",
        metavar="NAME[:OPTION=VALUE,...]",
        help=(
            "run on this virt driver, on all hosts that name none of their own; options are the "
            "driver's, values are YAML (fake:vcpus=4,numa_cells=2)"
        ),
    )
    group.addoption(
        "--cellrig-seed",
        type=_seed,
        metavar="N",
        help=(
            "draw the order of tasks from this number; 'random' draws the number, too, and tells "
            "it (default: tasks run first-in first-out)"
        ),
    )


def pytest_configure(config: pytest.Config) -> None:
    """Describe the marker and check the options, before any test runs."""
    config.addinivalue_line("markers", _MARKER)
    seed = _drawn_seed(config)
    driver: str | None = config.option.cellrig_driver
    replay = () if seed is None else (f"--cellrig-seed={seed}",)
    if driver is None:
        config.stash[SETTINGS] = Settings(seed, None, {}, replay)
        return
    name, options = _read_driver(driver)
    replay = (*replay, f"--cellrig-driver={shlex.quote(driver)}")
    config.stash[SETTINGS] = Settings(seed, name, options, replay)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Hand a worker of pytest-xdist the seed that was drawn, so that all have the same one."""
    node.workerinput[_WORKER_INPUT] = node.config.stash[SETTINGS].seed


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say under what options the rigs of this run are."""
    replay = config.stash[SETTINGS].replay
    return f"cellrig: {' '.join(replay)}" if replay else None


def _drawn_seed(config: pytest.Config) -> int | None:
    seed: int | str | None = config.option.cellrig_seed
    if not isinstance(seed, str):
        return seed
    drawn: int | None = getattr(config, "workerinput", {}).get(_WORKER_INPUT)
    return random.SystemRandom().randrange(2**31) if drawn is None else drawn


def _seed(text: str) -> int | str:
    if text == _RANDOM:
        return text
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no seed: it takes a whole number, or {_RANDOM!r}"
        ) from None


def _read_driver(text: str) -> tuple[str, dict[str, Any]]:
    """Read ``NAME:OPTION=VALUE,...`` and let the driver check its options.

    Raises:
        UsageError: there is no such driver or option, or the option takes something else.
    """
    from cellrig.driver.loading import driver_options
    from cellrig.errors import CellrigError

    name, _colon, rest = text.partition(":")
    try:
        options = _read_options(rest)
        driver_options(name, options)
    except CellrigError as error:
        raise pytest.UsageError(f"--cellrig-driver={text}: {error}") from error
    return name, options


def _read_options(text: str) -> dict[str, Any]:
    import yaml

    from cellrig.errors import Invalid

    options: dict[str, Any] = {}
    for part in _split(text):
        name, equals, value = part.partition("=")
        if not equals:
            raise Invalid(f"{part!r} is no option of a driver: it takes OPTION=VALUE")
        try:
            options[name.strip()] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            told = " ".join(str(error).split())
            raise Invalid(f"the value of {name.strip()} cannot be read as YAML: {told}") from error
    return options


def _split(text: str) -> list[str]:
    """Split at the commas that are in no bracket."""
    parts, depth = [""], 0
    for character in text:
        depth += (character in "[{") - (character in "]}")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part for part in parts if part.strip()]
