"""``cellrig conformance``: try a driver, and show what it is beside what it declares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from rich.markup import escape

from cellrig.cli.screen import Screen
from cellrig.errors import Invalid
from cellrig.testing.conformance import Plan, Report, Row, conform, find_setup
from cellrig.testing.conformance.setup import Setup
from cellrig.testing.conformance.writing import WRITERS, write


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line says.

    Args:
        driver: the driver's name.
        options: ``NAME=VALUE``, of all hosts; values are YAML.
        host_options: ``HOST:NAME=VALUE``, of one host.
        against: another driver's name.
        against_options: its options.
        known_failing: ``CAPABILITY=REASON``.
        reports: kinds of files and where they go.
        plan: which cases, and how.
    """

    driver: str
    options: Sequence[str] = ()
    host_options: Sequence[str] = ()
    against: str | None = None
    against_options: Sequence[str] = ()
    known_failing: Sequence[str] = ()
    reports: Sequence[tuple[str, Path]] = ()
    plan: Plan = Plan()


def run_conformance(screen: Screen, wanted: Wanted) -> bool:
    """Try a driver, write its table and the files; return whether it is what it declares.

    Raises:
        Invalid: the command line says something that cannot be.
        UnknownDriver, InvalidDriver, InvalidDriverOption: before any case runs.
    """
    for kind, _path in wanted.reports:
        if kind not in WRITERS:
            raise Invalid(f"there is no report {kind!r}; there are: {', '.join(WRITERS)}")
    setup = setup_of(wanted.driver, wanted.options, wanted.host_options)
    against = None
    if wanted.against is not None:
        against = setup_of(wanted.against, wanted.against_options, ())
    known = dict(_split(each, "CAPABILITY=REASON") for each in wanted.known_failing)
    plan = msgspec.structs.replace(wanted.plan, known_failing=known)
    with screen.progress("conformance", len(plan.cases())) as step:
        report = conform(setup, plan, against=against, after_each=lambda _result: step())
    report = msgspec.structs.replace(report, command=_command(wanted))
    show(screen, report)
    for kind, path in wanted.reports:
        write(report, kind, path)
    return report.is_green


def setup_of(driver: str, options: Sequence[str], host_options: Sequence[str]) -> Setup:
    """Return the set-up of a driver, its options checked.

    Args:
        driver: its name.
        options: ``NAME=VALUE``.
        host_options: ``HOST:NAME=VALUE``.

    Raises:
        Invalid: an option cannot be read, or is not one of the driver's.
    """
    from cellrig.driver.loading import driver_options

    by_host: dict[str, dict[str, Any]] = {}
    for text in host_options:
        host, colon, option = text.partition(":")
        if not colon or "=" in host:
            raise Invalid(f"{text!r} is no option of a host: it takes HOST:NAME=VALUE")
        by_host.setdefault(host, {}).update(_options([option]))
    setup = find_setup(driver, _options(options), by_host)
    for host in by_host:
        if host not in setup.hosts:
            raise Invalid(f"there is no host {host!r}; there are: {', '.join(setup.hosts)}")
    for host in setup.hosts:
        driver_options(driver, {**setup.options, **setup.host_options.get(host, {})})
    return setup


def show(screen: Screen, report: Report) -> None:
    """Write the table of a report, and how to run again what failed."""
    screen.section(escape(report.question))
    screen.table(
        ("capability", "declared", "verified", "cases", "seconds", "failed, and why"),
        [_cells(row) for row in report.rows()],
    )
    for result in report.failures:
        screen.show(escape(f"again: {report.replay(result)}"))
    screen.verdict(report.is_green, escape(report.answer))


def _cells(row: Row) -> tuple[str, ...]:
    colour = "green" if row.is_green else "bold red"
    return (
        escape(row.name),
        row.declared,
        f"[{colour}]{row.verified}[/]",
        str(row.tried),
        f"{row.seconds:.2f}",
        escape("; ".join(_told(row))),
    )


def _told(row: Row) -> Iterator[str]:
    """Tell each reason once: what is wrong with a driver, many cases may see in the same way."""
    cases: dict[str, list[str]] = {}
    for case, reason in row.reasons:
        cases.setdefault(reason, []).append(case)
    for reason, (first, *others) in cases.items():
        more = f" and {len(others)} more" if others else ""
        yield f"{first}{more} {reason}"


def _command(wanted: Wanted) -> str:
    import shlex

    parts = ["cellrig", "conformance", "--driver", wanted.driver]
    for name, values in (
        ("--option", wanted.options),
        ("--host-option", wanted.host_options),
        ("--against", (wanted.against,) if wanted.against else ()),
        ("--against-option", wanted.against_options),
    ):
        for value in values:
            parts += [name, value]
    return shlex.join(parts)


def _options(texts: Sequence[str]) -> Mapping[str, Any]:
    import yaml

    options = {}
    for text in texts:
        name, value = _split(text, "NAME=VALUE")
        try:
            options[name] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise Invalid(f"the value of option {name!r} cannot be read as YAML") from error
    return options


def _split(text: str, form: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise Invalid(f"{text!r} cannot be read: it takes {form}")
    return name.strip(), value
