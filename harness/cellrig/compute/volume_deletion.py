"""Deleting the volumes that go with a server that is deleted."""

from __future__ import annotations

from collections.abc import Iterable

from cellrig.context import RequestContext
from cellrig.errors import CellrigError
from cellrig.model import BlockDeviceMapping
from cellrig.seams import Seams
from cellrig.volume.client import VolumeClient
from cellrig.volume.types import VolumeStatus

#: What a volume is whose maker, or who deleted it, died over it. Nobody else works on a server
#: while it is deleted, so nobody goes on with it.
_BROKEN_OFF = (VolumeStatus.CREATING, VolumeStatus.DOWNLOADING, VolumeStatus.DELETING)


def delete_volumes(
    context: RequestContext,
    volumes: VolumeClient,
    seams: Seams,
    mappings: Iterable[BlockDeviceMapping],
) -> None:
    """Delete the volumes that were to go with a server; block storage may refuse.

    Args:
        context: of who deletes the server.
        volumes: block storage.
        seams: of the rig, to tell of what is refused.
        mappings: the server's, whose attachments have ended.
    """
    for mapping in mappings:
        if mapping.delete_on_termination and mapping.volume_id is not None:
            try:
                _delete(context, volumes, mapping.volume_id)
            except CellrigError as error:
                seams.handled(error, "the volume stays, the server is deleted")


def _delete(context: RequestContext, volumes: VolumeClient, volume_id: str) -> None:
    elevated = context.elevated()
    if volumes.volume_get(elevated, volume_id).status in _BROKEN_OFF:
        volumes.volume_force_delete(elevated, volume_id)
    else:
        volumes.volume_delete(context, volume_id)
