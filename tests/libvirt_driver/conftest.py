"""Libvirt drivers of the mock hypervisor on a virtual runtime, of QEMU on threads."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fleet import Fleet, SentDocuments, sent_documents

from cellrig.runtime.live import LiveRuntime
from cellrig.runtime.virtual import VirtualRuntime
from cellrig_libvirt.hosts import LibvirtHosts, missing_programs
from cellrig_libvirt.library import missing_library

#: What tox sets: real hypervisors take their time, and are not for every run.
WANTED = "CELLRIG_QEMU"


@pytest.fixture(autouse=True)
def sent(_libvirt: None) -> Iterator[SentDocuments]:
    """All that a test sends to libvirt is checked against libvirt's schema."""
    yield from sent_documents()


@pytest.fixture(scope="session")
def _libvirt() -> None:
    lacking = missing_library()
    if lacking is not None:
        pytest.skip(lacking)


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """Hosts with libvirt's mock hypervisor."""
    fleet = Fleet(VirtualRuntime(), tmp_path)
    yield fleet
    fleet.close()


@pytest.fixture(scope="session")
def qemu() -> None:
    """Skip a test where it cannot have real hypervisors, or nobody has asked for them."""
    if not os.environ.get(WANTED):
        pytest.skip(f"real hypervisors are in tox's environment 'libvirt' ({WANTED} is not set)")
    lacking = missing_programs()
    if lacking is not None:
        pytest.skip(lacking)


@pytest.fixture(scope="session")
def hosts(qemu: None) -> Iterator[LibvirtHosts]:
    """Two hypervisors for tests that leave them as they were."""
    with LibvirtHosts(2) as hosts:
        yield hosts


@pytest.fixture
def real(hosts: LibvirtHosts, tmp_path: Path) -> Iterator[Fleet]:
    """Hosts with QEMU; no guest outlives the test."""
    runtime = LiveRuntime()
    fleet = Fleet(runtime, tmp_path)
    yield fleet
    fleet.close()
    runtime.close()
    both = (hosts[0], hosts[1])
    assert [list(hosts.guest_processes(host.number)) for host in both] == [[], []]
    # A test that moves a guest and does not tidy up after it leaves nothing for the next one.
    for host in both:
        for path in host.instances_path.glob("*-*"):
            shutil.rmtree(path)
