"""Moves of guests that are shut down for it: cold migration, and resize here and elsewhere."""

from __future__ import annotations

from typing import ClassVar

from cellrig.compute.options import ComputeOptions
from cellrig.driver import CapabilityNotSupported, GuestInfo, GuestNotFound, PowerState
from cellrig.model import Server
from cellrig.testing.conformance.areas.capability import Refused, Told
from cellrig.testing.conformance.case import undeclared
from cellrig.testing.conformance.checking import check, equal
from cellrig.testing.conformance.lab import LARGE, SMALL, Lab
from cellrig.testing.conformance.refusal import refuses_the_user
from cellrig.volume.types import Volume


class ColdMigration(Refused):
    """A stopped guest moves to another host, with another size or the same."""

    name: ClassVar[str] = "cold_migration"
    capability: ClassVar[str | None] = "cold_migration"

    def test_a_guest_moves_and_the_move_is_confirmed(self, lab: Lab) -> None:
        """It is on one host only, all the time, and what was kept is given back."""
        server, volume = lab.server(), lab.volume()
        lab.attach(server, volume)
        before = lab.info(server)
        _moves(lab, lab.rig.servers.migrate(server))
        after = lab.info(server)
        equal(after.power_state, PowerState.RUNNING, "the power state at the destination")
        equal(_what_it_has(after), _what_it_has(before), "what the guest has")
        check(
            lab.connected_for(lab.first, volume) in (None, ()),
            "the source is still connected to the volume",
        )
        equal(lab.rig.servers.confirm_resize(server).status, "ACTIVE", "the status")
        equal(lab.whereabouts(server.id), (lab.second,), "the hosts that have the guest")

    def test_a_guest_moves_and_comes_back(self, lab: Lab) -> None:
        """As it was, connected where it was."""
        server, volume = lab.server(), lab.volume()
        lab.attach(server, volume)
        before = lab.info(server)
        _moves(lab, lab.rig.servers.migrate(server))
        equal(lab.rig.servers.revert_resize(server).status, "ACTIVE", "the status")
        equal(lab.whereabouts(server.id), (lab.first,), "the hosts that have the guest")
        equal(_what_it_has(lab.info(server)), _what_it_has(before), "what the guest has")
        _is_connected_here(lab, server, volume)

    def test_a_guest_that_was_shut_down_stays_so(self, lab: Lab) -> None:
        """There and back."""
        server = lab.server()
        lab.rig.servers.stop(server)
        _moves(lab, lab.rig.servers.migrate(server))
        equal(lab.info(server).power_state, PowerState.SHUTDOWN, "the power state there")
        equal(lab.rig.servers.revert_resize(server).status, "SHUTOFF", "the status")
        equal(lab.info(server).power_state, PowerState.SHUTDOWN, "the power state here")

    def test_a_guest_is_resized(self, lab: Lab) -> None:
        """It has the new size at the destination."""
        server = lab.server()
        _moves(lab, lab.rig.servers.resize(server, LARGE.id))
        _has_size(lab, server, LARGE.vcpus, LARGE.memory_mb)
        lab.rig.servers.confirm_resize(server)
        _has_size(lab, server, LARGE.vcpus, LARGE.memory_mb)

    def test_a_resized_guest_comes_back_in_its_old_size(self, lab: Lab) -> None:
        """With nothing of the new one."""
        server = lab.server()
        _moves(lab, lab.rig.servers.resize(server, LARGE.id))
        lab.rig.servers.revert_resize(server)
        _has_size(lab, server, SMALL.vcpus, SMALL.memory_mb)

    def test_volumes_that_change_before_a_revert_are_those_that_come_back(self, lab: Lab) -> None:
        """Users attach and detach until they revert."""
        server, old, new = lab.server(), lab.volume(), lab.volume()
        lab.attach(server, old)
        _moves(lab, lab.rig.servers.migrate(server))
        lab.rig.servers.detach_volume(server, old)
        lab.attach(server, new)
        back = lab.rig.servers.revert_resize(server)
        fault = "" if back.fault is None else f": {back.fault.message}"
        check(back.status == "ACTIVE", f"the server is {back.status} when it is back{fault}")
        equal(lab.serials(server), {new.id}, "the guest's volumes")
        equal(str(lab.rig.volumes.show(old).status), "available", "the old volume's status")

    def test_a_guest_of_a_volume_moves(self, lab: Lab) -> None:
        """There are no local disks to send."""
        server = lab.server(block_devices=[lab.root_volume()])
        before = lab.info(server)
        _moves(lab, lab.rig.servers.migrate(server))
        lab.rig.servers.confirm_resize(server)
        equal(_what_it_has(lab.info(server)), _what_it_has(before), "what the guest has")

    def test_a_guest_that_waits_for_its_confirmation_can_be_deleted(self, lab: Lab) -> None:
        """Nothing is kept for it any more."""
        server = lab.server()
        _moves(lab, lab.rig.servers.migrate(server))
        lab.rig.servers.delete(server)
        equal(lab.whereabouts(server.id), (), "the hosts that have the guest")

    def test_leaving_and_coming_back_are_harmless_ten_times(self, lab: Lab) -> None:
        """So is erasing what was kept; the driver is called directly."""
        server = lab.server()
        before, guest = lab.info(server), lab.guest(server)
        lab.unwatched(lab.first)
        lab.ten_times(lab.first, "migrate_disk_and_power_off", guest, guest, lab.second, ())
        equal(lab.whereabouts(server.id), (), "the hosts that list a guest that is kept")
        lab.ten_times(lab.first, "finish_revert_migration", guest, (), ())
        equal(_what_it_has(lab.info(server)), _what_it_has(before), "the guest that came back")
        equal(lab.info(server).power_state, PowerState.RUNNING, "the power state")
        lab.call(lab.first, "migrate_disk_and_power_off", guest, guest, lab.second, ())
        lab.ten_times(lab.first, "confirm_migration", guest, ())
        lab.refused(GuestNotFound, lab.first, "finish_revert_migration", guest, (), ())

    @undeclared
    def test_moving_is_refused_while_undeclared(self, lab: Lab) -> None:
        """The user is told, and the server is where it was."""
        refuses_the_user(lab, lab.rig.servers.migrate)

    @undeclared
    def test_leaving_for_another_host_is_refused_while_undeclared(self, lab: Lab) -> None:
        """Also where a resize on the same host is not."""
        server = lab.server()
        guest = lab.guest(server)
        lab.refused(
            CapabilityNotSupported,
            lab.first,
            "migrate_disk_and_power_off",
            guest,
            guest,
            lab.second,
            (),
        )
        equal(lab.info(server).power_state, PowerState.RUNNING, "the power state")


