"""Shelving: servers are put away, leave their hosts, and come back."""

from __future__ import annotations

from cellrig.compute.api.policy import check_admin
from cellrig.compute.api.requests import zones_of
from cellrig.compute.api.surroundings import Surroundings
from cellrig.compute.api.tasks import Tasks
from cellrig.context import RequestContext
from cellrig.db import CellDatabase
from cellrig.errors import Conflict, Invalid
from cellrig.image import StoredImage
from cellrig.model import Instance, TaskState, VmState

_SHELVABLE = (VmState.ACTIVE, VmState.STOPPED, VmState.PAUSED, VmState.SUSPENDED)
_SHELVED = (VmState.SHELVED, VmState.SHELVED_OFFLOADED)


class Shelving:
    """Shelves and unshelves servers.

    Args:
        around: the compute API's surroundings.
        tasks: to begin them with.
    """

    def __init__(self, around: Surroundings, tasks: Tasks) -> None:
        self._around = around
        self._tasks = tasks

    def shelve(self, context: RequestContext, server_id: str) -> None:
        """Put a server away as an image; whether it leaves its host then, its cloud decides.

        Raises:
            Conflict: the server's state.
        """
        cell, instance, host = self._tasks.find_on_host(context, server_id, "shelve", _SHELVABLE)
        image = None if instance.boots_from_volume else self._new_image(instance)
        image_id = None if image is None else image.id
        compute = self._around.compute(host)
        if image is not None:
            self._around.images.create(image)
        try:
            self._tasks.begin(
                context,
                cell,
                instance,
                "shelve",
                TaskState.SHELVING,
                _SHELVABLE,
                lambda: compute.shelve_instance(context, server_id, image_id),
            )
        except Exception:
            if image_id is not None:
                self._around.seams.insist(
                    lambda: self._around.images.delete(image_id), "withdraw an image"
                )
            raise

    def _new_image(self, instance: Instance) -> StoredImage:
        return StoredImage(
            id=self._around.new_uuid(),
            name=f"{instance.name}-shelved",
            status="queued",
            properties={"image_type": "snapshot", "instance_uuid": instance.uuid},
            owner=instance.project_id,
        )

    def offload(self, context: RequestContext, server_id: str) -> None:
        """Let a shelved server leave its host (administrators).

        Raises:
            Conflict: it is not shelved, or its host is down.
        """
        check_admin(context, "offload a shelved server")
        cell, instance, host = self._tasks.find_on_host(
            context, server_id, "shelveOffload", (VmState.SHELVED,)
        )
        self._tasks.check_up(cell, host, server_id)
        compute = self._around.compute(host)
        self._tasks.begin(
            context,
            cell,
            instance,
            "shelveOffload",
            TaskState.SHELVING_OFFLOADING,
            (VmState.SHELVED,),
            lambda: compute.shelve_offload_instance(context, server_id),
        )

    def unshelve(
        self,
        context: RequestContext,
        server_id: str,
        *,
        zone: str | None = None,
        host: str | None = None,
    ) -> None:
        """Bring a shelved server back.

        Args:
            context, server_id: who asks, for which server.
            zone: the availability zone to come back in (microversion 2.77).
            host: the host to come back on, for administrators (2.91).

        Raises:
            Invalid: a zone or a host that does not exist, a host of another cell, or one that is
                down or disabled.
            Conflict: it is not shelved, or it has not left its host and names another place.
        """
        cell, instance = self._tasks.find(context, server_id, "unshelve", _SHELVED)
        self._check_place(context, cell, zone, host)
        if instance.vm_state == VmState.SHELVED_OFFLOADED:
            conductor = self._around.conductor
            self._tasks.begin(
                context,
                cell,
                instance,
                "unshelve",
                TaskState.UNSHELVING,
                (VmState.SHELVED_OFFLOADED,),
                lambda: conductor.unshelve_server(context, server_id, zone, host),
            )
            return
        if zone is not None or host not in (None, instance.host):
            raise Conflict(
                f"server {server_id} is shelved on host {instance.host}: it takes another place "
                "when it has left that host"
            )
        here = str(instance.host)
        self._tasks.check_up(cell, here, server_id)
        compute = self._around.compute(here)
        self._tasks.begin(
            context,
            cell,
            instance,
            "unshelve",
            TaskState.UNSHELVING,
            (VmState.SHELVED,),
            lambda: compute.unshelve_here(context, server_id),
        )

    def _check_place(
        self, context: RequestContext, cell: CellDatabase, zone: str | None, host: str | None
    ) -> None:
        if zone is not None:
            zones = zones_of(self._around.api.aggregates.all())
            if zone not in zones:
                raise Invalid(
                    f"availability zone {zone!r} does not exist; "
                    f"there are: {', '.join(sorted(zones))}"
                )
        if host is not None:
            check_admin(context, "choose a host")
            where = self._around.cell_of_host(host)
            if where != cell.name:
                raise Invalid(
                    f"host {host} is in cell {where}; the server is in cell {cell.name} and comes "
                    "back there"
                )
            self._tasks.check_target(cell, host)
