"""The end of what a migration leaves over: a volume that goes with its last attachment."""

from __future__ import annotations

from cellrig.errors import CellrigError
from cellrig.volume.errors import VolumeNotFound
from cellrig.volume.records import attachments_of, change_volume, get_volume, remove_volume
from cellrig.volume.showing import show
from cellrig.volume.surroundings import Surroundings
from cellrig.volume.types import Volume, VolumeStatus


def bury_if_over(around: Surroundings, volume_id: str) -> None:
    """Delete a volume that is to go, and its data, once nothing holds it any more.

    One that cannot be deleted stays, in error_deleting.
    """
    with around.turns.take(volume_id):
        volume = _volume_that_is_over(around, volume_id)
        if volume is None:
            return
        try:
            around.ask(
                volume.backend, "delete a volume", lambda backend: backend.delete_volume(volume)
            )
        except CellrigError as error:
            around.seams.handled(error, f"volume {volume_id} is error_deleting: delete it again")
            with around.database.transaction() as transaction:
                change_volume(transaction, volume_id, status=VolumeStatus.ERROR_DELETING)
            return
        with around.database.transaction() as transaction:
            remove_volume(transaction, volume_id)


def _volume_that_is_over(around: Surroundings, volume_id: str) -> Volume | None:
    with around.database.transaction() as transaction:
        try:
            volume = get_volume(transaction, volume_id)
        except VolumeNotFound as error:
            around.seams.handled(error, "it is gone already")
            return None
        if volume.status is not VolumeStatus.DELETING or attachments_of(transaction, volume_id):
            return None
        return show(transaction, around.backends, [volume])[0]
