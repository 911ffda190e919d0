"""The libvirt driver is what it declares: on the mock hypervisor, with cards, and on QEMU."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from mock_nodes import node_with_cards

from cellrig.driver import Capabilities
from cellrig.testing.conformance import AREAS, Outcome, Plan, Setup, cases_of, conform, find_setup
from cellrig.testing.conformance.running import declared_by, run_case
from cellrig_libvirt.options import EVERYTHING

MOCK = {"uri": "test:///"}
CASES = {case.name: case for case in cases_of(AREAS)}


def test_the_mock_hypervisor_is_what_it_declares() -> None:
    report = conform(find_setup("libvirt", MOCK))
    assert [f"{each.case}: {each.reason}" for each in report.failures] == []
    assert report.is_green


@pytest.mark.parametrize("tree", ["inventory", "children"])
def test_functions_of_cards_are_given_as_they_are_allocated(tmp_path: Path, tree: str) -> None:
    options = {
        "uri": node_with_cards(tmp_path),
        "physical_networks": {"ens1f0": "public", "ens2f0": "storage"},
        "sriov_tree": tree,
    }
    report = conform(find_setup("libvirt", options), Plan(select="Sriov"))
    assert [f"{each.case}: {each.reason}" for each in report.failures] == []
    assert [(row.name, row.verified) for row in report.rows()] == [("sriov", "yes")]


def test_the_fake_hypervisor_is_not_to_be_told_from_the_mock_one() -> None:
    """Of its volumes at least: all cases are compared where real hypervisors are."""
    fake, mock = find_setup("fake", {"sriov": []}), find_setup("libvirt", MOCK)
    report = conform(fake, Plan(select="Volumes"), against=mock)
    assert [f"{each.case}: {each.reason}" for each in report.failures] == []


@pytest.fixture(scope="session")
def qemu_setup(qemu: None) -> Iterator[Setup]:
    """Two private hypervisors for all cases."""
    with find_setup("libvirt") as setup:
        yield setup


@pytest.fixture(scope="session")
def declared(qemu_setup: Setup) -> Capabilities:
    """What the driver declares there."""
    return declared_by(qemu_setup)


def test_qemu_declares_all_but_cards(declared: Capabilities) -> None:
    assert declared == EVERYTHING.without("sriov")


@pytest.mark.parametrize("name", CASES)
def test_qemu_is_what_it_declares(qemu_setup: Setup, declared: Capabilities, name: str) -> None:
    unfit = CASES[name].unfit(declared)
    if unfit is not None:
        pytest.skip(unfit)
    result = run_case(qemu_setup, CASES[name])
    if result.outcome is Outcome.UNFIT:
        pytest.skip(result.reason)
    assert result.outcome is Outcome.PASSED, result.reason
