"""Guests that boot from another image."""

from __future__ import annotations

from typing import ClassVar

from cellrig.driver import PowerState
from cellrig.model import Server
from cellrig.testing.conformance.areas.capability import Refused, Told
from cellrig.testing.conformance.case import undeclared
from cellrig.testing.conformance.checking import check, equal
from cellrig.testing.conformance.lab import Lab
from cellrig.testing.conformance.refusal import refuses_the_user


class Rescue(Refused):
    """A guest boots from another image, its own root disk beside it."""

    name: ClassVar[str] = "rescue"
    capability: ClassVar[str | None] = "rescue"

    def test_a_rescued_guest_has_its_own_disk_beside_the_other(self, lab: Lab) -> None:
        """And goes back to exactly what it was."""
        server, volume = lab.server(), lab.volume()
        lab.attach(server, volume)
        before = lab.info(server)
        _rescue(lab, server)
        _has_one_disk_more(lab, server, before.disks)
        equal(lab.rig.servers.unrescue(server).status, "ACTIVE", "the status afterwards")
        equal(lab.info(server), before, "the guest when it was unrescued")

    def test_rescuing_is_harmless_ten_times(self, lab: Lab) -> None:
        """So is unrescuing, also of a guest that was not rescued."""
        server = lab.server()
        before, guest = lab.info(server), lab.guest(server)
        lab.unwatched(lab.first)
        lab.ten_times(lab.first, "unrescue", guest)
        spawned = next(call for call in lab.calls.all if call.method == "spawn")
        lab.ten_times(lab.first, "rescue", guest, spawned.arguments["image"])
        equal(len(lab.info(server).disks), len(before.disks) + 1, "the number of its disks")
        lab.ten_times(lab.first, "unrescue", guest)
        equal(lab.info(server), before, "the guest when it was unrescued")

    def test_a_rescued_guest_can_be_deleted(self, lab: Lab) -> None:
        """With the disk that it was rescued from."""
        server = lab.server()
        _rescue(lab, server)
        lab.rig.servers.delete(server)
        equal(lab.whereabouts(server.id), (), "the hosts that have the guest")

    @undeclared
    def test_rescuing_is_refused_while_undeclared(self, lab: Lab) -> None:
        """The user is told, and the server is as it was."""
        refuses_the_user(lab, lab.rig.servers.rescue)


class RescueVolumeBacked(Told):
    """The same for a guest that boots from a volume."""

    name: ClassVar[str] = "rescue_volume_backed"
    capability: ClassVar[str | None] = "rescue_volume_backed"

    def test_a_guest_of_a_volume_is_rescued(self, lab: Lab) -> None:
        """Its root volume is beside the other disk, and it boots from it again afterwards."""
        server = lab.server(block_devices=[lab.root_volume()])
        before = lab.info(server)
        image = lab.rig.images.list()[0].id
        equal(lab.rig.servers.rescue(server, image).status, "RESCUE", "the status")
        _has_one_disk_more(lab, server, before.disks)
        lab.rig.servers.unrescue(server)
        equal(lab.info(server), before, "the guest when it was unrescued")

    @undeclared
    def test_a_guest_of_a_volume_is_not_rescued_while_undeclared(self, lab: Lab) -> None:
        """Also where guests with local disks are."""
        image = lab.rig.images.list()[0].id
        server = lab.server(block_devices=[lab.root_volume()])
        refuses_the_user(lab, lambda each: lab.rig.servers.rescue(each, image), server)


def _rescue(lab: Lab, server: Server) -> None:
    equal(lab.rig.servers.rescue(server).status, "RESCUE", "the status")
    equal(lab.info(server).power_state, PowerState.RUNNING, "the power state of the rescued guest")


def _has_one_disk_more(lab: Lab, server: Server, before: tuple[object, ...]) -> None:
    disks = lab.info(server).disks
    equal(len(disks), len(before) + 1, "the number of disks of the rescued guest")
    first = min(disks, key=lambda disk: disk.boot_order or len(disks) + 1)
    check(
        first.serial is None and first not in before,
        f"the rescued guest boots from {first.source or first.target}, a disk that it had before",
    )
