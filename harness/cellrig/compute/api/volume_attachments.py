"""Volumes of servers, as users attach, detach, swap and list them."""

from __future__ import annotations

from collections.abc import Callable

from cellrig.compute.api.boot_volumes import end_attachment, free_attachment
from cellrig.compute.api.policy import check_admin, check_unlocked
from cellrig.compute.api.servers import Servers
from cellrig.compute.api.surroundings import Surroundings
from cellrig.compute.api.tasks import Tasks
from cellrig.compute.api.volume_checks import VolumeChecks
from cellrig.compute.api.volume_errors import RootVolume
from cellrig.compute.interface import ComputeService
from cellrig.context import RequestContext
from cellrig.db import CellDatabase
from cellrig.errors import CellrigError, Conflict, Invalid, NotFound
from cellrig.model import BlockDeviceChanges, BlockDeviceMapping, Instance, VmState
from cellrig.model.device_names import local_device_names, read_device_name
from cellrig.volume.types import Volume

_ATTACH = (
    VmState.ACTIVE,
    VmState.PAUSED,
    VmState.STOPPED,
    VmState.RESIZED,
    VmState.SOFT_DELETED,
    VmState.SHELVED,
    VmState.SHELVED_OFFLOADED,
)
_DETACH = (*_ATTACH, VmState.SUSPENDED)
_SWAP = (VmState.ACTIVE, VmState.PAUSED, VmState.RESIZED)
_MULTIATTACH = "COMPUTE_VOLUME_MULTI_ATTACH"


