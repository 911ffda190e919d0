"""The fixtures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from cellrig_pytest.arguments import marked_arguments
from cellrig_pytest.factory import RigFactory
from cellrig_pytest.options import SETTINGS
from cellrig_pytest.report import FACTORY, has_failed

if TYPE_CHECKING:
    from cellrig import Rig


@pytest.fixture
def rig_factory(request: pytest.FixtureRequest) -> Iterator[RigFactory]:
    """Make any number of rigs: ``rig_factory(topology, seed=1)``.

    When the test ends they are stopped and audited, and what is wrong with them is an error of the
    test. Where the test has failed already, its report shows it.
    """
    factory = request.node.stash[FACTORY] = RigFactory(request.config.stash[SETTINGS])
    yield factory
    factory.end_all()
    if factory.findings and not has_failed(request.node):
        told = "\n".join(f"  - {finding}" for finding in factory.findings)
        pytest.fail(f"the rig was not clean when it ended:\n{told}", pytrace=False)


@pytest.fixture
def rig(request: pytest.FixtureRequest, rig_factory: RigFactory) -> Rig:
    """A running cloud, built as the test's ``topology`` marker says, or of one cell, two hosts."""
    return rig_factory(**marked_arguments(request.node))
