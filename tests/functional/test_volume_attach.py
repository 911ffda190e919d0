"""Volumes of servers that are there: attach, detach, list, change, swap, extend."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cellrig import Cell, Rig, Server, Topology
from cellrig.db.instances import InstanceStore
from cellrig.driver.errors import HypervisorError
from cellrig.errors import CellrigError, Conflict, Forbidden, Invalid, NotFound
from cellrig.model import BlockDevice, InstanceChanges, SourceType, TaskState, VmState
from cellrig.topology import StorageBackend
from cellrig.volume.records import change_attachment
from cellrig.volume.types import AttachmentStatus, AttachMode, Volume, VolumeStatus
from cellrig_fake import FakeDriver

Act = Callable[[Rig, Server], object]

TWO_BACKENDS = Topology(
    cells=[Cell("cell1", 1)], volume_backends=[StorageBackend("one"), StorageBackend("two")]
)


def _lose(rig: Rig, server: Server) -> None:
    driver = rig.driver(str(server.host))
    assert isinstance(driver, FakeDriver)
    driver.lose_guest(server.id)


def _lose_and_reboot(rig: Rig, server: Server) -> None:
    _lose(rig, server)
    rig.servers.reboot(server, "HARD")


def _change(rig: Rig, server: Server, **changes: object) -> None:
    store = InstanceStore(rig.databases[str(server.cell)], rig.runtime.now)
    store.update(server.id, InstanceChanges(**changes))  # type: ignore[arg-type]


NO_TAGS = Topology(cells=[Cell("cell1", 1)], options={"capabilities": {"device_tagging": False}})
FILES = Topology(
    cells=[Cell("cell1", 1)],
    volume_backends=[StorageBackend("one"), StorageBackend("two", driver="file")],
)

#: What is done to a server and leaves it with a guest.
LIFE: dict[str, Act] = {
    "stop and start": lambda rig, server: (rig.servers.stop(server), rig.servers.start(server)),
    "soft reboot": lambda rig, server: rig.servers.reboot(server, "SOFT"),
    "hard reboot": lambda rig, server: rig.servers.reboot(server, "HARD"),
    "rebuild": lambda rig, server: rig.servers.rebuild(server, "cirros"),
    "rescue and unrescue": lambda rig, server: (
        rig.servers.rescue(server),
        rig.servers.unrescue(server),
    ),
    "pause and unpause": lambda rig, server: (
        rig.servers.pause(server),
        rig.servers.unpause(server),
    ),
    "suspend and resume": lambda rig, server: (
        rig.servers.suspend(server),
        rig.servers.resume(server),
    ),
    "lost guest": _lose_and_reboot,
    "restart of its host": lambda rig, server: rig.restart(str(server.host)),
}

#: What brings a server into a state, and whether that state takes attaching, detaching, swapping.
STATES: dict[str, tuple[Act, str]] = {
    "ACTIVE": (lambda rig, server: None, "attach detach swap"),
    "PAUSED": (lambda rig, server: rig.servers.pause(server), "attach detach swap"),
    "SHUTOFF": (lambda rig, server: rig.servers.stop(server), "attach detach"),
    "SUSPENDED": (lambda rig, server: rig.servers.suspend(server), "detach"),
    "RESCUE": (lambda rig, server: rig.servers.rescue(server), ""),
    "ERROR": (lambda rig, server: _change(rig, server, vm_state=VmState.ERROR), ""),
}


def offload(rig: Rig, server: Server) -> None:
    """Let a server be shelved and offloaded, as far as its record and its host tell."""
    _lose(rig, server)
    rig.placement.delete_allocations(server.id)
    _change(rig, server, vm_state=VmState.SHELVED_OFFLOADED, host=None, node=None)


def attached(rig: Rig, server: Server, volume: Volume) -> None:
    """Check that a server has a volume, by everybody's account."""
    (mapping,) = (m for m in rig.servers.volumes(server) if m.volume_id == volume.id)
    (attachment,) = rig.volumes.attachments(volume, server=server)
    assert attachment.id == mapping.attachment_id
    assert (attachment.status, attachment.host) == (AttachmentStatus.ATTACHED, server.host)
    assert attachment.mountpoint == f"/dev/{mapping.device_name}"
    assert attachment.connection_info == mapping.connection_info != {}
    assert rig.guest(server).disk(serial=volume.id).target == mapping.device_name
    assert rig.volumes.show(volume).status == VolumeStatus.IN_USE


