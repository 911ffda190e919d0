"""Random sequences of calls against a model of twenty lines: statuses, refusals, connections."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

if TYPE_CHECKING:
    from tests.volume.conftest import Room

from cellrig.driver.reports import Connector
from cellrig.errors import Invalid
from cellrig.hooks import hookimpl
from cellrig.seams import Passage
from cellrig.volume.errors import BackendFailed

SERVERS = st.sampled_from(["ann", "ben", "cid"])
HOSTS = st.sampled_from(["north", "south"])
ORDER = [
    ("attached", "in-use"),
    ("attaching", "attaching"),
    ("detaching", "detaching"),
    ("reserved", "reserved"),
]


class Wires:
    """Who can reach what, as a backend would have it: told by the calls that it gets."""

    def __init__(self) -> None:
        self.plugged: set[tuple[str, str]] = set()

    @hookimpl
    def cellrig_seam_exit(self, passage: Passage) -> None:
        if passage.error is not None:
            return
        if passage.seam.endswith("initialize_connection"):
            self.plugged.add((passage.args[0].id, passage.args[1].host))
        if passage.seam.endswith("terminate_connection"):
            self.plugged.discard((passage.args[0].id, passage.args[1].host))


class Use:
    """An attachment, as the model has it."""

    def __init__(self, volume: str, server: str) -> None:
        self.volume = volume
        self.server = server
        self.host: str | None = None
        self.status = "reserved"


class Attaching(RuleBasedStateMachine):
    """Two kinds of volumes, three servers, two hosts, and a backend that fails at times."""

    volumes = Bundle("volumes")
    uses = Bundle("uses")

    def __init__(self, room: Room) -> None:
        super().__init__()
        self.room = room
        self.wires = Wires()
        self.room.plugins.register(self.wires)
        self.multiattach: dict[str, bool] = {}
        self.model: dict[str, Use] = {}

    # -- the model -----------------------------------------------------------------------------

    def of(self, volume: str) -> list[Use]:
        return [use for use in self.model.values() if use.volume == volume]

    def shown(self, volume: str) -> str:
        present = {use.status for use in self.of(volume)}
        if not present:
            return "available"
        return next((shown for status, shown in ORDER if status in present), "error")

    def attempt(self, allowed: bool, call: Callable[[], object]) -> bool:
        """Make a call, which must be refused exactly if it is not allowed."""
        try:
            self.room.run(call)
        except Invalid:
            assert not allowed
            return False
        assert allowed
        return True

    # -- the calls -----------------------------------------------------------------------------

    @rule(target=volumes, multiattach=st.booleans())
    def create(self, multiattach: bool) -> str:
        volume = self.room.volume(multiattach=multiattach)
        self.multiattach[volume.id] = multiattach
        return volume.id

    @rule(target=uses, volume=volumes, server=SERVERS)
    def attach(self, volume: str, server: str) -> object:
        if volume not in self.multiattach:
            return multiple()
        own = all(use.server == server for use in self.of(volume))
        shown = self.shown(volume)
        free = shown in ("available", "reserved", "attaching", "in-use")
        free = free or (shown == "detaching" and self.multiattach[volume])
        fits = self.multiattach[volume] or own
        allowed = (free and fits) or (shown == "error" and own)
        uuid = self.room.new_uuid()
        service, admin = self.room.service, self.room.admin
        if self.attempt(
            allowed,
            lambda: service.attachment_create(admin, volume, server, attachment_id=uuid),
        ):
            self.model[uuid] = Use(volume, server)
            return uuid
        return multiple()

    @rule(uuid=uses, host=HOSTS, fails=st.booleans())
    def connect(self, uuid: str, host: str, fails: bool) -> None:
        use = self.model.get(uuid)
        if use is None:
            return
        allowed = (
            use.status in ("reserved", "attaching", "attached", "error_attaching")
            and use.host in (None, host)
            and (
                self.multiattach[use.volume]
                or not any(u.host == host and u is not use for u in self.of(use.volume))
            )
        )
        service, admin = self.room.service, self.room.admin
        if fails:
            self.room.fail("initialize_connection")
        try:
            done = self.attempt(
                allowed, lambda: service.attachment_update(admin, uuid, Connector(host=host))
            )
        except BackendFailed:
            use.host, use.status = host, "error_attaching"
            done = False
        self.room.heal()
        if done and not (use.host == host and use.status == "attached"):
            use.host, use.status = host, "attaching"

    @rule(uuid=uses)
    def complete(self, uuid: str) -> None:
        use = self.model.get(uuid)
        if use is None:
            return
        allowed = use.status in ("reserved", "attaching", "attached")
        service, admin = self.room.service, self.room.admin
        if self.attempt(allowed, lambda: service.attachment_complete(admin, uuid)):
            use.status = "attached"

    @rule(uuid=uses)
    def begin_detaching(self, uuid: str) -> None:
        use = self.model.get(uuid)
        if use is None:
            return
        service, admin = self.room.service, self.room.admin
        if self.attempt(use.status == "attached", lambda: service.begin_detaching(admin, uuid)):
            use.status = "detaching"

    @rule(uuid=uses)
    def roll_detaching(self, uuid: str) -> None:
        self.room.run(lambda: self.room.service.roll_detaching(self.room.admin, uuid))
        use = self.model.get(uuid)
        if use is not None and use.status == "detaching":
            use.status = "attached"

    @rule(uuid=uses, fails=st.booleans())
    def delete_attachment(self, uuid: str, fails: bool) -> None:
        use = self.model.get(uuid)
        if use is None:
            return
        if fails:
            self.room.fail("terminate_connection")
        try:
            self.room.detach(uuid)
        except BackendFailed:
            use.status = "error_detaching"
        else:
            del self.model[uuid]
        self.room.heal()

    @rule(volume=consumes(volumes))
    def delete_volume(self, volume: str) -> None:
        service, admin = self.room.service, self.room.admin
        if self.attempt(not self.of(volume), lambda: service.volume_delete(admin, volume)):
            del self.multiattach[volume]

    # -- what always holds ---------------------------------------------------------------------

    @invariant()
    def statuses_follow(self) -> None:
        shown = self.room.run(lambda: self.room.service.volume_list(self.room.admin))
        assert {each.id: each.status for each in shown} == {
            volume: self.shown(volume) for volume in self.multiattach
        }
        attachments = self.room.run(lambda: self.room.service.attachment_list(self.room.admin))
        assert {each.id: (each.status, each.host) for each in attachments} == {
            uuid: (use.status, use.host) for uuid, use in self.model.items()
        }

    @invariant()
    def hosts_reach_what_they_have(self) -> None:
        """What failed may be connected or not; else exactly what attachments say is connected."""
        needed = {
            (use.volume, use.host)
            for use in self.model.values()
            if use.host is not None and not use.status.startswith("error")
        }
        allowed = {(use.volume, use.host) for use in self.model.values()}
        assert needed <= self.wires.plugged <= allowed

    @invariant()
    def plain_volume_is_with_one_server(self) -> None:
        for volume, multiattach in self.multiattach.items():
            assert multiattach or len({use.server for use in self.of(volume)}) <= 1


def test_volumes_are_what_their_attachments_say(rooms: Callable[..., Room]) -> None:
    run_state_machine_as_test(
        lambda: Attaching(rooms()),  # type: ignore[arg-type]
        settings=settings(max_examples=60, stateful_step_count=30, deadline=None),
    )
