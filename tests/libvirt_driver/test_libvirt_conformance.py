"""The libvirt driver is what it declares: on the mock hypervisor, with cards, and on QEMU."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cellrig.driver import Capabilities
from cellrig.testing.conformance import AREAS, Outcome, Plan, Setup, cases_of, conform, find_setup
from cellrig.testing.conformance.difference import compare
from cellrig.testing.conformance.running import declared_by, run_case
from cellrig_libvirt.mock_nodes import CARDS, node_with_cards
from cellrig_libvirt.options import EVERYTHING

MOCK = {"uri": "test:///"}
#: A mock hypervisor for each host, which has network cards.
CARDED = {"uri": "test:///default"}
CASES = {case.name: case for case in cases_of(AREAS)}
#: Areas in which the data of disks matter.
DATA = ("SwapVolume::", "Multiattach::")


@pytest.mark.parametrize("options", [MOCK, CARDED])
def test_the_mock_hypervisor_is_what_it_declares(options: dict[str, str]) -> None:
    report = conform(find_setup("libvirt", options))
    assert [f"{each.case}: {each.reason}" for each in report.failures] == []
    assert report.is_green
    assert report.capabilities.sriov is (options is CARDED)


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


@pytest.mark.parametrize("area", ["Volumes::", "SwapVolume::", "Sriov::"])
def test_the_fake_hypervisor_is_not_to_be_told_from_the_mock_one(area: str) -> None:
    cards = [
        {"address": address, "interface": interface, "vfs": 8, "physical_network": network}
        for (address, interface), network in zip(CARDS, ("public", "private"), strict=True)
    ]
    fake, mock = find_setup("fake", {"sriov": cards}), find_setup("libvirt", CARDED)
    report = conform(fake, Plan(select=area, seeds=2), against=mock)
    assert [f"{each.case}: {each.reason}" for each in report.failures] == []
    assert any(each.outcome is Outcome.PASSED for each in report.results)


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


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith(DATA)])
def test_the_fake_hypervisor_is_not_to_be_told_from_qemu(
    qemu_setup: Setup, declared: Capabilities, name: str
) -> None:
    """Of what libvirt's mock cannot show at least: documents after copies, locks of disks."""
    unfit = CASES[name].unfit(declared)
    if unfit is not None:
        pytest.skip(unfit)
    with find_setup("fake", {"sriov": []}) as fake:
        result = compare(fake, qemu_setup, CASES[name])
    assert result.outcome is Outcome.PASSED, result.reason