def free(rig: Rig, volume: Volume) -> None:
    """Check that nobody has a volume."""
    assert rig.volumes.attachments(volume) == ()
    assert rig.volumes.show(volume).status == VolumeStatus.AVAILABLE
    for host in rig.host_names:
        driver = rig.driver(host)
        assert isinstance(driver, FakeDriver)
        assert driver.volume_connections().guests(volume.id) == ()


def test_a_volume_is_attached_and_detached(rig: Rig) -> None:
    server, volume = rig.servers.create(), rig.volumes.create(size=3)
    asked = rig.servers.attach_volume(server, volume)
    assert (asked.volume_id, asked.instance_uuid, asked.volume_size) == (volume.id, server.id, 3)
    attached(rig, server, volume)
    assert rig.guest(server).disk(serial=volume.id).size_gb == 3
    rig.servers.detach_volume(server, volume)
    free(rig, volume)
    assert rig.servers.volumes(server) == []
    assert [disk.serial for disk in rig.guest(server).disks] == [None]
    done = [action.action for action in rig.servers.actions(server)]
    assert done == ["detach_volume", "attach_volume", "create"]


def test_a_volume_that_was_detached_goes_to_another_server(rig: Rig) -> None:
    one, other, volume = rig.servers.create(), rig.servers.create(), rig.volumes.create()
    rig.servers.attach_volume(one, volume)
    rig.servers.detach_volume(one, volume)
    rig.servers.attach_volume(other, volume)
    attached(rig, other, volume)


def test_a_deleted_server_frees_its_volumes(rig: Rig) -> None:
    server = rig.servers.create()
    kept, gone = rig.volumes.create(), rig.volumes.create()
    rig.servers.attach_volume(server, kept)
    rig.servers.attach_volume(server, gone, delete_on_termination=True)
    rig.servers.delete(server)
    free(rig, kept)
    with pytest.raises(NotFound, match=gone.id):
        rig.volumes.show(gone)


# -- names, tags, what goes with the server ---------------------------------------------------


def test_a_volume_gets_the_next_free_name_or_the_one_that_is_asked_for(rig: Rig) -> None:
    server = rig.servers.create()
    volumes = [rig.volumes.create() for _each in range(5)]
    names = [
        rig.servers.attach_volume(server, volume, device=device).device_name
        for volume, device in zip(volumes, (None, "/dev/sdd", None, None, "sdz"), strict=True)
    ]
    assert names == ["sdb", "sdd", "sdc", "sde", "sdz"]
    for volume in volumes:
        attached(rig, server, volume)
    rig.servers.detach_volume(server, volumes[2])
    again = rig.servers.attach_volume(server, volumes[2])
    assert again.device_name == "sdc"


def test_a_tag_is_seen_by_the_guest_and_in_the_list(rig: Rig) -> None:
    server, volume = rig.servers.create(), rig.volumes.create()
    rig.servers.attach_volume(server, volume, tag="database")
    assert rig.guest(server).disk(serial=volume.id).tag == "database"
    assert [mapping.tag for mapping in rig.servers.volumes(server)] == ["database"]


@pytest.mark.topology(NO_TAGS)
def test_a_tag_that_the_host_cannot_tell_its_guest_is_refused(rig: Rig) -> None:
    server, volume = rig.servers.create(), rig.volumes.create()
    told = f"tag 'database' of volume {volume.id}: the driver of host {server.host} of server"
    with pytest.raises(Invalid, match=told):
        rig.servers.attach_volume(server, volume, tag="database")
    free(rig, volume)
    rig.servers.attach_volume(server, volume)
    attached(rig, server, volume)


@pytest.mark.parametrize(("first", "then"), [(False, True), (True, False)])
def test_whether_a_volume_goes_with_its_server_can_be_changed(
    rig: Rig, first: bool, then: bool
) -> None:
    server, volume = rig.servers.create(), rig.volumes.create()
    rig.servers.attach_volume(server, volume, delete_on_termination=first)
    rig.servers.update_volume(server, volume, delete_on_termination=then)
    (mapping,) = rig.servers.volumes(server)
    assert mapping.delete_on_termination is then
    rig.servers.delete(server)
    assert [each.id for each in rig.volumes.list()] == ([] if then else [volume.id])


