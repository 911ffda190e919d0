"""Backups: images of servers, of which only the newest are kept."""

from __future__ import annotations

from cellrig.compute.api.actions import ServerActions
from cellrig.compute.api.surroundings import Surroundings
from cellrig.compute.api.tasks import Tasks
from cellrig.context import RequestContext
from cellrig.errors import Invalid, NotFound
from cellrig.image import StoredImage

_NUMBER = "backup_number"


class Backups:
    """Makes backups.

    Args:
        around: the compute API's surroundings.
        tasks: to find servers with.
        actions: to make images with.
    """

    def __init__(self, around: Surroundings, tasks: Tasks, actions: ServerActions) -> None:
        self._around = around
        self._tasks = tasks
        self._actions = actions

    def create(
        self, context: RequestContext, server_id: str, name: str, kind: str, rotation: int
    ) -> StoredImage | None:
        """Make a backup of a server, and delete its oldest ones.

        Args:
            context, server_id: who asks, of which server.
            name: of the image.
            kind: ``daily``, ``weekly`` or another word of the user's.
            rotation: how many of this kind are kept; of 0 none is made.

        Raises:
            NotFound, Conflict: see `ServerActions.create_image`.
            Invalid: the server boots from a volume.
        """
        _cell, instance = self._tasks.placed(context, server_id)
        if instance.boots_from_volume:
            raise Invalid(f"server {server_id} boots from a volume, of which there is no backup")
        before = self._of(server_id, kind)
        image = None
        if rotation > 0:
            last = _number(before[0]) if before else 0
            image = self._actions.create_image(
                context,
                server_id,
                name,
                {"image_type": "backup", "backup_type": kind, _NUMBER: str(last + 1)},
            )
        for old in before[max(rotation - 1, 0) :]:
            self._delete(old)
        return image

    def _of(self, server_id: str, kind: str) -> list[StoredImage]:
        """Return the backups of a kind that there are, the newest first."""
        wanted = {"instance_uuid": server_id, "image_type": "backup", "backup_type": kind}
        found = [
            image
            for image in self._around.images.all()
            if wanted.items() <= image.properties.items()
        ]
        return sorted(found, key=_number, reverse=True)

    def _delete(self, image: StoredImage) -> None:
        try:
            self._around.images.delete(image.id)
        except NotFound as error:
            self._around.seams.handled(error, "somebody else has deleted the backup")


def _number(image: StoredImage) -> int:
    given = image.properties.get(_NUMBER, "")
    return int(given) if given.isdigit() else 0
