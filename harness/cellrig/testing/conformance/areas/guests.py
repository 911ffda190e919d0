"""The life of guests."""

from __future__ import annotations

from typing import ClassVar

from cellrig.driver import (
    GuestBusy,
    GuestExists,
    GuestNotFound,
    PowerState,
    RebootKind,
)
from cellrig.model import Server
from cellrig.testing.conformance.case import Area, needs
from cellrig.testing.conformance.checking import check, equal
from cellrig.testing.conformance.lab import LARGE, Lab


class Guests(Area):
    """Guests are made, stopped, started, rebooted, rebuilt and deleted."""

    name: ClassVar[str] = "guest life"

    def test_a_guest_is_what_its_flavor_says(self, lab: Lab) -> None:
        """Processors, memory, node and name."""
        server = lab.server(flavor=LARGE.id)
        info, guest = lab.info(server), lab.guest(server)
        equal(info.vcpus, LARGE.vcpus, "the guest's vcpus")
        equal(info.memory_mb, LARGE.memory_mb, "the guest's memory_mb")
        equal(info.name, guest.name, "the guest's name")
        equal(info.node, lab.node(lab.first), "the guest's node")
        equal(info.power_state, PowerState.RUNNING, "the guest's power state")

    def test_a_guest_with_an_image_has_a_local_root_disk_to_boot_from(self, lab: Lab) -> None:
        """It is no volume, and the first in the boot order."""
        disks = lab.info(lab.server()).disks
        check(bool(disks), "the guest has no disk")
        root = next((disk for disk in disks if disk.boot_order == 1), disks[0])
        equal(root.serial, None, "the serial of the local root disk")
        check(not root.shareable, "the local root disk is shareable")

    def test_guests_are_listed_as_they_are_shown(self, lab: Lab) -> None:
        """Also those that are shut down."""
        servers = [lab.server(), lab.server()]
        lab.rig.servers.stop(servers[1])
        listed = {info.uuid: info for info in lab.call(lab.first, "list_guests")}
        for server in servers:
            check(server.id in listed, f"guest {server.id} is not listed")
            equal(
                listed[server.id],
                lab.call(lab.first, "get_guest", server.id),
                f"guest {server.id} as it is listed",
            )

    def test_a_guest_stops_and_starts(self, lab: Lab) -> None:
        """And its server follows."""
        server = lab.server()
        equal(lab.rig.servers.stop(server).status, "SHUTOFF", "the status when it was stopped")
        equal(_power(lab, server), PowerState.SHUTDOWN, "the power state when it was stopped")
        equal(lab.rig.servers.start(server).status, "ACTIVE", "the status when it was started")
        equal(_power(lab, server), PowerState.RUNNING, "the power state when it was started")

    def test_a_guest_reboots_softly_and_hard(self, lab: Lab) -> None:
        """A hard reboot works in every power state."""
        server = lab.server()
        for kind in ("SOFT", "HARD"):
            lab.rig.servers.reboot(server, kind)
            equal(_power(lab, server), PowerState.RUNNING, f"the power state after {kind}")
        lab.rig.servers.stop(server)
        lab.refused(GuestBusy, lab.first, "reboot", lab.guest(server), RebootKind.SOFT, (), ())
        lab.rig.servers.reboot(server, "HARD")
        equal(_power(lab, server), PowerState.RUNNING, "the power state after it was stopped")

    def test_a_hard_reboot_brings_a_lost_guest_back_with_its_volumes(self, lab: Lab) -> None:
        """What the hypervisor has lost is defined anew."""
        server, volume = lab.server(), lab.volume()
        lab.attach(server, volume)
        guest, disk = lab.guest(server), lab.disk(server, volume)
        lab.call(lab.first, "destroy", guest, [disk], destroy_disks=False)
        lab.rig.servers.reboot(server, "HARD")
        equal(_power(lab, server), PowerState.RUNNING, "the power state of the guest")
        equal(lab.serials(server), {volume.id}, "its volumes")

    def test_power_calls_are_harmless_ten_times(self, lab: Lab) -> None:
        """Off stays off, on stays on."""
        server = lab.server()
        guest = lab.guest(server)
        lab.unwatched(lab.first)
        lab.ten_times(lab.first, "power_on", guest)
        equal(_power(lab, server), PowerState.RUNNING, "the power state")
        lab.ten_times(lab.first, "power_off", guest)
        equal(_power(lab, server), PowerState.SHUTDOWN, "the power state")
        lab.ten_times(lab.first, "power_on", guest)

    def test_a_deleted_guest_is_gone_and_deleting_is_harmless_ten_times(self, lab: Lab) -> None:
        """Nothing of it is listed, and nobody minds that it is gone."""
        server = lab.server()
        guest = lab.guest(server)
        lab.rig.servers.delete(server)
        check(server.id not in lab.uuids(lab.first), "the guest of a deleted server is listed")
        lab.refused(GuestNotFound, lab.first, "get_guest", server.id)
        lab.ten_times(lab.first, "destroy", guest, [])
        lab.ten_times(lab.first, "cleanup", guest, [])

    def test_deleting_one_guest_leaves_the_others(self, lab: Lab) -> None:
        """With their volumes and their power."""
        server, other, volume = lab.server(), lab.server(), lab.volume()
        lab.attach(other, volume)
        before = lab.info(other)
        lab.rig.servers.delete(server)
        equal(lab.info(other), before, "the guest that was not deleted")

    def test_a_second_guest_of_the_same_uuid_is_refused(self, lab: Lab) -> None:
        """And the first one stays as it was."""
        server = lab.server()
        before, guest = lab.info(server), lab.guest(server)
        spawned = next(call for call in lab.calls.all if call.method == "spawn")
        lab.refused(GuestExists, lab.first, "spawn", guest, spawned.arguments["image"], [], [])
        equal(lab.info(server), before, "the guest that was there")

    def test_a_guest_is_rebuilt_with_its_volumes(self, lab: Lab) -> None:
        """From another image, under the same uuid."""
        server, volume = lab.server(), lab.volume()
        lab.attach(server, volume)
        image = lab.rig.images.list()[0].id
        equal(lab.rig.servers.rebuild(server, image).status, "ACTIVE", "the status")
        equal(_power(lab, server), PowerState.RUNNING, "the power state")
        equal(lab.serials(server), {volume.id}, "the volumes of the rebuilt guest")

    def test_the_console_is_text(self, lab: Lab) -> None:
        """Whatever is written there."""
        told = lab.rig.servers.console_output(lab.server())
        check(isinstance(told, str), f"the console is {type(told).__name__}, not text")

    def test_guests_outlive_a_restart_of_the_service(self, lab: Lab) -> None:
        """They run on, and the service knows them."""
        server = lab.server()
        before = lab.info(server)
        lab.restart(lab.first)
        equal(lab.info(server), before, "the guest after the restart")
        equal(lab.rig.servers.stop(server).status, "SHUTOFF", "the status when it was stopped")

    @needs("pause")
    def test_a_paused_guest_is_not_started_by_power_on(self, lab: Lab) -> None:
        """It goes on when it is unpaused."""
        server = lab.server()
        lab.rig.servers.pause(server)
        lab.refused(GuestBusy, lab.first, "power_on", lab.guest(server))
        equal(_power(lab, server), PowerState.PAUSED, "the power state")

    def test_a_server_that_is_shelved_comes_back(self, lab: Lab) -> None:
        """Its host has nothing of it meanwhile."""
        server = lab.server(block_devices=[lab.root_volume()])
        equal(lab.rig.servers.shelve(server).status, "SHELVED_OFFLOADED", "the status")
        equal(lab.whereabouts(server.id), (), "the hosts that have the guest")
        equal(lab.rig.servers.unshelve(server).status, "ACTIVE", "the status afterwards")
        equal(len(lab.whereabouts(server.id)), 1, "the number of hosts that have the guest")


def _power(lab: Lab, server: Server) -> PowerState:
    return lab.info(server).power_state
