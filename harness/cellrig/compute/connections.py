"""A host's ways to volumes: one section at a time for what shares a target."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager

from msgspec.structs import replace

from cellrig.compute.guests import guest_of
from cellrig.compute.host import ComputeHost
from cellrig.context import RequestContext
from cellrig.driver.errors import GuestNotFound
from cellrig.errors import Conflict, NotFound
from cellrig.model import BlockDeviceChanges, BlockDeviceMapping, Instance
from cellrig.volume.types import Attachment, Volume


class MultiattachNotSupported(Conflict):
    """A host's driver cannot share a volume between guests (the field's 409)."""

    template = "volume {0} is multiattach, which the driver of host {1} does not support"


class Connections:
    """Connects one host to volumes, and lets go of them.

    Whoever may use a server may use its volumes, though they may be another project's: block
    storage is asked with an administrator's rights.

    Args:
        host: which.
    """

    def __init__(self, host: ComputeHost) -> None:
        self._host = host

    @contextmanager
    def section(
        self, context: RequestContext, uses: Iterable[BlockDeviceMapping | Attachment]
    ) -> Iterator[None]:
        """Keep other tasks of the host from the targets that the volumes of these uses share.

        While one task drops its connection to a target and another makes one, the second may find
        the target gone. So one lock, named by the backend, is around the whole of connecting and
        the whole of disconnecting, where the volume says that its targets are shared. Elsewhere
        only the guests that share a volume share its target: there is a lock for each such volume.
        """
        with ExitStack() as locks:
            for name in sorted(self._shared(context.elevated(), uses)):
                locks.enter_context(self._host.lock(name))
            yield

    def _shared(
        self, context: RequestContext, uses: Iterable[BlockDeviceMapping | Attachment]
    ) -> set[str]:
        shared = set()
        for volume_id in dict.fromkeys(use.volume_id for use in uses):
            if volume_id is None:
                continue
            try:
                volume = self._volume(context, volume_id)
            except NotFound as error:
                self._host.seams.handled(error, "there is no target to share any more")
                continue
            if volume.shared_targets:
                shared.add(f"volume-target/{volume.backend_uuid}")
            elif volume.multiattach:
                shared.add(f"volume-target/{volume.id}")
        return shared

    def _volume(self, context: RequestContext, volume_id: str) -> Volume:
        # Insisted upon, because what cleans up must not fail where it would look.
        return self._host.seams.insist(
            lambda: self._host.volumes.volume_get(context, volume_id), "see what a volume shares"
        )

    def connect(
        self, context: RequestContext, instance: Instance, mapping: BlockDeviceMapping
    ) -> BlockDeviceMapping:
        """Let block storage open the way from this host to a volume, and note it.

        Raises:
            InvalidAttachment: block storage does not allow it.
        """
        attachment = self.open(context, instance, mapping)
        return self._host.block_devices.update(
            mapping.uuid, BlockDeviceChanges(connection_info=attachment.connection_info)
        )

    def open(
        self, context: RequestContext, instance: Instance, mapping: BlockDeviceMapping
    ) -> Attachment:
        """Let block storage open the way from this host to a volume.

        Raises:
            InvalidAttachment: block storage does not allow it.
        """
        host = self._host
        connector = replace(
            host.driver.get_volume_connector(guest_of(instance)),
            mountpoint=f"/dev/{mapping.device_name}",
        )
        attachment_id = mapping.attachment_id or ""
        return host.volumes.attachment_update(context.elevated(), attachment_id, connector)

    def complete(self, context: RequestContext, mapping: BlockDeviceMapping) -> None:
        """Say that the server has the volume."""
        self._host.volumes.attachment_complete(context.elevated(), mapping.attachment_id or "")

    def release(self, context: RequestContext, attachment_id: str | None) -> None:
        """End an attachment; one that is not there is harmless."""
        if attachment_id is None:
            return
        host = self._host

        def end() -> None:
            try:
                host.volumes.attachment_delete(context.elevated(), attachment_id)
            except NotFound as error:
                host.seams.handled(error, "the attachment has ended already")

        host.seams.insist(end, "end an attachment")

    def keep(self, context: RequestContext, mapping: BlockDeviceMapping) -> None:
        """Let a volume stay attached that could not be detached."""
        host = self._host
        try:
            host.seams.insist(
                lambda: host.volumes.roll_detaching(
                    context.elevated(), mapping.attachment_id or ""
                ),
                "keep a volume attached",
            )
        except NotFound as error:
            host.seams.handled(error, "the attachment has ended: there is nothing to keep")

    def guest_has(self, instance: Instance, volume_id: str | None) -> bool:
        """Whether a server's guest has a volume; a guest that is gone has none."""
        try:
            info = self._host.driver.get_guest(instance.uuid)
        except GuestNotFound as error:
            self._host.seams.handled(error, "a guest that is gone has no disks")
            return False
        return any(disk.serial == volume_id for disk in info.disks)

    def check_shares(self, volume_id: str | None, multiattach: bool) -> None:
        """Refuse a multi-attach volume where the driver cannot make shareable disks.

        Raises:
            MultiattachNotSupported: names both.
        """
        if multiattach and not self._host.driver.capabilities.multiattach:
            raise MultiattachNotSupported(volume_id, self._host.name)
