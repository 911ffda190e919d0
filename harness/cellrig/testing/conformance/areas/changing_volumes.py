"""Volumes that change under a running guest: swap and extend."""

from __future__ import annotations

from contextlib import suppress
from typing import ClassVar

from cellrig.driver import Disk, DiskNotFound, DriverError
from cellrig.errors import CellrigError
from cellrig.testing.conformance.areas.capability import Refused, Told
from cellrig.testing.conformance.case import undeclared
from cellrig.testing.conformance.checking import Unmet, check, equal
from cellrig.testing.conformance.lab import TIMES, Lab


class SwapVolume(Refused):
    """A disk of a running guest moves from one volume to another."""

    name: ClassVar[str] = "swap_volume"
    capability: ClassVar[str | None] = "swap_volume"

    def test_a_disk_goes_on_with_another_volume(self, lab: Lab) -> None:
        """At the same place; the old volume is free and disconnected."""
        server, old, new = lab.server(), lab.volume(), lab.volume()
        lab.attach(server, old)
        target = lab.info(server).disk(serial=old.id).target
        lab.rig.servers.swap_volume(server, old, new)
        equal(lab.serials(server), {new.id}, "the guest's volumes")
        equal(lab.info(server).disk(serial=new.id).target, target, "the target of the disk")
        equal(str(lab.rig.volumes.show(old).status), "available", "the old volume's status")
        check(lab.connected_for(lab.first, old) in (None, ()), "the old volume is still connected")
        check(
            lab.connected_for(lab.first, new) in (None, (server.id,)),
            "the new volume is not connected",
        )
        equal(lab.info(server).disk(serial=new.id).shareable, False, "whether it is shareable")

    def test_a_swapped_disk_stays_swapped_when_the_guest_reboots(self, lab: Lab) -> None:
        """The hypervisor has not forgotten it."""
        server, old, new = lab.server(), lab.volume(), lab.volume()
        lab.attach(server, old)
        lab.rig.servers.swap_volume(server, old, new)
        lab.rig.servers.stop(server)
        lab.rig.servers.start(server)
        equal(lab.serials(server), {new.id}, "the guest's volumes")

    def test_a_failed_swap_keeps_the_old_volume(self, lab: Lab) -> None:
        """The new one leads nowhere; it is disconnected again."""
        server, old = lab.server(), lab.volume()
        lab.attach(server, old)
        before, new = lab.info(server), lab.foreign_disk()
        try:
            lab.call(lab.first, "swap_volume", lab.guest(server), lab.disk(server, old), new)
        except DriverError:
            equal(lab.info(server), before, "the guest after a failed swap")
        else:
            raise Unmet("swap_volume took a volume whose connection info leads nowhere")

    def test_what_the_guest_does_not_have_is_not_swapped(self, lab: Lab) -> None:
        """`DiskNotFound`, and nothing has changed."""
        server, volume = lab.server(), lab.volume()
        lab.attach(server, volume)
        before, disk = lab.info(server), lab.disk(server, volume)
        stranger = Disk(serial=lab.rig.new_uuid())
        for _time in range(TIMES):
            lab.refused(DiskNotFound, lab.first, "swap_volume", lab.guest(server), stranger, disk)
        equal(lab.info(server), before, "the guest")

    @undeclared
    def test_swapping_is_refused_while_undeclared(self, lab: Lab) -> None:
        """Both volumes are what they were."""
        server, old, new = lab.server(), lab.volume(), lab.volume()
        lab.attach(server, old)
        with suppress(CellrigError):  # told at once
            lab.rig.servers.swap_volume(server, old, new)
        equal(lab.serials(server), {old.id}, "the guest's volumes")
        equal(str(lab.rig.volumes.show(old).status), "in-use", "the old volume's status")
        equal(str(lab.rig.volumes.show(new).status), "available", "the new volume's status")


class ExtendVolume(Refused, Told):
    """A running guest sees that its volume has grown."""

    name: ClassVar[str] = "extend_volume"
    capability: ClassVar[str | None] = "extend_volume"

    def test_a_guest_sees_that_its_volume_has_grown(self, lab: Lab) -> None:
        """Where the hypervisor tells sizes."""
        server, volume = lab.server(), lab.volume(size=1)
        lab.attach(server, volume)
        before = lab.info(server).disk(serial=volume.id).size_gb
        equal(lab.rig.volumes.extend(volume, 2).size, 2, "the volume's size")
        after = lab.info(server).disk(serial=volume.id).size_gb
        equal(after, 2 if before else 0, "the size that the guest sees")
        called = [call for call in lab.calls.all if call.method == "extend_volume"]
        equal(len(called), 1, "the number of calls of extend_volume")

    def test_extending_is_harmless_ten_times(self, lab: Lab) -> None:
        """To the size that it has."""
        server, volume = lab.server(), lab.volume(size=2)
        lab.attach(server, volume)
        before = lab.info(server)
        guest, disk = lab.guest(server), lab.disk(server, volume)
        lab.ten_times(lab.first, "extend_volume", guest, disk, 2 << 30)
        equal(lab.info(server), before, "the guest")

    def test_what_the_guest_does_not_have_is_not_extended(self, lab: Lab) -> None:
        """`DiskNotFound`."""
        server = lab.server()
        stranger = Disk(serial=lab.rig.new_uuid())
        lab.refused(DiskNotFound, lab.first, "extend_volume", lab.guest(server), stranger, 2 << 30)

    @undeclared
    def test_extending_in_use_leaves_the_guest_alone_while_undeclared(self, lab: Lab) -> None:
        """It is refused, or the guest just does not see it."""
        server, volume = lab.server(), lab.volume(size=1)
        lab.attach(server, volume)
        before = lab.info(server)
        with suppress(CellrigError):  # told at once
            lab.rig.volumes.extend(volume, 2)
        equal(lab.info(server), before, "the guest")
