"""Requests to a server where it is: power, pause, rescue, rebuild, image, lock."""

from __future__ import annotations

from cellrig.client.server_requests import ServerRef, ServerRequests, id_of
from cellrig.image import StoredImage
from cellrig.model import Server


class ServerOperations(ServerRequests):
    """Works on servers where they are. Args: as of its base."""

    def start(self, server: ServerRef) -> Server:
        """Power a stopped server on."""
        self._call(lambda c: self._api.actions.start(c, id_of(server)), "start server")
        return self.show(server)

    def stop(self, server: ServerRef) -> Server:
        """Power a server off."""
        self._call(lambda c: self._api.actions.stop(c, id_of(server)), "stop server")
        return self.show(server)

    def reboot(self, server: ServerRef, kind: str = "SOFT") -> Server:
        """Reboot a server; kind is SOFT or HARD."""
        self._call(lambda c: self._api.actions.reboot(c, id_of(server), kind), "reboot server")
        return self.show(server)

    def pause(self, server: ServerRef) -> Server:
        """Pause a server in memory."""
        self._call(lambda c: self._api.actions.pause(c, id_of(server)), "pause server")
        return self.show(server)

    def unpause(self, server: ServerRef) -> Server:
        """Let a paused server go on."""
        self._call(lambda c: self._api.actions.unpause(c, id_of(server)), "unpause server")
        return self.show(server)

    def suspend(self, server: ServerRef) -> Server:
        """Suspend a server to disk."""
        self._call(lambda c: self._api.actions.suspend(c, id_of(server)), "suspend server")
        return self.show(server)

    def resume(self, server: ServerRef) -> Server:
        """Bring a suspended server back."""
        self._call(lambda c: self._api.actions.resume(c, id_of(server)), "resume server")
        return self.show(server)

    def rescue(self, server: ServerRef, image: str | None = None) -> Server:
        """Boot a server from a rescue image, or from the one it was built from."""
        self._call(lambda c: self._api.actions.rescue(c, id_of(server), image), "rescue server")
        return self.show(server)

    def unrescue(self, server: ServerRef) -> Server:
        """Boot a rescued server from its own disk again."""
        self._call(lambda c: self._api.actions.unrescue(c, id_of(server)), "unrescue server")
        return self.show(server)

    def rebuild(self, server: ServerRef, image: str) -> Server:
        """Build a server anew from an image, where it is."""
        self._call(lambda c: self._api.actions.rebuild(c, id_of(server), image), "rebuild server")
        return self.show(server)

    def create_image(self, server: ServerRef, name: str) -> StoredImage:
        """Make an image of a server's disk."""
        return self._call(
            lambda c: self._api.actions.create_image(c, id_of(server), name), "create image"
        )

    def lock(self, server: ServerRef, reason: str | None = None) -> Server:
        """Keep users who are no administrators from changing a server."""
        self._call(lambda c: self._api.actions.lock(c, id_of(server), reason), "lock server")
        return self.show(server)

    def reset_state(self, server: ServerRef, state: str) -> Server:
        """Say what a server is, ``active`` or ``error``; its guest is not touched."""
        self._call(lambda c: self._api.actions.reset_state(c, id_of(server), state), "reset state")
        return self.show(server)

    def unlock(self, server: ServerRef) -> Server:
        """Let users change a server again."""
        self._call(lambda c: self._api.actions.unlock(c, id_of(server)), "unlock server")
        return self.show(server)
