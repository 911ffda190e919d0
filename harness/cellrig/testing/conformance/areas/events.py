"""What a hypervisor tells without being asked."""

from __future__ import annotations

from typing import ClassVar

from cellrig.driver import GuestEvent, GuestEventKind, PowerState
from cellrig.testing.conformance.case import Area, needs
from cellrig.testing.conformance.checking import check, equal
from cellrig.testing.conformance.lab import Lab

_OFF = (PowerState.SHUTDOWN, PowerState.CRASHED)


class Events(Area):
    """Guests that change at their hypervisor are noticed."""

    name: ClassVar[str] = "events"

    def test_starting_and_stopping_are_told(self, lab: Lab) -> None:
        """Each with the guest that it is about, and what that is then."""
        server = lab.server()
        guest, events = lab.guest(server), lab.listen(lab.first)
        lab.call(lab.first, "power_off", guest)
        _tells(lab, events, server.id, GuestEventKind.STOPPED, PowerState.SHUTDOWN)
        lab.call(lab.first, "power_on", guest)
        _tells(lab, events, server.id, GuestEventKind.STARTED, PowerState.RUNNING)
        lab.restart(lab.first)

    @needs("pause")
    def test_pausing_and_going_on_are_told(self, lab: Lab) -> None:
        """Each with the guest that it is about, and what that is then."""
        server = lab.server()
        guest, events = lab.guest(server), lab.listen(lab.first)
        lab.call(lab.first, "pause", guest)
        _tells(lab, events, server.id, GuestEventKind.PAUSED, PowerState.PAUSED)
        lab.call(lab.first, "unpause", guest)
        _tells(lab, events, server.id, GuestEventKind.RESUMED, PowerState.RUNNING)
        lab.restart(lab.first)

    def test_only_the_last_listener_is_told(self, lab: Lab) -> None:
        """It is there in place of the one before."""
        server = lab.server()
        before, after = lab.listen(lab.first), lab.listen(lab.first)
        lab.call(lab.first, "power_off", lab.guest(server))
        _tells(lab, after, server.id, GuestEventKind.STOPPED, PowerState.SHUTDOWN)
        equal(before, [], "what the listener before was told")
        lab.call(lab.first, "power_on", lab.guest(server))
        lab.restart(lab.first)

    def test_a_guest_that_is_stopped_at_the_hypervisor_is_noticed(self, lab: Lab) -> None:
        """Its server is SHUTOFF, without waiting for the periodic work."""
        server = lab.server()
        lab.call(lab.first, "power_off", lab.guest(server))
        lab.eventually(
            lambda: lab.rig.servers.show(server).status == "SHUTOFF",
            "nobody has noticed that the guest is shut down",
        )

    def test_a_guest_that_dies_behind_our_back_is_noticed(self, lab: Lab) -> None:
        """And its server can be started again."""
        server, other = lab.server(), lab.server()
        lab.setup.kill_guest(lab.driver(lab.first), server.id)
        lab.rig.settle()
        lab.eventually(
            lambda: lab.rig.servers.show(server).status == "SHUTOFF",
            "nobody has noticed that the guest has died",
        )
        check(lab.info(server).power_state in _OFF, "the guest that died runs")
        equal(lab.rig.servers.show(other).status, "ACTIVE", "the status of another server")
        equal(lab.rig.servers.start(server).status, "ACTIVE", "the status when it was started")


def _tells(
    lab: Lab, events: list[GuestEvent], uuid: str, kind: GuestEventKind, state: PowerState
) -> None:
    """See that an event has come; it may be one of several, and about no other guest."""
    wanted = GuestEvent(uuid, kind, state)
    lab.eventually(lambda: wanted in events, f"nobody was told that the guest {kind}", 10.0)
    others = [event for event in events if event.uuid != uuid]
    equal(others, [], "events about other guests")