def test_of_a_server_its_own_volumes_are_listed_and_shown(rig: Rig) -> None:
    one, other = rig.servers.create(), rig.servers.create()
    volumes = [rig.volumes.create() for _each in range(3)]
    for volume in volumes[:2]:
        rig.servers.attach_volume(one, volume)
    rig.servers.attach_volume(other, volumes[2])
    assert [m.volume_id for m in rig.servers.volumes(one)] == [v.id for v in volumes[:2]]
    assert [m.volume_id for m in rig.servers.volumes(other)] == [volumes[2].id]
    with pytest.raises(NotFound, match=f"server {other.id} of volume '{volumes[0].id}'"):
        rig.servers.detach_volume(other, volumes[0])
    attached(rig, one, volumes[0])


# -- a server's life -------------------------------------------------------


@pytest.mark.parametrize("event", LIFE)
def test_a_volume_survives_what_is_done_to_its_server(rig: Rig, event: str) -> None:
    server, volume = rig.servers.create(), rig.volumes.create(size=2)
    rig.servers.attach_volume(server, volume, tag="data", device="sdf")
    before = rig.guest(server).disk(serial=volume.id)
    (attachment,) = rig.volumes.attachments(volume)
    LIFE[event](rig, server)
    assert rig.servers.show(server).status == "ACTIVE"
    attached(rig, server, volume)
    assert rig.guest(server).disk(serial=volume.id) == before
    assert rig.volumes.attachments(volume) == (attachment,)
    rig.servers.detach_volume(server, volume)
    free(rig, volume)


def test_a_rescued_server_keeps_its_volume_meanwhile(rig: Rig) -> None:
    server, volume = rig.servers.create(), rig.volumes.create()
    rig.servers.attach_volume(server, volume)
    rig.servers.rescue(server)
    attached(rig, server, volume)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("action", ["attach", "detach", "swap"])
def test_a_state_takes_it_or_refuses_it_and_leaves_all_as_it_was(
    rig: Rig, action: str, state: str
) -> None:
    server, volume, other = rig.servers.create(), rig.volumes.create(), rig.volumes.create()
    if action != "attach":
        rig.servers.attach_volume(server, volume)
    into, takes = STATES[state]
    into(rig, server)
    assert rig.servers.show(server).status == state
    acts: dict[str, Callable[[], object]] = {
        "attach": lambda: rig.servers.attach_volume(server, volume),
        "detach": lambda: rig.servers.detach_volume(server, volume),
        "swap": lambda: rig.servers.swap_volume(server, volume, other),
    }
    if action in takes.split():
        acts[action]()
        assert rig.servers.show(server).fault is None
        has = {"attach": [volume.id], "detach": [], "swap": [other.id]}[action]
    else:
        refused = rf"server {server.id} is \w+; to {action} a volume takes one that is active or"
        with pytest.raises(Conflict, match=refused):
            acts[action]()
        has = [] if action == "attach" else [volume.id]
    assert [mapping.volume_id for mapping in rig.servers.volumes(server)] == has
    assert rig.servers.show(server).status == state
    for each in (volume, other):
        status = VolumeStatus.IN_USE if each.id in has else VolumeStatus.AVAILABLE
        assert rig.volumes.show(each).status == status


@pytest.mark.parametrize("action", ["attach", "detach", "swap"])
def test_a_server_that_is_being_worked_on_refuses(rig: Rig, action: str) -> None:
    server, volume, other = rig.servers.create(), rig.volumes.create(), rig.volumes.create()
    if action != "attach":
        rig.servers.attach_volume(server, volume)
    hold = rig.faults.hold("driver.reboot")
    rig.servers.reboot(server, "HARD")
    with pytest.raises(Conflict, match=f"server {server.id} is in task_state rebooting_hard; to "):
        if action == "swap":
            rig.servers.swap_volume(server, volume, other)
        else:
            getattr(rig.servers, f"{action}_volume")(server, volume)
    hold.release()
    rig.settle()
    assert [m.volume_id for m in rig.servers.volumes(server)] == (
        [] if action == "attach" else [volume.id]
    )


def test_a_server_that_is_still_being_scheduled_refuses(rig: Rig) -> None:
    hold = rig.faults.hold("bus.scheduler.select_destinations")
    server, volume = rig.servers.create(), rig.volumes.create()
    with pytest.raises(Conflict, match=f"server {server.id} is still being scheduled"):
        rig.servers.attach_volume(server, volume)
    hold.release()
    rig.settle()
    free(rig, volume)


