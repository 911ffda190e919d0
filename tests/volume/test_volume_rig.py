"""Block storage of a rig: what a test holds in its hands."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cellrig import Cell, Rig, StorageBackend, Topology
from cellrig.driver.reports import Connector
from cellrig.errors import InvalidTopology
from cellrig.volume.errors import BackendFailed, InvalidVolume, VolumeNotFound

TWO = Topology(
    cells=[Cell("cell1", hosts=1)],
    volume_backends=[
        StorageBackend("lvm", options={"shared_targets": True}),
        StorageBackend("ceph", options={"capacity_gb": 100}),
    ],
    volume_types={
        "gold": {"volume_backend_name": "ceph"},
        "multiattach": {"multiattach": "<is> True"},
    },
)


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig(TWO) as made:
        yield made


def test_volumes_are_made_shown_changed_and_deleted(rig: Rig) -> None:
    volume = rig.volumes.create(multiattach=True, type="multiattach")
    assert (volume.status, volume.size, volume.multiattach) == ("available", 1, True)
    assert (volume.backend, volume.shared_targets) == ("lvm", True)
    assert rig.volumes.create(size=2).backend == "ceph"
    assert rig.volumes.extend(volume, 3).size == 3
    assert rig.volumes.set_bootable(volume).bootable
    assert rig.volumes.set_read_only(volume.id).read_only
    assert rig.volumes.update(volume, name="shared", metadata={"a": "b"}).name == "shared"
    assert rig.volumes.migrate(volume, "ceph").backend == "ceph"
    assert rig.volumes.retype(volume, "gold").volume_type == "gold"
    assert rig.volumes.attachments(volume) == ()
    assert [each.name for each in rig.volumes.list()] == ["volume", "shared"]
    rig.volumes.delete(volume)
    with pytest.raises(VolumeNotFound):
        rig.volumes.show(volume)


def test_volumes_are_made_of_images_volumes_and_snapshots(rig: Rig) -> None:
    booted = rig.volumes.create(image="cirros")
    snapshot = rig.volume_snapshots.create(booted)
    copies = [
        rig.volumes.create(source_volume=booted),
        rig.volumes.create(snapshot=snapshot, size=4),
    ]
    assert [(each.size, each.bootable) for each in (booted, *copies)] == [
        (1, True),
        (1, True),
        (4, True),
    ]
    assert rig.volume_snapshots.list() == (rig.volume_snapshots.show(snapshot),)
    rig.volume_snapshots.delete(snapshot)
    assert rig.volume_snapshots.list() == ()


def test_types_are_those_of_the_topology_and_what_is_added(rig: Rig) -> None:
    assert [each.name for each in rig.volume_types.list()] == ["gold", "multiattach"]
    rig.volume_types.create("silver", extra_specs={"tier": "2"})
    assert rig.volume_types.show("silver").extra_specs == {"tier": "2"}
    rig.volume_types.delete("silver")


def test_users_see_their_own_volumes(rig: Rig) -> None:
    alice, bob = rig.as_user("alice", "one"), rig.as_user("bob", "two")
    volume = alice.volumes.create()
    with pytest.raises(VolumeNotFound):
        bob.volumes.show(volume)
    assert rig.volumes.list() == ()
    assert rig.volumes.list(all_projects=True) == (volume,)


def test_snapshot_of_a_rig_has_its_volumes(rig: Rig) -> None:
    volume = rig.volumes.create()
    taken = rig.snapshot()
    rig.volumes.extend(volume, 5)
    rig.volumes.create()
    rig.restore(taken)
    assert rig.snapshot() == taken
    assert rig.volumes.list() == (volume,)


def test_calls_to_a_backend_pass_seams(rig: Rig) -> None:
    volume = rig.volumes.create()
    rig.faults.fail("volume_backend.extend_volume", error=OSError("full"), times=1)
    with pytest.raises(BackendFailed, match="full"):
        rig.volumes.extend(volume, 2)
    assert rig.volumes.show(volume).status == "error_extending"
    assert rig.volumes.extend(volume, 2).status == "available"


def test_threads_attach_and_detach_one_volume_at_once() -> None:
    with Rig(live=True) as rig:
        volume = rig.volumes.create(multiattach=True)
        service = rig.cloud.volumes
        context = rig.new_context("admin", "admin", True)

        def attach_and_detach(server: str) -> str:
            made = service.attachment_create(context, volume.id, server, Connector(host="host"))
            service.attachment_complete(context, made.id)
            service.attachment_delete(context, made.id)
            return made.status

        outcomes = rig.concurrently(
            *[lambda number=number: attach_and_detach(f"server-{number}") for number in range(8)]
        )
        assert outcomes == ["attaching"] * 8
        assert rig.volumes.show(volume).status == "available"


def test_administrator_frees_what_was_left_behind(rig: Rig) -> None:
    volume = rig.volumes.create()
    service = rig.cloud.volumes
    context = rig.new_context("admin", "admin", True)
    rig.request(
        lambda: service.attachment_create(context, volume.id, "server", Connector(host="host"))
    )
    (attachment,) = rig.volumes.attachments(volume)
    assert rig.volumes.reset_status(volume, "error").status == "attaching"
    with pytest.raises(InvalidVolume):
        rig.volumes.delete(volume, force=True)
    rig.volumes.delete_attachment(attachment)
    assert rig.volumes.show(volume).status == "error"
    rig.volumes.delete(volume, force=True)


def test_topology_in_yaml_names_backends_and_types() -> None:
    text = """
    volume_backends:
      - {name: disk, driver: file, options: {capacity_gb: 3}}
    volume_types:
      plain: {}
    """
    with Rig(Topology.from_yaml(text)) as rig:
        assert rig.volumes.create().backend == "disk"
    with pytest.raises(InvalidTopology, match="no volume backend driver 'tape'"):
        Rig(Topology(volume_backends=[StorageBackend("a", "tape")]))


def test_cell_cannot_be_called_like_the_database_of_volumes() -> None:
    with pytest.raises(InvalidTopology, match="cell name 'volumes'"):
        Topology(cells=[Cell("volumes")]).check()
