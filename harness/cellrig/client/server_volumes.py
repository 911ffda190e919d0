"""Requests that give servers volumes, and take them again."""

from __future__ import annotations

from collections.abc import Sequence

from cellrig.client.server_requests import (
    ServerRef,
    ServerRequests,
    VolumeRef,
    id_of,
    volume_id_of,
)
from cellrig.model import BlockDeviceMapping


class ServerVolumes(ServerRequests):
    """Changes the volumes of servers. Args: as of its base."""

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
            lambda c: self._api.attachments.attach(
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
            lambda c: self._api.attachments.detach(c, id_of(server), volume_id_of(volume)),
            "detach volume",
        )

    def swap_volume(self, server: ServerRef, old: VolumeRef, new: VolumeRef) -> None:
        """Copy a server's volume onto another, with which it goes on."""
        self._call(
            lambda c: self._api.attachments.swap(
                c, id_of(server), volume_id_of(old), volume_id_of(new)
            ),
            "swap volume",
        )

    def volumes(self, server: ServerRef) -> Sequence[BlockDeviceMapping]:
        """Return the volumes that a server has: what it boots from first."""
        return self._call(lambda c: self._api.attachments.all(c, id_of(server)), "list volumes")

    def update_volume(
        self, server: ServerRef, volume: VolumeRef, *, delete_on_termination: bool
    ) -> None:
        """Say whether a volume is deleted with its server."""
        self._call(
            lambda c: self._api.attachments.update(
                c, id_of(server), volume_id_of(volume), delete_on_termination=delete_on_termination
            ),
            "update volume attachment",
        )