def test_a_locked_server_refuses_its_user_and_sees_its_volume_grow_all_the_same(rig: Rig) -> None:
    user = rig.as_user("alice", "project-a")
    server, volume, other = user.servers.create(), user.volumes.create(), user.volumes.create()
    user.servers.attach_volume(server, volume)
    rig.servers.lock(server)
    for refused in (
        lambda: user.servers.attach_volume(server, other),
        lambda: user.servers.detach_volume(server, volume),
        lambda: user.servers.update_volume(server, volume, delete_on_termination=True),
    ):
        with pytest.raises(Conflict, match=server.id):
            refused()
    user.volumes.extend(volume, 5)
    assert rig.guest(server).disk(serial=volume.id).size_gb == 5


def test_a_server_on_a_host_that_is_down_refuses_and_nothing_is_reserved(rig: Rig) -> None:
    server, volume, other = rig.servers.create(), rig.volumes.create(), rig.volumes.create()
    rig.servers.attach_volume(server, volume)
    rig.crash(str(server.host))
    rig.advance(120)
    for act in (
        lambda: rig.servers.attach_volume(server, other),
        lambda: rig.servers.detach_volume(server, volume),
        lambda: rig.servers.swap_volume(server, volume, other),
    ):
        with pytest.raises(Conflict, match=f"host {server.host} of server {server.id} is down"):
            act()
    free(rig, other)
    rig.restart(str(server.host))
    attached(rig, server, volume)


# -- read-only -------------------------------------------------------


def test_a_read_only_volume_is_read_only_in_the_guest(rig: Rig) -> None:
    server, volume = rig.servers.create(), rig.volumes.create(read_only=True)
    rig.servers.attach_volume(server, volume)
    attached(rig, server, volume)
    assert [each.mode for each in rig.volumes.attachments(volume)] == [AttachMode.READ_ONLY]
    assert rig.guest(server).disk(serial=volume.id).read_only
    rig.servers.reboot(server, "HARD")
    assert rig.guest(server).disk(serial=volume.id).read_only


# -- growing -------------------------------------------------------


@pytest.mark.parametrize("state", ["ACTIVE", "SHUTOFF", "PAUSED"])
def test_a_guest_sees_that_its_volume_has_grown(rig: Rig, state: str) -> None:
    server, volume = rig.servers.create(), rig.volumes.create(size=1)
    rig.servers.attach_volume(server, volume, tag="data")
    STATES[state][0](rig, server)
    assert rig.volumes.extend(volume, 4).size == 4
    disk = rig.guest(server).disk(serial=volume.id)
    assert (disk.size_gb, disk.tag) == (4, "data")
    assert [mapping.volume_size for mapping in rig.servers.volumes(server)] == [4]
    assert rig.servers.actions(server)[0].action == "extend_volume"


def test_a_volume_grows_even_if_the_guest_cannot_see_it_and_the_next_time_it_does(
    rig: Rig,
) -> None:
    server, volume = rig.servers.create(), rig.volumes.create(size=1)
    rig.servers.attach_volume(server, volume)
    rig.faults.fail("driver.extend_volume", HypervisorError("too busy"), times=1)
    assert rig.volumes.extend(volume, 2).size == 2
    fault = rig.servers.show(server).fault
    assert fault is not None
    assert "too busy" in fault.message
    rig.volumes.extend(volume, 3)
    assert rig.guest(server).disk(serial=volume.id).size_gb == 3
    attached(rig, server, volume)


# -- swapping -------------------------------------------------------


def test_an_administrator_swaps_a_volume_for_another(rig: Rig) -> None:
    server, old, new = rig.servers.create(), rig.volumes.create(), rig.volumes.create(size=2)
    asked = rig.servers.attach_volume(server, old, tag="data", delete_on_termination=True)
    rig.servers.swap_volume(server, old, new)
    free(rig, old)
    attached(rig, server, new)
    (mapping,) = rig.servers.volumes(server)
    assert (mapping.uuid, mapping.device_name, mapping.tag) == (
        asked.uuid,
        asked.device_name,
        "data",
    )
    assert (mapping.volume_size, mapping.delete_on_termination) == (2, True)
    assert rig.guest(server).disk(serial=new.id).tag == "data"


def test_a_plain_user_does_not_swap(rig: Rig) -> None:
    user = rig.as_user("alice", "project-a")
    server, old, new = user.servers.create(), user.volumes.create(), user.volumes.create()
    user.servers.attach_volume(server, old)
    with pytest.raises(Forbidden, match="alice may not swap volumes"):
        user.servers.swap_volume(server, old, new)
    attached(rig, server, old)
    free(rig, new)


