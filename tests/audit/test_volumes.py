"""Invariant f: attachments, block device mappings, guests' disks and hosts' connections agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from cellrig.db.block_devices import BlockDeviceStore
from cellrig.driver.errors import HypervisorError
from cellrig.model import BlockDeviceChanges, BlockDeviceMapping, InstanceChanges, VmState
from cellrig.volume.records import change_attachment, move_attachments, remove_volume
from cellrig.volume.types import Attachment, AttachmentStatus, AttachMode
from cellrig_fake import FakeDriver
from cellrig_fake.state import Connected

if TYPE_CHECKING:
    from tests.audit.conftest import BrokenCloud

    from cellrig import Server
    from cellrig.volume.types import Volume

HOST = "cell1-host1"


class Scene(msgspec.Struct, frozen=True):
    """A server with a volume, and how findings call it."""

    server: Server
    volume: Volume
    mapping: BlockDeviceMapping
    attachment: Attachment

    @property
    def record(self) -> str:
        return f"server {self.server.id} (ACTIVE) of cell cell1"

    @property
    def name(self) -> str:
        return f"volume {self.volume.id} of {self.record}"

    @property
    def disk(self) -> str:
        return f"disk sdb of {self.record}"


def attach(broken: BrokenCloud, *, multiattach: bool = False) -> Scene:
    rig = broken.rig
    server = broken.boot(HOST)
    volume = rig.volumes.create(multiattach=multiattach)
    rig.servers.attach_volume(server, volume)
    assert broken.findings() == []
    (attachment,) = rig.volumes.attachments(volume)
    return Scene(server, volume, rig.servers.volumes(server)[0], attachment)


def mappings(broken: BrokenCloud) -> BlockDeviceStore:
    return BlockDeviceStore(broken.rig.databases["cell1"], broken.rig.runtime.now)


def change(broken: BrokenCloud, scene: Scene, **changes: object) -> None:
    """Change an attachment past block storage."""
    with broken.rig.databases["volumes"].transaction() as transaction:
        change_attachment(transaction, scene.attachment.id, **changes)


def driver(broken: BrokenCloud) -> FakeDriver:
    found = broken.rig.driver(HOST)
    assert isinstance(found, FakeDriver)
    return found


def edit_guest(broken: BrokenCloud, scene: Scene, old: bytes, new: bytes) -> None:
    """Change a guest's XML behind everybody's back."""
    domain = driver(broken).hypervisor.domain(scene.server.id)
    assert old in domain.document
    domain.document = domain.document.replace(old, new)


# -- attachments and mappings --------------------------------------------------


def test_an_attachment_without_a_mapping_is_found(broken: BrokenCloud) -> None:
    scene = attach(broken)
    mappings(broken).destroy(scene.mapping.uuid)
    assert (
        f"volume {scene.volume.id} is attached by attachment {scene.attachment.id} of server "
        f"{scene.server.id}, and no block device mapping of the server names it"
    ) in broken.findings()


def test_an_attachment_of_a_deleted_server_is_found(broken: BrokenCloud) -> None:
    scene = attach(broken)
    rig = broken.rig
    rig.servers.delete(scene.server)
    context = rig.new_context("admin", "admin", True)
    rig.request(
        lambda: rig.cloud.volumes.attachment_create(context, scene.volume.id, scene.server.id)
    )
    (finding,) = broken.findings()
    assert finding.startswith(f"volume {scene.volume.id} is reserved by attachment ")
    assert finding.endswith(
        f"of server {scene.server.id}, and no block device mapping of the server names it"
    )


def test_a_mapping_of_a_server_that_does_not_exist_is_found(broken: BrokenCloud) -> None:
    mapping = BlockDeviceMapping(uuid="a-mapping", instance_uuid="nobody", volume_id="a-volume")
    mappings(broken).create([mapping])
    assert broken.findings() == [
        "the block device mapping a-mapping is of server nobody, which no cell has"
    ]


def test_a_mapping_of_a_deleted_server_is_found(broken: BrokenCloud) -> None:
    scene = attach(broken)
    broken.rig.servers.delete(scene.server)
    mappings(broken).create([scene.mapping])
    deleted = scene.name.replace("ACTIVE", "DELETED")
    assert broken.findings() == [
        f"{deleted}: the server is deleted, its block device mapping {scene.mapping.uuid} is not"
    ]


def test_a_mapping_that_names_no_attachment_is_found(broken: BrokenCloud) -> None:
    scene = attach(broken)
    mappings(broken).update(scene.mapping.uuid, BlockDeviceChanges(attachment_id=None))
    told = f"{scene.name}: its block device mapping {scene.mapping.uuid} names no attachment"
    assert told in broken.findings()


def test_a_mapping_whose_attachment_is_gone_is_found_until_the_host_has_seen_it(
    broken: BrokenCloud,
) -> None:
    scene = attach(broken)
    broken.rig.volumes.delete_attachment(scene.attachment)
    told = f"{scene.name}: block storage has no attachment {scene.attachment.id}"
    assert told in broken.findings()
    broken.rig.advance(1300)
    assert broken.findings() == []
    assert broken.rig.servers.volumes(scene.server) == []


def test_an_attachment_of_another_volume_is_found(broken: BrokenCloud) -> None:
    scene, other = attach(broken), broken.rig.volumes.create()
    with broken.rig.databases["volumes"].transaction() as transaction:
        move_attachments(transaction, (scene.volume.id, other.id))
    assert (
        f"{scene.name}: its attachment {scene.attachment.id} is of volume {other.id} and server "
        f"{scene.server.id}"
    ) in broken.findings()


def test_an_attachment_that_is_connected_to_another_host_is_found(broken: BrokenCloud) -> None:
    scene = attach(broken)
    assert scene.attachment.connector is not None
    elsewhere = msgspec.structs.replace(scene.attachment.connector, host="cell1-host2")
    change(broken, scene, connector=elsewhere)
    assert (
        f"{scene.name}: its attachment is connected to host cell1-host2, the server is on {HOST}"
    ) in broken.findings()


def test_another_connection_info_is_found_until_the_host_has_read_it(broken: BrokenCloud) -> None:
    scene = attach(broken)
    info = scene.attachment.connection_info
    change(broken, scene, connection_info={**info, "driver_volume_type": "iscsi"})
    assert broken.findings() == [
        f"{scene.name}: the mapping and the attachment do not have the same connection info"
    ]
    broken.rig.restart(HOST)
    assert broken.findings() == []


@pytest.mark.parametrize(
    "status", [each for each in AttachmentStatus if each is not AttachmentStatus.ATTACHED]
)
def test_an_attachment_that_is_left_in_the_middle_is_found(
    broken: BrokenCloud, status: AttachmentStatus
) -> None:
    scene = attach(broken)
    change(broken, scene, status=status)
    told = f"{scene.name}: its attachment is {status}, and at rest it is attached"
    assert told in broken.findings()


def test_an_attachment_of_a_volume_that_does_not_exist_is_found(broken: BrokenCloud) -> None:
    scene = attach(broken)
    with broken.rig.databases["volumes"].transaction() as transaction:
        remove_volume(transaction, scene.volume.id)
    assert broken.findings() == [
        f"attachment {scene.attachment.id} is of volume {scene.volume.id}, which does not exist"
    ]


def test_a_volume_of_several_servers_that_is_not_multiattach_is_found(
    broken: BrokenCloud,
) -> None:
    scene = attach(broken, multiattach=True)
    other = broken.boot(HOST)
    broken.rig.servers.attach_volume(other, scene.volume)
    assert broken.findings() == []
    broken.execute("volumes", "UPDATE volumes SET multiattach = 0")
    servers = ", ".join(sorted([scene.server.id, other.id]))
    assert (
        f"volume {scene.volume.id} is not multiattach, and has attachments of several servers: "
        f"{servers}"
    ) in broken.findings()


# -- disks --------------------------------------------------


def test_a_guest_without_the_disk_of_its_volume_is_found(broken: BrokenCloud) -> None:
    scene = attach(broken)
    serial = f"<serial>{scene.volume.id}</serial>".encode()
    edit_guest(broken, scene, serial, b"")
    assert f"{scene.name} is attached, and its guest has no such disk" in broken.findings()


def test_a_disk_of_another_volume_is_found(broken: BrokenCloud) -> None:
    scene = attach(broken)
    serial = scene.volume.id.encode()
    edit_guest(broken, scene, b"<serial>" + serial, b"<serial>" + serial[::-1])
    assert (
        f"{scene.disk} is volume {scene.volume.id[::-1]}, of which the server has no block device "
        "mapping"
    ) in broken.findings()


def test_a_disk_that_is_shareable_though_its_volume_is_not_is_found(broken: BrokenCloud) -> None:
    scene = attach(broken)
    serial = f"<serial>{scene.volume.id}</serial>".encode()
    edit_guest(broken, scene, serial, serial + b"<shareable/>")
    assert broken.findings() == [
        f"{scene.disk} is shareable, and volume {scene.volume.id} is not multiattach"
    ]


def test_a_disk_that_is_not_shareable_though_its_volume_is_multiattach_is_found(
    broken: BrokenCloud,
) -> None:
    scene = attach(broken, multiattach=True)
    edit_guest(broken, scene, b"<shareable/>", b"")
    assert broken.findings() == [
        f"{scene.disk} is not shareable, and volume {scene.volume.id} is multiattach"
    ]


def test_a_shareable_disk_with_a_cache_is_found(broken: BrokenCloud) -> None:
    scene = attach(broken, multiattach=True)
    edit_guest(broken, scene, b'cache="none" io="native"', b'cache="writeback" io="native"')
    assert broken.findings() == [
        f"{scene.disk} is shareable, and its cache is writeback: that takes none"
    ]


@pytest.mark.parametrize(
    ("mode", "told"),
    [
        (AttachMode.READ_ONLY, "can be written to, and its attachment is ro"),
        (AttachMode.READ_WRITE, "cannot be written to, and its attachment is rw"),
    ],
)
def test_a_disk_that_can_be_written_to_where_it_must_not_is_found(
    broken: BrokenCloud, mode: AttachMode, told: str
) -> None:
    scene = attach(broken)
    serial = f"<serial>{scene.volume.id}</serial>".encode()
    if mode is AttachMode.READ_WRITE:
        edit_guest(broken, scene, serial, serial + b"<readonly/>")
    change(broken, scene, mode=mode)
    assert broken.findings() == [f"{scene.disk} {told}"]


def test_a_disk_with_another_name_than_its_mapping_is_found(broken: BrokenCloud) -> None:
    scene = attach(broken)
    edit_guest(broken, scene, b'dev="sdb"', b'dev="sdq"')
    told = scene.disk.replace("sdb", "sdq")
    assert broken.findings() == [f"{told} is device sdb by its block device mapping"]


# -- connections --------------------------------------------------


def test_a_connection_that_nobody_has_an_attachment_for_is_found(broken: BrokenCloud) -> None:
    scene = attach(broken)
    state = driver(broken).hypervisor.state
    state.connections["leaked"] = Connected("a-target", [scene.server.id], ready=True)
    state.sessions.append("a-target")
    (finding,) = broken.findings()
    assert finding == (
        f"host {HOST} is connected to volume leaked for guest {scene.server.id}, and block "
        "storage has no attachment of the two there"
    )


def test_an_attachment_that_its_host_has_no_connection_for_is_found(broken: BrokenCloud) -> None:
    scene = attach(broken)
    state = driver(broken).hypervisor.state
    state.connections.clear()
    state.sessions.clear()
    (finding,) = broken.findings()
    assert finding == (
        f"host {HOST} is not connected to volume {scene.volume.id} for guest {scene.server.id}, "
        "to which it is attached there"
    )


def test_a_connection_whose_session_is_gone_is_found(broken: BrokenCloud) -> None:
    scene = attach(broken)
    driver(broken).hypervisor.state.sessions.clear()
    assert broken.findings() == [
        f"host {HOST} is connected to volume {scene.volume.id}, and has no session with its target"
    ]


def test_a_session_that_no_volume_needs_is_found(broken: BrokenCloud) -> None:
    attach(broken)
    driver(broken).hypervisor.state.sessions.append("left-over")
    assert broken.findings() == [
        f"host {HOST} has a session with target left-over, and no volume that needs it"
    ]


# -- what is right --------------------------------------------------


def test_a_volume_of_a_server_that_could_not_be_built_is_rightly_reserved(
    broken: BrokenCloud,
) -> None:
    volume = broken.rig.volumes.create()
    broken.rig.faults.fail("driver.spawn", HypervisorError("out of ink"))
    server = broken.rig.servers.create(volumes=[volume])
    assert server.status == "ERROR"
    assert broken.findings() == []


def test_an_attachment_that_somebody_made_by_hand_is_right(broken: BrokenCloud) -> None:
    rig, volume = broken.rig, broken.rig.volumes.create()
    context = rig.new_context("admin", "admin", True)
    rig.request(lambda: rig.cloud.volumes.attachment_create(context, volume.id, None))
    assert broken.findings() == []


def test_a_server_in_error_may_lack_its_disk(broken: BrokenCloud) -> None:
    scene = attach(broken)
    broken.instances("cell1").update(scene.server.id, InstanceChanges(vm_state=VmState.ERROR))
    broken.lose_guest(scene.server)
    assert broken.findings() == []


def test_volumes_of_a_host_that_is_down_are_not_judged_until_it_is_back(
    broken: BrokenCloud,
) -> None:
    scene = attach(broken)
    broken.rig.crash(HOST)
    broken.rig.advance(120)
    broken.rig.servers.delete(scene.server)
    assert broken.findings() == []
    broken.rig.restart(HOST)
    assert broken.findings() == []


def test_an_attach_that_is_under_way_is_told_as_a_task_only(broken: BrokenCloud) -> None:
    server, volume = broken.boot(HOST), broken.rig.volumes.create()
    hold = broken.rig.faults.hold("driver.attach_volume")
    broken.rig.servers.attach_volume(server, volume)
    told = [finding for finding in broken.findings() if "a task has not ended" in finding]
    assert len(told) == 1
    hold.release()
    broken.rig.settle()
    assert broken.findings() == []
