"""``rig.servers``: the servers, as a test works with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Unpack, overload

from msgspec.structs import replace

from cellrig.client.requests import Caller
from cellrig.client.server_iterator import ServerIterator
from cellrig.client.server_moves import ServerMoves
from cellrig.client.server_operations import ServerOperations
from cellrig.client.server_requests import ServerApi, ServerRef, VolumeRef, id_of, volume_id_of
from cellrig.client.server_volumes import ServerVolumes
from cellrig.compute.api import ServerFilterArguments, ServerFilters, ServerQuery, ServerRequest
from cellrig.compute.api.network_requests import NetworkChoice
from cellrig.context import RequestContext
from cellrig.model import (
    BlockDevice,
    BriefServer,
    DestinationType,
    InstanceAction,
    MissingCells,
    NetworkRequest,
    Server,
    ServerList,
    SourceType,
)
from cellrig.network.types import Network, Port

#: What a server's interfaces are on.
Networks = NetworkChoice | Sequence[Network | Port | NetworkRequest]


def _as_device(volume: VolumeRef) -> BlockDevice:
    return BlockDevice(source_type=SourceType.VOLUME, uuid=volume_id_of(volume))


def _as_request(wanted: Network | Port | NetworkRequest) -> NetworkRequest:
    if isinstance(wanted, Network):
        return NetworkRequest(network=wanted.id)
    return NetworkRequest(port=wanted.id) if isinstance(wanted, Port) else wanted


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


class ServerClient(ServerOperations, ServerMoves, ServerVolumes):
    """Creates, shows and changes servers; every call is a request that the rig settles.

    Args:
        call, api: as of its bases.
        flavor, image: what a server gets when a test names nothing.
    """

    def __init__(self, call: Caller, api: ServerApi, flavor: str, image: str) -> None:
        super().__init__(call, api)
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
        networks: Networks = ...,
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
        networks: Networks = ...,
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
        networks: Networks = "auto",
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
            networks: what its interfaces are on: networks, ports or requests; ``auto`` for one on
                the only network where there is one, ``none`` for no interface.

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
            networks=networks if isinstance(networks, str) else tuple(map(_as_request, networks)),
        )
        with_root = devices and not from_volume
        create = self._create_from_image if with_root else self._api.servers.create
        created = self._call(lambda context: create(context, asked), "create server")
        settled = [self.show(server) for server in created]
        return settled[0] if count is None else settled

    def _create_from_image(self, context: RequestContext, asked: ServerRequest) -> Sequence[Server]:
        """Create servers with further disks beside the local root disk of their image."""
        root = _local_root(self._api.images.find(context, asked.image or "").id)
        devices = (root, *asked.block_devices)
        return self._api.servers.create(context, replace(asked, block_devices=devices))

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
        return self._call(lambda c: self._api.lists.detailed(c, query), "list servers")

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
        return self._call(lambda c: self._api.lists.brief(c, query), "list servers")

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
        return ServerIterator(self._call, self._api.lists, query)

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
            lambda context: self._api.servers.update(
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
        self._call(
            lambda context: self._api.servers.delete(context, id_of(server)), "delete server"
        )

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
            lambda c: self._api.servers.actions(
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
        return self._call(lambda c: self._api.servers.console_output(c, id_of(server)), "console")
