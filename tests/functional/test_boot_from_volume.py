"""Servers that begin with volumes: every source and destination of block_device_mapping_v2."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import pytest

from cellrig import Cell, Host, Rig, Server, Topology
from cellrig.driver.errors import HypervisorError
from cellrig.errors import Invalid, NotFound
from cellrig.image import StoredImage
from cellrig.model import BlockDevice, DestinationType, Flavor, SourceType
from cellrig.volume.types import AttachmentStatus, Volume, VolumeStatus
from cellrig_fake import FakeDriver

BLANK, IMAGE, SNAPSHOT, VOLUME = SourceType
LOCAL = DestinationType.LOCAL

TINY = Flavor("1", "m1.tiny", vcpus=1, memory_mb=512, root_gb=1)
ROOMY = Flavor("2", "roomy", vcpus=1, memory_mb=512, root_gb=10, ephemeral_gb=4, swap_mb=1024)
ONE_HOST = Topology(cells=[Cell("cell1", 1)], flavors=(TINY, ROOMY))
TWO_HOSTS = Topology(cells=[Cell("cell1", 2)], flavors=(TINY, ROOMY))

#: A host of which the first has hardly any disk of its own.
NO_DISK = Topology(
    cells=[Cell("cell1", [Host("small", options={"disk_gb": 5}), Host("large")])],
    flavors=(ROOMY,),
)


def cirros(rig: Rig) -> str:
    return next(image.id for image in rig.images.list() if image.name == "cirros")


def from_image(rig: Rig, **more: object) -> BlockDevice:
    """A volume with the image on it."""
    values = {"volume_size": 2, **more}
    return BlockDevice(source_type=IMAGE, uuid=cirros(rig), **values)  # type: ignore[arg-type]


def bootable(rig: Rig, **more: object) -> Volume:
    return rig.volumes.create(size=2, image=cirros(rig), **more)  # type: ignore[arg-type]


def root_of(rig: Rig, source: SourceType, **more: object) -> BlockDevice:
    """What a server can boot from, made from `source`."""
    if source == IMAGE:
        return from_image(rig, boot_index=0, **more)
    volume = bootable(rig)
    uuid = volume.id if source == VOLUME else rig.volume_snapshots.create(volume).id
    return BlockDevice(source_type=source, uuid=uuid, boot_index=0, **more)  # type: ignore[arg-type]


def data_of(rig: Rig, source: SourceType) -> BlockDevice:
    """A further disk, made from `source`."""
    if source == BLANK:
        return BlockDevice(source_type=BLANK, volume_size=3)
    if source == IMAGE:
        return from_image(rig)
    volume = rig.volumes.create(size=3)
    uuid = volume.id if source == VOLUME else rig.volume_snapshots.create(volume).id
    return BlockDevice(source_type=source, uuid=uuid)


def is_whole(rig: Rig, server: Server) -> None:
    """Check that a server runs with all its volumes attached, and none besides."""
    assert (server.status, server.fault) == ("ACTIVE", None)
    mappings = rig.servers.volumes(server)
    guest = rig.guest(server)
    seen = {disk.serial for disk in guest.disks if disk.serial}
    assert seen == {mapping.volume_id for mapping in mappings}
    attachments = rig.volumes.attachments(server=server)
    assert {each.id for each in attachments} == {mapping.attachment_id for mapping in mappings}
    for each in attachments:
        assert (each.status, each.host) == (AttachmentStatus.ATTACHED, server.host)
    for mapping in mappings:
        assert rig.volumes.show(str(mapping.volume_id)).status == VolumeStatus.IN_USE


def held(rig: Rig, server: Server) -> dict[str, int]:
    """What a server holds in placement, by resource class."""
    found = rig.placement.get_allocations(server.id)
    assert found is not None
    (amounts,) = found.allocations.values()
    return dict(amounts)


def message(server: Server) -> str:
    assert (server.status, server.host) == ("ERROR", None)
    assert server.fault is not None
    return server.fault.message


# -- sources and destinations -------------------------------------------------------


@pytest.mark.parametrize("source", [IMAGE, SNAPSHOT, VOLUME])
def test_a_server_boots_from_a_volume_of_each_source(rig: Rig, source: SourceType) -> None:
    server = rig.servers.create(block_devices=[root_of(rig, source)])
    is_whole(rig, server)
    (mapping,) = rig.servers.volumes(server)
    assert (mapping.boot_index, mapping.device_name, mapping.volume_size) == (0, "sda", 2)
    (disk,) = rig.guest(server).disks
    assert (disk.serial, disk.boot_order, disk.size_gb) == (mapping.volume_id, 1, 2)
    volume = rig.volumes.show(str(mapping.volume_id))
    assert (volume.bootable, volume.size) == (True, 2)
    assert volume.image_metadata["image_name"] == "cirros"


@pytest.mark.parametrize("source", list(SourceType))
def test_a_server_begins_with_a_further_volume_of_each_source(rig: Rig, source: SourceType) -> None:
    server = rig.servers.create(block_devices=[data_of(rig, source)])
    is_whole(rig, server)
    (mapping,) = rig.servers.volumes(server)
    size = 2 if source == IMAGE else 3
    assert (mapping.boot_index, mapping.device_name, mapping.volume_size) == (None, "sdb", size)
    root, data = rig.guest(server).disks
    assert (root.serial, root.boot_order, data.boot_order) == (None, 1, None)
    assert data.size_gb == size


def test_a_server_boots_from_one_volume_and_has_all_others(rig: Rig) -> None:
    devices = [root_of(rig, IMAGE), *(data_of(rig, source) for source in SourceType)]
    server = rig.servers.create(block_devices=devices)
    is_whole(rig, server)
    names = [mapping.device_name for mapping in rig.servers.volumes(server)]
    assert names == ["sda", "sdb", "sdc", "sdd", "sde"]


def test_volumes_are_attached_at_boot(rig: Rig) -> None:
    volumes = [rig.volumes.create() for _each in range(2)]
    server = rig.servers.create(volumes=volumes)
    is_whole(rig, server)
    assert {m.volume_id for m in rig.servers.volumes(server)} == {each.id for each in volumes}
    rig.servers.detach_volume(server, volumes[0])
    assert rig.volumes.show(volumes[0]).status == VolumeStatus.AVAILABLE


@pytest.mark.topology(ONE_HOST)
def test_local_disks_stay_on_the_host(rig: Rig) -> None:
    devices = [
        BlockDevice(source_type=IMAGE, destination_type=LOCAL, uuid=cirros(rig), boot_index=0),
        BlockDevice(source_type=BLANK, destination_type=LOCAL, volume_size=4),
        BlockDevice(source_type=BLANK, destination_type=LOCAL, guest_format="swap", volume_size=1),
        BlockDevice(source_type=BLANK, volume_size=7),
    ]
    server = rig.servers.create(flavor="roomy", image="cirros", block_devices=devices)
    is_whole(rig, server)
    disks = rig.guest(server).disks
    assert [(disk.target, disk.size_gb) for disk in disks] == [
        ("sda", 10),
        ("sdb", 4),
        ("sdc", 1),
        ("sdd", 7),
    ]
    assert held(rig, server)["DISK_GB"] == 15


@pytest.mark.topology(ONE_HOST)
def test_a_root_disk_that_is_a_volume_comes_before_the_local_ones(rig: Rig) -> None:
    server = rig.servers.create(
        flavor="roomy", block_devices=[root_of(rig, IMAGE), data_of(rig, BLANK)]
    )
    is_whole(rig, server)
    named = {disk.target: disk.serial for disk in rig.guest(server).disks}
    root, data = rig.servers.volumes(server)
    assert named == {"sda": root.volume_id, "sdb": None, "sdc": None, "sdd": data.volume_id}


def test_names_tags_buses_and_boot_order_are_those_asked_for(rig: Rig) -> None:
    devices = [
        from_image(rig, boot_index=0, device_name="/dev/vda", disk_bus="virtio", tag="root"),
        from_image(rig, boot_index=1, disk_bus="virtio"),
        BlockDevice(source_type=BLANK, volume_size=1, device_name="sdk", tag="data"),
    ]
    server = rig.servers.create(block_devices=devices)
    is_whole(rig, server)
    guest = rig.guest(server)
    assert [(d.target, d.bus, d.boot_order, d.tag) for d in guest.disks] == [
        ("vda", "virtio", 1, "root"),
        ("vdb", "virtio", 2, None),
        ("sdk", "scsi", None, "data"),
    ]


def test_a_volume_gets_the_type_that_is_asked_for(rig: Rig) -> None:
    rig.volume_types.create("gold")
    server = rig.servers.create(
        block_devices=[BlockDevice(source_type=BLANK, volume_size=1, volume_type="gold")]
    )
    (mapping,) = rig.servers.volumes(server)
    assert rig.volumes.show(str(mapping.volume_id)).volume_type == "gold"


def test_a_boot_volume_belongs_to_the_user_who_asked(rig: Rig) -> None:
    user = rig.as_user("alice", "project-a")
    server = user.servers.create(block_devices=[root_of(rig, IMAGE)])
    (volume,) = user.volumes.list()
    assert (volume.project_id, volume.user_id) == ("project-a", "alice")
    user.servers.delete(server)
    assert user.volumes.show(volume).status == VolumeStatus.AVAILABLE


# -- what placement knows -------------------------------------------------------


@pytest.mark.topology(ONE_HOST)
def test_a_root_disk_that_is_a_volume_takes_none_of_the_hosts(rig: Rig) -> None:
    tiny = rig.servers.create(flavor="m1.tiny", block_devices=[root_of(rig, IMAGE)])
    assert held(rig, tiny) == {"VCPU": 1, "MEMORY_MB": 512}
    roomy = rig.servers.create(flavor="roomy", block_devices=[root_of(rig, IMAGE)])
    assert held(rig, roomy)["DISK_GB"] == 5
    plain = rig.servers.create(flavor="roomy", volumes=[rig.volumes.create()])
    assert held(rig, plain)["DISK_GB"] == 15


@pytest.mark.topology(NO_DISK)
def test_a_host_without_disk_takes_servers_that_boot_from_volumes(rig: Rig) -> None:
    assert rig.servers.create(block_devices=[root_of(rig, IMAGE)], host="small").host == "small"
    refused = rig.servers.create(host="small")
    assert refused.status == "ERROR"
    rig.servers.delete(refused)


# -- several at once -------------------------------------------------------


def test_each_of_several_servers_has_volumes_of_its_own(rig: Rig) -> None:
    devices = [root_of(rig, IMAGE, delete_on_termination=True), data_of(rig, BLANK)]
    servers = rig.servers.create(count=3, block_devices=devices)
    volumes = set()
    for server in servers:
        is_whole(rig, server)
        volumes |= {mapping.volume_id for mapping in rig.servers.volumes(server)}
    assert len(volumes) == 6
    for server in servers:
        rig.servers.delete(server)
    assert len(rig.volumes.list()) == 3


def test_several_servers_do_not_begin_with_one_volume(rig: Rig) -> None:
    volume = rig.volumes.create()
    with pytest.raises(
        Invalid, match=f"volume {volume.id} is not multiattach; 2 servers cannot all have it"
    ):
        rig.servers.create(count=2, volumes=[volume])
    assert not list(rig.servers.list())
    assert rig.volumes.attachments() == ()


# -- the end of a server -------------------------------------------------------


@pytest.mark.parametrize("goes", [True, False])
@pytest.mark.parametrize("source", [IMAGE, SNAPSHOT, VOLUME])
def test_a_boot_volume_goes_with_its_server_where_that_was_asked(
    rig: Rig, source: SourceType, goes: bool
) -> None:
    server = rig.servers.create(block_devices=[root_of(rig, source, delete_on_termination=goes)])
    (mapping,) = rig.servers.volumes(server)
    rig.servers.delete(server)
    assert rig.volumes.attachments() == ()
    if goes:
        with pytest.raises(NotFound, match=str(mapping.volume_id)):
            rig.volumes.show(str(mapping.volume_id))
    else:
        assert rig.volumes.show(str(mapping.volume_id)).status == VolumeStatus.AVAILABLE


# -- rebuild, rescue -------------------------------------------------------


def test_56_1732947_a_rebuild_keeps_the_boot_volume_and_asks_no_scheduler(rig: Rig) -> None:
    server = rig.servers.create(block_devices=[root_of(rig, IMAGE), data_of(rig, BLANK)])
    before = rig.servers.volumes(server)
    with rig.faults.record() as passed:
        rebuilt = rig.servers.rebuild(server, "cirros")
    assert not [each for each in passed if each.seam.startswith("bus.scheduler.")]
    assert (rebuilt.status, rebuilt.host) == ("ACTIVE", server.host)
    assert rig.servers.volumes(server) == before
    is_whole(rig, rebuilt)


def test_56_1746483_a_boot_volume_without_an_image_boots_and_is_not_rebuilt(rig: Rig) -> None:
    volume = rig.volumes.create(size=1, bootable=True)
    root = BlockDevice(source_type=VOLUME, uuid=volume.id, boot_index=0)
    server = rig.servers.create(block_devices=[root])
    is_whole(rig, server)
    assert rig.servers.reboot(server, "HARD").status == "ACTIVE"
    with pytest.raises(Invalid, match=f"server {server.id} boots from a volume: it is rebuilt"):
        rig.servers.rebuild(server, "cirros")
    is_whole(rig, rig.servers.show(server))


def test_a_rebuild_from_another_image_than_the_volumes_is_refused(rig: Rig) -> None:
    other = StoredImage(rig.new_uuid(), "other")
    rig.request(lambda: rig.cloud.images.create(other))
    server = rig.servers.create(block_devices=[root_of(rig, IMAGE)])
    told = "boots from a volume: it is rebuilt from the image that the volume was made from"
    with pytest.raises(Invalid, match=f"server {server.id} {told}, not from 'other'"):
        rig.servers.rebuild(server, "other")
    assert rig.servers.show(server).task_state is None
    is_whole(rig, rig.servers.show(server))


def test_56_the_flavors_root_disk_does_not_matter_to_a_server_that_boots_from_a_volume(
    rig: Rig,
) -> None:
    large = StoredImage(rig.new_uuid(), "large", min_disk=5)
    rig.request(lambda: rig.cloud.images.create(large))
    root = BlockDevice(source_type=IMAGE, uuid=large.id, boot_index=0, volume_size=5)
    server = rig.servers.create(flavor="m1.tiny", block_devices=[root])
    is_whole(rig, server)
    assert rig.servers.rebuild(server, "large").status == "ACTIVE"


# -- failures and alternates -------------------------------------------------------


@pytest.mark.topology(TWO_HOSTS)
@pytest.mark.parametrize("source", [IMAGE, SNAPSHOT, VOLUME])
@pytest.mark.parametrize("seam", ["driver.spawn", "volume.attachment_update"])
def test_22_1784353_the_second_host_has_the_volumes_and_the_first_keeps_none(
    rig: Rig, seam: str, source: SourceType
) -> None:
    rig.faults.fail_after(
        seam, HypervisorError("out of ink"), host="cell1-host1", service="compute", times=1
    )
    devices = [root_of(rig, source), data_of(rig, VOLUME), data_of(rig, BLANK)]
    server = rig.servers.create(block_devices=devices)
    assert server.host == "cell1-host2"
    is_whole(rig, server)
    first = rig.driver("cell1-host1")
    assert isinstance(first, FakeDriver)
    assert first.volume_connections().volumes == ()
    assert first.list_guests() == []
    made = 3 if source == IMAGE else 4
    volumes = rig.volumes.list()
    assert len([each for each in volumes if each.status == VolumeStatus.IN_USE]) == 3
    assert len(volumes) <= made


@pytest.mark.topology(TWO_HOSTS)
@pytest.mark.parametrize(
    "seam",
    [
        "volume.volume_create",
        "volume.attachment_create",
        "volume.attachment_update",
        "driver.get_volume_connector",
        "driver.spawn",
        "volume.attachment_complete",
    ],
)
def test_52_1899649_a_server_that_could_not_be_built_keeps_its_volumes_until_it_is_deleted(
    rig: Rig, seam: str
) -> None:
    other, volume = rig.servers.create(), bootable(rig)
    devices = [
        BlockDevice(source_type=VOLUME, uuid=volume.id, boot_index=0),
        BlockDevice(source_type=BLANK, volume_size=1, delete_on_termination=True),
    ]
    rig.faults.fail(seam, HypervisorError("out of ink"), service="compute")
    server = rig.servers.create(block_devices=devices)
    assert "out of ink" in message(server)
    assert rig.volumes.show(volume).status == VolumeStatus.RESERVED
    (attachment,) = rig.volumes.attachments(volume)
    assert (attachment.instance_uuid, attachment.host) == (server.id, None)
    with pytest.raises(Invalid, match=f"volume {volume.id} is reserved by server {server.id}"):
        rig.servers.attach_volume(other, volume)
    rig.advance(2000)
    assert rig.volumes.show(volume).status == VolumeStatus.RESERVED
    rig.faults.clear()
    rig.servers.delete(server)
    assert [each.id for each in rig.volumes.list()] == [volume.id]
    rig.servers.attach_volume(other, volume)


def test_a_volume_that_cannot_be_made_ends_the_build_on_the_first_host(rig: Rig) -> None:
    rig.faults.fail("volume_backend.create_volume_from_image", RuntimeError("no space"))
    server = rig.servers.create(block_devices=[root_of(rig, IMAGE)])
    (volume,) = rig.volumes.list()
    told = f"volume {volume.id} for server {server.id} was not created: it is error"
    assert told in message(server)
    rig.servers.delete(server)
    assert [each.status for each in rig.volumes.list()] == [VolumeStatus.ERROR]
    rig.volumes.delete(volume)


def test_a_request_that_cannot_have_all_its_volumes_has_none(rig: Rig) -> None:
    other, volume, used = rig.servers.create(), rig.volumes.create(), rig.volumes.create()
    rig.servers.attach_volume(other, used)
    with pytest.raises(Invalid, match=f"volume {used.id} is in-use by server {other.id}"):
        rig.servers.create(volumes=[volume, used])
    assert rig.volumes.attachments(volume) == ()
    assert [server.id for server in rig.servers.list()] == [other.id]


# -- bad input -------------------------------------------------------

Build = Callable[[Rig], Sequence[BlockDevice]]


def device(source: SourceType, **more: object) -> BlockDevice:
    return BlockDevice(source_type=source, **more)  # type: ignore[arg-type]


def a_volume(rig: Rig, **more: object) -> BlockDevice:
    return device(VOLUME, uuid=rig.volumes.create().id, **more)


BAD: dict[str, tuple[Build, str]] = {
    "boot order with a gap": (
        lambda rig: [from_image(rig, boot_index=0), from_image(rig, boot_index=2)],
        "boot_index 0, 2: they take 0, 1, 2, ... each once",
    ),
    "two to boot from": (
        lambda rig: [from_image(rig, boot_index=0), from_image(rig, boot_index=0)],
        "boot_index 0, 0: they take 0, 1, 2, ... each once",
    ),
    "blank to boot from": (
        lambda rig: [device(BLANK, volume_size=1, boot_index=0)],
        "boot_index 0: a server cannot boot from a blank volume",
    ),
    "not bootable": (
        lambda rig: [a_volume(rig, boot_index=0)],
        "is not bootable: boot_index 0 takes one that is",
    ),
    "one name twice": (
        lambda rig: [
            from_image(rig, boot_index=0, device_name="/dev/sdb"),
            a_volume(rig, device_name="sdb"),
        ],
        "the device name 'sdb' is given twice; each disk takes one of its own",
    ),
    "malformed name": (
        lambda rig: [a_volume(rig, device_name="/dev/mapper/x")],
        "device name '/dev/mapper/x' is malformed",
    ),
    "one tag twice": (
        lambda rig: [a_volume(rig, tag="data"), a_volume(rig, tag="data")],
        "the tag 'data' is given twice",
    ),
    "one volume twice": (
        lambda rig: [a_volume(rig)] * 2,
        "is given twice; each disk takes one of its own",
    ),
    "volume to the host": (
        lambda rig: [a_volume(rig, destination_type=LOCAL)],
        "a disk made from a volume goes to a volume, not to local",
    ),
    "snapshot to the host": (
        lambda rig: [device(SNAPSHOT, uuid="x", destination_type=LOCAL)],
        "a disk made from a snapshot goes to a volume, not to local",
    ),
    "blank with a uuid": (
        lambda rig: [device(BLANK, uuid="x", volume_size=1)],
        "a disk made from a blank takes no uuid",
    ),
    "volume without a uuid": (
        lambda rig: [device(VOLUME)],
        "a disk made from a volume takes its uuid",
    ),
    "blank without a size": (
        lambda rig: [device(BLANK)],
        "a volume made from blank takes a volume_size in GiB",
    ),
    "image without a size": (
        lambda rig: [from_image(rig, volume_size=None)],
        "a volume made from image takes a volume_size in GiB",
    ),
    "negative size": (
        lambda rig: [device(BLANK, volume_size=-3)],
        "volume_size takes GiB from 1 on; it was given -3",
    ),
    "too small for its snapshot": (
        lambda rig: [
            device(
                SNAPSHOT,
                uuid=rig.volume_snapshots.create(rig.volumes.create(size=4)).id,
                volume_size=3,
            )
        ],
        "takes a volume_size of 4 GiB or more, not 3",
    ),
    "type of a volume that is there": (
        lambda rig: [a_volume(rig, volume_type="default")],
        "volume_type is for volumes that are made with the server",
    ),
    "unknown type": (
        lambda rig: [device(BLANK, volume_size=1, volume_type="golden")],
        "block_device_mapping_v2: volume type golden does not exist",
    ),
    "unknown bus": (
        lambda rig: [a_volume(rig, disk_bus="scuzzy")],
        "disk_bus 'scuzzy': it takes scsi, virtio, sata, ide, usb",
    ),
    "unknown device type": (
        lambda rig: [a_volume(rig, device_type="tape")],
        "device_type 'tape': it takes disk, cdrom, lun",
    ),
    "unknown volume": (
        lambda rig: [device(VOLUME, uuid="no-volume")],
        "block_device_mapping_v2: volume no-volume does not exist",
    ),
    "unknown snapshot": (
        lambda rig: [device(SNAPSHOT, uuid="no-snapshot")],
        "block_device_mapping_v2: volume snapshot no-snapshot does not exist",
    ),
    "unknown image": (
        lambda rig: [device(IMAGE, uuid="no-image", volume_size=1)],
        "block_device_mapping_v2: image 'no-image' does not exist",
    ),
    "more ephemeral than the flavor has": (
        lambda rig: [device(BLANK, destination_type=LOCAL, volume_size=3)],
        "ephemeral disks of 3 GiB: flavor 'm1.tiny' takes 0",
    ),
    "more swap than the flavor has": (
        lambda rig: [device(BLANK, destination_type=LOCAL, guest_format="swap", volume_size=1)],
        "1 swap disks of 1024 MiB: flavor 'm1.tiny' takes one of at most 0",
    ),
    "volume in use": (
        lambda rig: [_used(rig)],
        "is in-use by server",
    ),
    "volume in error": (
        lambda rig: [device(VOLUME, uuid=rig.volumes.reset_status(_made(rig), "error").id)],
        "is error: to attach it must be available",
    ),
}


def _made(rig: Rig) -> Volume:
    return rig.volumes.create()


def _used(rig: Rig) -> BlockDevice:
    volume = rig.volumes.create()
    rig.servers.attach_volume(rig.servers.create(name="other"), volume)
    return device(VOLUME, uuid=volume.id)


@pytest.mark.parametrize("case", BAD)
def test_a_disk_that_does_not_fit_is_named_and_nothing_is_reserved(rig: Rig, case: str) -> None:
    build, told = BAD[case]
    devices = build(rig)
    before = rig.volumes.attachments()
    with pytest.raises(Invalid) as caught:
        rig.servers.create(block_devices=devices)
    assert told in str(caught.value)
    assert rig.volumes.attachments() == before
    assert [server.name for server in rig.servers.list() if server.name != "other"] == []


def test_a_boot_volume_goes_before_an_image(rig: Rig) -> None:
    server = rig.servers.create(image="cirros", block_devices=[root_of(rig, IMAGE)])
    assert (server.status, server.image_id) == ("ACTIVE", None)
    (mapping,) = rig.servers.volumes(server)
    assert mapping.boot_index == 0
    blank = device(VOLUME, uuid=rig.volumes.create(size=1).id, boot_index=0)
    assert rig.servers.create(image="cirros", block_devices=[blank]).status == "ACTIVE"


def test_a_local_root_disk_is_of_the_servers_image(rig: Rig) -> None:
    other = device(IMAGE, destination_type=LOCAL, uuid="another", boot_index=0)
    with pytest.raises(Invalid, match="the local root disk is of image another"):
        rig.servers.create(image=cirros(rig), block_devices=[other])
    assert rig.volumes.attachments() == ()


def test_an_image_that_does_not_fit_a_boot_volume_is_refused(rig: Rig) -> None:
    images = {
        "wide": StoredImage(rig.new_uuid(), "wide", min_disk=8),
        "heavy": StoredImage(rig.new_uuid(), "heavy", size=9 << 30),
        "hungry": StoredImage(rig.new_uuid(), "hungry", min_ram=4096),
        "queued": StoredImage(rig.new_uuid(), "queued", status="queued"),
    }
    told = {
        "wide": "takes a volume_size of 8 GiB or more, not 2",
        "heavy": "takes a volume_size of 9 GiB or more, not 2",
        "hungry": "needs 4096 MiB of memory; flavor 'm1.tiny' has 512",
        "queued": "image 'queued' is queued; a volume is made from an active one",
    }
    for name, image in images.items():
        rig.request(lambda image=image: rig.cloud.images.create(image))  # type: ignore[misc]
        root = device(IMAGE, uuid=image.id, boot_index=0, volume_size=2)
        with pytest.raises(Invalid) as caught:
            rig.servers.create(block_devices=[root])
        assert told[name] in str(caught.value)
    assert not list(rig.servers.list())


def test_somebody_elses_volume_and_snapshot_do_not_exist(rig: Rig) -> None:
    alice, bob = rig.as_user("alice", "project-a"), rig.as_user("bob", "project-b")
    volume = alice.volumes.create()
    snapshot = alice.volume_snapshots.create(volume)
    for given in (device(VOLUME, uuid=volume.id), device(SNAPSHOT, uuid=snapshot.id)):
        with pytest.raises(Invalid, match=f"{given.uuid} does not exist"):
            bob.servers.create(block_devices=[given])
    assert rig.volumes.attachments() == ()


# -- images of servers that boot from volumes ---------------------------------------------------


def test_an_image_of_a_server_that_boots_from_a_volume_names_snapshots_of_its_volumes(
    rig: Rig,
) -> None:
    devices = [root_of(rig, IMAGE, tag="root"), data_of(rig, BLANK)]
    server = rig.servers.create(block_devices=devices)
    before = rig.guest(server)
    image = rig.servers.create_image(server, "keep")
    assert (image.status, image.size) == ("active", 0)
    assert image.properties["root_device_name"] == "/dev/sda"
    snapshots = {each.id: each.volume_id for each in rig.volume_snapshots.list()}
    assert set(snapshots.values()) == {m.volume_id for m in rig.servers.volumes(server)}
    told = json.loads(image.properties["block_device_mapping"])
    assert {each["snapshot_id"] for each in told} == set(snapshots)
    assert rig.guest(server) == before
    assert (rig.servers.show(server).status, rig.servers.show(server).task_state) == (
        "ACTIVE",
        None,
    )
    assert rig.servers.actions(server)[0].action == "createImage"


@pytest.mark.topology(ONE_HOST)
def test_a_server_boots_from_such_an_image_with_volumes_of_its_own(rig: Rig) -> None:
    devices = [root_of(rig, IMAGE, tag="root"), data_of(rig, BLANK)]
    first = rig.servers.create(block_devices=devices)
    rig.servers.create_image(first, "keep")
    further = rig.volumes.create(size=1)
    for volumes in ([], [further]):
        server = rig.servers.create(image="keep", volumes=volumes)
        is_whole(rig, server)
        assert held(rig, server) == {"VCPU": 1, "MEMORY_MB": 512}
        mappings = rig.servers.volumes(server)
        assert [m.device_name for m in mappings] == ["sda", "sdb", "sdc"][: 2 + len(volumes)]
        assert [m.source_type for m in mappings[:2]] == [SNAPSHOT, SNAPSHOT]
        assert [m.tag for m in mappings[:2]] == ["root", None]
        own = {m.volume_id for m in mappings}
        assert not own & {m.volume_id for m in rig.servers.volumes(first)}
    is_whole(rig, rig.servers.show(first))


def test_an_image_whose_second_snapshot_fails_leaves_none(rig: Rig) -> None:
    server = rig.servers.create(block_devices=[root_of(rig, IMAGE), data_of(rig, BLANK)])
    rig.faults.fail("volume.snapshot_create", HypervisorError("no room"), nth=2)
    with pytest.raises(HypervisorError, match="no room"):
        rig.servers.create_image(server, "keep")
    assert rig.volume_snapshots.list() == ()
    assert [image.name for image in rig.images.list()] == ["cirros"]
    is_whole(rig, rig.servers.show(server))
