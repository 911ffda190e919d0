"""Volumes: attach, detach, boot from them; what the guest has, and what is given back."""

from __future__ import annotations

from typing import ClassVar

from cellrig.driver import Disk, DiskNotFound, DriverError, GuestDisk
from cellrig.model import Server
from cellrig.testing.conformance.areas.capability import Told
from cellrig.testing.conformance.case import Area
from cellrig.testing.conformance.checking import Unmet, check, equal
from cellrig.testing.conformance.lab import TIMES, Lab
from cellrig.volume.types import Volume


class Volumes(Area):
    """Volumes come and go, and are what they were said to be."""

    name: ClassVar[str] = "volumes"

    def test_an_attached_volume_is_a_disk_of_the_guest(self, lab: Lab) -> None:
        """Its serial is the volume's; it is writable, uncached, and not shareable."""
        server, volume = lab.server(), lab.volume()
        lab.attach(server, volume)
        disk = lab.info(server).disk(serial=volume.id)
        equal(disk.shareable, False, "whether a plain volume is shareable")
        equal(disk.read_only, False, "whether a plain volume is read-only")
        equal(disk.cache, "none", "the cache mode of a volume")
        equal(disk.boot_order, None, "the boot order of a volume that is not booted from")
        check(disk.source != "", "the disk comes from nowhere")
        equal(str(lab.rig.volumes.show(volume).status), "in-use", "the volume's status")
        _is_connected(lab, volume, server)

    def test_a_detached_volume_is_gone_and_disconnected(self, lab: Lab) -> None:
        """And can go to another guest at once."""
        server, other, volume = lab.server(), lab.server(), lab.volume()
        lab.attach(server, volume)
        lab.rig.servers.detach_volume(server, volume)
        equal(lab.serials(server), set(), "the guest's volumes")
        equal(str(lab.rig.volumes.show(volume).status), "available", "the volume's status")
        _is_connected(lab, volume)
        lab.attach(other, volume)

    def test_attaching_is_harmless_ten_times(self, lab: Lab) -> None:
        """The guest has one disk of it."""
        server, volume = lab.server(), lab.volume()
        lab.attach(server, volume)
        before = lab.info(server)
        lab.ten_times(lab.first, "attach_volume", lab.guest(server), lab.disk(server, volume))
        equal(lab.info(server), before, "the guest after ten times more")
        _is_connected(lab, volume, server)

    def test_detaching_what_is_not_there_says_so_ten_times(self, lab: Lab) -> None:
        """And changes nothing: another volume stays where it is."""
        server, volume, other = lab.server(), lab.volume(), lab.volume()
        lab.attach(server, volume, other)
        disk = lab.disk(server, volume)
        lab.rig.servers.detach_volume(server, volume)
        check(volume.id not in lab.serials(server), "the guest has a volume that was detached")
        before = lab.info(server)
        for _time in range(TIMES):
            lab.refused(DiskNotFound, lab.first, "detach_volume", lab.guest(server), disk)
        equal(lab.info(server), before, "the guest after ten times more")
        _is_connected(lab, other, server)

    def test_a_failed_attachment_leaves_nothing(self, lab: Lab) -> None:
        """No disk, no connection: the hypervisor cannot open what it was given."""
        server = lab.server()
        before, disk = lab.info(server), lab.foreign_disk()
        _fails(lab, "attach_volume", lab.guest(server), disk)
        equal(lab.info(server), before, "the guest after a failed attachment")
        connections = lab.connections(lab.first)
        if connections is not None:
            equal(connections.guests(disk.serial), (), "for whom the volume is still connected")

    def test_a_guest_that_cannot_be_made_leaves_nothing(self, lab: Lab) -> None:
        """No guest, no connection: one of its volumes cannot be opened."""
        guest, disk = lab.stranger(), lab.foreign_disk()
        _fails(lab, "spawn", guest, None, [disk], [])
        check(guest.uuid not in lab.uuids(lab.first), "the guest is there all the same")

    def test_a_read_only_volume_is_read_only(self, lab: Lab) -> None:
        """The guest cannot write to it."""
        server, volume = lab.server(), lab.volume(read_only=True)
        lab.attach(server, volume)
        equal(
            lab.info(server).disk(serial=volume.id).read_only,
            True,
            "whether a read-only volume is read-only",
        )

    def test_every_volume_has_a_place_of_its_own(self, lab: Lab) -> None:
        """Target and source differ, and a freed place is used again."""
        server = lab.server()
        volumes = [lab.volume() for _number in range(3)]
        lab.attach(server, *volumes)
        self._are_apart(lab, server)
        lab.rig.servers.detach_volume(server, volumes[1])
        lab.attach(server, lab.volume())
        self._are_apart(lab, server)

    def _are_apart(self, lab: Lab, server: Server) -> None:
        disks = lab.info(server).disks
        for what, values in (
            ("target", [disk.target for disk in disks]),
            ("source", [disk.source for disk in disks if disk.source]),
        ):
            check(len(set(values)) == len(values), f"two disks have the same {what}: {values}")

    def test_a_guest_boots_from_a_volume(self, lab: Lab) -> None:
        """Which is the first in the boot order, and it has no local root disk."""
        root = lab.root_volume()
        server = lab.server(block_devices=[root])
        disks = lab.info(server).disks
        equal([disk.serial for disk in disks], [root.uuid], "the serials of its disks")
        equal(disks[0].boot_order, 1, "the boot order of its root volume")

    def test_a_guest_is_made_with_a_volume(self, lab: Lab) -> None:
        """Beside its local root disk."""
        volume = lab.volume()
        server = lab.server(volumes=[volume])
        equal(lab.serials(server), {volume.id}, "its volumes")
        equal(len(lab.info(server).disks), 2, "the number of its disks")
        _is_connected(lab, volume, server)

    def test_volumes_stay_while_the_guest_stops_and_reboots(self, lab: Lab) -> None:
        """They are what they were, and a hard reboot connects them again."""
        server, volume = lab.server(), lab.volume()
        lab.attach(server, volume)
        before = _disk(lab, server, volume)
        for action in ("stop", "start"):
            getattr(lab.rig.servers, action)(server)
            equal(_disk(lab, server, volume), before, f"the disk after {action}")
        lab.rig.servers.reboot(server, "HARD")
        equal(_disk(lab, server, volume), before, "the disk after a hard reboot")
        _is_connected(lab, volume, server)

    def test_volumes_come_and_go_while_the_guest_is_shut_down(self, lab: Lab) -> None:
        """It starts with those that it has then."""
        server, volume, other = lab.server(), lab.volume(), lab.volume()
        lab.attach(server, other)
        lab.rig.servers.stop(server)
        lab.attach(server, volume)
        lab.rig.servers.detach_volume(server, other)
        lab.rig.servers.start(server)
        equal(lab.serials(server), {volume.id}, "its volumes when it was started")
        _is_connected(lab, other)

    def test_deleting_a_guest_disconnects_its_volumes(self, lab: Lab) -> None:
        """And never erases them."""
        server, volume = lab.server(), lab.volume()
        lab.attach(server, volume)
        lab.rig.servers.delete(server)
        equal(str(lab.rig.volumes.show(volume).status), "available", "the volume's status")
        _is_connected(lab, volume)

    def test_destroying_without_erasing_disconnects_as_well(self, lab: Lab) -> None:
        """Whoever needs the local disks next brings connections of its own."""
        server, volume = lab.server(), lab.volume()
        lab.attach(server, volume)
        guest, disk = lab.guest(server), lab.disk(server, volume)
        lab.call(lab.first, "destroy", guest, [disk], destroy_disks=False)
        _is_connected(lab, volume)
        lab.rig.servers.reboot(server, "HARD")

    def test_the_connector_names_the_host(self, lab: Lab) -> None:
        """So that block storage knows who comes."""
        guest = lab.stranger()
        for host in lab.hosts:
            equal(lab.call(host, "get_volume_connector", guest).host, host, "the connector's host")


