"""Who may have a volume beside whom; the bugs' numbers are those of behaviours that went wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from cellrig.driver.reports import Connector
from cellrig.errors import Invalid
from cellrig.volume.errors import InvalidAttachment, InvalidAttachMode, InvalidVolume
from cellrig.volume.types import AttachMode, VolumeStatus

if TYPE_CHECKING:
    from tests.volume.conftest import Room

LAST = "terminate_connection"


def test_plain_volume_takes_a_second_attachment_of_the_same_server_which_moves(room: Room) -> None:
    volume = room.volume()
    source = room.attached(volume, "server", "source")
    destination = room.attach(volume, "server")
    assert room.connect(destination, "destination").status == "attaching"
    assert room.status(volume) == "in-use"
    room.detach(source)
    assert room.status(volume) == "attaching"
    room.complete(destination)
    assert room.status(volume) == "in-use"


@pytest.mark.parametrize("state", ["reserved", "attaching", "in-use"])
def test_plain_volume_refuses_another_server_and_names_its_status(room: Room, state: str) -> None:
    volume = room.volume()
    attachment = room.attach(volume, "first")
    if state != "reserved":
        room.connect(attachment, "host")
    if state == "in-use":
        room.complete(attachment)
    for server in ("second", None):
        with pytest.raises(InvalidVolume, match=f"is {state} by server first and not multiattach"):
            room.attach(volume, server)
    assert len(room.attachments(volume)) == 1


def test_1908075_reset_of_a_plain_volume_lets_no_second_server_in(room: Room) -> None:
    volume = room.volume()
    room.attached(volume, "first", "host")
    for status in VolumeStatus:
        room.run(
            lambda status=status: room.service.volume_reset_status(room.admin, volume.id, status)  # type: ignore[misc]
        )
        assert room.status(volume) == "in-use"
        with pytest.raises(InvalidVolume):
            room.attach(volume, "second")


def test_1908075_reset_of_a_multiattach_volume_lets_a_second_server_in(room: Room) -> None:
    volume = room.volume(multiattach=True)
    room.attached(volume, "first", "host")
    room.run(
        lambda: room.service.volume_reset_status(room.admin, volume.id, VolumeStatus.AVAILABLE)
    )
    room.attached(volume, "second", "host")
    assert room.status(volume) == "in-use"


@pytest.mark.parametrize("state", ["available", "reserved", "attaching", "in-use"])
def test_multiattach_volume_takes_others_in_every_state_of_use(room: Room, state: str) -> None:
    volume = room.volume(volume_type="multiattach")
    if state != "available":
        first = room.attach(volume, "first")
    if state in ("attaching", "in-use"):
        room.connect(first, "host")
    if state == "in-use":
        room.complete(first)
    assert room.status(volume) == state
    room.attached(volume, "second", "host")
    assert room.status(volume) == "in-use"


def test_plain_volume_that_is_being_detached_takes_nobody(room: Room) -> None:
    volume = room.volume()
    attachment = room.attached(volume, "first", "host")
    room.run(lambda: room.service.begin_detaching(room.admin, attachment))
    for server in ("first", "second"):
        with pytest.raises(InvalidVolume, match="is detaching: to attach it must be available"):
            room.attach(volume, server)


def test_multiattach_volume_takes_others_while_a_use_of_it_ends(room: Room) -> None:
    volume = room.volume(multiattach=True)
    ending = room.attached(volume, "first", "host")
    room.run(lambda: room.service.begin_detaching(room.admin, ending))
    assert room.status(volume) == "detaching"
    room.attached(volume, "second", "host")
    room.run(lambda: room.service.attachment_delete(room.admin, ending))
    assert room.status(volume) == "in-use"


def test_plain_volume_is_on_a_host_once(room: Room) -> None:
    volume = room.volume()
    room.attached(volume, "server", "host")
    second = room.attach(volume, "server")
    with pytest.raises(InvalidAttachment, match="duplicates attachment .* on host host already"):
        room.connect(second, "host")
    assert room.attachment(second).status == "reserved"
    assert room.connect(second, "other").host == "other"


@pytest.mark.parametrize("mode", AttachMode)
def test_multiattach_volume_is_on_a_host_several_times_even_for_one_server(
    room: Room, mode: AttachMode
) -> None:
    volume = room.volume(multiattach=True)
    attachments = [room.attach(volume, "server", mode) for _each in range(3)]
    for attachment in attachments:
        room.connect(attachment, "host")
        room.complete(attachment)
    for attachment in attachments[:2]:
        room.detach(attachment)
        assert room.status(volume) == "in-use"
    assert room.calls(LAST) == 0
    room.detach(attachments[2])
    assert (room.calls(LAST), room.status(volume)) == (1, "available")


# -- modes ---------------------------------------------------------------------------------------


def test_read_only_volume_is_attached_read_only(room: Room) -> None:
    volume = room.volume(read_only=True)
    attachment = room.attach(volume, "server")
    assert room.connect(attachment, "host").connection_info["data"]["access_mode"] == "ro"
    room.detach(attachment)
    with pytest.raises(InvalidAttachMode, match="takes 'ro'"):
        room.attach(volume, "server", AttachMode.READ_WRITE)
    assert room.status(volume) == "available"


def test_readers_and_writers_have_one_volume(room: Room) -> None:
    volume = room.volume(multiattach=True)
    reader = room.attach(volume, "reader", AttachMode.READ_ONLY)
    writer = room.attach(volume, "writer")
    modes = [room.connect(each, "host").mode for each in (reader, writer)]
    assert modes == ["ro", "rw"]


def test_read_only_flag_changes_while_nobody_has_the_volume(room: Room) -> None:
    volume = room.volume()
    attachment = room.attach(volume, "server")
    with pytest.raises(InvalidVolume, match="is reserved"):
        room.run(lambda: room.service.volume_set_read_only(room.admin, volume.id, True))
    room.detach(attachment)
    room.run(lambda: room.service.volume_set_read_only(room.admin, volume.id, True))
    assert room.show(volume).read_only
    assert room.attachment(room.attach(volume, "server")).mode == "ro"


# -- one host, several attachments ---------------------------------------------------------------


def test_1752115_host_stays_connected_until_its_last_attachment_goes(room: Room) -> None:
    volume = room.volume(multiattach=True)
    here = [room.attached(volume, server, "here") for server in ("first", "second")]
    there = room.attached(volume, "third", "there")
    room.detach(here[0])
    assert room.calls(LAST) == 0
    room.detach(there)
    assert room.calls(LAST) == 1
    room.detach(here[1])
    assert room.calls(LAST) == 2


@pytest.mark.parametrize("seed", range(25))
def test_2048837_two_concurrent_deletes_disconnect_the_host_once(
    rooms: Callable[..., Room], seed: int
) -> None:
    room = rooms(seed=seed)
    volume = room.volume(multiattach=True)
    attachments = [room.attached(volume, server, "host") for server in "abc"]
    for attachment in attachments:
        room.runtime.spawn(
            lambda attachment=attachment: room.service.attachment_delete(room.admin, attachment),  # type: ignore[misc]
            name=f"delete {attachment}",
        )
    room.runtime.settle()
    assert room.failures == []
    assert room.calls(LAST) == 1
    assert room.status(volume) == "available"


@pytest.mark.parametrize("seed", range(25))
def test_host_that_connects_while_another_leaves_it_ends_connected(
    rooms: Callable[..., Room], seed: int
) -> None:
    room = rooms(seed=seed)
    volume = room.volume(multiattach=True)
    leaving = room.attached(volume, "first", "host")
    coming = room.attach(volume, "second")
    room.listener.passed.clear()
    service = room.service
    room.runtime.spawn(lambda: service.attachment_delete(room.admin, leaving), name="leave")
    room.runtime.spawn(
        lambda: service.attachment_update(room.admin, coming, Connector(host="host")), name="come"
    )
    room.runtime.settle()
    assert room.failures == []
    calls = [seam for seam in room.listener.passed if seam.endswith("_connection")]
    assert calls[-1] == "volume_backend.initialize_connection"
    assert room.attachment(coming).status == "attaching"


# -- types ---------------------------------------------------------------------------------------


def test_retype_changes_multiattach_only_of_a_volume_that_nobody_has(room: Room) -> None:
    service = room.service
    volume = room.volume()
    attachment = room.attached(volume, "server", "host")
    room.run(lambda: service.type_create(room.admin, "gold"))
    assert (
        room.run(lambda: service.volume_retype(room.admin, volume.id, "gold")).volume_type == "gold"
    )
    with pytest.raises(InvalidVolume, match="is in-use: to have type 'multiattach'"):
        room.run(lambda: service.volume_retype(room.admin, volume.id, "multiattach"))
    room.detach(attachment)
    assert room.run(lambda: service.volume_retype(room.admin, volume.id, "multiattach")).multiattach
    with pytest.raises(Invalid, match="'gold'|type of volumes"):
        room.run(lambda: service.type_delete(room.admin, "multiattach"))
    room.run(lambda: service.type_delete(room.admin, "gold"))