def test_a_swap_that_fails_leaves_the_server_with_the_old_volume(rig: Rig) -> None:
    server, old, new = rig.servers.create(), rig.volumes.create(), rig.volumes.create()
    rig.servers.attach_volume(server, old)
    rig.faults.fail("driver.swap_volume", HypervisorError("the copy broke"), times=1)
    rig.servers.swap_volume(server, old, new)
    fault = rig.servers.show(server).fault
    assert fault is not None
    assert fault.message == "the hypervisor refused: the copy broke"
    attached(rig, server, old)
    free(rig, new)
    rig.servers.swap_volume(server, old, new)
    attached(rig, server, new)


def test_a_swap_that_the_hypervisor_has_done_is_not_taken_back(rig: Rig) -> None:
    server, old, new = rig.servers.create(), rig.volumes.create(), rig.volumes.create()
    rig.servers.attach_volume(server, old)
    rig.faults.fail_after("driver.swap_volume", HypervisorError("lost the line"), times=1)
    rig.servers.swap_volume(server, old, new)
    attached(rig, server, new)
    free(rig, old)


@pytest.mark.topology(TWO_BACKENDS)
def test_a_volume_that_migrates_keeps_its_id_and_its_place_in_the_server(rig: Rig) -> None:
    server = rig.servers.create()
    volume = rig.volumes.create(size=2)
    asked = rig.servers.attach_volume(server, volume, tag="data")
    (before,) = rig.volumes.attachments(volume)
    moved = rig.volumes.migrate(volume, "two")
    assert (moved.id, moved.backend, moved.status) == (volume.id, "two", VolumeStatus.IN_USE)
    attached(rig, server, volume)
    (mapping,) = rig.servers.volumes(server)
    assert (mapping.uuid, mapping.device_name) == (asked.uuid, asked.device_name)
    (after,) = rig.volumes.attachments(volume)
    assert after.id != before.id
    assert after.connection_info["data"]["target"].startswith("target-two/")
    driver = rig.driver(str(server.host))
    assert isinstance(driver, FakeDriver)
    assert driver.volume_connections().sessions == (after.connection_info["data"]["target"],)
    assert [each.id for each in rig.volumes.list(all_projects=True)] == [volume.id]
    rig.servers.reboot(server, "HARD")
    rig.volumes.migrate(volume, "one")
    attached(rig, server, volume)
    rig.servers.detach_volume(server, volume)
    free(rig, volume)
    assert driver.volume_connections().sessions == ()


@pytest.mark.topology(FILES)
def test_a_volume_that_migrates_to_files_is_one_in_the_guest(rig: Rig) -> None:
    server, volume = rig.servers.create(), rig.volumes.create(size=1)
    rig.servers.attach_volume(server, volume)
    rig.volumes.migrate(volume, "two")
    attached(rig, server, volume)
    source = rig.guest(server).disk(serial=volume.id).source
    assert source == rig.servers.volumes(server)[0].connection_info["data"]["device_path"]
    rig.servers.detach_volume(server, volume)
    free(rig, volume)


@pytest.mark.topology(TWO_BACKENDS)
def test_a_migration_whose_swap_fails_leaves_the_volume_where_it_was(rig: Rig) -> None:
    server, volume = rig.servers.create(), rig.volumes.create()
    rig.servers.attach_volume(server, volume)
    rig.faults.fail("driver.swap_volume", HypervisorError("the copy broke"), times=1)
    stayed = rig.volumes.migrate(volume, "two")
    assert (stayed.backend, stayed.migration_status) == ("one", "error")
    attached(rig, server, volume)
    assert [each.id for each in rig.volumes.list(all_projects=True)] == [volume.id]
    assert rig.volumes.migrate(volume, "two").backend == "two"
    attached(rig, server, volume)


