"""``pytest --cellrig-database=URL``: the rigs of a whole suite on one database."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SUITE = """
import pytest
from cellrig import Topology


def test_the_rig_is_there(rig, pytestconfig):
    url = pytestconfig.option.cellrig_database
    assert rig.topology.database == url
    assert rig.servers.show(rig.servers.create()).status == "ACTIVE"


@pytest.mark.topology(Topology(database="sqlite:///own"))
def test_what_a_topology_says_goes_first(rig):
    assert rig.topology.database == "sqlite:///own"


def test_for_the_report(rig):
    assert not "told"
"""


def test_rigs_are_on_the_database_that_is_named_and_the_report_says_so(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(SUITE)
    url = f"sqlite:///{tmp_path}/databases"
    done = subprocess.run(  # noqa: S603 - our own text
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--cellrig-database={url}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert "1 failed, 2 passed" in done.stdout, done.stdout
    assert f"pytest test_it.py::test_for_the_report --cellrig-database={url}" in done.stdout
    assert list((tmp_path / "databases").iterdir()) == []
