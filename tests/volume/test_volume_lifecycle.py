"""Making, growing, changing and deleting volumes, their snapshots and types."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
import pytest

from cellrig.errors import Forbidden, Invalid, InvalidTopology, NotFound
from cellrig.image import StoredImage
from cellrig.topology import StorageBackend, Topology
from cellrig.volume.errors import (
    BackendNotFound,
    InvalidSnapshot,
    InvalidVolume,
    NoBackend,
    SnapshotNotFound,
    VolumeTypeExists,
    VolumeTypeNotFound,
)
from cellrig.volume.types import VolumeRequest, VolumeStatus

if TYPE_CHECKING:
    from tests.volume.conftest import Room


# -- making --------------------------------------------------------------------------------------


def test_blank_volume_is_available_at_once(room: Room) -> None:
    volume = room.volume(room.alice, size=5, name="data", metadata={"tier": "1"})
    assert (volume.size, volume.name, volume.status) == (5, "data", "available")
    assert (volume.volume_type, volume.multiattach, volume.bootable) == ("default", False, False)
    assert (volume.project_id, volume.user_id) == ("wonderland", "alice")
    assert (volume.backend, volume.metadata) == ("fake", {"tier": "1"})
    assert volume == room.show(volume)


def test_volume_of_an_image_has_its_size_and_what_a_server_needs_to_boot(room: Room) -> None:
    asked = VolumeRequest(image_id=room.image)
    volume = room.run(lambda: room.service.volume_create(room.admin, asked))
    assert (volume.size, volume.bootable, volume.image_id) == (3, True, room.image)
    assert volume.image_metadata == {
        "image_id": room.image,
        "image_name": "cirros",
        "disk_format": "raw",
        "min_disk": "2",
        "min_ram": "64",
        "size": str(3 * 2**30),
    }


def test_properties_of_an_image_go_with_the_volume_and_its_copies(room: Room) -> None:
    image = StoredImage("i", "windows", min_disk=10, properties={"hw_disk_bus": "scsi"})
    room.images.create(image)
    volume = room.volume(size=None, image_id="windows")
    snapshot = room.run(lambda: room.service.snapshot_create(room.admin, volume.id))
    copies = [
        room.volume(size=None, source_volume_id=volume.id),
        room.volume(size=12, snapshot_id=snapshot.id),
    ]
    assert [each.size for each in copies] == [10, 12]
    for each in (volume, *copies):
        assert each.image_metadata["hw_disk_bus"] == "scsi"
        assert each.bootable
    assert not room.volume(size=None, source_volume_id=volume.id, bootable=False).bootable


def test_copy_has_the_type_and_the_backend_of_its_source(rooms: Callable[..., Room]) -> None:
    room = rooms(StorageBackend("a", options={"capacity_gb": 50}), StorageBackend("b"))
    room.run(
        lambda: room.service.type_create(
            room.admin, "slow", extra_specs={"volume_backend_name": "a"}
        )
    )
    volume = room.volume(volume_type="slow")
    assert volume.backend == "a"
    copy = room.volume(source_volume_id=volume.id)
    assert (copy.volume_type, copy.backend) == ("slow", "a")
    with pytest.raises(NoBackend, match="b does not have the source, a has"):
        room.volume(size=100, source_volume_id=volume.id)


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        ({"size": None}, "needs a size"),
        ({"size": 0}, "size takes 1 to"),
        ({"size": 2**31}, "size takes 1 to"),
        ({"image_id": "cirros", "snapshot_id": "x"}, "not image and snapshot"),
        ({"size": 2, "image_id": "cirros"}, "of 2 GiB is too small for its source: that needs 3"),
        ({"image_id": "nothing"}, "image 'nothing' does not exist"),
        ({"source_volume_id": "nothing"}, "volume nothing does not exist"),
        ({"snapshot_id": "nothing"}, "volume snapshot nothing does not exist"),
        ({"volume_type": "nothing"}, "volume type nothing does not exist"),
    ],
)
def test_bad_request_makes_nothing(room: Room, request_: dict[str, object], told: str) -> None:
    with pytest.raises((Invalid, NotFound), match=told):
        room.volume(**request_)  # type: ignore[arg-type]
    assert room.run(lambda: room.service.volume_list(room.admin)) == ()


def test_image_that_is_not_active_makes_no_volume(room: Room) -> None:
    room.images.create(StoredImage("i", "half", "queued"))
    with pytest.raises(Invalid, match="is queued"):
        room.volume(image_id="half")


def test_volume_in_use_is_copied_and_one_being_attached_is_not(room: Room) -> None:
    volume = room.volume()
    attachment = room.attach(volume, "server")
    with pytest.raises(InvalidVolume, match="is reserved: to be copied"):
        room.volume(source_volume_id=volume.id)
    room.complete(attachment)
    assert room.volume(source_volume_id=volume.id).status == "available"


# -- where ---------------------------------------------------------------------------------------


def test_volume_goes_where_the_most_room_is(rooms: Callable[..., Room]) -> None:
    room = rooms(
        StorageBackend("small", options={"capacity_gb": 4}),
        StorageBackend("large", options={"capacity_gb": 6}),
    )
    assert [room.volume(size=2).backend for _each in range(4)] == [
        "large",
        "small",
        "large",
        "small",
    ]
    with pytest.raises(NoBackend, match="small has 0 GiB left; large has 2 GiB left"):
        room.volume(size=3)


def test_multiattach_volume_goes_to_a_backend_that_can(rooms: Callable[..., Room]) -> None:
    room = rooms(StorageBackend("plain", options={"multiattach": False}), StorageBackend("shared"))
    assert room.volume().backend == "plain"
    assert room.volume(volume_type="multiattach").backend == "shared"
    with pytest.raises(InvalidVolume, match="lets one host have a volume"):
        plain = room.volume()
        room.run(lambda: room.service.volume_retype(room.admin, plain.id, "multiattach"))


def test_two_volumes_at_once_do_not_get_the_same_room(rooms: Callable[..., Room]) -> None:
    room = rooms(StorageBackend("small", options={"capacity_gb": 3, "latency": 1.0}))
    for name in ("first", "second"):
        room.runtime.spawn(
            lambda: room.service.volume_create(room.admin, VolumeRequest(size=2)), name=name
        )
    room.runtime.settle()
    assert [type(error) for error in room.failures] == [NoBackend]


def test_backend_says_how_hosts_lock_what_it_shares(rooms: Callable[..., Room]) -> None:
    room = rooms(
        StorageBackend("alone", options={"capacity_gb": 1}),
        StorageBackend("shared", options={"shared_targets": True, "target": "iqn.2010-10"}),
    )
    shared, other = room.volume(), room.volume()
    assert shared.shared_targets
    assert shared.backend_uuid == other.backend_uuid
    targets = {
        room.connect(room.attach(volume, "server"), "host").connection_info["data"]["target"]
        for volume in (shared, other)
    }
    assert targets == {"iqn.2010-10"}


# -- changing ------------------------------------------------------------------------------------


def test_volume_grows_and_never_shrinks(room: Room) -> None:
    volume = room.volume(size=2)
    for size in (1, 2):
        with pytest.raises(Invalid, match=f"has 2 GiB and cannot get {size}"):
            room.run(lambda size=size: room.service.volume_extend(room.admin, volume.id, size))  # type: ignore[misc]
    assert room.run(lambda: room.service.volume_extend(room.admin, volume.id, 4)).size == 4


def test_volume_grows_no_further_than_its_backend(rooms: Callable[..., Room]) -> None:
    room = rooms(StorageBackend("small", options={"capacity_gb": 3}))
    volume = room.volume(size=2)
    with pytest.raises(NoBackend, match="small, where it is, has 1 GiB left"):
        room.run(lambda: room.service.volume_extend(room.admin, volume.id, 4))
    assert room.run(lambda: room.service.volume_extend(room.admin, volume.id, 3)).size == 3


def test_volume_that_is_only_reserved_does_not_grow(room: Room) -> None:
    volume = room.volume()
    room.attach(volume, "server")
    with pytest.raises(InvalidVolume, match="is reserved: to extend"):
        room.run(lambda: room.service.volume_extend(room.admin, volume.id, 2))


def test_volume_in_use_that_is_growing_does_nothing_else(rooms: Callable[..., Room]) -> None:
    room = rooms(StorageBackend("slow", options={"latency": 1.0}))
    volume = room.volume()
    room.attached(volume, "server", "host")
    service = room.service
    for call in (
        lambda: service.volume_extend(room.admin, volume.id, 2),
        lambda: service.volume_extend(room.admin, volume.id, 3),
        lambda: service.snapshot_create(room.admin, volume.id, force=True),
    ):
        room.runtime.spawn(call, name="at once")
    room.runtime.settle()
    assert [str(error) for error in room.failures] == [
        f"volume {volume.id} is extending: to extend it must be available, in-use, error_extending",
        f"volume {volume.id} is extending: to take a snapshot it must be available, in-use",
    ]
    assert room.show(volume).size == 2


def test_name_description_and_metadata_change(room: Room) -> None:
    volume = room.volume(name="a", metadata={"x": "1", "y": "2"})
    changed = room.run(
        lambda: room.service.volume_update(room.admin, volume.id, name="b", metadata={"z": "3"})
    )
    assert (changed.name, changed.metadata) == ("b", {"z": "3"})
    described = room.run(
        lambda: room.service.volume_update(room.admin, volume.id, description="of the year")
    )
    assert msgspec.structs.replace(changed, description="of the year") == described


def test_bootable_is_set_and_taken_back(room: Room) -> None:
    volume = room.volume()
    for bootable in (True, False):
        room.run(
            lambda bootable=bootable: room.service.volume_set_bootable(  # type: ignore[misc]
                room.admin, volume.id, bootable
            )
        )
        assert room.show(volume).bootable is bootable


def test_only_administrators_reset_migrate_and_delete_by_force(room: Room) -> None:
    volume = room.volume(room.alice)
    service = room.service
    for call in (
        lambda: service.volume_reset_status(room.alice, volume.id, VolumeStatus.ERROR),
        lambda: service.volume_force_delete(room.alice, volume.id),
        lambda: service.volume_migrate(room.alice, volume.id, "fake"),
        lambda: service.type_create(room.alice, "gold"),
        lambda: service.type_delete(room.alice, "default"),
    ):
        with pytest.raises(Forbidden, match="only an administrator may"):
            room.run(call)
    assert room.status(volume) == "available"


# -- snapshots and types -------------------------------------------------------------------------


def test_volume_with_snapshots_cannot_be_deleted(room: Room) -> None:
    volume = room.volume(size=2)
    snapshot = room.run(
        lambda: room.service.snapshot_create(room.admin, volume.id, "s", metadata={"k": "v"})
    )
    assert (snapshot.status, snapshot.size, snapshot.metadata) == ("available", 2, {"k": "v"})
    with pytest.raises(InvalidVolume, match="has 1 snapshots and must stay"):
        room.run(lambda: room.service.volume_delete(room.admin, volume.id))
    room.run(lambda: room.service.snapshot_delete(room.admin, snapshot.id))
    with pytest.raises(SnapshotNotFound):
        room.run(lambda: room.service.snapshot_get(room.admin, snapshot.id))
    room.run(lambda: room.service.volume_delete(room.admin, volume.id))


def test_snapshot_of_a_volume_in_use_is_forced(room: Room) -> None:
    volume = room.volume()
    room.attached(volume, "server", "host")
    with pytest.raises(InvalidVolume, match="is in-use: to take a snapshot"):
        room.run(lambda: room.service.snapshot_create(room.admin, volume.id))
    forced = room.run(lambda: room.service.snapshot_create(room.admin, volume.id, force=True))
    assert forced.status == "available"


def test_snapshot_that_is_not_available_makes_no_volume(room: Room) -> None:
    volume = room.volume()
    snapshot = room.run(lambda: room.service.snapshot_create(room.admin, volume.id))
    room.run(lambda: room.service.snapshot_reset_status(room.admin, snapshot.id, "error"))
    with pytest.raises(InvalidSnapshot, match="is error"):
        room.volume(snapshot_id=snapshot.id)


def test_snapshots_belong_to_a_project(room: Room) -> None:
    volume = room.volume(room.alice)
    snapshot = room.run(lambda: room.service.snapshot_create(room.alice, volume.id))
    with pytest.raises(SnapshotNotFound):
        room.run(lambda: room.service.snapshot_get(room.bob, snapshot.id))
    assert room.run(lambda: room.service.snapshot_list(room.bob)) == ()
    assert room.run(lambda: room.service.snapshot_list(room.alice)) == (snapshot,)


def test_types_are_known_by_name_and_id_and_private_ones_to_administrators(room: Room) -> None:
    service = room.service
    hidden = room.run(lambda: service.type_create(room.admin, "hidden", is_public=False))
    with pytest.raises(VolumeTypeExists):
        room.run(lambda: service.type_create(room.admin, "hidden"))
    with pytest.raises(VolumeTypeNotFound):
        room.run(lambda: service.type_get(room.alice, "hidden"))
    names = [each.name for each in room.run(lambda: service.type_list(room.alice))]
    assert names == ["default", "multiattach"]
    assert room.volume(volume_type=hidden.id).volume_type == "hidden"


# -- topologies ----------------------------------------------------------------------------------


def test_unknown_driver_and_option_are_told_before_anything_starts(
    rooms: Callable[..., Room],
) -> None:
    with pytest.raises(InvalidTopology, match="no volume backend driver 'tape'; installed are: "):
        rooms(StorageBackend("a", "tape"))
    with pytest.raises(InvalidTopology, match="option 'size': got 3, takes nothing"):
        rooms(StorageBackend("a", options={"size": 3}))
    with pytest.raises(InvalidTopology, match="'capacity_gb': got -1, takes a whole number of 0"):
        rooms(StorageBackend("a", options={"capacity_gb": -1}))


def test_backends_have_different_names_and_there_is_a_type() -> None:
    with pytest.raises(InvalidTopology, match="volume backend name 'a' is given twice"):
        Topology(volume_backends=[StorageBackend("a"), StorageBackend("a")]).check()
    with pytest.raises(InvalidTopology, match="at least one volume type"):
        Topology(volume_types={}).check()


def test_migration_to_nowhere_is_refused(room: Room) -> None:
    volume = room.volume()
    with pytest.raises(BackendNotFound):
        room.run(lambda: room.service.volume_migrate(room.admin, volume.id, "nowhere"))
    with pytest.raises(Invalid, match="is on backend 'fake' already"):
        room.run(lambda: room.service.volume_migrate(room.admin, volume.id, "fake"))