@pytest.mark.topology(TWO_BACKENDS)
@pytest.mark.parametrize("when", ["crash_before", "crash_after"])
@pytest.mark.parametrize(
    "seam",
    [
        "volume.attachment_update",
        "driver.swap_volume",
        "volume.attachment_complete",
        "volume.migrate_volume_completion",
        "bus.conductor.block_device_update",
        "volume.attachment_delete",
    ],
)
def test_a_host_that_dies_in_a_migration_ends_it_when_it_is_back(
    rig: Rig, seam: str, when: str
) -> None:
    server, volume = rig.servers.create(), rig.volumes.create()
    rig.servers.attach_volume(server, volume)
    getattr(rig.faults, when)(seam, service="compute", times=1)
    rig.volumes.migrate(volume, "two")
    rig.restart(str(server.host))
    rig.settle()
    shown = rig.volumes.show(volume)
    assert (shown.backend, shown.migration_status) == ("two", "success")
    attached(rig, server, volume)
    assert [each.id for each in rig.volumes.list(all_projects=True)] == [volume.id]


@pytest.mark.topology(TWO_BACKENDS)
def test_a_volume_of_a_stopped_server_does_not_migrate(rig: Rig) -> None:
    server, volume = rig.servers.create(), rig.volumes.create()
    rig.servers.attach_volume(server, volume)
    rig.servers.stop(server)
    with pytest.raises(Conflict, match=f"server {server.id} is stopped; to swap a volume"):
        rig.volumes.migrate(volume, "two")
    assert rig.volumes.show(volume).backend == "one"
    attached(rig, server, volume)


# -- shelved and offloaded -------------------------------------------------------


def test_a_server_that_is_on_no_host_has_volumes_in_use(rig: Rig) -> None:
    server, volume = rig.servers.create(), rig.volumes.create(size=1)
    offload(rig, server)
    asked = rig.servers.attach_volume(server, volume)
    assert asked.device_name == "sdb"
    (attachment,) = rig.volumes.attachments(volume)
    assert (attachment.status, attachment.host) == (AttachmentStatus.ATTACHED, None)
    assert rig.volumes.show(volume).status == "in-use"
    assert [mapping.volume_id for mapping in rig.servers.volumes(server)] == [volume.id]
    with pytest.raises(Invalid, match=f"volume {volume.id} is already attached to server"):
        rig.servers.attach_volume(server, volume)
    rig.servers.detach_volume(server, volume)
    free(rig, volume)
    rig.servers.attach_volume(server, volume)
    rig.servers.delete(server)
    free(rig, volume)


def test_a_server_that_is_on_no_host_takes_no_multiattach_volume_and_no_swap(rig: Rig) -> None:
    server, volume = rig.servers.create(), rig.volumes.create()
    shared = rig.volumes.create(type="multiattach")
    offload(rig, server)
    with pytest.raises(Invalid, match=f"volume {shared.id} is multiattach and server {server.id}"):
        rig.servers.attach_volume(server, shared)
    rig.servers.attach_volume(server, volume)
    with pytest.raises(Conflict, match=f"server {server.id} is shelved_offloaded; to swap"):
        rig.servers.swap_volume(server, volume, shared)
    free(rig, shared)


# -- what a restarted host sees -------------------------------------------------------


def test_a_restarted_host_reads_connection_info_anew_through_the_attachment(rig: Rig) -> None:
    server, volume = rig.servers.create(), rig.volumes.create()
    rig.servers.attach_volume(server, volume)
    (attachment,) = rig.volumes.attachments(volume)
    moved = {**attachment.connection_info, "data": {"target": "elsewhere"}}
    with rig.databases["volumes"].transaction() as transaction:
        change_attachment(transaction, attachment.id, connection_info=moved)
    rig.restart(str(server.host))
    assert [mapping.connection_info for mapping in rig.servers.volumes(server)] == [moved]
    rig.servers.reboot(server, "HARD")
    rig.servers.detach_volume(server, volume)


# -- bad input -------------------------------------------------------


@pytest.mark.parametrize(
    ("device", "error", "message"),
    [
        ("/dev/sda", Conflict, "device name 'sda' of server {server} is in use"),
        ("sdb", Conflict, "device name 'sdb' of server {server} is in use by volume {first}"),
        ("../etc", Invalid, "device name '../etc' is malformed"),
        ("/dev/disk1", Invalid, "device name '/dev/disk1' is malformed"),
        ("", Invalid, "device name '' is malformed"),
        ("sdaaaa", Invalid, "device name 'sdaaaa' is malformed"),
    ],
)
def test_a_device_name_that_is_in_use_or_malformed(
    rig: Rig, device: str, error: type[CellrigError], message: str
) -> None:
    server, first, volume = rig.servers.create(), rig.volumes.create(), rig.volumes.create()
    rig.servers.attach_volume(server, first)
    with pytest.raises(error) as caught:
        rig.servers.attach_volume(server, volume, device=device)
    assert message.format(server=server.id, first=first.id) in str(caught.value)
    check_nothing_changed(rig, server, first, volume)


