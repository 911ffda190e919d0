"""The report as a file: JUnit's XML, JSON, or a page of HTML."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from xml.etree.ElementTree import Element, SubElement, indent, tostring

import msgspec

from cellrig.testing.conformance.report import Report
from cellrig.testing.conformance.running import Outcome


def as_junit(report: Report) -> str:
    """Return the report as JUnit's XML, a test suite for each area."""
    root = Element("testsuites", {"name": f"conformance of driver {report.driver}"})
    suites: dict[str, Element] = {}
    for result in report.results:
        if result.area not in suites:
            suites[result.area] = SubElement(root, "testsuite", {"name": result.area})
        kind, _colons, name = result.case.partition("::")
        case = SubElement(
            suites[result.area],
            "testcase",
            {"classname": f"{report.driver}.{kind}", "name": name, "time": f"{result.seconds:.3f}"},
        )
        if result.outcome is Outcome.FAILED:
            SubElement(case, "failure", {"message": result.reason}).text = result.replay
        elif result.outcome is not Outcome.PASSED:
            SubElement(case, "skipped", {"message": result.reason})
    for suite in suites.values():
        for name, tag in (("tests", "testcase"), ("failures", "testcase/failure")):
            suite.set(name, str(len(suite.findall(tag))))
        suite.set("skipped", str(len(suite.findall("testcase/skipped"))))
        suite.set("errors", "0")
    indent(root)
    return tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def as_json(report: Report) -> str:
    """Return the report as JSON: the verdict, the rows and all results."""
    told = {
        "driver": report.driver,
        "green": report.is_green,
        "declared": report.capabilities.names(),
        "rows": report.rows(),
        "results": report.results,
    }
    return msgspec.json.format(msgspec.json.encode(told), indent=2).decode() + "\n"


def as_html(report: Report) -> str:
    """Return the report as a page that needs nothing besides."""
    verdict = "green" if report.is_green else "red"
    rows = "\n".join(
        f'<tr class="{"green" if row.is_green else "red"}"><td>{html.escape(row.name)}</td>'
        f"<td>{row.declared}</td><td>{row.verified}</td><td>{_listed(row.reasons)}</td>"
        f"<td>{row.seconds:.2f}</td></tr>"
        for row in report.rows()
    )
    driver = html.escape(report.driver)
    return _PAGE.format(driver=driver, verdict=verdict, rows=rows)


def _listed(reasons: tuple[tuple[str, str], ...]) -> str:
    items = "".join(
        f"<li><code>{html.escape(case)}</code>: {html.escape(reason)}</li>"
        for case, reason in reasons
    )
    return f"<ul>{items}</ul>" if items else ""


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


_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Conformance of driver {driver}</title>
<style>
body {{ font-family: sans-serif; margin: 2em; }}
table {{ border-collapse: collapse; }}
td, th {{ border-bottom: 1px solid #ccc; padding: 0.3em 1em; }}
td, th {{ text-align: left; vertical-align: top; }}
tr.green td:nth-child(3) {{ color: #080; }}
tr.red td:nth-child(3) {{ color: #b00; font-weight: bold; }}
</style>
</head>
<body>
<h1>Conformance of driver {driver}: {verdict}</h1>
<table>
<tr><th>capability</th><th>declared</th><th>verified</th><th>failed</th><th>seconds</th></tr>
{rows}
</table>
</body>
</html>
"""
