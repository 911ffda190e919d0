"""The files of a driver project that are not Python; ``NAME`` and ``Name`` are put in."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_PYPROJECT = """\
[build-system]
requires = ["setuptools>=68"]
build-backend = "setuptools.build_meta"

[project]
name = "cellrig-NAME"
version = "0.1.0"
description = "The virt driver NAME for Cellrig"
readme = "README.md"
requires-python = ">=3.11"
dependencies = ["cellrig"]

[project.optional-dependencies]
test = ["pytest>=8.0"]

# This is how Cellrig finds the driver; `cellrig drivers` shows it.
[project.entry-points."cellrig.drivers"]
NAME = "cellrig_NAME:NameDriver"

# And this is how the conformance suite finds what it may do to the hypervisor.
[project.entry-points."cellrig.conformance"]
NAME = "cellrig_NAME.conformance:NameSetup"

[tool.setuptools.packages.find]
where = ["src"]

[tool.setuptools.package-data]
cellrig_NAME = ["py.typed"]

[tool.pytest.ini_options]
testpaths = ["tests"]
addopts = "--cellrig-driver=NAME"
"""

_TOX = """\
[tox]
env_list = tests, conformance

[testenv:tests]
description = all tests, the conformance suite among them
extras = test
commands = pytest {posargs}

[testenv:conformance]
description = what the driver declares, and what of it is verified, as a table
extras = test
commands = cellrig conformance --driver NAME {posargs}
"""

_README = """\
# cellrig-NAME

The virt driver `NAME` for [Cellrig](https://cellrig.readthedocs.io).

    pip install -e '.[test]'
    cellrig drivers                     # it is found, with its options
    cellrig conformance --driver NAME   # the table: what it declares, what is verified
    pytest                              # the same cases, and your own tests

As it is made, the driver runs guests in memory and declares no capability, and the table is green.

1. Put the client of your hypervisor in place of `src/cellrig_NAME/hypervisor.py`.
2. Declare a capability in `src/cellrig_NAME/driver.py`. `cellrig drivers` names the methods that it
   obliges; the table is red.
3. Implement them until the table is green, and go on with the next.
"""

_TEST = '''\
"""The driver conforms: every case of Cellrig's suite is a test here.

Add cases by a subclass, which replaces the area in this module:

    class TestVolumes(areas.Volumes):
        def test_my_own_promise(self, lab: Lab) -> None: ...
"""

from cellrig.testing.conformance.test_conformance import *  # noqa: F403 - all of its classes
'''

_TEST_DRIVER = '''\
"""What only this driver promises."""

from __future__ import annotations

from cellrig import Cell, Rig, Topology
from cellrig.driver import PowerState


def test_a_server_runs_on_it() -> None:
    topology = Topology(cells=[Cell("cell1", 2)], driver="NAME", options={"vcpus": 4})
    with Rig(topology) as rig:
        server = rig.servers.create()
        assert rig.guest(server).power_state is PowerState.RUNNING
'''

#: Path to content.
TEXTS: Mapping[str, str] = MappingProxyType(
    {
        "pyproject.toml": _PYPROJECT,
        "tox.ini": _TOX,
        "README.md": _README,
        "src/cellrig_NAME/py.typed": "",
        "tests/test_conformance.py": _TEST,
        "tests/test_driver.py": _TEST_DRIVER,
    }
)