def check_nothing_changed(rig: Rig, server: Server, has: Volume, *others: Volume) -> None:
    """Check that a server has one volume and that others are free."""
    attached(rig, server, has)
    assert [mapping.volume_id for mapping in rig.servers.volumes(server)] == [has.id]
    for volume in others:
        free(rig, volume)
    shown = rig.servers.show(server)
    assert (shown.status, shown.task_state, shown.fault) == ("ACTIVE", None, None)


def test_a_volume_is_not_attached_twice_to_one_server(rig: Rig) -> None:
    server, volume = rig.servers.create(), rig.volumes.create()
    rig.servers.attach_volume(server, volume)
    told = f"volume {volume.id} is already attached to server {server.id}"
    with pytest.raises(Invalid, match=told):
        rig.servers.attach_volume(server, volume)
    check_nothing_changed(rig, server, volume)


def test_a_volume_that_another_server_has_is_not_attached(rig: Rig) -> None:
    one, other = rig.servers.create(), rig.servers.create()
    volume = rig.volumes.create()
    rig.servers.attach_volume(one, volume)
    with pytest.raises(Invalid, match=f"volume {volume.id} is in-use by server {one.id}"):
        rig.servers.attach_volume(other, volume)
    check_nothing_changed(rig, one, volume)
    assert rig.servers.volumes(other) == []


@pytest.mark.parametrize("status", ["error", "maintenance", "extending", "deleting"])
def test_a_volume_in_a_status_that_does_not_take_it_is_not_attached(rig: Rig, status: str) -> None:
    server, volume = rig.servers.create(), rig.volumes.create()
    rig.volumes.reset_status(volume, status)
    with pytest.raises(Invalid, match=f"volume {volume.id} is {status}"):
        rig.servers.attach_volume(server, volume)
    assert rig.servers.volumes(server) == []
    rig.volumes.reset_status(volume, "available")
    free(rig, volume)


def test_what_does_not_exist_is_named(rig: Rig) -> None:
    server, volume, other = rig.servers.create(), rig.volumes.create(), rig.volumes.create()
    with pytest.raises(NotFound, match="volume no-such-volume does not exist"):
        rig.servers.attach_volume(server, "no-such-volume")
    with pytest.raises(NotFound, match="'no-such-server'"):
        rig.servers.attach_volume("no-such-server", volume)
    acts: tuple[Callable[[], object], ...] = (
        lambda: rig.servers.detach_volume(server, volume),
        lambda: rig.servers.swap_volume(server, volume, other),
        lambda: rig.servers.update_volume(server, volume, delete_on_termination=True),
    )
    for act in acts:
        with pytest.raises(NotFound, match=f"server {server.id} of volume '{volume.id}'"):
            act()
    free(rig, volume)
    free(rig, other)


def test_somebody_elses_volume_server_and_attachment_do_not_exist(rig: Rig) -> None:
    alice, bob = rig.as_user("alice", "project-a"), rig.as_user("bob", "project-b")
    server, volume = alice.servers.create(), alice.volumes.create()
    theirs, other = bob.volumes.create(), bob.servers.create()
    alice.servers.attach_volume(server, volume)
    (attachment,) = rig.volumes.attachments(volume)
    with pytest.raises(NotFound, match=f"volume {theirs.id} does not exist"):
        alice.servers.attach_volume(server, theirs)
    for refused in (
        lambda: bob.servers.attach_volume(server, theirs),
        lambda: bob.servers.detach_volume(server, volume),
        lambda: bob.servers.volumes(server),
    ):
        with pytest.raises(NotFound, match=server.id):
            refused()
    with pytest.raises(NotFound, match=f"volume {volume.id} does not exist"):
        bob.servers.attach_volume(other, volume)
    with pytest.raises(NotFound, match=f"attachment {attachment.id} does not exist"):
        bob.volumes.delete_attachment(attachment)
    check_nothing_changed(rig, server, volume, theirs)


def test_the_root_disk_of_a_server_that_runs_is_not_detached(rig: Rig) -> None:
    volume = rig.volumes.create(image="cirros", size=1)
    root = BlockDevice(source_type=SourceType.VOLUME, uuid=volume.id, boot_index=0)
    server = rig.servers.create(block_devices=[root])
    told = f"volume {volume.id} is the root disk of server {server.id}"
    with pytest.raises(Forbidden, match=told):
        rig.servers.detach_volume(server, volume)
    check_nothing_changed(rig, server, volume)


