"""Every Python example in the README and in docs/ runs as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from sybil import Example
from sybil.document import Document
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.markdown import CodeBlockParser

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])


def _names(page: Path) -> str:
    return str(page.relative_to(ROOT))


def _is_test_file(example: Example) -> bool:
    return "def test_" in example.parsed


def _run_under_pytest(example: Example, directory: Path) -> list[str]:
    """Run an example that is a test file, as its reader would; return why all of it skips, if so.

    An example of something that is not installed here skips itself.
    """
    file = directory / f"test_line_{example.line}.py"
    file.write_text(example.parsed)
    done = subprocess.run(  # noqa: S603 - our own documentation
        [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", str(file)],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    reasons = re.findall(r"^SKIPPED \[\d+\] \S+ (.*)$", done.stdout, re.MULTILINE)
    assert done.returncode == 0 or (done.returncode == 5 and reasons), (
        f"{example.path}:{example.line}\n{done.stdout}{done.stderr}"
    )
    return reasons if " passed" not in done.stdout else []


@pytest.mark.filterwarnings(r"ignore:::openstack\..*")  # it warns of what it does itself
@pytest.mark.parametrize("page", PAGES, ids=_names)
def test_examples_of_a_page_run(page: Path, tmp_path: Path) -> None:
    python = PythonEvaluator()
    skipped: list[str] = []

    def run(example: Example) -> None:
        if _is_test_file(example):
            skipped.extend(_run_under_pytest(example, tmp_path))
        else:
            python(example)

    for example in Document.parse(str(page), CodeBlockParser("python", run)).examples():
        example.evaluate()
    if skipped:
        pytest.skip(f"examples of {_names(page)}: {'; '.join(skipped)}")


@pytest.mark.parametrize("page", PAGES, ids=_names)
def test_links_of_a_page_lead_to_something(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{_names(page)} links to {target}"
