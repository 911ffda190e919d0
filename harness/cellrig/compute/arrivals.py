"""Bringing a server up on this host with its volumes and devices, and letting go of them again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager

import msgspec

from cellrig.compute.boot_volumes import BootVolumes
from cellrig.compute.connections import Connections
from cellrig.compute.disks import disk_of
from cellrig.compute.guests import image_of
from cellrig.compute.host import ComputeHost
from cellrig.compute.interfaces import bind_ports, devices_here, note_functions
from cellrig.context import RequestContext
from cellrig.driver.values import Device, Disk, Image
from cellrig.model import BlockDeviceMapping, Instance


class Arrivals:
    """What every guest that comes to one host needs there.

    Args:
        host: which.
        connections, boot_volumes: of the host.
    """

    class Arrival(msgspec.Struct, frozen=True):
        """What a guest has on this host.

        Args:
            image: that its root disk is made from; None where it boots from a volume.
            disks: its volumes, connected to this host.
            devices: as placement has allocated them to it here.
        """

        image: Image | None
        disks: Sequence[Disk]
        devices: Sequence[Device]

    def __init__(
        self, host: ComputeHost, connections: Connections, boot_volumes: BootVolumes
    ) -> None:
        self._host = host
        self._connections = connections
        self._boot_volumes = boot_volumes

    def section(
        self, context: RequestContext, mappings: Iterable[BlockDeviceMapping]
    ) -> AbstractContextManager[None]:
        """Keep other tasks of the host from the targets that these volumes share."""
        return self._connections.section(context, mappings)

    def bring_up(
        self,
        context: RequestContext,
        instance: Instance,
        mappings: Sequence[BlockDeviceMapping],
        define: Callable[[Arrival], None],
    ) -> None:
        """Connect a server's volumes to this host, define its guest, complete the attachments."""
        host = self._host
        bind_ports(host, context, instance)
        with self.section(context, mappings):
            connected = [
                self._connections.connect(context, instance, mapping) for mapping in mappings
            ]
            define(
                Arrivals.Arrival(
                    self.image(instance),
                    tuple(disk_of(mapping) for mapping in connected),
                    devices_here(host, instance),
                )
            )
            for mapping in connected:
                self._connections.complete(context, mapping)
        note_functions(host, context, instance)

    def let_go(
        self,
        context: RequestContext,
        instance: Instance,
        mappings: Sequence[BlockDeviceMapping],
    ) -> None:
        """Keep a server's volumes reserved for it, and close this host's ways to them."""
        self._boot_volumes.give_up_here(context, instance, mappings)

    def finish_letting_go(self, context: RequestContext, instance_uuid: str) -> None:
        """End the attachments of this host that a server has given up for others, and has still.

        Who died in `let_go` has left them, and a volume is connected to a host once.
        """
        host, insist = self._host, self._host.seams.insist
        mappings = insist(lambda: host.block_devices.of_instance(instance_uuid), "see its volumes")
        if not mappings:
            return
        named = {mapping.attachment_id for mapping in mappings}
        found = insist(
            lambda: host.volumes.attachment_list(
                context, instance_uuid=instance_uuid, all_projects=True
            ),
            "see its attachments",
        )
        for attachment in found:
            if attachment.host == host.name and attachment.id not in named:
                self._connections.release(context, attachment.id)

    def image(self, instance: Instance) -> Image | None:
        """Return what a server's root disk was made from."""
        if instance.image_id is None:
            return None
        return image_of(self._host.images.get(instance.image_id))
