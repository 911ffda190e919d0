"""``rig.servers``: the servers, as a test works with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Unpack, overload

from msgspec.structs import replace

from cellrig.client.requests import Caller
from cellrig.client.server_iterator import ServerIterator
from cellrig.compute.api import (
    Moves,
    RunningMoves,
    ServerActions,
    ServerFilterArguments,
    ServerFilters,
    ServerLists,
    ServerQuery,
    ServerRequest,
    Servers,
    Shelving,
    VolumeAttachments,
)
from cellrig.context import RequestContext
from cellrig.image import ImageService, StoredImage
from cellrig.model import (
    BlockDevice,
    BlockDeviceMapping,
    BriefServer,
    DestinationType,
    InstanceAction,
    MissingCells,
    Server,
    ServerList,
    SourceType,
)
from cellrig.volume.types import Volume

#: A server, or its id.
ServerRef = Server | str


def id_of(server: ServerRef) -> str:
    """Return a server's id."""
    return server if isinstance(server, str) else server.id


#: A volume, or its id.
VolumeRef = Volume | str


def volume_id_of(volume: VolumeRef) -> str:
    """Return a volume's id."""
    return volume if isinstance(volume, str) else volume.id


def _as_device(volume: VolumeRef) -> BlockDevice:
    return BlockDevice(source_type=SourceType.VOLUME, uuid=volume_id_of(volume))


def _local_root(image_id: str) -> BlockDevice:
    return BlockDevice(
        source_type=SourceType.IMAGE,
        destination_type=DestinationType.LOCAL,
        uuid=image_id,
        boot_index=0,
        delete_on_termination=True,
    )


def _query(
    filters: ServerFilterArguments,
    sort_keys: Sequence[str],
    sort_dirs: Sequence[str],
    limit: int | None,
    marker: ServerRef | None,
    missing_cells: MissingCells,
) -> ServerQuery:
    return ServerQuery(
        filters=ServerFilters(**filters),
        sort_keys=tuple(sort_keys),
        sort_dirs=tuple(sort_dirs),
        limit=limit,
        marker=None if marker is None else id_of(marker),
        missing_cells=missing_cells,
    )


