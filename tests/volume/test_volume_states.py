"""The state machine: which steps an attachment takes, and what its volume shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cellrig.driver.reports import Connector
from cellrig.volume.errors import (
    AttachmentExists,
    AttachmentNotFound,
    InvalidAttachment,
    InvalidVolume,
    VolumeNotFound,
)
from cellrig.volume.status import status_of
from cellrig.volume.types import AttachmentStatus, VolumeStatus

if TYPE_CHECKING:
    from tests.volume.conftest import Room


def test_volume_shows_each_step_of_its_attachment(room: Room) -> None:
    volume = room.volume()
    shown = [volume.status]
    attachment = room.attach(volume, "server")
    shown.append(room.status(volume))
    room.connect(attachment, "host")
    shown.append(room.status(volume))
    room.complete(attachment)
    shown.append(room.status(volume))
    room.run(lambda: room.service.begin_detaching(room.admin, attachment))
    shown.append(room.status(volume))
    room.detach(attachment)
    shown.append(room.status(volume))
    assert shown == ["available", "reserved", "attaching", "in-use", "detaching", "available"]


@pytest.mark.parametrize(
    ("attachments", "shown"),
    [
        ((), "extending"),
        (("reserved",), "reserved"),
        (("reserved", "detaching"), "detaching"),
        (("reserved", "detaching", "attaching"), "attaching"),
        (("reserved", "detaching", "attaching", "attached"), "in-use"),
        (("error_attaching", "reserved"), "reserved"),
        (("error_attaching", "error_detaching"), "error"),
    ],
)
def test_furthest_attachment_tells_the_status(attachments: tuple[str, ...], shown: str) -> None:
    own = VolumeStatus.EXTENDING
    assert status_of(own, map(AttachmentStatus, attachments)) == shown
    assert status_of(own, map(AttachmentStatus, reversed(attachments))) == shown


def test_attachment_with_a_connector_is_attaching_at_once(room: Room) -> None:
    volume = room.volume()
    made = room.run(
        lambda: room.service.attachment_create(
            room.admin, volume.id, "server", Connector(host="host")
        )
    )
    assert made.status == "attaching"
    assert made.host == "host"
    assert made.connection_info["driver_volume_type"] == "fake"
    assert made.connection_info["data"]["access_mode"] == "rw"


def test_reserved_attachment_is_completed_without_a_connector(room: Room) -> None:
    """A server that is shelved and offloaded has its volumes on no host."""
    volume = room.volume()
    attachment = room.attach(volume, "server")
    room.complete(attachment)
    assert room.status(volume) == "in-use"
    assert room.connect(attachment, "host").status == "attaching"
    room.complete(attachment)
    assert room.attachment(attachment).attached_at == room.runtime.now()


def test_steps_asked_for_twice_are_taken_once(room: Room) -> None:
    volume = room.volume()
    first = room.attach(volume, "server")
    again = room.run(
        lambda: room.service.attachment_create(room.admin, volume.id, "server", attachment_id=first)
    )
    assert again == room.attachment(first)
    connected = room.connect(first, "host")
    assert room.connect(first, "host") == connected
    room.complete(first)
    completed = room.attachment(first)
    room.complete(first)
    assert room.attachment(first) == completed
    assert room.calls("initialize_connection") == 1


def test_connecting_an_attached_one_again_leaves_it_attached(room: Room) -> None:
    volume = room.volume()
    attachment = room.attached(volume, "server", "host")
    moved = Connector(host="host", mountpoint="/dev/vdc")
    shown = room.run(lambda: room.service.attachment_update(room.admin, attachment, moved))
    assert (shown.status, shown.mountpoint) == ("attached", "/dev/vdc")


def test_attachment_id_of_another_volume_or_server_is_refused(room: Room) -> None:
    volume, other = room.volume(), room.volume()
    attachment = room.attach(volume, "server")
    for volume_id, server in ((other.id, "server"), (volume.id, "another")):
        with pytest.raises(AttachmentExists):
            room.run(
                lambda volume_id=volume_id, server=server: room.service.attachment_create(  # type: ignore[misc]
                    room.admin, volume_id, server, attachment_id=attachment
                )
            )
    assert room.status(other) == "available"


def test_attachment_is_for_one_host(room: Room) -> None:
    volume = room.volume()
    attachment = room.attach(volume, "server")
    room.connect(attachment, "host")
    with pytest.raises(InvalidAttachment, match="is for host host: host other"):
        room.connect(attachment, "other")


def test_detaching_can_be_begun_once_and_rolled_back(room: Room) -> None:
    volume = room.volume()
    attachment = room.attached(volume, "server", "host")
    room.run(lambda: room.service.begin_detaching(room.admin, attachment))
    with pytest.raises(InvalidAttachment, match="is detaching"):
        room.run(lambda: room.service.begin_detaching(room.admin, attachment))
    with pytest.raises(InvalidAttachment, match="is detaching"):
        room.complete(attachment)
    with pytest.raises(InvalidAttachment, match="is detaching"):
        room.connect(attachment, "host")
    for _time in range(2):
        room.run(lambda: room.service.roll_detaching(room.admin, attachment))
        assert room.status(volume) == "in-use"
    room.detach(attachment)
    room.run(lambda: room.service.roll_detaching(room.admin, attachment))


def test_rolling_back_leaves_what_is_not_detaching(room: Room) -> None:
    volume = room.volume()
    attachment = room.attach(volume, "server")
    room.run(lambda: room.service.roll_detaching(room.admin, attachment))
    assert room.status(volume) == "reserved"


@pytest.mark.parametrize("steps", range(4))
def test_attachment_is_deleted_in_every_state(room: Room, steps: int) -> None:
    volume = room.volume()
    attachment = room.attach(volume, "server")
    for step in (
        lambda: room.connect(attachment, "host"),
        lambda: room.complete(attachment),
        lambda: room.run(lambda: room.service.begin_detaching(room.admin, attachment)),
    )[:steps]:
        step()
    room.detach(attachment)
    assert room.status(volume) == "available"
    assert room.calls("terminate_connection") == min(steps, 1)
    with pytest.raises(AttachmentNotFound):
        room.detach(attachment)


@pytest.mark.parametrize("step", ["attach", "connect", "complete", "detaching"])
def test_volume_with_attachments_cannot_be_deleted(room: Room, step: str) -> None:
    volume = room.volume()
    attachment = room.attach(volume, "server")
    if step != "attach":
        room.connect(attachment, "host")
    if step in ("complete", "detaching"):
        room.complete(attachment)
    if step == "detaching":
        room.run(lambda: room.service.begin_detaching(room.admin, attachment))
    with pytest.raises(InvalidVolume, match=f"is {room.status(volume)}.*attachments of server"):
        room.run(lambda: room.service.volume_delete(room.admin, volume.id))
    with pytest.raises(InvalidVolume):
        room.run(lambda: room.service.volume_force_delete(room.admin, volume.id))
    room.detach(attachment)
    room.run(lambda: room.service.volume_delete(room.admin, volume.id))
    with pytest.raises(VolumeNotFound):
        room.show(volume)


def test_what_belongs_to_another_project_does_not_exist(room: Room) -> None:
    service = room.service
    volume = room.volume(room.alice)
    attachment = room.run(lambda: service.attachment_create(room.alice, volume.id, "server")).id
    with pytest.raises(VolumeNotFound):
        room.run(lambda: service.volume_get(room.bob, volume.id))
    with pytest.raises(VolumeNotFound):
        room.run(lambda: service.attachment_create(room.bob, volume.id, "server"))
    for call in (
        service.attachment_get,
        service.attachment_complete,
        service.attachment_delete,
        service.begin_detaching,
    ):
        with pytest.raises(AttachmentNotFound):
            room.run(lambda call=call: call(room.bob, attachment))  # type: ignore[misc]
    listed = room.run(
        lambda: (
            service.volume_list(room.bob, all_projects=True),
            service.attachment_list(room.bob, all_projects=True),
            service.volume_list(room.admin, all_projects=True),
            service.attachment_list(room.admin, instance_uuid="server", all_projects=True),
            service.attachment_list(room.alice, volume_id=volume.id),
        )
    )
    assert [len(each) for each in listed] == [0, 0, 1, 1, 1]
