"""Every seam that an operation passes, found by recording it, fails or kills its caller in turn."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from cellrig.driver.reports import Connector
from cellrig.hooks import hookimpl
from cellrig.runtime import TaskKilled
from cellrig.seams import Passage, Process
from cellrig.topology import StorageBackend
from cellrig.volume.client import VolumeClient
from cellrig.volume.types import VolumeRequest, VolumeStatus

if TYPE_CHECKING:
    from tests.volume.conftest import Room

Flow = Callable[["Room", VolumeClient, str], object]

BACKENDS = (StorageBackend("one"), StorageBackend("two"))


def attach(room: Room, client: VolumeClient, volume: str) -> None:
    made = client.attachment_create(room.admin, volume, "server", Connector(host="host"))
    client.attachment_complete(room.admin, made.id)


def attach_in_steps(room: Room, client: VolumeClient, volume: str) -> None:
    made = client.attachment_create(room.admin, volume, "server")
    client.attachment_update(room.admin, made.id, Connector(host="host"))
    client.attachment_complete(room.admin, made.id)


def detach(room: Room, client: VolumeClient, volume: str) -> None:
    attach_in_steps(room, client, volume)
    (attachment,) = client.attachment_list(room.admin, volume_id=volume)
    client.begin_detaching(room.admin, attachment.id)
    client.attachment_delete(room.admin, attachment.id)


def extend(room: Room, client: VolumeClient, volume: str) -> None:
    attach(room, client, volume)
    client.volume_extend(room.admin, volume, client.volume_get(room.admin, volume).size + 1)


def migrate(room: Room, client: VolumeClient, volume: str) -> None:
    there = "two" if client.volume_get(room.admin, volume).backend == "one" else "one"
    client.volume_migrate(room.admin, volume, there)


def copy(room: Room, client: VolumeClient, volume: str) -> None:
    snapshot = client.snapshot_create(room.admin, volume)
    made = client.volume_create(room.admin, VolumeRequest(snapshot_id=snapshot.id))
    client.volume_delete(room.admin, made.id)
    client.snapshot_delete(room.admin, snapshot.id)


FLOWS: dict[str, Flow] = {
    "attach": attach,
    "attach_in_steps": attach_in_steps,
    "detach": detach,
    "extend": extend,
    "migrate": migrate,
    "copy": copy,
}


class Nth:
    """Raises at one passage, counted from the first; notes all."""

    def __init__(self, number: int, error: BaseException, *, after: bool) -> None:
        self.passed: list[str] = []
        self._number = number
        self._error = error
        self._after = after
        self._entered: list[int] = []

    @hookimpl
    def cellrig_seam_enter(self, passage: Passage) -> None:
        self._entered.append(len(self.passed))
        self.passed.append(passage.seam)
        if not self._after and self._entered[-1] == self._number:
            raise self._error

    @hookimpl
    def cellrig_seam_exit(self, passage: Passage) -> None:
        if self._entered.pop() == self._number and self._after:
            raise self._error


def play(room: Room, flow: str, listener: Nth) -> str:
    """Run a flow on a volume of its own, as a process of its own; return the volume."""
    volume = room.volume().id
    room.plugins.register(listener)
    process = Process("compute", host="somewhere")
    client = room.seams.wrap("volume.", room.service.serving(process), process)
    room.runtime.spawn(lambda: FLOWS[flow](room, client, volume), name=flow, owner=process)
    room.runtime.settle()
    room.plugins.unregister(listener)
    return volume


def clean_up(room: Room, volume: str) -> None:
    """Do what an administrator does who finds something left behind."""
    service = room.service
    for attachment in room.attachments(volume):
        room.detach(attachment.id)
    for each in room.run(lambda: service.volume_list(room.admin)):
        if each.migration_status == f"target:{volume}":
            target = each.id
            room.run(
                lambda target=target: service.migrate_volume_completion(  # type: ignore[misc]
                    room.admin, volume, target, error=True
                )
            )
    for snapshot in room.run(lambda: service.snapshot_list(room.admin)):
        uuid = snapshot.id
        if snapshot.status in ("creating", "deleting"):
            room.run(lambda uuid=uuid: service.snapshot_reset_status(room.admin, uuid, "error"))  # type: ignore[misc]
        room.run(lambda uuid=uuid: service.snapshot_delete(room.admin, uuid))  # type: ignore[misc]
    for each in room.run(lambda: service.volume_list(room.admin)):
        if each.id != volume:
            uuid = each.id
            room.run(lambda uuid=uuid: service.volume_force_delete(room.admin, uuid))  # type: ignore[misc]
    if room.status(volume) == "extending":
        room.run(lambda: service.volume_reset_status(room.admin, volume, VolumeStatus.AVAILABLE))


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("error", [OSError("broken"), TaskKilled()], ids=["fails", "dies"])
@pytest.mark.parametrize("flow", FLOWS)
def test_whatever_breaks_the_volume_can_be_freed_and_the_operation_repeated(
    rooms: Callable[..., Room], flow: str, error: BaseException, after: bool
) -> None:
    recorded = Nth(-1, error, after=after)
    play(rooms(*BACKENDS), flow, recorded)
    assert any(seam.startswith("volume_backend.") for seam in recorded.passed)
    for number in range(len(recorded.passed)):
        room = rooms(*BACKENDS)
        volume = play(room, flow, Nth(number, error, after=after))
        clean_up(room, volume)
        where = f"{flow}, {recorded.passed[number]} ({number})"
        assert room.status(volume) in ("available", "error_extending"), where
        assert len(room.run(lambda room=room: room.service.volume_list(room.admin))) == 1, where  # type: ignore[misc]
        if room.status(volume) == "error_extending":
            room.run(lambda room=room, volume=volume: extend_once(room, volume))  # type: ignore[misc]
        room.failures.clear()
        room.run(
            lambda room=room, volume=volume: FLOWS[flow](room, room.service, volume)  # type: ignore[misc]
        )
        assert room.failures == [], where


def extend_once(room: Room, volume: str) -> None:
    size = room.service.volume_get(room.admin, volume).size
    room.service.volume_extend(room.admin, volume, size + 1)
