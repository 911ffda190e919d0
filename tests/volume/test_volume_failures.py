"""What is left when a backend fails, or the process that asked it dies: something defined."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from cellrig.driver.reports import Connector
from cellrig.errors import CellrigError, MessagingTimeout
from cellrig.volume.errors import BackendFailed, InvalidVolume, VolumeNotFound
from cellrig.volume.service import BlockStorage
from cellrig.volume.types import VolumeRequest, VolumeStatus

if TYPE_CHECKING:
    from tests.volume.conftest import Room

#: Sources of a volume, and what a backend is asked for with each.
SOURCES = {
    "blank": "create_volume",
    "image": "create_volume_from_image",
    "volume": "create_volume_from_volume",
    "snapshot": "create_volume_from_snapshot",
}


def source(room: Room, kind: str) -> VolumeRequest:
    if kind == "image":
        return VolumeRequest(image_id=room.image)
    if kind == "blank":
        return VolumeRequest(size=1)
    volume = room.volume()
    if kind == "volume":
        return VolumeRequest(source_volume_id=volume.id)
    snapshot = room.run(lambda: room.service.snapshot_create(room.admin, volume.id))
    return VolumeRequest(snapshot_id=snapshot.id)


@pytest.mark.parametrize("kind", SOURCES)
def test_volume_whose_backend_fails_to_make_it_is_in_error_and_can_be_deleted(
    room: Room, kind: str
) -> None:
    request = source(room, kind)
    room.fail(SOURCES[kind])
    volume = room.run(lambda: room.service.volume_create(room.admin, request))
    assert volume.status == "error"
    assert f"volume {volume.id} is in error" in room.listener.handled
    with pytest.raises(InvalidVolume, match="is error"):
        room.attach(volume, "server")
    room.run(lambda: room.service.volume_delete(room.admin, volume.id))
    room.heal()
    assert room.run(lambda: room.service.volume_create(room.admin, request)).status == "available"


@pytest.mark.parametrize("kind", SOURCES)
def test_volume_whose_maker_died_is_freed_by_an_administrator(room: Room, kind: str) -> None:
    request = source(room, kind)
    room.crash(SOURCES[kind])
    room.crash_in(lambda service: service.volume_create(room.admin, request))
    room.heal()
    (left,) = [
        each
        for each in room.run(lambda: room.service.volume_list(room.admin))
        if each.status != "available"
    ]
    assert left.status == ("downloading" if kind == "image" else "creating")
    with pytest.raises(InvalidVolume):
        room.run(lambda: room.service.volume_delete(room.admin, left.id))
    room.run(lambda: room.service.volume_reset_status(room.admin, left.id, VolumeStatus.ERROR))
    room.run(lambda: room.service.volume_delete(room.admin, left.id))
    with pytest.raises(VolumeNotFound):
        room.show(left)


@pytest.mark.parametrize("in_use", [False, True])
def test_failed_extension_leaves_the_size_and_can_be_repeated(room: Room, in_use: bool) -> None:
    volume = room.volume()
    attachment = room.attached(volume, "server", "host") if in_use else None
    room.fail("extend_volume")
    with pytest.raises(BackendFailed, match="'fake' failed to extend a volume: OSError: the disk"):
        room.run(lambda: room.service.volume_extend(room.admin, volume.id, 2))
    assert room.show(volume).size == 1
    assert room.status(volume) == ("in-use" if in_use else "error_extending")
    room.heal()
    assert room.run(lambda: room.service.volume_extend(room.admin, volume.id, 2)).size == 2
    if attachment is not None:
        room.detach(attachment)
    assert room.status(volume) == "available"


def test_extension_whose_caller_died_is_repeated_after_a_reset(room: Room) -> None:
    volume = room.volume()
    room.crash("extend_volume")
    room.crash_in(lambda service: service.volume_extend(room.admin, volume.id, 2))
    room.heal()
    with pytest.raises(InvalidVolume, match="is extending"):
        room.run(lambda: room.service.volume_extend(room.admin, volume.id, 2))
    room.run(
        lambda: room.service.volume_reset_status(room.admin, volume.id, VolumeStatus.AVAILABLE)
    )
    assert room.run(lambda: room.service.volume_extend(room.admin, volume.id, 2)).size == 2


def test_failed_deletion_can_be_repeated(room: Room) -> None:
    volume = room.volume()
    room.fail("delete_volume")
    with pytest.raises(BackendFailed):
        room.run(lambda: room.service.volume_delete(room.admin, volume.id))
    assert room.status(volume) == "error_deleting"
    room.heal()
    room.run(lambda: room.service.volume_delete(room.admin, volume.id))
    with pytest.raises(VolumeNotFound):
        room.show(volume)


def test_deletion_whose_caller_died_is_finished_by_force(room: Room) -> None:
    volume = room.volume()
    room.crash("delete_volume")
    room.crash_in(lambda service: service.volume_delete(room.admin, volume.id))
    room.heal()
    assert room.status(volume) == "deleting"
    room.run(lambda: room.service.volume_force_delete(room.admin, volume.id))
    with pytest.raises(VolumeNotFound):
        room.show(volume)


def test_snapshot_that_failed_is_in_error_and_can_be_deleted(room: Room) -> None:
    volume = room.volume()
    room.fail("create_snapshot")
    with pytest.raises(BackendFailed):
        room.run(lambda: room.service.snapshot_create(room.admin, volume.id))
    (snapshot,) = room.run(lambda: room.service.snapshot_list(room.admin))
    assert snapshot.status == "error"
    room.fail("delete_snapshot")
    with pytest.raises(BackendFailed):
        room.run(lambda: room.service.snapshot_delete(room.admin, snapshot.id))
    assert room.run(lambda: room.service.snapshot_get(room.admin, snapshot.id)).status == (
        "error_deleting"
    )
    room.heal()
    room.run(lambda: room.service.snapshot_delete(room.admin, snapshot.id))
    assert room.run(lambda: room.service.snapshot_list(room.admin)) == ()


# -- attachments ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error", [lambda: OSError("no route"), lambda: MessagingTimeout("a", "b", 1)]
)
def test_failed_connection_can_be_repeated_or_deleted(
    room: Room, error: Callable[[], BaseException]
) -> None:
    volume = room.volume()
    attachment = room.attach(volume, "server")
    room.fail("initialize_connection", error)
    with pytest.raises(CellrigError):
        room.connect(attachment, "host")
    assert room.attachment(attachment).status == "error_attaching"
    assert room.status(volume) == "error"
    room.heal()
    assert room.connect(attachment, "host").status == "attaching"
    room.detach(attachment)
    assert room.status(volume) == "available"


def test_attachment_that_should_be_connected_at_once_and_cannot_is_not_kept(room: Room) -> None:
    volume = room.volume()
    room.fail("initialize_connection")
    with pytest.raises(BackendFailed):
        room.run(
            lambda: room.service.attachment_create(
                room.admin, volume.id, "server", Connector(host="host")
            )
        )
    assert room.attachments(volume) == []
    assert room.status(volume) == "available"
    assert room.calls("terminate_connection") == 1


def test_server_whose_attachment_failed_tries_again_and_nobody_else_does(room: Room) -> None:
    volume = room.volume()
    first = room.attach(volume, "server")
    room.fail("initialize_connection")
    with pytest.raises(BackendFailed):
        room.connect(first, "host")
    room.heal()
    with pytest.raises(InvalidVolume, match="is error: to attach it must be"):
        room.attach(volume, "another")
    second = room.attached(volume, "server", "other host")
    room.detach(first)
    assert [each.id for each in room.attachments(volume)] == [second]


def test_failed_attachment_beside_others_changes_nothing_for_them(room: Room) -> None:
    volume = room.volume(multiattach=True)
    room.attached(volume, "first", "host")
    second = room.attach(volume, "second")
    room.fail("initialize_connection")
    with pytest.raises(BackendFailed):
        room.connect(second, "host")
    assert room.status(volume) == "in-use"
    room.detach(second)
    assert room.calls("terminate_connection") == 0


def test_disconnecting_survives_a_bad_moment(room: Room) -> None:
    volume = room.volume()
    attachment = room.attached(volume, "server", "host")
    errors = iter([OSError("busy"), OSError("still busy")])

    def fail_twice() -> BaseException:
        error = next(errors)
        if str(error) == "still busy":
            room.heal()
        return error

    room.fail("terminate_connection", fail_twice)
    room.detach(attachment)
    assert room.calls("terminate_connection") == 3
    assert room.status(volume) == "available"


def test_attachment_that_cannot_be_disconnected_can_be_deleted_later(room: Room) -> None:
    volume = room.volume()
    attachment = room.attached(volume, "server", "host")
    room.fail("terminate_connection")
    with pytest.raises(BackendFailed, match="disconnect"):
        room.detach(attachment)
    assert room.attachment(attachment).status == "error_detaching"
    assert room.status(volume) == "error"
    room.heal()
    room.detach(attachment)
    assert room.status(volume) == "available"


@pytest.mark.parametrize("method", ["initialize_connection", "terminate_connection"])
def test_attachment_whose_caller_died_at_the_backend_is_closed_by_its_deletion(
    room: Room, method: str
) -> None:
    volume = room.volume()
    attachment = room.attach(volume, "server")
    room.crash(method)

    def attach_and_detach(service: BlockStorage) -> None:
        service.attachment_update(room.admin, attachment, Connector(host="host"))
        service.attachment_delete(room.admin, attachment)

    room.crash_in(attach_and_detach)
    room.heal()
    before = room.calls("terminate_connection")
    left = room.attachment(attachment)
    expected = "attaching" if method == "initialize_connection" else "detaching"
    assert (left.host, left.status) == ("host", expected)
    room.detach(attachment)
    assert room.calls("terminate_connection") == before + 1
    assert room.status(volume) == "available"


def test_connection_whose_caller_died_is_made_by_asking_again(room: Room) -> None:
    volume = room.volume()
    attachment = room.attach(volume, "server")
    room.crash("initialize_connection")
    room.crash_in(
        lambda service: service.attachment_update(room.admin, attachment, Connector(host="host"))
    )
    room.heal()
    assert room.status(volume) == "attaching"
    assert room.connect(attachment, "host").connection_info


def test_server_that_cannot_be_told_of_an_extension_fails_nothing(room: Room) -> None:
    volume = room.volume(multiattach=True)
    for server in ("second", "first"):
        room.attached(volume, server, "host")
    room.attach(volume, "not yet")
    room.compute.fails = True
    assert room.run(lambda: room.service.volume_extend(room.admin, volume.id, 3)).size == 3
    assert room.compute.extended == [("first", volume.id), ("second", volume.id)]
    assert len([told for told in room.listener.handled if "has grown" in told]) == 2


def test_database_that_is_away_is_told_and_nothing_is_taken(room: Room) -> None:
    volume = room.volume()
    room.database.take_down("maintenance")
    with pytest.raises(CellrigError, match="maintenance"):
        room.attach(volume, "server")
    room.database.bring_back()
    assert room.status(volume) == "available"