class ResizeOnSameHost(Refused):
    """A guest gets another size without leaving its host."""

    name: ClassVar[str] = "resize_on_same_host"
    capability: ClassVar[str | None] = "resize_on_same_host"
    compute: ClassVar[ComputeOptions] = ComputeOptions(allow_resize_to_same_host=True)

    def test_a_guest_gets_another_size_here(self, lab: Lab) -> None:
        """And keeps it when that is confirmed."""
        server = self._resized(lab)
        _has_size(lab, server, LARGE.vcpus, LARGE.memory_mb)
        equal(lab.rig.servers.confirm_resize(server).status, "ACTIVE", "the status")
        _has_size(lab, server, LARGE.vcpus, LARGE.memory_mb)
        equal(lab.whereabouts(server.id), (lab.first,), "the hosts that have the guest")

    def test_a_guest_gets_its_old_size_back_here(self, lab: Lab) -> None:
        """When that is reverted."""
        server = self._resized(lab)
        equal(lab.rig.servers.revert_resize(server).status, "ACTIVE", "the status")
        _has_size(lab, server, SMALL.vcpus, SMALL.memory_mb)
        equal(lab.whereabouts(server.id), (lab.first,), "the hosts that have the guest")

    def test_volumes_stay_with_a_guest_that_is_resized_here(self, lab: Lab) -> None:
        """And stay connected to its host."""
        volume = lab.volume()
        server = self._resized(lab, volume)
        equal(lab.serials(server), {volume.id}, "the guest's volumes")
        lab.rig.servers.confirm_resize(server)
        equal(lab.serials(server), {volume.id}, "the guest's volumes when it is confirmed")
        _is_connected_here(lab, server, volume)

    def _resized(self, lab: Lab, *volumes: Volume) -> Server:
        server = lab.server(volumes=volumes)
        lab.rig.services.disable(lab.second)
        resized = lab.rig.servers.resize(server, LARGE.id)
        equal((resized.status, resized.host), ("VERIFY_RESIZE", lab.first), "its status and host")
        return server

    @undeclared
    def test_another_size_here_is_refused_while_undeclared(self, lab: Lab) -> None:
        """The user is told, and the server has the size that it had."""
        server = lab.server()
        lab.rig.services.disable(lab.second)
        refuses_the_user(lab, lambda each: lab.rig.servers.resize(each, LARGE.id), server)


class ColdMigrateOnSameHost(Told):
    """A cold migration may end on the host where it began.

    No user can ask for it of this control plane, so the trait is what is verified.
    """

    name: ClassVar[str] = "cold_migrate_on_same_host"
    capability: ClassVar[str | None] = "cold_migrate_on_same_host"


def _moves(lab: Lab, server: Server) -> None:
    fault = "" if server.fault is None else f": {server.fault.message}"
    check(server.status == "VERIFY_RESIZE", f"the server is {server.status} after its move{fault}")
    equal(server.host, lab.second, "the host of the server")
    equal(lab.whereabouts(server.id), (lab.second,), "the hosts that have the guest")


def _has_size(lab: Lab, server: Server, vcpus: int, memory_mb: int) -> None:
    info = lab.info(server)
    equal((info.vcpus, info.memory_mb), (vcpus, memory_mb), "the guest's vcpus and memory_mb")


def _is_connected_here(lab: Lab, server: Server, volume: Volume) -> None:
    found = lab.connected_for(lab.first, volume)
    check(found in (None, (server.id,)), "the volume is not connected to the guest's host")


def _what_it_has(info: GuestInfo) -> list[tuple[object, ...]]:
    """Return what does not change with the host."""
    return [
        (disk.target, disk.serial, disk.bus, disk.boot_order, disk.shareable, disk.read_only)
        for disk in info.disks
    ]
