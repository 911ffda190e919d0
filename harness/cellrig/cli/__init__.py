"""The ``cellrig`` command.

Only click is imported here: what a command needs is imported when it runs, so that ``--help``
answers at once.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from cellrig import __version__
from cellrig.errors import CellrigError, Invalid

__all__ = ["main"]

_TAKES_HELP = {"help_option_names": ["-h", "--help"]}


@click.group(
    context_settings=_TAKES_HELP, invoke_without_command=True, epilog="Example: cellrig demo"
)
@click.version_option(__version__, prog_name="cellrig", message="%(prog)s %(version)s")
@click.pass_context
def command(context: click.Context) -> None:
    """A compute control plane that fits inside a test."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@command.command(
    context_settings=_TAKES_HELP,
    short_help="See a cloud of three cells at work.",
    epilog="Example: cellrig demo --seed 7 --topology my-cloud.yaml",
)
@click.option("--seed", type=int, help="Draw the order of tasks from this number.")
@click.option(
    "--topology",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Build this cloud (YAML) in place of the demo's own.",
)
def demo(seed: int | None, topology: Path | None) -> int:
    """Show the main job: boot servers in many cells, with everything that goes wrong.

    A build fails and lands on an alternate host, guests get functions of nested providers, all
    cells are listed while one is down, and in the end everything is audited. The exit status is 0
    if all went as it should, 1 if not. The same seed shows the same.
    """
    from cellrig.cli.demo import run_demo
    from cellrig.cli.screen import Screen

    return 0 if run_demo(Screen(), topology, seed) else 1


@command.command(
    context_settings=_TAKES_HELP,
    short_help="List the installed drivers and their options.",
    epilog="Example: cellrig drivers",
)
def drivers() -> int:
    """List the installed drivers: what each can do, and its options with what they take.

    The exit status is 1 if one of them cannot be used.
    """
    from cellrig.cli.drivers import show_drivers
    from cellrig.cli.screen import Screen

    return 0 if show_drivers(Screen()) else 1


@command.command(
    context_settings=_TAKES_HELP,
    short_help="List the installed plugins, filters and weighers.",
    epilog="Example: cellrig plugins",
)
def plugins() -> int:
    """List the installed plugins, host filters and weighers, each with what it is for.

    The exit status is 1 if one of them cannot be used.
    """
    from cellrig.cli.plugins import show_plugins
    from cellrig.cli.screen import Screen

    return 0 if show_plugins(Screen()) else 1


@command.command(
    context_settings=_TAKES_HELP,
    short_help="Serve a cloud, or placement alone, over HTTP.",
    epilog="Example: cellrig serve --clouds-yaml clouds.yaml --control",
)
@click.option(
    "--topology",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Build this cloud (YAML) in place of two cells with three hosts each.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Listen on this address.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    show_default=True,
    help="Listen on this port; 0 takes a free one.",
)
@click.option(
    "--openrc",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write how to sign in to this file, for shells to source.",
)
@click.option(
    "--clouds-yaml",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write how to sign in to this file, for openstacksdk and the openstack command.",
)
@click.option(
    "--password",
    "passwords",
    multiple=True,
    metavar="USER=PASSWORD",
    help="The password of admin, demo or alt_demo; one that is not given is made up.",
)
@click.option(
    "--service",
    type=click.Choice(["placement"]),
    help="Serve this alone, at /, without a cloud; includes POST /rig/reset.",
)
@click.option(
    "--database",
    metavar="DIR-or-URL",
    help=(
        "Keep all that is served there, in place of memory, and go on with what is there: a "
        "directory (also: sqlite:///DIR), postgresql://USER@HOST/DATABASE or "
        "mariadb://USER@HOST/DATABASE."
    ),
)
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Keep there what of a cloud is in files, where --database is a server's: large images.",
)
@click.option(
    "--control",
    is_flag=True,
    help="Serve /rig: reset, snapshots, faults, timeline, audit, clock, services.",
)
@click.option(
    "--control-token",
    metavar="TOKEN",
    help="Let this token open /rig, besides those of administrators; needed beyond loopback.",
)
def serve(**given: Any) -> int:
    """Serve a cloud over HTTP, on threads and the wall clock, until SIGTERM or SIGINT.

    The services are under /identity, /compute, /placement, /volume, /image and /network. When it
    answers, one line of JSON says where: {"ready": true, "url": "http://127.0.0.1:PORT", "pid": N}.
    There are an administrator, admin, and two users, demo and alt_demo, each in a project of the
    same name; --openrc and --clouds-yaml say how they sign in.

    With --database the cloud stays when it ends, however it ends, and the next start with the same
    topology goes on with it. The topology may have cells and hosts more than before.

    Placement alone believes any token (admin is an administrator), so let nobody else reach it. Its
    reset empties its database, also one that lasts.
    """
    if given["service"] is None:
        return _serve_cloud(given)
    return _serve_placement(given)


