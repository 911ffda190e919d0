"""Bringing what the control plane and block storage say of a host's volumes together again.

A compute service that died in the middle of an attach, a detach or a swap has left an attachment
that says how far it came. What it says is finished or taken back.
"""

from __future__ import annotations

from cellrig.compute.connections import Connections
from cellrig.compute.host import ComputeHost
from cellrig.compute.swaps import Swaps
from cellrig.compute.volumes import VolumeOperations
from cellrig.context import RequestContext
from cellrig.errors import CellrigError
from cellrig.model import BlockDeviceChanges, BlockDeviceMapping, Instance, VmState
from cellrig.volume.types import Attachment, AttachmentStatus

_UNFINISHED = (
    AttachmentStatus.RESERVED,
    AttachmentStatus.ATTACHING,
    AttachmentStatus.ERROR_ATTACHING,
)
_LEAVING = (AttachmentStatus.DETACHING, AttachmentStatus.ERROR_DETACHING)


class Attachments:
    """The attachments of one host's servers.

    Args:
        host: which.
        volumes: to finish with, or take back.
        swaps: to finish with, or take back, too.
        connections: of the host.
    """

    def __init__(
        self,
        host: ComputeHost,
        volumes: VolumeOperations,
        swaps: Swaps,
        connections: Connections,
    ) -> None:
        self._host = host
        self._volumes = volumes
        self._swaps = swaps
        self._connections = connections
        #: Attachments that were on their way out in the last round, and since when they are.
        self._leaving: dict[str, float] = {}

    def reconcile(self, context: RequestContext, age: float, *, starting: bool = False) -> None:
        """Look at every volume of the host's servers that nobody is working on.

        Args:
            context: an administrator's.
            age: seconds for which an unfinished attachment has had nobody working on it.
            starting: the service starts: nobody has been working on any of them.
        """
        host = self._host
        here = {instance.uuid: instance for instance in host.instances.all_on_host(host.name)}
        if not here:
            return
        attachments: dict[str, list[Attachment]] = {}
        for attachment in host.volumes.attachment_list(context, all_projects=True):
            if attachment.instance_uuid in here:
                attachments.setdefault(attachment.instance_uuid, []).append(attachment)
        mappings = host.block_devices.of_instances(sorted(here))
        concerned = dict.fromkeys([*(m.instance_uuid for m in mappings), *attachments])
        # They may be on their way back here, to the volumes that they had: see `MoveRecovery`.
        coming = {migration.instance_uuid for migration in host.migrations.left_at(host.name)}
        now = host.runtime.now()
        self._leaving = {
            attachment.id: self._leaving.get(attachment.id, 0.0 if starting else now)
            for of_one in attachments.values()
            for attachment in of_one
            if attachment.status in _LEAVING
        }
        for instance_uuid in concerned:
            if instance_uuid not in coming and not host.is_locked(instance_uuid):
                self._reconcile_one(context, here[instance_uuid], now - age)

    def _reconcile_one(self, context: RequestContext, instance: Instance, limit: float) -> None:
        host = self._host
        with host.lock(instance.uuid):
            try:
                if not _is_settled(host.instances.get(instance.uuid), host.name):
                    return
                mappings = host.block_devices.of_instance(instance.uuid)
                found = {
                    attachment.id: attachment
                    for attachment in host.volumes.attachment_list(
                        context, instance_uuid=instance.uuid, all_projects=True
                    )
                }
                known = {mapping.attachment_id for mapping in mappings}
                strays = [a for a in found.values() if a.id not in known and a.created_at <= limit]
                for mapping in mappings:
                    attachment = found.get(mapping.attachment_id or "")
                    self._settle(context, instance, mapping, attachment, strays, limit)
                if any(self._may_be_leaving(a, limit) for a in found.values()):
                    return  # in a swap, perhaps, for which a stray was made
                for stray in strays:
                    with self._connections.section(context, (stray,)):
                        self._connections.release(context, stray.id)
            except CellrigError as error:
                host.seams.handled(error, "the next round sees the volumes again")

    def _settle(
        self,
        context: RequestContext,
        instance: Instance,
        mapping: BlockDeviceMapping,
        attachment: Attachment | None,
        strays: list[Attachment],
        limit: float,
    ) -> None:
        """Finish or take back what was being done with one volume.

        Args:
            context, instance, mapping: which volume of which server.
            attachment: that the mapping names; None where block storage has none.
            strays: attachments of the server that no mapping names; one that is dealt with here is
                taken from it.
            limit: what began later may have somebody working on it.
        """
        if attachment is None:
            if mapping.connection_info or 0.0 < mapping.created_at <= limit:
                self._volumes.forget(context, instance, mapping)
        elif attachment.status in _UNFINISHED:
            if attachment.created_at <= limit:
                self._volumes.forget(context, instance, mapping)
        elif attachment.status in _LEAVING:
            if not self._may_be_leaving(attachment, limit):
                self._settle_leaving(context, instance, mapping, strays)
        elif attachment.connection_info != mapping.connection_info:
            changes = BlockDeviceChanges(connection_info=attachment.connection_info)
            self._host.block_devices.update(mapping.uuid, changes)

    def _may_be_leaving(self, attachment: Attachment, limit: float) -> bool:
        """Whether somebody may be working on a detach or a swap: it began after `limit`."""
        began = self._leaving.get(attachment.id)
        return attachment.status in _LEAVING and (began is None or began > limit)

    def _settle_leaving(
        self,
        context: RequestContext,
        instance: Instance,
        mapping: BlockDeviceMapping,
        strays: list[Attachment],
    ) -> None:
        """Go on with a detach; or with a swap, where there is an attachment for its new volume."""
        if not strays:
            self._volumes.forget(context, instance, mapping)
            return
        fresh = next((stray for stray in strays if stray.host == self._host.name), strays[0])
        strays.remove(fresh)
        self._swaps.go_on(context, instance, mapping, fresh)


def _is_settled(instance: Instance, host: str) -> bool:
    """Whether a server is on the host: built, and not being moved, worked on or deleted."""
    return (
        not instance.deleted
        and instance.host == host
        and instance.task_state is None
        and instance.launched_at is not None
        and instance.vm_state != VmState.BUILDING
    )
