"""The conformance suite under pytest: the fixture ``lab``, and the table at the end."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import pytest

from cellrig_pytest.options import SETTINGS
from cellrig_pytest.report import has_failed

if TYPE_CHECKING:
    from cellrig.driver import Capabilities
    from cellrig.testing.conformance import Lab, Report, Result, Setup

#: Under this name the reports of a case say what it is; they also come from workers of xdist.
_PROPERTY = "cellrig_conformance"


@pytest.fixture(scope="session")
def cellrig_setup(pytestconfig: pytest.Config) -> Iterator[Setup]:
    """The hosts on which the conformance suite tries a driver; override it to give others."""
    from cellrig.testing.conformance import find_setup

    settings = pytestconfig.stash[SETTINGS]
    if settings.driver is None:
        pytest.fail("which driver? give --cellrig-driver=NAME", pytrace=False)
    with find_setup(settings.driver, settings.driver_options, settings.host_options) as setup:
        yield setup


@pytest.fixture(scope="session")
def cellrig_declared(cellrig_setup: Setup, pytestconfig: pytest.Config) -> Capabilities:
    """What the driver that the conformance suite tries declares."""
    from cellrig.testing.conformance.running import declared_by

    return declared_by(cellrig_setup, pytestconfig.stash[SETTINGS].case_timeout)


@pytest.fixture
def lab(
    request: pytest.FixtureRequest, cellrig_setup: Setup, cellrig_declared: Capabilities
) -> Iterator[Lab]:
    """The cloud of one case of the conformance suite; nothing may be left when it ends."""
    from cellrig.testing.conformance import Case, Inapplicable, Lab, NotOffered

    item = request.node
    case = Case(request.cls, request.function.__name__)
    known = request.config.stash[SETTINGS].known_failing.get(case.area.name)
    told = {"area": case.area.name, "capability": case.area.capability}
    item.user_properties.append((_PROPERTY, {**told, "declared": cellrig_declared.names()}))
    unfit = case.unfit(cellrig_declared)
    if unfit is not None:
        pytest.skip(f"not for this driver: {unfit}")
    if known is not None:
        # It is the capability that must fail, by one case at least: the table sees to that.
        request.applymarker(pytest.mark.xfail(reason=known, strict=False))
    settings, area = request.config.stash[SETTINGS], case.area
    try:
        made = Lab(
            cellrig_setup,
            area.compute,
            more_options=area.more_options,
            seed=settings.seed,
            seconds=settings.case_timeout,
        )
    except NotOffered as error:
        pytest.skip(f"not tried: {error}")
    except Inapplicable as error:
        pytest.skip(f"not for this driver: {error}")
    with made:
        yield made
    try:
        made.end()
    except Exception as left:
        if not has_failed(item):
            raise
        item.add_report_section("teardown", "conformance", str(left))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Bound the time of a case, and skip what the set-up cannot do."""
    lab = getattr(item, "funcargs", {}).get("lab")
    limited = getattr(lab, "limited", nullcontext)
    try:
        with limited():
            return (yield)
    except Exception as error:
        checking = sys.modules.get("cellrig.testing.conformance.checking")
        if checking is not None and isinstance(error, checking.NotOffered):
            pytest.skip(f"not tried: {error}")
        if checking is not None and isinstance(error, checking.Inapplicable):
            pytest.skip(f"not for this driver: {error}")
        raise


class Table:
    """Gathers what the cases of a run say, and shows it as a table.

    Args:
        config: of the run.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._results: dict[str, Result] = {}
        self._declared: tuple[str, ...] = ()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note how a phase of a case ended."""
        said: dict[str, Any] | None = dict(report.user_properties).get(_PROPERTY)  # type: ignore[assignment]
        if said is None:
            return
        from cellrig.testing.conformance import Outcome, Result

        self._declared = tuple(said["declared"])
        outcome, reason = _outcome(report)
        before = self._results.get(report.nodeid)
        if before is not None and before.outcome is not Outcome.PASSED:
            outcome, reason = before.outcome, before.reason
        self._results[report.nodeid] = Result(
            case=report.nodeid.partition("::")[2],
            area=said["area"],
            capability=said["capability"],
            outcome=outcome,
            reason=reason,
            seconds=report.duration + (before.seconds if before else 0.0),
        )

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail the run where what is declared is not what is verified."""
        report = self._report()
        if report is not None and not report.is_green and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Write the table."""
        report = self._report()
        if report is None:
            return
        terminalreporter.section(f"conformance of driver {report.driver}")
        form = "{:<28} {:<9} {:<9} {:>5} {:>8}  {}"
        line = form.format("capability", "declared", "verified", "cases", "seconds", "failed")
        terminalreporter.write_line(line.rstrip())
        for row in report.rows():
            failed = ", ".join(case for case, _reason in row.reasons if case != row.name)
            seconds = f"{row.seconds:.2f}"
            line = form.format(row.name, row.declared, row.verified, row.tried, seconds, failed)
            terminalreporter.write_line(line.rstrip(), green=row.is_green, red=not row.is_green)
            # What is no case's own concerns the row: whether what is known to fail does.
            for reason in (reason for case, reason in row.reasons if case == row.name):
                terminalreporter.write_line(f"  {reason}")

    def _report(self) -> Report | None:
        if not self._results:
            return None
        from cellrig.driver import Capabilities
        from cellrig.testing.conformance import Report

        settings = self._config.stash[SETTINGS]
        return Report(
            settings.driver or "?",
            Capabilities(**dict.fromkeys(self._declared, True)),
            tuple(sorted(self._results.values(), key=_place)),
            settings.known_failing,
        )


def _place(result: Result) -> int:
    """Return where the row of a result stands in the table; those of others' areas come last."""
    from cellrig.testing.conformance import AREAS

    names = [area.name for area in AREAS]
    return names.index(result.area) if result.area in names else len(names)


def _outcome(report: pytest.TestReport) -> tuple[Any, str]:
    from cellrig.testing.conformance import Outcome

    if report.failed or (report.skipped and hasattr(report, "wasxfail")):
        crash = getattr(report.longrepr, "reprcrash", None)
        return Outcome.FAILED, str(crash.message if crash else report.longrepr).splitlines()[0]
    if report.skipped:
        told = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        unfit = "not for this driver" in told
        return (Outcome.UNFIT if unfit else Outcome.NOT_TRIED), told.removeprefix("Skipped: ")
    return Outcome.PASSED, ""
