"""What the command line says about every rig of a run."""

from __future__ import annotations

import argparse
import random
import shlex
from collections.abc import Mapping
from contextlib import ExitStack
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
        database: where rigs have their databases whose topology does not say; None for memory.
        replay: the options as they are typed to run a test in the same way.
        host_options: the driver's of single hosts of the conformance suite, by the host's name.
        known_failing: capability to the reason why it fails in the conformance suite.
        case_timeout: seconds that a phase of a case of the conformance suite may take; 0 for ever.
    """

    seed: int | None
    driver: str | None
    driver_options: Mapping[str, Any]
    database: str | None
    replay: tuple[str, ...]
    host_options: Mapping[str, Mapping[str, Any]] = {}
    known_failing: Mapping[str, str] = {}
    case_timeout: float = 120.0


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
        "--cellrig-option",
        action="append",
        default=[],
        metavar="OPTION=VALUE",
        help="an option of the driver that --cellrig-driver names; may be given again",
    )
    group.addoption(
        "--cellrig-host-option",
        action="append",
        default=[],
        metavar="HOST:OPTION=VALUE",
        help="in the conformance suite: an option of one host, host1 or host2",
    )
    group.addoption(
        "--cellrig-known-failing",
        action="append",
        default=[],
        metavar="CAPABILITY=REASON",
        help="in the conformance suite: this fails, and must",
    )
    group.addoption(
        "--cellrig-case-timeout",
        type=float,
        default=120.0,
        metavar="SECONDS",
        help="in the conformance suite: how long a case may take; 0 for as long as it wants",
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

    group.addoption(
        "--cellrig-database",
        metavar="URL",
        help=(
            "let all rigs whose topology names no database create theirs there: "
            "postgresql://USER@HOST/DATABASE, mariadb://USER@HOST or sqlite:///DIRECTORY "
            "(default: memory)"
        ),
    )


def pytest_configure(config: pytest.Config) -> None:
    """Describe the marker and check the options, before any test runs."""
    config.addinivalue_line("markers", _MARKER)
    seed = _drawn_seed(config)
    from cellrig_pytest.conformance import Table

    config.pluginmanager.register(Table(config), "cellrig conformance table")
    driver: str | None = config.option.cellrig_driver
    database: str | None = config.option.cellrig_database
    replay = () if seed is None else (f"--cellrig-seed={seed}",)
    if database is not None:
        replay = (*replay, f"--cellrig-database={shlex.quote(database)}")
        _hand_on_databases(config, database)
    if driver is None:
        _refuse_options_of_nobody(config)
        timeout: float = config.option.cellrig_case_timeout
        config.stash[SETTINGS] = Settings(seed, None, {}, database, replay, case_timeout=timeout)
        return
    more: list[str] = config.option.cellrig_option
    single: list[str] = config.option.cellrig_host_option
    name, options = _read_driver(driver, more)
    replay = (
        *replay,
        f"--cellrig-driver={shlex.quote(driver)}",
        *(f"--cellrig-option={shlex.quote(each)}" for each in more),
        *(f"--cellrig-host-option={shlex.quote(each)}" for each in single),
    )
    config.stash[SETTINGS] = Settings(
        seed,
        name,
        options,
        database,
        replay,
        _read_host_options(single),
        dict(_read_known(each) for each in config.option.cellrig_known_failing),
        config.option.cellrig_case_timeout,
    )


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Hand a worker of pytest-xdist the seed that was drawn, so that all have the same one."""
    node.workerinput[_WORKER_INPUT] = node.config.stash[SETTINGS].seed


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say under what options the rigs of this run are."""
    replay = config.stash[SETTINGS].replay
    return f"cellrig: {' '.join(replay)}" if replay else None


def _hand_on_databases(config: pytest.Config, database: str) -> None:
    """Let the rigs of this run hand on their databases until the run ends, and drop them then."""
    from cellrig.db.places import handing_on
    from cellrig.errors import CellrigError

    ending = ExitStack()
    try:
        ending.enter_context(handing_on(database))
    except CellrigError as error:
        raise pytest.UsageError(f"--cellrig-database: {error}") from error
    config.add_cleanup(ending.close)


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


def _refuse_options_of_nobody(config: pytest.Config) -> None:
    if config.option.cellrig_option or config.option.cellrig_host_option:
        raise pytest.UsageError("options of which driver? give --cellrig-driver=NAME as well")


def _read_host_options(texts: list[str]) -> dict[str, dict[str, Any]]:
    options: dict[str, dict[str, Any]] = {}
    for text in texts:
        host, colon, option = text.partition(":")
        if not colon or "=" in host:
            raise pytest.UsageError(f"--cellrig-host-option={text}: it takes HOST:OPTION=VALUE")
        options.setdefault(host, {}).update([_read_option(option)])
    return options


def _read_known(text: str) -> tuple[str, str]:
    name, equals, reason = text.partition("=")
    if not equals:
        raise pytest.UsageError(f"--cellrig-known-failing={text}: it takes CAPABILITY=REASON")
    return name, reason


def _read_driver(text: str, more: list[str]) -> tuple[str, dict[str, Any]]:
    """Read ``NAME:OPTION=VALUE,...`` and let the driver check its options, and those besides.

    Raises:
        UsageError: there is no such driver or option, or the option takes something else.
    """
    from cellrig.driver.loading import driver_options
    from cellrig.errors import CellrigError

    name, _colon, rest = text.partition(":")
    try:
        options = {**_read_options(rest), **dict(map(_read_option, more))}
        driver_options(name, options)
    except CellrigError as error:
        raise pytest.UsageError(f"--cellrig-driver={text}: {error}") from error
    return name, options


def _read_options(text: str) -> dict[str, Any]:
    return dict(map(_read_option, _split(text)))


def _read_option(part: str) -> tuple[str, Any]:
    import yaml

    from cellrig.errors import Invalid

    name, equals, value = part.partition("=")
    if not equals:
        raise Invalid(f"{part!r} is no option of a driver: it takes OPTION=VALUE")
    try:
        return name.strip(), yaml.safe_load(value)
    except yaml.YAMLError as error:
        told = " ".join(str(error).split())
        raise Invalid(f"the value of {name.strip()} cannot be read as YAML: {told}") from error


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
