"""How a control plane looks from outside when its driver cannot do what is asked."""

from __future__ import annotations

from collections.abc import Callable

from cellrig.errors import CellrigError
from cellrig.model import Server
from cellrig.testing.conformance.checking import check, equal
from cellrig.testing.conformance.lab import Lab


def refuses_the_user(
    lab: Lab, action: Callable[[Server], object], server: Server | None = None
) -> None:
    """See that what a driver cannot do leaves the guest as it was, and that the user is told.

    That may be at once, or later by the server's fault or the action's message; the control plane
    may then show the server in ERROR.

    Args:
        lab: where.
        action: what is asked.
        server: of which; one that is made for it where none is given.
    """
    server = server or lab.server()
    before, shown = lab.info(server), lab.rig.servers.show(server)
    is_told = False
    try:
        action(server)
    except CellrigError:
        is_told = True
    after = lab.rig.servers.show(server)
    is_told = is_told or after.fault is not None
    is_told = is_told or any(each.message for each in lab.rig.servers.actions(server))
    check(is_told, "what is not declared was asked for, and nobody was told that it failed")
    equal(after.host, shown.host, "the server's host")
    check(after.status in (shown.status, "ERROR"), f"the server has become {after.status}")
    equal(lab.whereabouts(server.id), (str(shown.host),), "the hosts that have the guest")
    equal(lab.info(server), before, "the guest")
