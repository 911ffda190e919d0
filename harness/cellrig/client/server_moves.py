"""Requests that move servers: to another host or size, to an image, and back."""

from __future__ import annotations

from cellrig.client.server_requests import ServerRef, ServerRequests, id_of
from cellrig.model import Server


class ServerMoves(ServerRequests):
    """Moves servers. Args: as of its base."""

    def resize(self, server: ServerRef, flavor: str) -> Server:
        """Give a server another flavor; it is VERIFY_RESIZE until that is confirmed."""
        self._call(lambda c: self._api.moves.resize(c, id_of(server), flavor), "resize server")
        return self.show(server)

    def migrate(self, server: ServerRef, host: str | None = None) -> Server:
        """Move a server to another host, or to `host`, while it is shut down."""
        self._call(lambda c: self._api.moves.migrate(c, id_of(server), host), "migrate server")
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
            lambda c: self._api.running_moves.live_migrate(
                c, id_of(server), host, force=force, block_migration=block_migration
            ),
            "live-migrate server",
        )
        return self.show(server)

    def abort_live_migration(self, server: ServerRef, migration: int | str) -> None:
        """End a live migration; the server stays."""
        self._call(
            lambda c: self._api.running_moves.abort(c, id_of(server), migration), "abort migration"
        )

    def force_complete_live_migration(self, server: ServerRef, migration: int | str) -> None:
        """Let a live migration end now, though the server stops for it."""
        self._call(
            lambda c: self._api.running_moves.force_complete(c, id_of(server), migration),
            "force-complete migration",
        )

    def evacuate(self, server: ServerRef, host: str | None = None) -> Server:
        """Build a server on another host, because its own is dead."""
        self._call(
            lambda c: self._api.running_moves.evacuate(c, id_of(server), host), "evacuate server"
        )
        return self.show(server)

    def shelve(self, server: ServerRef) -> Server:
        """Put a server away as an image."""
        self._call(lambda c: self._api.shelving.shelve(c, id_of(server)), "shelve server")
        return self.show(server)

    def shelve_offload(self, server: ServerRef) -> Server:
        """Let a shelved server leave its host."""
        self._call(lambda c: self._api.shelving.offload(c, id_of(server)), "offload server")
        return self.show(server)

    def unshelve(
        self, server: ServerRef, *, zone: str | None = None, host: str | None = None
    ) -> Server:
        """Bring a shelved server back, in a zone or on a host where one is given."""
        self._call(
            lambda c: self._api.shelving.unshelve(c, id_of(server), zone=zone, host=host),
            "unshelve server",
        )
        return self.show(server)

    def confirm_resize(self, server: ServerRef) -> Server:
        """Let a resize or cold migration be final."""
        self._call(lambda c: self._api.moves.confirm(c, id_of(server)), "confirm resize")
        return self.show(server)

    def revert_resize(self, server: ServerRef) -> Server:
        """Bring a server back to where it was before a resize or cold migration."""
        self._call(lambda c: self._api.moves.revert(c, id_of(server)), "revert resize")
        return self.show(server)