def test_a_swap_to_a_volume_that_does_not_fit(rig: Rig) -> None:
    server, other = rig.servers.create(), rig.servers.create()
    old, small, used = (rig.volumes.create(size=size) for size in (3, 2, 3))
    rig.servers.attach_volume(server, old)
    rig.servers.attach_volume(other, used)
    small_told = f"volume {small.id} of 2 GiB is too small for what is on volume {old.id} of 3 GiB"
    with pytest.raises(Invalid, match=small_told):
        rig.servers.swap_volume(server, old, small)
    with pytest.raises(Invalid, match=f"volume {old.id} is already attached to server {server.id}"):
        rig.servers.swap_volume(server, old, old)
    with pytest.raises(
        Invalid, match=f"volume {used.id} is in-use: to take the place of volume {old.id}"
    ):
        rig.servers.swap_volume(server, old, used)
    check_nothing_changed(rig, server, old, small)
    attached(rig, other, used)


@pytest.mark.parametrize("size", [0, -1, 2**31])
def test_a_volume_of_no_size_is_refused(rig: Rig, size: int) -> None:
    with pytest.raises(Invalid, match=f"not {size}"):
        rig.volumes.create(size=size)
    assert rig.volumes.list() == ()


def test_a_volume_of_an_unknown_type_is_refused(rig: Rig) -> None:
    with pytest.raises(NotFound, match="volume type golden does not exist"):
        rig.volumes.create(size=1, type="golden")
    assert rig.volumes.list() == ()


def test_a_detach_that_fails_leaves_the_volume_attached(rig: Rig) -> None:
    server, volume = rig.servers.create(), rig.volumes.create()
    rig.servers.attach_volume(server, volume)
    rig.faults.fail("driver.detach_volume", HypervisorError("the guest holds it"), times=1)
    rig.servers.detach_volume(server, volume)
    fault = rig.servers.show(server).fault
    assert fault is not None
    assert fault.message == "the hypervisor refused: the guest holds it"
    attached(rig, server, volume)
    rig.servers.detach_volume(server, volume)
    free(rig, volume)


def test_a_volume_that_is_being_detached_is_not_detached_again(rig: Rig) -> None:
    server, volume = rig.servers.create(), rig.volumes.create()
    rig.servers.attach_volume(server, volume)
    hold = rig.faults.hold("driver.detach_volume")
    rig.servers.detach_volume(server, volume)
    assert rig.volumes.show(volume).status == VolumeStatus.DETACHING
    with pytest.raises(Invalid, match="is detaching: to be detached it must be attached"):
        rig.servers.detach_volume(server, volume)
    hold.release()
    rig.settle()
    free(rig, volume)


def test_a_swap_that_goes_on_is_not_given_up_by_the_periodic_work(rig: Rig) -> None:
    server, old, new = rig.servers.create(), rig.volumes.create(), rig.volumes.create()
    rig.servers.attach_volume(server, old)
    hold = rig.faults.hold("driver.swap_volume")
    rig.servers.swap_volume(server, old, new)
    rig.advance(2000)
    hold.release()
    rig.settle()
    attached(rig, server, new)
    free(rig, old)


def test_a_locally_deleted_server_of_another_project_frees_what_an_administrator_attached(
    rig: Rig,
) -> None:
    user = rig.as_user("alice", "project-a")
    server, volume, other = user.servers.create(), rig.volumes.create(), rig.volumes.create()
    rig.servers.attach_volume(server, volume)
    rig.servers.attach_volume(server, other)
    user.servers.detach_volume(server, other)
    free(rig, other)
    rig.crash(str(server.host))
    rig.advance(120)
    user.servers.delete(server)
    assert rig.volumes.attachments(volume) == ()
    rig.restart(str(server.host))
    free(rig, volume)


def test_a_server_whose_task_is_deleting_takes_no_volume(rig: Rig) -> None:
    server, volume = rig.servers.create(), rig.volumes.create()
    hold = rig.faults.hold("driver.destroy")
    rig.servers.delete(server)
    assert rig.servers.show(server).task_state == TaskState.DELETING
    with pytest.raises(Conflict, match="task_state deleting"):
        rig.servers.attach_volume(server, volume)
    hold.release()
    rig.settle()
    free(rig, volume)
