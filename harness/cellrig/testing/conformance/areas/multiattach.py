"""Volumes that several guests use at once."""

from __future__ import annotations

from contextlib import suppress
from typing import ClassVar

from msgspec.structs import replace

from cellrig.driver import CapabilityNotSupported, HypervisorError
from cellrig.errors import CellrigError
from cellrig.model import Server
from cellrig.testing.conformance.areas.capability import Told
from cellrig.testing.conformance.case import needs, undeclared
from cellrig.testing.conformance.checking import check, equal
from cellrig.testing.conformance.lab import Lab
from cellrig.volume.types import Volume


class Multiattach(Told):
    """Several guests at once use one volume, each by a shareable disk."""

    name: ClassVar[str] = "multiattach"
    capability: ClassVar[str | None] = "multiattach"

    def test_two_guests_on_two_hosts_share_a_volume(self, lab: Lab) -> None:
        """Both disks are shareable and uncached."""
        volume = lab.volume(multiattach=True)
        servers = [lab.server(host) for host in lab.hosts]
        for server in servers:
            lab.attach(server, volume)
        for server in servers:
            _shares(lab, server, volume)
        equal(len(lab.rig.volumes.attachments(volume)), 2, "the number of attachments")

    def test_two_guests_of_one_host_share_a_volume(self, lab: Lab) -> None:
        """When one leaves, the host stays connected for the other."""
        volume = lab.volume(multiattach=True)
        one, two = lab.server(), lab.server()
        lab.attach(one, volume)
        lab.attach(two, volume)
        lab.rig.servers.detach_volume(one, volume)
        _shares(lab, two, volume)
        found = lab.connected_for(lab.first, volume)
        check(found is None or two.id in found, "the volume is not connected for who still has it")
        lab.attach(one, volume)
        lab.rig.servers.delete(one)
        _shares(lab, two, volume)
        found = lab.connected_for(lab.first, volume)
        check(found is None or two.id in found, "deleting a guest disconnected another's volume")

    def test_a_guest_that_is_made_with_a_shared_volume_shares_it(self, lab: Lab) -> None:
        """The first disk of it is as shareable as those that come later."""
        volume = lab.volume(multiattach=True)
        one = lab.server(volumes=[volume])
        two = lab.server(lab.second, volumes=[volume])
        for server in (one, two):
            _shares(lab, server, volume)

    def test_a_shared_disk_stays_shareable_while_the_guest_reboots(self, lab: Lab) -> None:
        """Hard and soft, and when it is stopped and started."""
        volume = lab.volume(multiattach=True)
        one, two = lab.server(), lab.server(lab.second)
        lab.attach(one, volume)
        lab.attach(two, volume)
        lab.rig.servers.reboot(one, "HARD")
        _shares(lab, one, volume)
        lab.rig.servers.stop(one)
        lab.rig.servers.start(one)
        _shares(lab, one, volume)

    def test_a_second_writer_of_a_disk_that_is_not_shareable_leaves_nothing(self, lab: Lab) -> None:
        """It is refused by the hypervisor, or it is not; a refusal gives everything back."""
        volume = lab.volume()
        one, two = lab.server(), lab.server()
        lab.attach(one, volume)
        disk, guest = lab.disk(one, volume), lab.guest(two)
        before = lab.info(two)
        try:
            lab.call(lab.first, "attach_volume", guest, disk)
        except HypervisorError:
            equal(lab.info(two), before, "the guest that was refused")
        else:
            lab.call(lab.first, "detach_volume", guest, disk)
        found = lab.connected_for(lab.first, volume)
        check(found in (None, (one.id,)), f"the volume is connected for {found}")
        equal(lab.serials(one), {volume.id}, "the volumes of the first guest")

    @needs("cold_migration")
    def test_a_shared_disk_stays_shareable_in_a_cold_migration(self, lab: Lab) -> None:
        """And the other guest keeps it."""
        volume = lab.volume(multiattach=True)
        one, two = lab.server(), lab.server()
        lab.attach(one, volume)
        lab.attach(two, volume)
        moved = lab.rig.servers.migrate(one)
        check(moved.status == "VERIFY_RESIZE", f"the move did not happen: it is {moved.status}")
        _shares(lab, one, volume)
        lab.rig.servers.confirm_resize(one)
        _shares(lab, one, volume)
        _shares(lab, two, volume)

    @needs("live_migration")
    def test_a_shared_disk_stays_shareable_in_a_live_migration(self, lab: Lab) -> None:
        """Both guests hold it all the time."""
        volume = lab.volume(multiattach=True)
        one, two = lab.server(), lab.server()
        lab.attach(one, volume)
        lab.attach(two, volume)
        moved = lab.rig.servers.live_migrate(one, lab.second)
        equal((moved.status, moved.host), ("ACTIVE", lab.second), "the server's status and host")
        _shares(lab, one, volume)
        _shares(lab, two, volume)

    @undeclared
    def test_a_shared_volume_is_refused_while_undeclared(self, lab: Lab) -> None:
        """Directly and by the control plane; afterwards the volume is free."""
        server, volume, plain = lab.server(), lab.volume(multiattach=True), lab.volume()
        lab.attach(server, plain)
        before = lab.info(server)
        with suppress(CellrigError):  # told at once
            lab.rig.servers.attach_volume(server, volume)
        equal(lab.serials(server), {plain.id}, "the guest's volumes")
        equal(str(lab.rig.volumes.show(volume).status), "available", "the volume's status")
        shared = replace(lab.disk(server, plain), serial=lab.rig.new_uuid(), multiattach=True)
        lab.refused(CapabilityNotSupported, lab.first, "attach_volume", lab.guest(server), shared)
        lab.refused(CapabilityNotSupported, lab.first, "spawn", lab.stranger(), None, [shared], [])
        equal(lab.info(server), before, "the guest")


def _shares(lab: Lab, server: Server, volume: Volume) -> None:
    disk = lab.info(server).disk(serial=volume.id)
    equal(disk.shareable, True, f"whether the shared volume of {server.id} is shareable")
    equal(disk.cache, "none", "the cache mode of a shared volume")