def _serve_cloud(given: dict[str, Any]) -> int:
    # While a cloud starts, all that is made stays: to look for garbage took a tenth of the time.
    gc.disable()
    try:
        _serve_cloud_from(given)
    finally:
        gc.enable()
    return 0


def _serve_cloud_from(given: dict[str, Any]) -> None:
    from cellrig.cli.serve import Serving, serve_rig

    passwords = {}
    for told in given["passwords"]:
        user, equals, password = told.partition("=")
        if not (user and equals and password):
            raise click.UsageError("--password takes USER=PASSWORD")
        passwords[user] = password
    rest = {name: value for name, value in given.items() if name != "service"}
    serve_rig(Serving(**{**rest, "passwords": passwords}))


def _serve_placement(given: dict[str, Any]) -> int:
    for name in ("topology", "state", "openrc", "clouds_yaml", "passwords", "control_token"):
        if given[name]:
            option = "--password" if name == "passwords" else f"--{name.replace('_', '-')}"
            raise click.UsageError(
                f"--service {given['service']} has no cloud, so it takes no {option}"
            )
    from cellrig.cli.serve import serve_placement

    serve_placement(given["host"], given["port"], given["database"])
    return 0


@command.command(
    context_settings=_TAKES_HELP,
    short_help="Upgrade what a cloud, or placement, has kept.",
    epilog="Example: cellrig upgrade postgresql://me@db.example.org/placement",
)
@click.argument("database", metavar="DIR-or-URL")
def upgrade(database: str) -> int:
    """Bring databases to the tables that this Cellrig needs; nobody may be using them.

    DIR-or-URL is what `cellrig serve --database` was given: all databases of the cloud there are
    upgraded, or that of placement served alone. What they have stays.
    """
    from cellrig.cli.upgrade import upgrade_all

    for line in upgrade_all(database):
        click.echo(line)
    return 0


