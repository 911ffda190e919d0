"""Guests of a dead host."""

from __future__ import annotations

from contextlib import suppress
from typing import ClassVar

from cellrig.driver import PowerState
from cellrig.errors import CellrigError
from cellrig.model import Server
from cellrig.testing.conformance.case import Area, undeclared
from cellrig.testing.conformance.checking import check, equal
from cellrig.testing.conformance.lab import Lab


class Evacuate(Area):
    """A guest of a dead host is built again on another."""

    name: ClassVar[str] = "evacuate"
    capability: ClassVar[str | None] = "evacuate"

    def test_a_guest_is_built_again_on_another_host(self, lab: Lab) -> None:
        """And what its old host still has of it goes when that is back."""
        server = lab.server()
        lab.lose(lab.first, lab.guest(server))
        _evacuated(lab, server)
        check(server.id in lab.uuids(lab.second), "the guest is not on the other host")
        lab.bring_back(lab.first)
        lab.eventually(
            lambda: server.id not in lab.uuids(lab.first),
            "the guest is still on the host that was dead",
        )
        equal(lab.whereabouts(server.id), (lab.second,), "the hosts that have the guest")

    def test_volumes_go_with_the_guest(self, lab: Lab) -> None:
        """They are connected there, and not here when the host is back."""
        server, volume = lab.server(), lab.volume()
        lab.attach(server, volume)
        lab.lose(lab.first, lab.guest(server))
        _evacuated(lab, server)
        equal(lab.serials(server), {volume.id}, "the guest's volumes")
        lab.bring_back(lab.first)
        lab.eventually(
            lambda: lab.connected_for(lab.first, volume) in (None, ()),
            "the host that was dead is still connected to the volume",
        )

    def test_a_guest_of_a_volume_keeps_it(self, lab: Lab) -> None:
        """It boots from it again."""
        root = lab.root_volume()
        server = lab.server(block_devices=[root])
        lab.lose(lab.first, lab.guest(server))
        _evacuated(lab, server)
        equal(lab.serials(server), {root.uuid}, "the guest's volumes")
        lab.bring_back(lab.first)

    def test_a_guest_that_was_shut_down_stays_so(self, lab: Lab) -> None:
        """It is not started for the move."""
        server = lab.server()
        lab.rig.servers.stop(server)
        lab.lose(lab.first)
        equal(lab.rig.servers.evacuate(server, lab.second).status, "SHUTOFF", "the status")
        equal(lab.info(server).power_state, PowerState.SHUTDOWN, "the power state")
        lab.bring_back(lab.first)

    @undeclared
    def test_evacuation_is_refused_while_undeclared(self, lab: Lab) -> None:
        """No other host has the guest, and the server is not ACTIVE there."""
        server = lab.server()
        lab.lose(lab.first, lab.guest(server))
        with suppress(CellrigError):  # told at once
            lab.rig.servers.evacuate(server, lab.second)
        check(server.id not in lab.uuids(lab.second), "the guest was built on the other host")
        equal(lab.rig.servers.show(server).host, lab.first, "the host of the server")
        lab.bring_back(lab.first)


def _evacuated(lab: Lab, server: Server) -> None:
    moved = lab.rig.servers.evacuate(server, lab.second)
    fault = "" if moved.fault is None else f": {moved.fault.message}"
    check(moved.status == "ACTIVE", f"the server is {moved.status} after its move{fault}")
    equal(moved.host, lab.second, "the host of the server")
    equal(lab.info(server).power_state, PowerState.RUNNING, "the power state")
