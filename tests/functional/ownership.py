"""Who owns which allocation and which attachments there are, after each seam that a move passes."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from cellrig import Rig, Server
from cellrig.flavors import resources_of
from cellrig.hooks import hookimpl
from cellrig.model import Flavor
from cellrig.seams import Passage


class Sides(msgspec.Struct, frozen=True):
    """What a recorder calls things by.

    Args:
        source, destination: hosts.
        old, new: flavors.
    """

    source: str
    destination: str
    old: Flavor
    new: Flavor

    def host(self, name: str | None) -> str:
        """How a host is called: ``s``, ``d``, or ``-`` for none."""
        return {self.source: "s", self.destination: "d", None: "-"}[name]

    def size(self, amounts: dict[str, int]) -> str:
        """How amounts are called."""
        if amounts == resources_of(self.old):
            return "old"
        return "new" if amounts == resources_of(self.new) else "rest"


class Recorder:
    """Notes each change of owners with the seam after which it was there.

    Args:
        rig: the rig.
        server: whose allocations and attachments.
        sides: how things are called.
    """

    def __init__(self, rig: Rig, server: Server, sides: Sides) -> None:
        self._rig = rig
        self._server = server
        self._sides = sides
        self._hosts = {node.uuid: node.host for node in rig.hypervisors.list()}
        self._context = rig.new_context("admin", "admin", True)
        self._now = self._look()
        self.changes: list[str] = []

    @hookimpl
    def cellrig_seam_exit(self, passage: Passage) -> None:
        """Look whether anything has changed; how block storage does it is its own affair."""
        if passage.seam.startswith("volume_backend."):
            return
        now = self._look()
        if now != self._now:
            self._now = now
            self.changes.append(f"{passage.seam} ({self._who(passage)}): {now}")

    def _who(self, passage: Passage) -> str:
        process = passage.process
        if process.host is not None:
            return {"s": "source", "d": "destination"}[self._sides.host(process.host)]
        return f"{process.service} of the cell" if process.cell else process.service

    def _look(self) -> str:
        return f"{self._owners()}; {self._attachments()}"

    def _owners(self) -> str:
        held: dict[str, list[str]] = {"server": [], "migration": []}
        for each in self._rig.placement.list_allocations():
            owner = "server" if each.consumer_uuid == self._server.id else "migration"
            for provider, amounts in each.allocations.items():
                side = self._sides.host(self._hosts[provider])
                held[owner].append(f"{side}.{self._sides.size(dict(amounts))}")
        told = [f"{owner} {' and '.join(what)}" for owner, what in held.items() if what]
        return ", ".join(told) or "nobody"

    def _attachments(self) -> str:
        found = self._rig.cloud.volumes.attachment_list(self._context, all_projects=True)
        told = [f"{self._sides.host(each.host)} {each.status}" for each in found]
        return ", ".join(told) or "none"


def changes_of(
    rig: Rig, server: Server, sides: Sides, move: Callable[[], object]
) -> tuple[str, ...]:
    """Make a move, and return each change of owners, with the seam after which it was there."""
    recorder = Recorder(rig, server, sides)
    rig.plugins.register(recorder, name="ownership")
    try:
        move()
    finally:
        rig.plugins.unregister(recorder)
    return tuple(recorder.changes)
