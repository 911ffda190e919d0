"""Guests that stand still and go on: pause and suspend."""

from __future__ import annotations

from typing import ClassVar

from cellrig.driver import GuestBusy, PowerState
from cellrig.testing.conformance.areas.capability import Refused
from cellrig.testing.conformance.case import undeclared
from cellrig.testing.conformance.checking import equal
from cellrig.testing.conformance.lab import Lab
from cellrig.testing.conformance.refusal import refuses_the_user


class Pause(Refused):
    """A guest is stopped in memory and goes on."""

    name: ClassVar[str] = "pause"
    capability: ClassVar[str | None] = "pause"

    def test_a_paused_guest_goes_on(self, lab: Lab) -> None:
        """With its volumes."""
        server, volume = lab.server(), lab.volume()
        lab.attach(server, volume)
        equal(lab.rig.servers.pause(server).status, "PAUSED", "the status when it was paused")
        equal(lab.info(server).power_state, PowerState.PAUSED, "the power state")
        equal(lab.serials(server), {volume.id}, "the volumes of the paused guest")
        equal(lab.rig.servers.unpause(server).status, "ACTIVE", "the status when it goes on")
        equal(lab.info(server).power_state, PowerState.RUNNING, "the power state")

    def test_pausing_is_harmless_ten_times(self, lab: Lab) -> None:
        """So is letting it go on."""
        server = lab.server()
        lab.unwatched(lab.first)
        for method, state in (("pause", PowerState.PAUSED), ("unpause", PowerState.RUNNING)):
            lab.ten_times(lab.first, method, lab.guest(server))
            equal(lab.info(server).power_state, state, f"the power state after {method}")

    def test_a_guest_that_is_shut_down_is_not_paused(self, lab: Lab) -> None:
        """It is busy being off."""
        server = lab.server()
        lab.rig.servers.stop(server)
        for method in ("pause", "unpause"):
            lab.refused(GuestBusy, lab.first, method, lab.guest(server))
        equal(lab.info(server).power_state, PowerState.SHUTDOWN, "the power state")

    def test_a_paused_guest_can_be_rebooted_hard_and_deleted(self, lab: Lab) -> None:
        """A hard reboot works in every power state."""
        server = lab.server()
        lab.rig.servers.pause(server)
        lab.rig.servers.reboot(server, "HARD")
        equal(lab.info(server).power_state, PowerState.RUNNING, "the power state")
        lab.rig.servers.pause(server)
        lab.rig.servers.delete(server)

    @undeclared
    def test_pausing_is_refused_while_undeclared(self, lab: Lab) -> None:
        """The user is told, and the server is as it was."""
        refuses_the_user(lab, lab.rig.servers.pause)


class Suspend(Refused):
    """A guest's memory goes to disk and comes back."""

    name: ClassVar[str] = "suspend"
    capability: ClassVar[str | None] = "suspend"

    def test_a_suspended_guest_comes_back(self, lab: Lab) -> None:
        """With its volumes."""
        server, volume = lab.server(), lab.volume()
        lab.attach(server, volume)
        equal(lab.rig.servers.suspend(server).status, "SUSPENDED", "the status")
        equal(lab.info(server).power_state, PowerState.SUSPENDED, "the power state")
        equal(lab.rig.servers.resume(server).status, "ACTIVE", "the status when it is back")
        equal(lab.info(server).power_state, PowerState.RUNNING, "the power state")
        equal(lab.serials(server), {volume.id}, "its volumes")

    def test_suspending_is_harmless_ten_times(self, lab: Lab) -> None:
        """So is bringing it back."""
        server = lab.server()
        lab.unwatched(lab.first)
        for method, state in (("suspend", PowerState.SUSPENDED), ("resume", PowerState.RUNNING)):
            lab.ten_times(lab.first, method, lab.guest(server))
            equal(lab.info(server).power_state, state, f"the power state after {method}")

    def test_a_guest_that_is_shut_down_is_not_suspended(self, lab: Lab) -> None:
        """It has no memory to put anywhere."""
        server = lab.server()
        lab.rig.servers.stop(server)
        for method in ("suspend", "resume"):
            lab.refused(GuestBusy, lab.first, method, lab.guest(server))

    def test_a_suspended_guest_can_be_deleted(self, lab: Lab) -> None:
        """Nothing is left of its memory."""
        server = lab.server()
        lab.rig.servers.suspend(server)
        lab.rig.servers.delete(server)
        equal(lab.whereabouts(server.id), (), "the hosts that have the guest")

    @undeclared
    def test_suspending_is_refused_while_undeclared(self, lab: Lab) -> None:
        """The user is told, and the server is as it was."""
        refuses_the_user(lab, lab.rig.servers.suspend)