@command.command(
    context_settings=_TAKES_HELP,
    short_help="Try a driver: is it what it declares?",
    epilog="Example: cellrig conformance --driver fake --option vcpus=8 --report html table.html",
)
@click.option("--driver", required=True, metavar="NAME", help="Try this installed driver.")
@click.option(
    "--option",
    "options",
    multiple=True,
    metavar="NAME=VALUE",
    help="An option of the driver on every host; {host} stands for the host's name.",
)
@click.option(
    "--host-option",
    "host_options",
    multiple=True,
    metavar="HOST:NAME=VALUE",
    help="An option of one host, host1 or host2.",
)
@click.option(
    "-k",
    "select",
    default="",
    metavar="TEXT",
    help="Only cases that have this in their name, or of the area of this name.",
)
@click.option(
    "--known-failing",
    multiple=True,
    metavar="CAPABILITY=REASON",
    help="This fails, and must.",
)
@click.option("--seed", type=int, metavar="N", help="Draw the order of tasks from this number.")
@click.option(
    "--seeds",
    type=click.IntRange(0),
    default=0,
    metavar="N",
    help="Run every case under N orders of tasks.",
)
@click.option(
    "--faults", is_flag=True, help="Run every case again with a fault at each driver call it makes."
)
@click.option("--fault", metavar="KIND:N", help="Only with this kind of fault at the N-th call.")
@click.option(
    "--case-timeout",
    type=click.FloatRange(0),
    default=120.0,
    show_default=True,
    metavar="SECONDS",
    help="How long each run of a case may take by the wall clock; 0 for as long as it wants.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1),
    default=1,
    metavar="N",
    help="Try so many cases side by side, each on hosts of its own.",
)
@click.option("--against", metavar="NAME", help="Show where this driver looks different.")
@click.option(
    "--against-option", "against_options", multiple=True, metavar="NAME=VALUE", help="Its options."
)
@click.option(
    "--report",
    "reports",
    multiple=True,
    type=(click.Choice(["junit", "json", "html"]), click.Path(dir_okay=False, path_type=Path)),
    metavar="KIND PATH",
    help="Write the report to a file as junit, json or html.",
)
def conformance(
    driver: str,
    options: tuple[str, ...],
    host_options: tuple[str, ...],
    select: str,
    known_failing: tuple[str, ...],
    seed: int | None,
    seeds: int,
    faults: bool,
    fault: str | None,
    case_timeout: float,
    jobs: int,
    against: str | None,
    against_options: tuple[str, ...],
    reports: tuple[tuple[str, Path], ...],
) -> int:
    """Try a driver through the whole control plane, on two hosts.

    What the driver declares is tested whole; what it does not declare must be refused cleanly. The
    exit status is 0 only if what is declared is what is verified.
    """
    from cellrig.cli.conformance import Wanted, run_conformance
    from cellrig.cli.screen import Screen
    from cellrig.testing.conformance import Plan

    wanted = Wanted(
        driver=driver,
        options=options,
        host_options=host_options,
        against=against,
        against_options=against_options,
        known_failing=known_failing,
        reports=reports,
        plan=Plan(
            select=select,
            seed=seed,
            seeds=seeds,
            faults=faults,
            fault=fault,
            case_timeout=case_timeout,
            jobs=jobs,
        ),
    )
    return 0 if run_conformance(Screen(), wanted) else 1


@command.command(
    "new-driver",
    context_settings=_TAKES_HELP,
    short_help="Make the project of a new driver.",
    epilog="Example: cellrig new-driver hyperv",
)
@click.argument("name")
@click.argument("directory", required=False, type=click.Path(path_type=Path))
def new_driver(name: str, directory: Path | None) -> int:
    """Make the project of a driver called NAME: it installs, is found, and conforms.

    It is written to DIRECTORY (cellrig-NAME where none is given), which must be empty or not there.
    """
    from cellrig.scaffold import make_driver_project

    place = directory or Path(f"cellrig-{name}")
    for path in make_driver_project(name, place):
        click.echo(path)
    click.echo(f"next: pip install -e '{place}[test]' && cellrig conformance --driver {name}")
    return 0


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command; every failure is one line, and the exit status tells.

    Args:
        arguments: those of the process when none are given.

    Raises:
        SystemExit: 0 if all went well, 1 if not, 2 if the command was used wrongly.
    """
    try:
        status = command.main(arguments, prog_name="cellrig", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        status = _failed(error.format_message(), error.exit_code)
    except Invalid as error:
        status = _failed(str(error), 2)
    except CellrigError as error:
        status = _failed(str(error), 1)
    except click.Abort:
        status = _failed("interrupted", 130)
    except BrokenPipeError:
        # Whoever read us has enough (`| head`); nor may the interpreter flush what is left.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    sys.exit(status)


def _failed(message: str, status: int) -> int:
    click.echo(f"cellrig: {' '.join(message.split())}", err=True)
    return status
