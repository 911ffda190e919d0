"""Stories drawn from a number: the same operations, one after the other, on any driver."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import ClassVar

from cellrig.driver import Capabilities
from cellrig.errors import CellrigError
from cellrig.model import Server
from cellrig.testing.conformance.case import Area, Case
from cellrig.testing.conformance.hosts import LARGE
from cellrig.testing.conformance.lab import Lab
from cellrig.volume.types import Volume

#: How many operations a story has.
STEPS = 25

_MOST_SERVERS = 3
_MOST_VOLUMES = 4


def story(seed: int, capabilities: Sequence[Capabilities]) -> Case:
    """Return the case that tells a story.

    Args:
        seed: draws it.
        capabilities: of all drivers that it is told on; nothing else is asked for.
    """
    shared = {
        name
        for name in capabilities[0].names()
        if all(getattr(each, name) for each in capabilities)
    }

    def tell(_area: Area, lab: Lab) -> None:
        teller = Teller(lab, Random(seed), shared)
        for _step in range(STEPS):
            teller.go_on()

    method = f"test_seed_{seed}"
    return Case(type("Story", (_Stories,), {method: tell}), method)


class _Stories(Area):
    name: ClassVar[str] = "stories"


#: How a story goes on: what it takes (a capability, or nothing), and what is done.
Operation = tuple[str, str, Callable[["Teller"], object]]


class Teller:
    """Does what is drawn, and tells what became of it.

    What is drawn depends on the number and on what has been made alone, so two drivers are told
    the same story until they behave differently.

    Args:
        lab: where.
        random: what draws.
        capabilities: what may be asked for.
    """

    def __init__(self, lab: Lab, random: Random, capabilities: set[str]) -> None:
        self.lab = lab
        self.random = random
        self.servers: list[Server] = [lab.server()]
        self.volumes: list[Volume] = [lab.volume(), lab.volume(multiattach=True)]
        if "multiattach" not in capabilities:
            self.volumes[1] = lab.volume()
        self._operations = [
            (name, do) for name, needs, do in _OPERATIONS if not needs or needs in capabilities
        ]

    def go_on(self) -> None:
        """Do the next operation; an error of the control plane is what became of it."""
        name, do = self.random.choice(self._operations)
        self.lab.told.append(name)
        try:
            do(self)
            outcome = "done"
        except CellrigError as error:
            self.lab.rig.seams.handled(error, "it is a part of the story")
            outcome = type(error).__name__
        states = (self.lab.rig.servers.show(each) for each in self.servers)
        told = ", ".join(f"{each.status} on {each.host}" for each in states)
        self.lab.told[-1] = f"{name}: {outcome}; servers: {told or 'none'}"
        self.lab.rig.settle()

    def server(self) -> Server:
        """Draw one of the servers."""
        return self.random.choice(self.servers)

    def volume(self) -> Volume:
        """Draw one of the volumes."""
        return self.random.choice(self.volumes)

    def elsewhere(self, server: Server) -> str:
        """Return the host that a server is not on."""
        host = self.lab.rig.servers.show(server).host
        return self.lab.first if host == self.lab.second else self.lab.second


def _create(teller: Teller) -> None:
    host = teller.random.choice(teller.lab.hosts)
    if len(teller.servers) < _MOST_SERVERS:
        teller.servers.append(teller.lab.try_server(host))


def _delete(teller: Teller) -> None:
    if len(teller.servers) > 1:
        teller.lab.rig.servers.delete(teller.servers.pop(0))


def _make_volume(teller: Teller) -> None:
    if len(teller.volumes) < _MOST_VOLUMES:
        teller.volumes.append(teller.lab.volume())


def _attach(teller: Teller) -> None:
    teller.lab.rig.servers.attach_volume(teller.server(), teller.volume())


def _detach(teller: Teller) -> None:
    teller.lab.rig.servers.detach_volume(teller.server(), teller.volume())


def _swap(teller: Teller) -> None:
    teller.lab.rig.servers.swap_volume(teller.server(), teller.volume(), teller.volume())


def _extend(teller: Teller) -> None:
    volume = teller.lab.rig.volumes.show(teller.volume())
    teller.lab.rig.volumes.extend(volume, volume.size + 1)


def _live_migrate(teller: Teller) -> None:
    server = teller.server()
    teller.lab.rig.servers.live_migrate(server, teller.elsewhere(server))


def _asks(verb: str, *more: str) -> Callable[[Teller], object]:
    return lambda teller: getattr(teller.lab.rig.servers, verb)(teller.server(), *more)


_OPERATIONS: tuple[Operation, ...] = (
    ("create a server", "", _create),
    ("delete a server", "", _delete),
    ("make a volume", "", _make_volume),
    ("attach a volume", "", _attach),
    ("attach a volume", "", _attach),
    ("detach a volume", "", _detach),
    ("stop", "", _asks("stop")),
    ("start", "", _asks("start")),
    ("start", "", _asks("start")),
    ("reboot hard", "", _asks("reboot", "HARD")),
    ("pause", "pause", _asks("pause")),
    ("unpause", "pause", _asks("unpause")),
    ("suspend", "suspend", _asks("suspend")),
    ("resume", "suspend", _asks("resume")),
    ("swap a volume", "swap_volume", _swap),
    ("extend a volume", "extend_volume", _extend),
    ("migrate live", "live_migration", _live_migrate),
    ("migrate", "cold_migration", _asks("migrate")),
    ("resize", "cold_migration", _asks("resize", LARGE.id)),
    ("confirm the move", "cold_migration", _asks("confirm_resize")),
    ("revert the move", "cold_migration", _asks("revert_resize")),
)
