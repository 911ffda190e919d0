"""What must be true before a server gets a volume, or another in the place of one."""

from __future__ import annotations

from cellrig.compute.api.host_traits import node_has_trait
from cellrig.compute.api.servers import is_up
from cellrig.compute.api.surroundings import Surroundings
from cellrig.compute.api.volume_errors import (
    DevicePathInUse,
    HostDown,
    MultiattachNotSupportedByHost,
    MultiattachToShelved,
    SwapOfSharedVolume,
    SwapTargetInUse,
    SwapTargetTooSmall,
    TagNotSupportedByHost,
    VolumeIsAttached,
)
from cellrig.context import RequestContext
from cellrig.db import CellDatabase
from cellrig.db.hosts import COMPUTE
from cellrig.model import Instance, VmState
from cellrig.volume.types import AttachMode, Volume, VolumeStatus

_MULTIATTACH = "COMPUTE_VOLUME_MULTI_ATTACH"
_TAGS = "COMPUTE_DEVICE_TAGGING"


class VolumeChecks:
    """The checks of attaching and swapping. None of them changes anything.

    Args:
        around: the compute API's surroundings.
    """

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    def attachable(
        self,
        cell: CellDatabase,
        instance: Instance,
        volume: Volume,
        name: str | None,
        tag: str | None,
    ) -> None:
        """Check that a server can get a volume, as `name`, with `tag`.

        Raises:
            VolumeIsAttached, DevicePathInUse, MultiattachToShelved, MultiattachNotSupportedByHost,
                TagNotSupportedByHost: names what does not go together.
        """
        for mapping in cell.block_devices.of_instance(instance.uuid):
            if mapping.volume_id == volume.id:
                raise VolumeIsAttached(volume.id, instance.uuid)
            if mapping.device_name == name:
                raise DevicePathInUse(name, instance.uuid, mapping.volume_id)
        if volume.multiattach and instance.vm_state == VmState.SHELVED_OFFLOADED:
            raise MultiattachToShelved(volume.id, instance.uuid)
        self._check_shares(cell, instance, volume)
        if tag is not None and instance.host is not None:
            self._check_tags(cell, instance, volume, tag)

    def _check_tags(self, cell: CellDatabase, instance: Instance, volume: Volume, tag: str) -> None:
        if not node_has_trait(self._around.placement, cell, instance, _TAGS):
            raise TagNotSupportedByHost(tag, volume.id, instance.host, instance.uuid)

    def _check_shares(self, cell: CellDatabase, instance: Instance, volume: Volume) -> None:
        placement = self._around.placement
        if volume.multiattach and not node_has_trait(placement, cell, instance, _MULTIATTACH):
            raise MultiattachNotSupportedByHost(volume.id, instance.host, instance.uuid)

    def swappable(
        self,
        context: RequestContext,
        cell: CellDatabase,
        instance: Instance,
        old: Volume,
        new: Volume,
    ) -> None:
        """Check that a volume can take the place of another one of a server.

        Raises:
            VolumeIsAttached, SwapTargetInUse, SwapTargetTooSmall, SwapOfSharedVolume,
                MultiattachNotSupportedByHost: names both.
        """
        if any(m.volume_id == new.id for m in cell.block_devices.of_instance(instance.uuid)):
            raise VolumeIsAttached(new.id, instance.uuid)
        if new.status != VolumeStatus.AVAILABLE:
            raise SwapTargetInUse(new.id, new.status, old.id)
        if new.size < old.size:
            raise SwapTargetTooSmall(new.id, new.size, old.id, old.size)
        if old.multiattach:
            writers = [
                attachment
                for attachment in self._around.volumes.attachment_list(
                    context, volume_id=old.id, all_projects=True
                )
                if attachment.mode == AttachMode.READ_WRITE
            ]
            if len(writers) > 1:
                raise SwapOfSharedVolume(old.id, len(writers))
        self._check_shares(cell, instance, new)

    def host_is_up(self, cell: CellDatabase, instance: Instance) -> None:
        """Check that a server's host can do something about it.

        Raises:
            HostDown: names the host.
        """
        host = instance.host or ""
        if not is_up(cell.hosts.service_get(host, COMPUTE), self._around.runtime.now()):
            raise HostDown(host, instance.uuid)
