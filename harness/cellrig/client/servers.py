"""``rig.servers``: the servers, as a test works with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import overload

from cellrig.client.requests import Caller
from cellrig.compute.api import ServerActions, ServerRequest, Servers
from cellrig.image import StoredImage
from cellrig.model import InstanceAction, Server, ServerList

#: A server, or its id.
ServerRef = Server | str


def id_of(server: ServerRef) -> str:
    """Return a server's id."""
    return server if isinstance(server, str) else server.id


class ServerClient:
    """Creates, shows and changes servers; every call is a request that the rig settles.

    Args:
        call: who asks.
        servers, actions: the compute API.
        flavor, image: what a server gets when a test names nothing.
    """

    def __init__(
        self, call: Caller, servers: Servers, actions: ServerActions, flavor: str, image: str
    ) -> None:
        self._call = call
        self._servers = servers
        self._actions = actions
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

        Raises:
            Invalid, NotFound: something that was named is wrong; nothing has been written.
        """
        asked = ServerRequest(
            flavor=flavor or self._flavor,
            image=image or self._image,
            name=name,
            count=1 if count is None else count,
            zone=zone,
            host=host,
            group=group,
            hints=hints or {},
            metadata=dict(metadata or {}),
            tags=tuple(tags),
        )
        created = self._call(lambda context: self._servers.create(context, asked), "create server")
        settled = [self.show(server) for server in created]
        return settled[0] if count is None else settled

    def show(self, server: ServerRef) -> Server:
        """Return a server as it is now.

        Raises:
            NotFound: there is none (any more).
        """
        return self._call(lambda context: self._servers.show(context, id_of(server)), "show server")

    def list(self) -> ServerList:
        """Return the servers of all cells, the newest first, and the cells that did not answer."""
        return self._call(self._servers.all, "list servers")

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

    def actions(self, server: ServerRef) -> Sequence[InstanceAction]:
        """Return what was asked of a server, the newest first, each with its events."""
        return self._call(lambda c: self._servers.actions(c, id_of(server)), "list actions")

    def console_output(self, server: ServerRef) -> str:
        """Return what a server wrote to its console."""
        return self._call(lambda c: self._servers.console_output(c, id_of(server)), "console")

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

    def unlock(self, server: ServerRef) -> Server:
        """Let users change a server again."""
        self._call(lambda c: self._actions.unlock(c, id_of(server)), "unlock server")
        return self.show(server)
