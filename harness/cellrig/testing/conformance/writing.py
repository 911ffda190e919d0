"""The report as a file: JUnit's XML, JSON, or a page of HTML."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from xml.etree.ElementTree import Element, SubElement, indent, tostring

import msgspec

from cellrig.testing.conformance.page import PAGE, ROW
from cellrig.testing.conformance.report import Report, Row
from cellrig.testing.conformance.running import Outcome, Result

#: What XML cannot hold, not even escaped.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_junit(report: Report) -> str:
    """Return the report as JUnit's XML, a test suite for each row of the table.

    A row that is not green fails, whatever its reason: where none of its cases does, one more says
    why. Cases of a row that is known to fail count as skipped.
    """
    root = Element("testsuites", {"name": f"conformance of driver {report.driver}"})
    for row in report.rows():
        suite = SubElement(root, "testsuite", {"name": row.name})
        results = [each for each in report.results if each.area == row.name]
        for result in results:
            _add_case(suite, report, result, is_known=row.verified == "known")
        if not row.is_green and suite.find("testcase/failure") is None:
            told = "; ".join(f"{case} {reason}" for case, reason in row.reasons)
            case = _testcase(suite, report.driver, "declared", "what_is_declared_is_verified", 0.0)
            told = told or f"declared: {row.declared}, verified: {row.verified}"
            SubElement(case, "failure", {"message": _legal(told), "type": "NotVerified"})
        _count(suite, row.seconds)
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    root.set("time", f"{sum(row.seconds for row in report.rows()):.3f}")
    indent(root)
    return tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _add_case(suite: Element, report: Report, result: Result, *, is_known: bool) -> None:
    kind, _colons, name = result.case.partition("::")
    case = _testcase(suite, report.driver, kind, name, result.seconds)
    message = {"message": _legal(result.reason)}
    if result.outcome is Outcome.FAILED and not is_known:
        failure = SubElement(case, "failure", {**message, "type": "Unmet"})
        failure.text = f"again: {_legal(report.replay(result))}"
    elif result.outcome is Outcome.FAILED:
        SubElement(case, "skipped", {"message": f"known to fail: {message['message']}"})
    elif result.outcome is not Outcome.PASSED:
        SubElement(case, "skipped", message)


def _testcase(suite: Element, driver: str, kind: str, name: str, seconds: float) -> Element:
    attributes = {"classname": f"{driver}.{kind}", "name": name, "time": f"{seconds:.3f}"}
    return SubElement(suite, "testcase", attributes)


def _count(suite: Element, seconds: float) -> None:
    for name, tag in (("tests", "testcase"), ("failures", "testcase/failure")):
        suite.set(name, str(len(suite.findall(tag))))
    suite.set("errors", "0")
    suite.set("skipped", str(len(suite.findall("testcase/skipped"))))
    suite.set("time", f"{seconds:.3f}")


def _legal(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)


def as_json(report: Report) -> str:
    """Return the report as JSON: the verdict, the command, the rows and all results."""
    told = {
        "driver": report.driver,
        "against": report.against,
        "command": report.command,
        "green": report.is_green,
        "declared": report.capabilities.names(),
        "known_failing": report.known_failing,
        "rows": report.rows(),
        "results": report.results,
    }
    return msgspec.json.format(msgspec.json.encode(told), indent=2).decode() + "\n"


def as_html(report: Report) -> str:
    """Return the report as a page that needs nothing besides."""
    return PAGE.format(
        question=html.escape(report.question),
        verdict="green" if report.is_green else "red",
        answer=html.escape(report.answer),
        rows="\n".join(_html_row(report, row) for row in report.rows()),
    )


def _html_row(report: Report, row: Row) -> str:
    replays = {result.case: result.replay for result in report.failures}
    reasons = "".join(
        f"<li><code>{html.escape(case)}</code> {html.escape(reason)}"
        + (
            f"<br><code class='again'>{html.escape(replays[case])}</code>"
            if case in replays
            else ""
        )
        + "</li>"
        for case, reason in row.reasons
    )
    cases = "".join(
        f"<li><code>{html.escape(each.case)}</code> {each.outcome}, {each.seconds:.2f} s</li>"
        for each in report.results
        if each.area == row.name
    )
    return ROW.format(
        colour="green" if row.is_green else "red",
        name=html.escape(row.name),
        declared=row.declared,
        verified=row.verified,
        tried=row.tried,
        seconds=f"{row.seconds:.2f}",
        reasons=f"<ul>{reasons}</ul>" if reasons else "",
        cases=cases,
    )


#: The kinds of files, by name.
WRITERS: Mapping[str, Callable[[Report], str]] = MappingProxyType(
    {"junit": as_junit, "json": as_json, "html": as_html}
)


def write(report: Report, kind: str, path: Path) -> None:
    """Write a report to a file.

    Args:
        report: what came out.
        kind: one of `WRITERS`.
        path: the file; its directory is there.
    """
    path.write_text(WRITERS[kind](report), encoding="utf-8")
