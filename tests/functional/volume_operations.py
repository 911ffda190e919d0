"""What is done with volumes in the tests of faults and crashes, and what must hold afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache

import msgspec
import pytest

from cellrig import Cell, Rig, Server, Topology
from cellrig.errors import CellrigError
from cellrig.model import BlockDevice, SourceType
from cellrig.volume.types import Attachment, Volume
from cellrig_faults import Action, DropReply, Fail, Passed
from cellrig_faults.known import is_cast

#: What a driver must not raise.
BUG = Fail(RuntimeError("boom"))

ONE_HOST = Topology(cells=[Cell("cell1", 1)])

#: The first host that is asked to build fails.
STUMBLING = Topology(
    cells=[Cell("cell1", 2)],
    options={"behaviours": [{"on": "spawn", "error": "resources", "times": 1, "per": "cloud"}]},
)


class Scene(msgspec.Struct, frozen=True):
    """What an operation is done to: a server (none before it is booted) and volumes, by id."""

    server: str | None = None
    volumes: tuple[str, ...] = ()


class Operation(msgspec.Struct, frozen=True, eq=False):
    """Something that a user does with volumes.

    Args:
        name: what it is called in the ids of tests.
        prepare: makes what it is done to.
        perform: does it.
        is_done: whether it has come to its good end.
        undo: brings back what `prepare` had made, from either of the ends that it may have.
        topology: of the rigs in which it is done.
    """

    name: str
    prepare: Callable[[Rig], Scene]
    perform: Callable[[Rig, Scene], None]
    is_done: Callable[[Rig, Scene], bool]
    undo: Callable[[Rig, Scene], None]
    topology: Topology = ONE_HOST

    def __str__(self) -> str:
        return self.name


# -- what is asked ---------------------------------------------------------------------------------


def _server_and_volumes(rig: Rig) -> Scene:
    server = rig.servers.create()
    return Scene(server.id, tuple(rig.volumes.create(size=size).id for size in (1, 2)))


def _attached(rig: Rig) -> Scene:
    scene = _server_and_volumes(rig)
    _attach(rig, scene)
    return scene


def _both_attached(rig: Rig) -> Scene:
    scene = _attached(rig)
    rig.servers.attach_volume(_server(scene), scene.volumes[1], delete_on_termination=True)
    return scene


def _bootable(rig: Rig) -> Scene:
    image = rig.images.list()[0]
    return Scene(volumes=(rig.volumes.create(size=1, image=image.id).id,))


def _nothing(_rig: Rig) -> Scene:
    return Scene()


def _server(scene: Scene) -> str:
    assert scene.server is not None
    return scene.server


def _attach(rig: Rig, scene: Scene) -> None:
    rig.servers.attach_volume(_server(scene), scene.volumes[0])


def _detach(rig: Rig, scene: Scene) -> None:
    rig.servers.detach_volume(_server(scene), scene.volumes[0])


def _swap(rig: Rig, scene: Scene) -> None:
    rig.servers.swap_volume(_server(scene), *scene.volumes)


def _extend(rig: Rig, scene: Scene) -> None:
    volume = rig.volumes.show(scene.volumes[0])
    rig.volumes.extend(volume, volume.size + 1)


def _delete(rig: Rig, scene: Scene) -> None:
    rig.servers.delete(_server(scene))


def _boot_from_image(rig: Rig, _scene: Scene) -> None:
    image = rig.images.list()[0]
    disk = BlockDevice(
        source_type=SourceType.IMAGE,
        uuid=image.id,
        volume_size=2,
        boot_index=0,
        delete_on_termination=True,
    )
    rig.servers.create(block_devices=[disk])


def _boot_from_volume(rig: Rig, scene: Scene) -> None:
    disk = BlockDevice(source_type=SourceType.VOLUME, uuid=scene.volumes[0], boot_index=0)
    rig.servers.create(block_devices=[disk])


# -- what has come of it ---------------------------------------------------------------------------


def _has(rig: Rig, scene: Scene, index: int) -> bool:
    return scene.volumes[index] in {each.volume_id for each in rig.servers.volumes(_server(scene))}


def _has_first(rig: Rig, scene: Scene) -> bool:
    return _has(rig, scene, 0)


def _has_not_first(rig: Rig, scene: Scene) -> bool:
    return not _has(rig, scene, 0)


def _has_second(rig: Rig, scene: Scene) -> bool:
    return _has(rig, scene, 1)


def _has_grown(rig: Rig, scene: Scene) -> bool:
    volume = rig.volumes.show(scene.volumes[0])
    (mapping,) = rig.servers.volumes(_server(scene))
    seen = rig.guest(_server(scene)).disk(serial=volume.id).size_gb
    return volume.size == mapping.volume_size == seen > 1


def _is_gone(rig: Rig, scene: Scene) -> bool:
    return not rig.servers.list()


def _is_booted(rig: Rig, scene: Scene) -> bool:
    return [server.status for server in rig.servers.list()] == ["ACTIVE"]


# -- back to the beginning -------------------------------------------------------------------------


def _detach_first(rig: Rig, scene: Scene) -> None:
    if _has_first(rig, scene):
        _detach(rig, scene)


def _attach_first(rig: Rig, scene: Scene) -> None:
    if not _has_first(rig, scene):
        _attach(rig, scene)


def _swap_back(rig: Rig, scene: Scene) -> None:
    if _has_second(rig, scene):
        rig.servers.detach_volume(_server(scene), scene.volumes[1])
    _attach_first(rig, scene)


def _leave(_rig: Rig, _scene: Scene) -> None:
    """Nothing: it is done once more from where it has come to."""


def _boot_the_deleted(rig: Rig, scene: Scene) -> None:
    """Only a server that is still there can be deleted once more."""
    if not rig.servers.list():
        server = rig.servers.create(volumes=[scene.volumes[0]])
        rig.servers.delete(server)


def _delete_all(rig: Rig, _scene: Scene) -> None:
    for server in rig.servers.list():
        rig.servers.delete(server)


ATTACH = Operation("attach", _server_and_volumes, _attach, is_done=_has_first, undo=_detach_first)
DETACH = Operation("detach", _attached, _detach, is_done=_has_not_first, undo=_attach_first)
SWAP = Operation("swap", _attached, _swap, is_done=_has_second, undo=_swap_back)
EXTEND = Operation("extend", _attached, _extend, is_done=_has_grown, undo=_leave)
DELETE = Operation("delete", _both_attached, _delete, is_done=_is_gone, undo=_boot_the_deleted)
BOOT_FROM_IMAGE = Operation(
    "boot from a volume of an image",
    _nothing,
    _boot_from_image,
    is_done=_is_booted,
    undo=_delete_all,
)
BOOT_FROM_VOLUME = Operation(
    "boot from a volume", _bootable, _boot_from_volume, is_done=_is_booted, undo=_delete_all
)
BOOT_ON_SECOND_HOST = msgspec.structs.replace(
    BOOT_FROM_IMAGE, name="boot on the second host", topology=STUMBLING
)

ON_SERVERS = (ATTACH, DETACH, SWAP, EXTEND, DELETE)
BOOTS = (BOOT_FROM_IMAGE, BOOT_FROM_VOLUME)


# -- one case for each passage ---------------------------------------------------------------------


@cache
def passages_of(operation: Operation) -> tuple[Passed, ...]:
    """All passages of an operation, as a run of it has recorded them."""
    with Rig(operation.topology) as rig:
        scene = operation.prepare(rig)
        return tuple(rig.faults.seams_passed(lambda: operation.perform(rig, scene)))


def cases(
    operations: tuple[Operation, ...], actions: tuple[Action, ...], *services: str
) -> Iterator[object]:
    """One case for each passage that these services (none: all) make and each thing to happen."""
    for operation in operations:
        for passed in passages_of(operation):
            if services and f"{passed.service}@{passed.cell or ''}".rstrip("@") not in services:
                continue
            for action in actions:
                if _can_happen(action, passed):
                    name = f"{operation}: {action} {passed}"
                    yield pytest.param(operation, passed, action, id=name)


def _can_happen(action: Action, passed: Passed) -> bool:
    """Only calls over the bus have replies to lose; only drivers are written by others."""
    if isinstance(action, DropReply):
        return passed.seam.startswith("bus.") and not is_cast(passed.seam)
    return action != BUG or passed.seam.startswith(("driver.", "volume_backend."))


def ask(rig: Rig, operation: Operation, scene: Scene) -> None:
    """Ask for it; the user may be told that it failed."""
    try:
        operation.perform(rig, scene)
    except (CellrigError, RuntimeError) as error:
        assert str(error)


# -- what must hold --------------------------------------------------------------------------------


def check_end(rig: Rig) -> None:
    """The audit is clean, no task is left, and every volume is wholly attached or free.

    A server that could not be built or deleted is in ERROR, and has its volumes until it is
    deleted (again): see `_check_kept`.
    """
    rig.audit()
    servers = {server.id: server for server in rig.servers.list()}
    for server in servers.values():
        assert server.task_state is None, server
        assert server.status in ("ACTIVE", "ERROR"), server
        assert server.status != "ERROR" or server.fault, server
    attachments = rig.volumes.attachments()
    mappings = [each for server in servers for each in rig.servers.volumes(server)]
    disks = [
        (guest.uuid, disk.serial)
        for host in rig.host_names
        for guest in rig.driver(host).list_guests()
        for disk in guest.disks
    ]
    for volume in rig.volumes.list(all_projects=True):
        check_volume(
            volume,
            [each for each in attachments if each.volume_id == volume.id],
            [
                (servers[each.instance_uuid], each.attachment_id)
                for each in mappings
                if each.volume_id == volume.id
            ],
            [server for server, serial in disks if serial == volume.id],
        )


def check_volume(
    volume: Volume,
    attachments: Sequence[Attachment],
    mapped: Sequence[tuple[Server, str | None]],
    seen: Sequence[str],
) -> None:
    """A volume is one server's by all accounts, or nobody's.

    Args:
        volume: which.
        attachments: of it, as block storage has them.
        mapped: the servers that have a mapping of it, and the attachments that these name.
        seen: the servers whose guests have it.
    """
    if mapped and mapped[0][0].status == "ERROR":
        _check_kept(volume, attachments, mapped[0][0], seen)
    elif attachments:
        (attachment,), ((server, attachment_id),) = attachments, mapped
        assert (attachment.id, attachment.host) == (attachment_id, server.host)
        assert (attachment.status, volume.status) == ("attached", "in-use")
        assert seen == [server.id]
    else:
        assert (mapped, seen) == ([], [])
        assert volume.status in ("available", "error_deleting")


def _check_kept(
    volume: Volume, attachments: Sequence[Attachment], server: Server, seen: Sequence[str]
) -> None:
    """The volume of a server in ERROR is reserved for it, or attached while that has a host.

    One that was to be made with the server may not have come so far.
    """
    statuses = [attachment.status for attachment in attachments]
    if server.host is None:
        assert statuses in ([], ["reserved"])
        unmade = ["available", "error", "downloading"]
        assert volume.status in (["reserved"] if statuses else unmade)
        assert seen == []
    else:
        assert (statuses, volume.status) == (["attached"], "in-use")
        assert seen in ([], [server.id])


def check_again(rig: Rig, operation: Operation, scene: Scene) -> None:
    """The operation can be done from the beginning, and comes to its good end."""
    operation.undo(rig, scene)
    for volume in rig.volumes.list():
        if volume.status == "error_deleting":
            rig.volumes.delete(volume)
    if operation is DELETE and _is_gone(rig, scene):
        check_end(rig)
        return
    operation.perform(rig, scene)
    assert operation.is_done(rig, scene)
    check_end(rig)
