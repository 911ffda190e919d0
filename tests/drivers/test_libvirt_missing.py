"""The libvirt driver where libvirt-python is not installed: it explains itself."""

from __future__ import annotations

import subprocess
import sys

#: A process in which the library cannot be imported, whether it is installed or not.
SCRIPT = """
import sys
sys.modules["libvirt"] = None
from cellrig import Rig, Topology
from cellrig.driver.loading import installed_drivers
from cellrig_libvirt.hosts import HostsUnavailable, LibvirtHosts

told = {info.name: info for info in installed_drivers()}["libvirt"]
print(told.error, told.capabilities.multiattach, len(told.options) > 10)
for start in (Rig(Topology(driver="libvirt")).start, LibvirtHosts(1).__enter__):
    try:
        start()
    except Exception as error:
        print(type(error).__name__, error)
"""


def test_a_host_without_the_library_says_what_to_install() -> None:
    done = subprocess.run(  # noqa: S603 - our own text
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    )
    told = done.stdout.splitlines()
    assert told[0] == "None True True"
    assert told[1].startswith("HypervisorUnavailable the hypervisor of cell1-host1 does not answer")
    assert told[2].startswith("HostsUnavailable no private libvirt hosts")
    for line in told[1:]:
        assert "libvirt-python is not installed" in line
        assert "extra 'libvirt'" in line
