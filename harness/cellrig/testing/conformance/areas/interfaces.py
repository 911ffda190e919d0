"""Network interfaces that come and go while the guest runs."""

from __future__ import annotations

from typing import ClassVar

from cellrig.driver import Device, DeviceKind, DeviceNotFound
from cellrig.testing.conformance.areas.capability import Refused, Told
from cellrig.testing.conformance.checking import contains, equal
from cellrig.testing.conformance.lab import TIMES, Lab


class AttachInterface(Refused, Told):
    """A guest gets and loses interfaces. No service asks for it yet, so the driver is called."""

    name: ClassVar[str] = "attach_interface"
    capability: ClassVar[str | None] = "attach_interface"

    def test_an_interface_comes_and_goes(self, lab: Lab) -> None:
        """Ten times attached it is there once; ten times detached it is said to be gone."""
        server = lab.server()
        before, guest = lab.info(server), lab.guest(server)
        port = lab.rig.new_uuid()
        device = Device(
            kind=DeviceKind.VIF,
            mac_address=f"52:54:00:{port[:2]}:{port[2:4]}:{port[4:6]}",
            port_id=port,
        )
        lab.ten_times(lab.first, "attach_interface", guest, device)
        devices = lab.info(server).devices
        equal(len(devices), len(before.devices) + 1, "the number of the guest's devices")
        contains([each.mac_address for each in devices], device.mac_address, "its interfaces")
        lab.call(lab.first, "detach_interface", guest, device)
        equal(lab.info(server), before, "the guest when the interface was detached")
        for _time in range(TIMES):
            lab.refused(DeviceNotFound, lab.first, "detach_interface", guest, device)
