"""The ``cellrig`` command.

Only click is imported here: what a command needs is imported when it runs, so that ``--help``
answers at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

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
    epilog="Example: cellrig serve --service placement --port 8780",
)
@click.option(
    "--topology",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Build this cloud (YAML) in place of one cell with two hosts.",
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
    "--service",
    type=click.Choice(["placement"]),
    help="Serve this alone, at /, without a cloud; includes --control.",
)
@click.option("--control", is_flag=True, help="Let POST /rig/reset bring the start state back.")
def serve(topology: Path | None, host: str, port: int, service: str | None, control: bool) -> int:
    """Serve a cloud over HTTP, on threads and the wall clock, until SIGTERM or SIGINT.

    Placement is under /placement. When it answers, one line of JSON says where: {"ready": true,
    "url": "http://127.0.0.1:PORT", "pid": N}. Any token is believed (admin is an administrator),
    so let nobody else reach the address.
    """
    if service is not None and topology is not None:
        raise click.UsageError(f"--service {service} has no cloud, so it takes no --topology")
    from cellrig.cli.serve import serve_placement, serve_rig

    if service is None:
        serve_rig(topology, host, port, control=control)
    else:
        serve_placement(host, port)
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
