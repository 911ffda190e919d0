"""Moving volumes between backends: identities change places, servers keep what they have."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from cellrig.errors import CellrigError
from cellrig.topology import StorageBackend
from cellrig.volume.errors import AttachmentNotFound, InvalidVolume, NoBackend, VolumeNotFound
from cellrig.volume.types import VolumeStatus

if TYPE_CHECKING:
    from tests.volume.conftest import Room


@pytest.fixture
def room(rooms: Callable[..., Room]) -> Room:
    """Two backends; volumes begin on `old`, which has more room."""
    return rooms(StorageBackend("old"), StorageBackend("new", options={"capacity_gb": 10}))


def migrate(room: Room, volume: str, backend: str = "new") -> None:
    room.run(lambda: room.service.volume_migrate(room.admin, volume, backend))


def completion(room: Room, old: str, new: str, *, error: bool = False) -> str:
    return room.run(lambda: room.service.migrate_volume_completion(room.admin, old, new, error))


def begin(room: Room) -> tuple[str, str, str]:
    """Let a volume in use migrate until compute is asked; return it, its target, its attachment."""
    volume = room.volume(name="data")
    attachment = room.attached(volume, "server", "host")
    migrate(room, volume.id)
    ((server, old, new),) = room.compute.swapped
    assert (server, old) == ("server", volume.id)
    return volume.id, new, attachment


def swap(room: Room, new: str) -> str:
    """Do what compute does: connect the server to the new data."""
    return room.attached(room.show(new), "server", "host")


def test_free_volume_moves_and_keeps_its_identity(room: Room) -> None:
    volume = room.volume(name="data", metadata={"a": "b"})
    migrate(room, volume.id)
    moved = room.show(volume)
    assert (moved.backend, moved.status, moved.migration_status) == (
        "new",
        "available",
        "success",
    )
    assert moved.provider_location != volume.provider_location
    assert (moved.name, moved.metadata) == ("data", {"a": "b"})
    assert len(room.run(lambda: room.service.volume_list(room.admin))) == 1
    migrate(room, volume.id, "old")
    assert room.show(volume).backend == "old"


@pytest.mark.parametrize("when", ["before", "after"])
def test_attachment_to_the_new_data_belongs_to_the_volume_whenever_the_old_one_goes(
    room: Room, when: str
) -> None:
    old, new, first = begin(room)
    assert room.show(old).migration_status == "migrating"
    second = swap(room, new)
    if when == "before":
        room.detach(first)
    assert completion(room, old, new) == old
    if when == "after":
        assert room.status(new) == "in-use"
        room.detach(first)
    assert [each.id for each in room.attachments(old)] == [second]
    assert (room.show(old).backend, room.status(old)) == ("new", "in-use")
    assert room.calls("terminate_connection") == 1
    with pytest.raises(VolumeNotFound):
        room.show(new)
    assert completion(room, old, new) == old
    room.detach(second)
    assert room.status(old) == "available"


def test_disconnecting_after_the_move_asks_the_backend_that_has_the_data(room: Room) -> None:
    old, new, first = begin(room)
    location = room.show(old).provider_location
    swap(room, new)
    completion(room, old, new)
    left = room.show(new)
    assert (left.backend, left.provider_location) == ("old", location)
    assert room.attachment(first).volume_id == new


def test_failed_swap_leaves_the_volume_where_it_was(room: Room) -> None:
    old, new, first = begin(room)
    before = room.attachment(first)
    second = room.attach(room.show(new), "server")
    assert completion(room, old, new, error=True) == old
    room.detach(second)
    with pytest.raises(VolumeNotFound):
        room.show(new)
    assert completion(room, old, new, error=True) == old
    shown = room.show(old)
    assert (shown.backend, shown.status, shown.migration_status) == ("old", "in-use", "error")
    assert room.attachments(old) == [before]
    migrate(room, old)


def test_swap_that_compute_refuses_ends_the_migration(room: Room) -> None:
    volume = room.volume()
    room.attached(volume, "server", "host")
    room.compute.fails = True
    with pytest.raises(CellrigError, match="compute cannot"):
        migrate(room, volume.id)
    assert room.show(volume).migration_status == "error"
    assert len(room.run(lambda: room.service.volume_list(room.admin))) == 1


@pytest.mark.parametrize("method", ["create_volume", "data_path"])
def test_backend_that_fails_leaves_the_volume_where_it_was(room: Room, method: str) -> None:
    volume = room.volume()
    room.fail(method)
    with pytest.raises(CellrigError):
        migrate(room, volume.id)
    room.heal()
    shown = room.show(volume)
    assert (shown.backend, shown.status, shown.migration_status) == ("old", "available", "error")
    assert len(room.run(lambda: room.service.volume_list(room.admin))) == 1
    migrate(room, volume.id)
    assert room.show(volume).backend == "new"


@pytest.mark.parametrize("method", ["create_volume", "data_path", "delete_volume"])
def test_migration_whose_caller_died_is_ended_and_repeated(room: Room, method: str) -> None:
    volume = room.volume()
    room.crash(method)
    room.crash_in(lambda service: service.volume_migrate(room.admin, volume.id, "new"))
    room.heal()
    others = [
        each
        for each in room.run(lambda: room.service.volume_list(room.admin))
        if each.id != volume.id
    ]
    if method == "delete_volume":
        room.run(lambda: room.service.volume_force_delete(room.admin, others[0].id))
        assert room.show(volume).backend == "new"
        return
    assert room.status(volume) == "maintenance"
    assert completion(room, volume.id, others[0].id, error=True) == volume.id
    migrate(room, volume.id)
    assert room.show(volume).backend == "new"


def test_old_data_that_cannot_be_deleted_stay_in_error_and_the_volume_has_moved(
    room: Room,
) -> None:
    volume = room.volume()
    room.fail("delete_volume")
    migrate(room, volume.id)
    room.heal()
    assert room.show(volume).backend == "new"
    (left,) = [
        each
        for each in room.run(lambda: room.service.volume_list(room.admin))
        if each.id != volume.id
    ]
    assert left.status == "error_deleting"
    room.run(lambda: room.service.volume_delete(room.admin, left.id))


def test_nothing_else_happens_to_a_volume_that_migrates(room: Room) -> None:
    service = room.service
    old, new, first = begin(room)
    for call in (
        lambda: service.volume_extend(room.admin, old, 5),
        lambda: service.volume_migrate(room.admin, old, "new"),
        lambda: service.snapshot_create(room.admin, old, force=True),
        lambda: service.volume_retype(room.admin, old, "default"),
        lambda: service.attachment_create(room.admin, old, "server"),
        lambda: service.attachment_create(room.admin, new, "another server"),
        lambda: service.volume_delete(room.admin, new),
    ):
        with pytest.raises(InvalidVolume, match="migrating"):
            room.run(call)
    assert room.attachment(first).status == "attached"


def test_volume_that_cannot_move_is_refused_and_untouched(room: Room) -> None:
    volume = room.volume(multiattach=True)
    attachment = room.attach(volume, "first")
    with pytest.raises(InvalidVolume, match="is reserved: to migrate"):
        migrate(room, volume.id)
    room.complete(attachment)
    room.attached(volume, "second", "host")
    with pytest.raises(InvalidVolume, match="has 2 attachments: to migrate it has one at most"):
        migrate(room, volume.id)
    kept = room.volume()
    room.run(lambda: room.service.snapshot_create(room.admin, kept.id))
    with pytest.raises(InvalidVolume, match="has 1 snapshots and must stay"):
        migrate(room, kept.id)
    large = room.volume(size=11)
    with pytest.raises(NoBackend, match="new has 10 GiB left"):
        migrate(room, large.id)
    for each in (volume, kept, large):
        assert room.show(each).migration_status is None


def test_swap_that_a_user_asked_for_gives_the_server_the_new_volume(room: Room) -> None:
    one, other = room.volume(), room.volume()
    room.attached(one, "server", "host")
    room.attached(other, "server", "host")
    assert completion(room, one.id, other.id) == other.id
    assert completion(room, one.id, other.id, error=True) == one.id
    assert [len(room.attachments(each)) for each in (one, other)] == [1, 1]


def test_completion_of_another_migration_is_refused(room: Room) -> None:
    old, new, _first = begin(room)
    stranger = room.volume()
    with pytest.raises(InvalidVolume, match="is not migrating to volume"):
        completion(room, old, stranger.id)
    with pytest.raises(InvalidVolume, match="is not migrating to volume"):
        completion(room, stranger.id, new)
    assert completion(room, old, new, error=True) == old


def test_target_of_a_migration_is_shown_to_administrators_only(room: Room) -> None:
    volume = room.volume(room.alice)
    attachment = room.run(
        lambda: room.service.attachment_create(room.alice, volume.id, "server")
    ).id
    room.complete(attachment)
    migrate(room, volume.id)
    assert len(room.run(lambda: room.service.volume_list(room.alice))) == 1
    listed = room.run(lambda: room.service.volume_list(room.admin, all_projects=True))
    assert len(listed) == 2
    room.run(
        lambda: room.service.volume_reset_status(
            room.admin, volume.id, VolumeStatus.AVAILABLE, forget_migration=True
        )
    )
    assert room.show(volume).migration_status is None


def test_last_attachment_to_the_old_data_is_gone_for_good(room: Room) -> None:
    old, new, first = begin(room)
    swap(room, new)
    completion(room, old, new)
    room.detach(first)
    with pytest.raises(AttachmentNotFound):
        room.detach(first)
