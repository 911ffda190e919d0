"""What goes wrong: unknown guests, services that die, hypervisors that go away."""

from __future__ import annotations

from typing import ClassVar

from cellrig.driver import Disk, GuestNotFound, HypervisorUnavailable, RebootKind
from cellrig.model import Server
from cellrig.testing.conformance.case import Area
from cellrig.testing.conformance.checking import check, equal
from cellrig.testing.conformance.lab import Lab


class Errors(Area):
    """What goes wrong is told as the interface says, and leaves nothing."""

    name: ClassVar[str] = "errors"

    def test_calls_of_an_unknown_guest_say_so_ten_times(self, lab: Lab) -> None:
        """Every method that needs a guest raises `GuestNotFound`, again and again."""
        guest = lab.stranger()
        disk = Disk(serial=lab.rig.new_uuid())
        has = lab.capabilities
        calls: list[tuple[str, tuple[object, ...]]] = [
            ("get_guest", (guest.uuid,)),
            ("reboot", (guest, RebootKind.SOFT, (), ())),
            ("power_on", (guest,)),
            ("power_off", (guest,)),
            ("get_console_output", (guest,)),
            ("attach_volume", (guest, disk)),
            ("detach_volume", (guest, disk)),
        ]
        if has.pause:
            calls += [("pause", (guest,)), ("unpause", (guest,))]
        if has.suspend:
            calls += [("suspend", (guest,)), ("resume", (guest,))]
        if has.rescue:
            calls += [("unrescue", (guest,))]
        if has.snapshot:
            calls += [("snapshot", (guest, "an-image"))]
        if has.extend_volume:
            calls += [("extend_volume", (guest, disk, 2 << 30))]
        if has.swap_volume:
            calls += [("swap_volume", (guest, disk, disk))]
        if has.cold_migration:
            calls += [
                ("migrate_disk_and_power_off", (guest, guest, lab.second, ())),
                ("finish_revert_migration", (guest, (), ())),
            ]
        for _time in range(10):
            for method, arguments in calls:
                lab.refused(GuestNotFound, lab.first, method, *arguments)

    def test_a_service_that_dies_while_it_builds_ends_clean(self, lab: Lab) -> None:
        """The driver has made the guest, and nobody was told."""
        lab.rig.faults.crash_after("driver.spawn", times=1)
        server = lab.try_server()
        lab.restart(lab.first)
        _at_rest(lab, server)

    def test_a_service_that_dies_while_it_attaches_ends_clean(self, lab: Lab) -> None:
        """The guest has the volume, or has not; everybody says the same."""
        server, volume = lab.server(), lab.volume()
        lab.rig.faults.crash_after("driver.attach_volume", times=1)
        lab.rig.servers.attach_volume(server, volume)
        lab.restart(lab.first)
        lab.rig.advance(0 if lab.setup.live else 10)
        attached = {each.volume_id for each in lab.rig.volumes.attachments(volume)}
        equal(lab.serials(server), attached, "what the guest has, beside what block storage says")

    def test_a_service_that_dies_while_it_deletes_ends_clean(self, lab: Lab) -> None:
        """The guest goes when the service is back."""
        server, volume = lab.server(), lab.volume()
        lab.attach(server, volume)
        lab.rig.faults.crash_after("driver.destroy", times=1)
        lab.rig.servers.delete(server)
        lab.restart(lab.first)
        check(server.id not in lab.uuids(lab.first), "the guest is still there")

    def test_a_hypervisor_that_is_gone_says_so_and_comes_back(self, lab: Lab) -> None:
        """Calls raise `HypervisorUnavailable`; afterwards the guests are there as before."""
        server, driver = lab.server(), lab.driver(lab.first)
        before, node = lab.info(server), lab.node(lab.first)
        lab.last("starting the hypervisor", lambda: lab.setup.start_hypervisor(driver))
        lab.setup.stop_hypervisor(driver)
        for method, arguments in (
            ("get_host_state", (node,)),
            ("list_guests", ()),
            ("power_off", (lab.guest(server),)),
        ):
            lab.refused(HypervisorUnavailable, lab.first, method, *arguments)
        lab.setup.start_hypervisor(driver)
        lab.restart(lab.first)
        equal(lab.info(server), before, "the guest when the hypervisor is back")

    def test_a_hypervisor_that_goes_in_the_middle_leaves_nothing(self, lab: Lab) -> None:
        """An attachment fails while it is away, and everything is given back."""
        server, volume, driver = lab.server(), lab.volume(), lab.driver(lab.first)
        lab.attach(server, volume)
        guest, disk = lab.guest(server), lab.disk(server, volume)
        lab.rig.servers.detach_volume(server, volume)
        lab.last("starting the hypervisor", lambda: lab.setup.start_hypervisor(driver))
        lab.setup.stop_hypervisor(driver)
        lab.rig.servers.attach_volume(server, volume)
        lab.refused(HypervisorUnavailable, lab.first, "attach_volume", guest, disk)
        lab.setup.start_hypervisor(driver)
        lab.restart(lab.first)
        equal(str(lab.rig.volumes.show(volume).status), "available", "the volume's status")
        equal(lab.serials(server), set(), "the guest's volumes")
        check(lab.connected_for(lab.first, volume) in (None, ()), "it is still connected")
        lab.attach(server, volume)


def _at_rest(lab: Lab, server: Server) -> None:
    shown = lab.rig.servers.show(server)
    check(
        shown.status in ("ACTIVE", "ERROR"), f"the server is {shown.status}, and nobody works on it"
    )
    has = lab.whereabouts(server.id)
    wanted = (str(shown.host),) if shown.status == "ACTIVE" else ()
    check(
        has == wanted or shown.status == "ERROR",
        f"the guest is on {', '.join(has) or 'no host'}, the server on {shown.host}",
    )
