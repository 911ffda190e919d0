"""Attachments as they went wrong elsewhere: each behaviour by its number."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cellrig import Cell, Rig, Server, Topology
from cellrig.db.instances import InstanceStore
from cellrig.driver.errors import HypervisorError
from cellrig.errors import CellrigError, Conflict, Forbidden, Invalid, NotFound
from cellrig.model import BlockDevice, InstanceChanges, SourceType, VmState
from cellrig.topology import StorageBackend
from cellrig.volume.types import AttachmentStatus, Volume, VolumeStatus
from cellrig_fake import FakeDriver
from cellrig_faults import Hold

Rows = Callable[[Rig, str, str], list[tuple[object, ...]]]

ONE_HOST = Topology(cells=[Cell("cell1", 1)])
SMALL = Topology(
    cells=[Cell("cell1", 1)],
    volume_backends=[StorageBackend("small", options={"capacity_gb": 3})],
)


def bootable(rig: Rig) -> BlockDevice:
    """A volume that is there, to boot from."""
    volume = rig.volumes.create(size=1, image="cirros")
    return BlockDevice(source_type=SourceType.VOLUME, uuid=volume.id, boot_index=0)


def disks(rig: Rig) -> list[BlockDevice]:
    """What the servers of the tests of deletion begin with."""
    return [
        bootable(rig),
        BlockDevice(source_type=SourceType.VOLUME, uuid=rig.volumes.create().id),
        BlockDevice(source_type=SourceType.BLANK, volume_size=1, delete_on_termination=True),
    ]


def still_scheduling(rig: Rig) -> tuple[Server, Hold | None]:
    hold = rig.faults.hold("bus.scheduler.select_destinations")
    return rig.servers.create(block_devices=disks(rig)), hold


def in_cell0(rig: Rig) -> tuple[Server, Hold | None]:
    rig.faults.fail("bus.scheduler.select_destinations", times=1)
    return rig.servers.create(block_devices=disks(rig)), None


def failed_on_every_host(rig: Rig) -> tuple[Server, Hold | None]:
    rig.faults.fail("driver.spawn", HypervisorError("out of ink"), times=2)
    return rig.servers.create(block_devices=disks(rig)), None


def offloaded(rig: Rig) -> tuple[Server, Hold | None]:
    server, volume = rig.servers.create(), rig.volumes.create()
    driver = rig.driver(str(server.host))
    assert isinstance(driver, FakeDriver)
    driver.lose_guest(server.id)
    rig.placement.delete_allocations(server.id)
    store = InstanceStore(rig.databases["cell1"], rig.runtime.now)
    nowhere = InstanceChanges(vm_state=VmState.SHELVED_OFFLOADED, host=None, node=None)
    store.update(server.id, nowhere)
    rig.servers.attach_volume(server, volume)
    return rig.servers.show(server), None


# -- 51, 52 --------------------------------------------------


@pytest.mark.parametrize("made", [still_scheduling, in_cell0, failed_on_every_host, offloaded])
def test_51_1404867_deleting_a_server_that_is_on_no_host_frees_its_volumes(
    rig: Rig, rows: Rows, made: Callable[[Rig], tuple[Server, Hold | None]]
) -> None:
    server, hold = made(rig)
    assert server.host is None
    status = AttachmentStatus.ATTACHED if made is offloaded else AttachmentStatus.RESERVED
    assert {(each.status, each.host) for each in rig.volumes.attachments()} == {(status, None)}
    rig.servers.delete(server)
    if hold is not None:
        hold.release()
        rig.settle()
    assert rig.volumes.attachments() == ()
    assert {each.status for each in rig.volumes.list()} == {VolumeStatus.AVAILABLE}
    assert not list(rig.servers.list())
    for cell in ("cell0", "cell1"):
        assert rows(rig, cell, "block_device_mapping") == []


def test_51_2088066_a_request_that_is_refused_late_leaves_nothing_reserved(rig: Rig) -> None:
    devices = disks(rig)
    rig.faults.fail("bus.conductor.schedule_and_build_instances")
    with pytest.raises(CellrigError):
        rig.servers.create(block_devices=devices)
    assert rig.volumes.attachments() == ()
    assert not list(rig.servers.list())


def test_52_1899649_a_server_that_was_not_scheduled_keeps_its_volumes_reserved(rig: Rig) -> None:
    server, _none = in_cell0(rig)
    assert (server.status, server.cell) == ("ERROR", "cell0")
    rig.advance(4000)
    for attachment in rig.volumes.attachments():
        assert attachment.instance_uuid == server.id
        assert rig.volumes.show(attachment.volume_id).status == VolumeStatus.RESERVED
    assert len(rig.volumes.attachments()) == 2
    listed = [mapping.volume_id for mapping in rig.servers.volumes(server)]
    assert listed == [attachment.volume_id for attachment in rig.volumes.attachments()]


# -- 54, as far as it needs no move --------------------------------------------------


def test_54_an_attachment_that_cannot_be_deleted_keeps_no_other(rig: Rig) -> None:
    server, volumes = rig.servers.create(), [rig.volumes.create() for _each in range(3)]
    for volume in volumes:
        rig.servers.attach_volume(server, volume)
    stuck = rig.volumes.attachments(volumes[1])[0]
    rig.faults.fail(
        "volume.attachment_delete", when=lambda p: p.arguments["attachment_id"] == stuck.id
    )
    rig.servers.delete(server)
    shown = rig.servers.show(server)
    assert (shown.status, shown.task_state) == ("ERROR", None)
    assert [each.id for each in rig.volumes.attachments()] == [stuck.id]
    assert [rig.volumes.show(volumes[at]).status for at in (0, 2)] == [VolumeStatus.AVAILABLE] * 2
    rig.faults.clear()
    rig.servers.delete(server)
    assert rig.volumes.attachments() == ()


# -- 55 --------------------------------------------------


@pytest.mark.parametrize("multiattach", [False, True])
@pytest.mark.parametrize("seed", range(10))
def test_55_1937375_two_attaches_at_once_make_one_mapping(
    rig_factory: Callable[..., Rig], seed: int, multiattach: bool
) -> None:
    rig = rig_factory(ONE_HOST, seed=seed)
    server, volume = rig.servers.create(), rig.volumes.create(multiattach=multiattach)
    outcomes = rig.concurrently(*[lambda: rig.servers.attach_volume(server, volume)] * 2)
    refused = [each for each in outcomes if isinstance(each, Invalid | Conflict)]
    assert len(refused) == 1
    assert f"volume {volume.id} is already attached to server {server.id}" in str(refused[0])
    assert len(rig.servers.volumes(server)) == len(rig.volumes.attachments(volume)) == 1


@pytest.mark.parametrize("seed", range(10))
def test_55_two_volumes_at_once_get_two_names(rig_factory: Callable[..., Rig], seed: int) -> None:
    rig = rig_factory(ONE_HOST, seed=seed)
    server, volumes = rig.servers.create(), [rig.volumes.create() for _each in range(4)]
    rig.concurrently(*(lambda v=v: rig.servers.attach_volume(server, v) for v in volumes))
    names = sorted(mapping.device_name for mapping in rig.servers.volumes(server))
    assert names == ["sdb", "sdc", "sdd", "sde"]
    assert {disk.target for disk in rig.guest(server).disks} == {"sda", *names}


@pytest.mark.parametrize("seam", ["volume.volume_create", "volume.attachment_create"])
def test_55_1960401_volumes_can_be_listed_while_they_are_being_made(rig: Rig, seam: str) -> None:
    hold = rig.faults.hold(seam, service="compute")
    blank = BlockDevice(source_type=SourceType.BLANK, volume_size=1)
    server = rig.servers.create(block_devices=[blank], volumes=[rig.volumes.create()])
    assert server.status == "BUILD"
    assert len(rig.servers.volumes(server)) == 2
    hold.release()
    rig.settle()
    assert all(mapping.attachment_id for mapping in rig.servers.volumes(server))


@pytest.mark.parametrize(
    "seam", ["driver.get_volume_connector", "volume.attachment_update", "driver.attach_volume"]
)
def test_55_1978444_an_attach_that_fails_on_the_host_leaves_no_mapping(
    rig: Rig, rows: Rows, seam: str
) -> None:
    server, volume = rig.servers.create(), rig.volumes.create()
    rig.faults.fail(seam, HypervisorError("no slot"), service="compute", times=1)
    rig.servers.attach_volume(server, volume)
    assert rows(rig, "cell1", "block_device_mapping") == []
    assert rig.volumes.attachments() == ()
    assert rig.servers.show(server).fault is not None
    rig.servers.attach_volume(server, volume)
    assert rig.volumes.show(volume).status == VolumeStatus.IN_USE


@pytest.mark.parametrize("failures", [1, 2, 3])
def test_55_2019078_a_delete_that_block_storage_does_not_answer_is_tried_again(
    rig: Rig, failures: int
) -> None:
    server, volume = rig.servers.create(), rig.volumes.create()
    rig.servers.attach_volume(server, volume)
    rig.faults.fail("volume.attachment_delete", times=failures)
    rig.servers.detach_volume(server, volume)
    assert rig.volumes.show(volume).status == VolumeStatus.AVAILABLE
    assert rig.servers.show(server).fault is None


@pytest.mark.parametrize("how", ["detach", "delete"])
def test_55_1937084_an_attachment_that_is_gone_already_counts_as_deleted(
    rig: Rig, how: str
) -> None:
    server, volume = rig.servers.create(), rig.volumes.create()
    rig.servers.attach_volume(server, volume)
    rig.volumes.delete_attachment(rig.volumes.attachments(volume)[0])
    if how == "detach":
        rig.servers.detach_volume(server, volume)
        assert rig.servers.volumes(server) == []
        assert [disk.serial for disk in rig.guest(server).disks] == [None]
    else:
        rig.servers.delete(server)
        assert not list(rig.servers.list())
    assert rig.volumes.show(volume).status == VolumeStatus.AVAILABLE


@pytest.mark.parametrize("when", ["restart", "in time"])
@pytest.mark.parametrize("others", [True, False])
def test_55_2160224_what_dangles_on_either_side_is_brought_in_order(
    rig: Rig, when: str, others: bool
) -> None:
    server, stray, gone = rig.servers.create(), rig.volumes.create(), rig.volumes.create()
    kept = rig.volumes.create()
    context = rig.new_context("admin", "admin", True)
    if others:
        rig.servers.attach_volume(server, gone)
        rig.servers.attach_volume(server, kept)
        rig.volumes.delete_attachment(rig.volumes.attachments(gone)[0])
    rig.request(lambda: rig.cloud.volumes.attachment_create(context, stray.id, server.id))
    if when == "restart":
        rig.advance(1)
        rig.restart(str(server.host))
    else:
        rig.advance(1300)
    listed = [mapping.volume_id for mapping in rig.servers.volumes(server)]
    assert listed == ([kept.id] if others else [])
    for volume in (stray, gone):
        assert rig.volumes.show(volume).status == VolumeStatus.AVAILABLE


def test_55_a_detach_whose_end_was_lost_is_finished_in_time(rig: Rig) -> None:
    server, volume = rig.servers.create(), rig.volumes.create()
    rig.servers.attach_volume(server, volume)
    lost = rig.faults.fail("volume.attachment_delete")
    rig.servers.detach_volume(server, volume)
    assert rig.volumes.show(volume).status == VolumeStatus.DETACHING
    assert [disk.serial for disk in rig.guest(server).disks] == [None]
    lost.clear()
    rig.advance(1300)
    assert rig.volumes.show(volume).status == VolumeStatus.AVAILABLE
    assert rig.servers.volumes(server) == []


# -- 56 --------------------------------------------------


def test_56_1909120_a_detach_from_a_host_that_is_down_is_refused_and_can_be_done_later(
    rig: Rig,
) -> None:
    server, volume = rig.servers.create(), rig.volumes.create()
    rig.servers.attach_volume(server, volume)
    rig.crash(str(server.host))
    rig.advance(120)
    with pytest.raises(Conflict, match=f"host {server.host} of server {server.id} is down"):
        rig.servers.detach_volume(server, volume)
    assert rig.volumes.show(volume).status == VolumeStatus.IN_USE
    rig.restart(str(server.host))
    rig.servers.detach_volume(server, volume)
    assert rig.volumes.show(volume).status == VolumeStatus.AVAILABLE


@pytest.mark.parametrize("error", [Forbidden("over the limit"), Conflict("quota exceeded")])
def test_56_1554631_what_block_storage_forbids_is_told_as_it_is(
    rig: Rig, error: CellrigError
) -> None:
    server, volume = rig.servers.create(), rig.volumes.create()
    rig.faults.fail("volume.attachment_create", error, service="api", times=2)
    with pytest.raises(type(error), match=str(error)):
        rig.servers.attach_volume(server, volume)
    with pytest.raises(type(error), match=str(error)):
        rig.servers.create(volumes=[volume])
    assert rig.servers.volumes(server) == []
    assert rig.volumes.attachments() == ()
    assert len(list(rig.servers.list())) == 1


@pytest.mark.topology(SMALL)
def test_56_1554631_a_server_whose_volume_has_no_room_says_so(rig: Rig) -> None:
    image = rig.images.list()[0]
    root = BlockDevice(source_type=SourceType.IMAGE, uuid=image.id, boot_index=0, volume_size=4)
    server = rig.servers.create(block_devices=[root])
    assert server.status == "ERROR"
    assert server.fault is not None
    assert "no volume backend takes a volume of 4 GiB" in server.fault.message
    rig.servers.delete(server)
    assert rig.volumes.list() == ()


def test_56_1825020_a_server_that_boots_from_a_volume_is_rescued_where_its_host_can(
    rig_factory: Callable[..., Rig],
) -> None:
    for can in (True, False):
        rig = rig_factory(
            Topology(
                cells=[Cell("cell1", 1)],
                options={"capabilities": {"rescue_volume_backed": can}},
            )
        )
        server = rig.servers.create(block_devices=[bootable(rig)])
        if can:
            assert rig.servers.rescue(server, "cirros").status == "RESCUE"
            assert rig.servers.unrescue(server).status == "ACTIVE"
            continue
        with pytest.raises(Invalid, match=f"server {server.id} boots from a volume, and host"):
            rig.servers.rescue(server, "cirros")
        assert rig.servers.show(server).status == "ACTIVE"


def free(rig: Rig, volume: Volume) -> bool:
    return rig.volumes.attachments(volume) == ()


def test_an_attach_whose_order_is_lost_is_withdrawn_in_time(rig: Rig) -> None:
    server, volume = rig.servers.create(), rig.volumes.create()
    hold = rig.faults.hold("bus.compute.attach_volume")
    rig.spawn(lambda: rig.servers.attach_volume(server, volume))
    rig.settle()
    assert not free(rig, volume)
    rig.advance(1300)
    assert free(rig, volume)
    hold.release()
    rig.settle()
    assert free(rig, volume)
    with pytest.raises(NotFound):
        rig.servers.detach_volume(server, volume)