class VolumeAttachments:
    """The volumes of servers.

    Args:
        around: the compute API's surroundings.
        servers: to find servers with.
        tasks: to find those that a user may change.
    """

    def __init__(self, around: Surroundings, servers: Servers, tasks: Tasks) -> None:
        self._around = around
        self._servers = servers
        self._tasks = tasks
        self._checks = VolumeChecks(around)

    def all(self, context: RequestContext, server_id: str) -> list[BlockDeviceMapping]:
        """Return the volumes that a server has or is about to get."""
        cell, _instance = self._servers.find(context, server_id)
        if cell is not None:
            mappings = cell.block_devices.of_instance(server_id)
        else:
            try:
                mappings = list(self._around.api.requests.build_get(server_id).block_devices)
            except NotFound as error:
                seams = self._around.seams
                seams.handled(error, "the server has moved on into a cell, or is deleted")
                return self.all(context, server_id)
        return [mapping for mapping in mappings if mapping.volume_id is not None]

    def show(self, context: RequestContext, server_id: str, volume_id: str) -> BlockDeviceMapping:
        """Return one volume of a server.

        Raises:
            NotFound: the server does not have it.
        """
        for mapping in self.all(context, server_id):
            if mapping.volume_id == volume_id:
                return mapping
        raise NotFound(f"attachment to server {server_id} of volume", volume_id)

    def attach(
        self,
        context: RequestContext,
        server_id: str,
        volume_id: str,
        *,
        device: str | None = None,
        tag: str | None = None,
        delete_on_termination: bool = False,
    ) -> BlockDeviceMapping:
        """Reserve a volume for a server and have its host attach it.

        Args:
            context, server_id, volume_id: who asks, which volume for which server.
            device: ``/dev/sdb``; None takes the next free name.
            tag: the user's name for the device (microversion 2.49).
            delete_on_termination: delete the volume with the server (2.79).

        Raises:
            Invalid, Conflict: see `volume_errors`; nothing is left reserved.
            InvalidVolume: block storage does not give it to this server.
        """
        cell, instance = self._tasks.find_idle(context, server_id, "to attach a volume", _ATTACH)
        if instance.host is not None:
            self._checks.host_is_up(cell, instance)
        name = None if device is None else read_device_name(device)
        volume = self._around.volumes.volume_get(context, volume_id)
        self._checks.attachable(cell, instance, volume, name, tag)
        mapping = self._reserve(cell, instance, volume, name, tag, delete_on_termination)
        try:
            self._around.volumes.attachment_create(
                context, volume_id, server_id, attachment_id=mapping.attachment_id
            )
            if instance.host is None:
                # In use it is, though no host can connect it before the server comes back.
                self._around.volumes.attachment_complete(context, mapping.attachment_id or "")
            else:
                self._tasks.record(context, cell, instance, "attach_volume")
                self._order(
                    instance.host,
                    lambda compute: compute.attach_volume(context, server_id, mapping.uuid),
                )
        except Exception:
            free_attachment(context, self._around, mapping.attachment_id or "")
            self._forget(cell, mapping)
            raise
        return mapping

    def detach(self, context: RequestContext, server_id: str, volume_id: str) -> None:
        """Have a volume taken from a server.

        Raises:
            NotFound: the server does not have it.
            RootVolume: it boots from it.
            Conflict: the server's state, or its host is down.
            InvalidVolume: it is not attached (yet), or is being detached already.
        """
        cell, instance = self._tasks.find_idle(context, server_id, "to detach a volume", _DETACH)
        mapping = mapping_of(cell, server_id, volume_id)
        if mapping.boot_index == 0 and instance.vm_state != VmState.SHELVED_OFFLOADED:
            raise RootVolume(volume_id, server_id)
        attachment_id = mapping.attachment_id or ""
        if instance.host is None:
            end_attachment(context, self._around, attachment_id)
            cell.block_devices.destroy(mapping.uuid)
            return
        self._checks.host_is_up(cell, instance)
        try:
            self._begin_detaching(context, attachment_id)
        except NotFound as error:
            self._around.seams.handled(error, "block storage has let go, and the host does so too")
        try:
            self._tasks.record(context, cell, instance, "detach_volume")
            self._order(
                instance.host,
                lambda compute: compute.detach_volume(context, server_id, mapping.uuid),
            )
        except Exception:
            self._roll_back(context, attachment_id)
            raise

    def swap(
        self, context: RequestContext, server_id: str, old_volume_id: str, new_volume_id: str
    ) -> None:
        """Have a volume copied onto another, with which the server goes on (administrators).

        Raises:
            Invalid, Conflict, NotFound: see `volume_errors`.
            InvalidVolume: the new volume cannot be had, or the old one is not attached.
        """
        check_admin(context, "swap volumes")
        cell, instance = self._tasks.find_idle(context, server_id, "to swap a volume", _SWAP)
        mapping = mapping_of(cell, server_id, old_volume_id)
        old = self._around.volumes.volume_get(context, old_volume_id)
        new = self._around.volumes.volume_get(context, new_volume_id)
        if instance.host is None:
            raise Conflict(f"server {server_id} is on no host: it cannot swap a volume")
        self._checks.swappable(context, cell, instance, old, new)
        self._checks.host_is_up(cell, instance)
        attachment_id, fresh = mapping.attachment_id or "", self._around.new_uuid()
        try:
            # First, so that whoever finds the old volume detaching sees that it is for a swap.
            self._around.volumes.attachment_create(
                context, new_volume_id, server_id, attachment_id=fresh
            )
            self._begin_detaching(context, attachment_id)
            self._order_swap(context, cell, instance, mapping, new_volume_id, fresh)
        except Exception:
            free_attachment(context, self._around, fresh)
            raise

    def _order_swap(
        self,
        context: RequestContext,
        cell: CellDatabase,
        instance: Instance,
        mapping: BlockDeviceMapping,
        new_volume_id: str,
        new_attachment_id: str,
    ) -> None:
        try:
            self._tasks.record(context, cell, instance, "swap_volume")
            self._order(
                instance.host or "",
                lambda compute: compute.swap_volume(
                    context, instance.uuid, mapping.uuid, new_volume_id, new_attachment_id
                ),
            )
        except Exception:
            self._roll_back(context, mapping.attachment_id or "")
            raise

    def update(
        self,
        context: RequestContext,
        server_id: str,
        volume_id: str,
        *,
        delete_on_termination: bool,
    ) -> None:
        """Say whether a volume goes with its server (microversion 2.85)."""
        cell, instance = self._tasks.placed(context, server_id)
        check_unlocked(context, instance)
        mapping = mapping_of(cell, server_id, volume_id)
        cell.block_devices.update(
            mapping.uuid, BlockDeviceChanges(delete_on_termination=delete_on_termination)
        )

    # -- steps -----------------------------------------------------------------------------------

    def _reserve(
        self,
        cell: CellDatabase,
        instance: Instance,
        volume: Volume,
        name: str | None,
        tag: str | None,
        delete_on_termination: bool,
    ) -> BlockDeviceMapping:
        local = local_device_names(
            instance.flavor, "scsi", boots_from_volume=instance.boots_from_volume
        )
        mapping = BlockDeviceMapping(
            uuid=self._around.new_uuid(),
            instance_uuid=instance.uuid,
            source_id=volume.id,
            volume_id=volume.id,
            attachment_id=self._around.new_uuid(),
            device_name=name or "",
            volume_size=volume.size,
            multiattach=volume.multiattach,
            delete_on_termination=delete_on_termination,
            tag=tag,
        )
        try:
            return cell.block_devices.reserve(mapping, local)
        except Exception:
            self._forget(cell, mapping)
            raise

    def _forget(self, cell: CellDatabase, mapping: BlockDeviceMapping) -> None:
        self._around.seams.insist(
            lambda: cell.block_devices.destroy(mapping.uuid), "forget a volume"
        )

    def _order(self, host: str, send: Callable[[ComputeService], None]) -> None:
        compute = self._around.compute(host)
        self._around.seams.insist(lambda: send(compute), "tell a host")

    def _begin_detaching(self, context: RequestContext, attachment_id: str) -> None:
        """Let an attachment be detaching; where the answer is lost, it is as it was."""
        try:
            self._around.volumes.begin_detaching(context.elevated(), attachment_id)
        except (Invalid, NotFound):
            raise
        except Exception:
            self._roll_back(context, attachment_id)
            raise

    def _roll_back(self, context: RequestContext, attachment_id: str) -> None:
        try:
            self._around.seams.insist(
                lambda: self._around.volumes.roll_detaching(context.elevated(), attachment_id),
                "keep a volume attached",
            )
        except CellrigError as error:
            self._around.seams.handled(error, "the attachment is left to its host")


def mapping_of(cell: CellDatabase, server_id: str, volume_id: str) -> BlockDeviceMapping:
    """Return a server's mapping of a volume, which others may have too.

    Raises:
        NotFound: the server does not have it.
    """
    for mapping in cell.block_devices.of_instance(server_id):
        if mapping.volume_id == volume_id:
            return mapping
    raise NotFound(f"attachment to server {server_id} of volume", volume_id)
