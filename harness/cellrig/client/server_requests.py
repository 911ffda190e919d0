"""What every request about a server needs: who asks, the compute API, and which server it is."""

from __future__ import annotations

import msgspec

from cellrig.client.requests import Caller
from cellrig.compute.api import (
    Moves,
    RunningMoves,
    ServerActions,
    ServerLists,
    Servers,
    Shelving,
    VolumeAttachments,
)
from cellrig.image import ImageClient
from cellrig.model import Server
from cellrig.volume.types import Volume

#: A server, or its id.
ServerRef = Server | str

#: A volume, or its id.
VolumeRef = Volume | str


def id_of(server: ServerRef) -> str:
    """Return a server's id."""
    return server if isinstance(server, str) else server.id


def volume_id_of(volume: VolumeRef) -> str:
    """Return a volume's id."""
    return volume if isinstance(volume, str) else volume.id


class ServerApi(msgspec.Struct, frozen=True):
    """The parts of the compute API that are about servers, and the image service.

    Args:
        servers, lists, actions, attachments, moves, running_moves, shelving: of the compute API.
        images: the image service.
    """

    servers: Servers
    lists: ServerLists
    actions: ServerActions
    attachments: VolumeAttachments
    moves: Moves
    running_moves: RunningMoves
    shelving: Shelving
    images: ImageClient


class ServerRequests:
    """One user's requests about servers.

    Args:
        call: who asks.
        api: whom.
    """

    def __init__(self, call: Caller, api: ServerApi) -> None:
        self._call = call
        self._api = api

    def show(self, server: ServerRef) -> Server:
        """Return a server as it is now.

        Raises:
            NotFound: there is none (any more).
        """
        return self._call(
            lambda context: self._api.servers.show(context, id_of(server)), "show server"
        )