class ServerClient:
    """Creates, shows and changes servers; every call is a request that the rig settles.

    Args:
        call: who asks.
        servers, lists, actions, attachments: the compute API.
        moves, running_moves, shelving: of the compute API.
        images: the image service.
        flavor, image: what a server gets when a test names nothing.
    """

    def __init__(
        self,
        call: Caller,
        servers: Servers,
        lists: ServerLists,
        actions: ServerActions,
        attachments: VolumeAttachments,
        moves: Moves,
        running_moves: RunningMoves,
        shelving: Shelving,
        images: ImageService,
        flavor: str,
        image: str,
    ) -> None:
        self._call = call
        self._servers = servers
        self._lists = lists
        self._actions = actions
        self._attachments = attachments
        self._moves = moves
        self._running_moves = running_moves
        self._shelving = shelving
        self._images = images
        self._flavor = flavor
        self._image = image

    @overload
    def create(
        self,
        *,
        name: str = ...,
        flavor: str | None = ...,
        image: str | None = ...,
        zone: str | None = ...,
        host: str | None = ...,
        group: str | None = ...,
        hints: Mapping[str, str | tuple[str, ...]] = ...,
        metadata: Mapping[str, str] = ...,
        tags: Sequence[str] = ...,
        block_devices: Sequence[BlockDevice] = ...,
        volumes: Sequence[VolumeRef] = ...,
    ) -> Server: ...

    @overload
    def create(
        self,
        *,
        count: int,
        name: str = ...,
        flavor: str | None = ...,
        image: str | None = ...,
        zone: str | None = ...,
        host: str | None = ...,
        group: str | None = ...,
        hints: Mapping[str, str | tuple[str, ...]] = ...,
        metadata: Mapping[str, str] = ...,
        tags: Sequence[str] = ...,
        block_devices: Sequence[BlockDevice] = ...,
        volumes: Sequence[VolumeRef] = ...,
    ) -> list[Server]: ...

    def create(
        self,
        *,
        count: int | None = None,
        name: str = "server",
        flavor: str | None = None,
        image: str | None = None,
        zone: str | None = None,
        host: str | None = None,
        group: str | None = None,
        hints: Mapping[str, str | tuple[str, ...]] | None = None,
        metadata: Mapping[str, str] | None = None,
        tags: Sequence[str] = (),
        block_devices: Sequence[BlockDevice] = (),
        volumes: Sequence[VolumeRef] = (),
    ) -> Server | list[Server]:
        """Create a server, or `count` of them, and return them as they are when the rig settled.

        Args:
            count: how many in one request; then a list is returned.
            name: of the server; with several, ``-1``, ``-2``, ... is added.
            flavor: id or name; the topology's first when not given.
            image: id or name; ``cirros`` when not given.
            zone: an availability zone, or ``zone:host`` past the filters.
            host: a host that the filters still judge.
            group: uuid of a server group.
            hints: scheduler hints.
            metadata: key-value pairs.
            tags: the server's tags.
            block_devices: disks as block_device_mapping_v2 has them. Where none has boot_index 0,
                the server boots from its image.
            volumes: volumes that the server shall have from the beginning.

        Raises:
            Invalid, NotFound: something that was named is wrong; nothing has been written.
        """
        devices = (*block_devices, *map(_as_device, volumes))
        from_volume = any(device.boot_index == 0 for device in devices)
        asked = ServerRequest(
            flavor=flavor or self._flavor,
            image=image if from_volume else image or self._image,
            block_devices=devices,
            name=name,
            count=1 if count is None else count,
            zone=zone,
            host=host,
            group=group,
            hints=hints or {},
            metadata=dict(metadata or {}),
            tags=tuple(tags),
        )
        with_root = devices and not from_volume
        create = self._create_from_image if with_root else self._servers.create
        created = self._call(lambda context: create(context, asked), "create server")
        settled = [self.show(server) for server in created]
        return settled[0] if count is None else settled

    def _create_from_image(self, context: RequestContext, asked: ServerRequest) -> Sequence[Server]:
        """Create servers with further disks beside the local root disk of their image."""
        root = _local_root(self._images.get(asked.image or "").id)
        devices = (root, *asked.block_devices)
        return self._servers.create(context, replace(asked, block_devices=devices))

    def show(self, server: ServerRef) -> Server:
        """Return a server as it is now.

        Raises:
            NotFound: there is none (any more).
        """
        return self._call(lambda context: self._servers.show(context, id_of(server)), "show server")

    def list(
        self,
        *,
        sort_keys: Sequence[str] = (),
        sort_dirs: Sequence[str] = (),
        limit: int | None = None,
        marker: ServerRef | None = None,
        missing_cells: MissingCells = MissingCells.SKIP,
        **filters: Unpack[ServerFilterArguments],
    ) -> ServerList[Server]:
        """Return a page of the servers of all cells, and the cells that did not answer.

        Args:
            sort_keys: names of attributes; the newest come first where none is given.
            sort_dirs: ``asc`` or ``desc``, one a key.
            limit: the most to return; None for all.
            marker: the last server of the page before.
            missing_cells: what to do about cells that do not answer.
            filters: see `ServerFilters`.

        Raises:
            Invalid: something is wrong with the request; `MarkerNotFound` is one.
            Forbidden: a filter is for administrators only.
            CellUnavailable: the marker's cell does not answer; or any cell, where that is asked.
        """
        query = _query(filters, sort_keys, sort_dirs, limit, marker, missing_cells)
        return self._call(lambda c: self._lists.detailed(c, query), "list servers")

    def list_brief(
        self,
        *,
        sort_keys: Sequence[str] = (),
        sort_dirs: Sequence[str] = (),
        limit: int | None = None,
        marker: ServerRef | None = None,
        missing_cells: MissingCells = MissingCells.SKIP,
        **filters: Unpack[ServerFilterArguments],
    ) -> ServerList[BriefServer]:
        """Return the same as `list`, of each server its id and name only."""
        query = _query(filters, sort_keys, sort_dirs, limit, marker, missing_cells)
        return self._call(lambda c: self._lists.brief(c, query), "list servers")

    def iterate(
        self,
        *,
        sort_keys: Sequence[str] = (),
        sort_dirs: Sequence[str] = (),
        marker: ServerRef | None = None,
        missing_cells: MissingCells = MissingCells.SKIP,
        **filters: Unpack[ServerFilterArguments],
    ) -> ServerIterator:
        """Return an iterator over all servers, which reads page after page as it is used.

        A cell that does not answer is not asked again, and is named in the iterator's `missing`.
        """
        query = _query(filters, sort_keys, sort_dirs, None, marker, missing_cells)
        return ServerIterator(self._call, self._lists, query)

    def update(
        self,
        server: ServerRef,
        *,
        name: str | None = None,
        metadata: Mapping[str, str] | None = None,
        tags: Sequence[str] | None = None,
    ) -> Server:
        """Change a server's name, its whole metadata or its tags."""
        uuid = id_of(server)
        self._call(
            lambda context: self._servers.update(
                context,
                uuid,
                name=name,
                metadata=metadata,
                tags=None if tags is None else tuple(tags),
            ),
            "update server",
        )
        return self.show(uuid)

    def delete(self, server: ServerRef) -> None:
        """Delete a server, in whatever state it is."""
        self._call(lambda context: self._servers.delete(context, id_of(server)), "delete server")

    def actions(
        self,
        server: ServerRef,
        *,
        changes_since: float | None = None,
        changes_before: float | None = None,
        limit: int | None = None,
        marker: str | None = None,
    ) -> Sequence[InstanceAction]:
        """Return what was asked of a server, the newest first, each with its events.

        Args: see `Servers.actions`; the marker is a request id.
        """
        return self._call(
            lambda c: self._servers.actions(
                c,
                id_of(server),
                changes_since=changes_since,
                changes_before=changes_before,
                limit=limit,
                marker=marker,
            ),
            "list actions",
        )

    def console_output(self, server: ServerRef) -> str:
        """Return what a server wrote to its console."""
        return self._call(lambda c: self._servers.console_output(c, id_of(server)), "console")

    def resize(self, server: ServerRef, flavor: str) -> Server:
        """Give a server another flavor; it is VERIFY_RESIZE until that is confirmed."""
        self._call(lambda c: self._moves.resize(c, id_of(server), flavor), "resize server")
        return self.show(server)

    def migrate(self, server: ServerRef, host: str | None = None) -> Server:
        """Move a server to another host, or to `host`, while it is shut down."""
        self._call(lambda c: self._moves.migrate(c, id_of(server), host), "migrate server")
        return self.show(server)

    def live_migrate(
        self,
        server: ServerRef,
        host: str | None = None,
        *,
        force: bool = False,
        block_migration: bool | None = None,
    ) -> Server:
        """Move a server to another host, or to `host`, while it runs; see `RunningMoves`."""
        self._call(
            lambda c: self._running_moves.live_migrate(
                c, id_of(server), host, force=force, block_migration=block_migration
            ),
            "live-migrate server",
        )
        return self.show(server)

    def abort_live_migration(self, server: ServerRef, migration: int | str) -> None:
        """End a live migration; the server stays."""
        self._call(
            lambda c: self._running_moves.abort(c, id_of(server), migration), "abort migration"
        )

    def force_complete_live_migration(self, server: ServerRef, migration: int | str) -> None:
        """Let a live migration end now, though the server stops for it."""
        self._call(
            lambda c: self._running_moves.force_complete(c, id_of(server), migration),
            "force-complete migration",
        )

    def evacuate(self, server: ServerRef, host: str | None = None) -> Server:
        """Build a server on another host, because its own is dead."""
        self._call(
            lambda c: self._running_moves.evacuate(c, id_of(server), host), "evacuate server"
        )
        return self.show(server)

    def shelve(self, server: ServerRef) -> Server:
        """Put a server away as an image."""
        self._call(lambda c: self._shelving.shelve(c, id_of(server)), "shelve server")
        return self.show(server)

    def shelve_offload(self, server: ServerRef) -> Server:
        """Let a shelved server leave its host."""
        self._call(lambda c: self._shelving.offload(c, id_of(server)), "offload server")
        return self.show(server)

    def unshelve(
        self, server: ServerRef, *, zone: str | None = None, host: str | None = None
    ) -> Server:
        """Bring a shelved server back, in a zone or on a host where one is given."""
        self._call(
            lambda c: self._shelving.unshelve(c, id_of(server), zone=zone, host=host),
            "unshelve server",
        )
        return self.show(server)

    def confirm_resize(self, server: ServerRef) -> Server:
        """Let a resize or cold migration be final."""
        self._call(lambda c: self._moves.confirm(c, id_of(server)), "confirm resize")
        return self.show(server)

    def revert_resize(self, server: ServerRef) -> Server:
        """Bring a server back to where it was before a resize or cold migration."""
        self._call(lambda c: self._moves.revert(c, id_of(server)), "revert resize")
        return self.show(server)

    def attach_volume(
        self,
        server: ServerRef,
        volume: VolumeRef,
        *,
        device: str | None = None,
        tag: str | None = None,
        delete_on_termination: bool = False,
    ) -> BlockDeviceMapping:
        """Give a server a volume; see `VolumeAttachments.attach`.

        Args:
            server, volume: which.
            device: ``/dev/sdb``; the next free name when not given.
            tag: a name for the device.
            delete_on_termination: delete the volume with the server.
        """
        return self._call(
            lambda c: self._attachments.attach(
                c,
                id_of(server),
                volume_id_of(volume),
                device=device,
                tag=tag,
                delete_on_termination=delete_on_termination,
            ),
            "attach volume",
        )

    def detach_volume(self, server: ServerRef, volume: VolumeRef) -> None:
        """Take a volume from a server."""
        self._call(
            lambda c: self._attachments.detach(c, id_of(server), volume_id_of(volume)),
            "detach volume",
        )

    def swap_volume(self, server: ServerRef, old: VolumeRef, new: VolumeRef) -> None:
        """Copy a server's volume onto another, with which it goes on."""
        self._call(
            lambda c: self._attachments.swap(
                c, id_of(server), volume_id_of(old), volume_id_of(new)
            ),
            "swap volume",
        )

    def volumes(self, server: ServerRef) -> Sequence[BlockDeviceMapping]:
        """Return the volumes that a server has: what it boots from first."""
        return self._call(lambda c: self._attachments.all(c, id_of(server)), "list volumes")

    def update_volume(
        self, server: ServerRef, volume: VolumeRef, *, delete_on_termination: bool
    ) -> None:
        """Say whether a volume is deleted with its server."""
        self._call(
            lambda c: self._attachments.update(
                c, id_of(server), volume_id_of(volume), delete_on_termination=delete_on_termination
            ),
            "update volume attachment",
        )

    def start(self, server: ServerRef) -> Server:
        """Power a stopped server on."""
        self._call(lambda c: self._actions.start(c, id_of(server)), "start server")
        return self.show(server)

    def stop(self, server: ServerRef) -> Server:
        """Power a server off."""
        self._call(lambda c: self._actions.stop(c, id_of(server)), "stop server")
        return self.show(server)

    def reboot(self, server: ServerRef, kind: str = "SOFT") -> Server:
        """Reboot a server; kind is SOFT or HARD."""
        self._call(lambda c: self._actions.reboot(c, id_of(server), kind), "reboot server")
        return self.show(server)

    def pause(self, server: ServerRef) -> Server:
        """Pause a server in memory."""
        self._call(lambda c: self._actions.pause(c, id_of(server)), "pause server")
        return self.show(server)

    def unpause(self, server: ServerRef) -> Server:
        """Let a paused server go on."""
        self._call(lambda c: self._actions.unpause(c, id_of(server)), "unpause server")
        return self.show(server)

    def suspend(self, server: ServerRef) -> Server:
        """Suspend a server to disk."""
        self._call(lambda c: self._actions.suspend(c, id_of(server)), "suspend server")
        return self.show(server)

    def resume(self, server: ServerRef) -> Server:
        """Bring a suspended server back."""
        self._call(lambda c: self._actions.resume(c, id_of(server)), "resume server")
        return self.show(server)

    def rescue(self, server: ServerRef, image: str | None = None) -> Server:
        """Boot a server from a rescue image, or from the one it was built from."""
        self._call(lambda c: self._actions.rescue(c, id_of(server), image), "rescue server")
        return self.show(server)

    def unrescue(self, server: ServerRef) -> Server:
        """Boot a rescued server from its own disk again."""
        self._call(lambda c: self._actions.unrescue(c, id_of(server)), "unrescue server")
        return self.show(server)

    def rebuild(self, server: ServerRef, image: str) -> Server:
        """Build a server anew from an image, where it is."""
        self._call(lambda c: self._actions.rebuild(c, id_of(server), image), "rebuild server")
        return self.show(server)

    def create_image(self, server: ServerRef, name: str) -> StoredImage:
        """Make an image of a server's disk."""
        return self._call(
            lambda c: self._actions.create_image(c, id_of(server), name), "create image"
        )

    def lock(self, server: ServerRef, reason: str | None = None) -> Server:
        """Keep users who are no administrators from changing a server."""
        self._call(lambda c: self._actions.lock(c, id_of(server), reason), "lock server")
        return self.show(server)

    def reset_state(self, server: ServerRef, state: str) -> Server:
        """Say what a server is, ``active`` or ``error``; its guest is not touched."""
        self._call(lambda c: self._actions.reset_state(c, id_of(server), state), "reset state")
        return self.show(server)

    def unlock(self, server: ServerRef) -> Server:
        """Let users change a server again."""
        self._call(lambda c: self._actions.unlock(c, id_of(server)), "unlock server")
        return self.show(server)