class DeviceTagging(Told):
    """The guest can tell its devices apart by the tags that the user gave."""

    name: ClassVar[str] = "device_tagging"
    capability: ClassVar[str | None] = "device_tagging"

    def test_a_tag_of_a_volume_reaches_the_guest(self, lab: Lab) -> None:
        """And stays while it reboots."""
        server, volume = lab.server(), lab.volume()
        lab.attach(server, volume, tag="database")
        equal(_disk(lab, server, volume).tag, "database", "the tag of the disk")
        lab.rig.servers.reboot(server, "HARD")
        equal(_disk(lab, server, volume).tag, "database", "the tag after a hard reboot")


def _disk(lab: Lab, server: Server, volume: Volume) -> GuestDisk:
    return lab.info(server).disk(serial=volume.id)


def _is_connected(lab: Lab, volume: Volume, *servers: Server, host: str | None = None) -> None:
    """See that a volume is connected for exactly these servers; where the driver tells at all."""
    found = lab.connected_for(host or lab.first, volume)
    if found is not None:
        wanted = sorted(server.id for server in servers)
        equal(sorted(found), wanted, f"for whom volume {volume.id} is connected")


def _fails(lab: Lab, method: str, *arguments: object) -> None:
    try:
        lab.call(lab.first, method, *arguments)
    except DriverError:
        return
    except Exception as error:
        raise Unmet(
            f"{method} raised {type(error).__name__} ({error}), which no driver may"
        ) from error
    given = [each for each in arguments if isinstance(each, Disk)]
    if given:
        lab.call(lab.first, "detach_volume", arguments[0], given[0])
    else:
        lab.call(lab.first, "destroy", arguments[0], [])
    raise Unmet(f"{method} took a volume whose connection info leads nowhere")
