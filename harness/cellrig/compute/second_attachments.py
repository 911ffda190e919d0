"""A server's attachments at its destination, while its own are still those at its source.

The migration's record names them before they are made, so whoever goes on with the move finds
them; the server's mappings name those at the source until they are changed over.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence

from msgspec.structs import replace

from cellrig.compute.connections import Connections
from cellrig.compute.guests import guest_of
from cellrig.compute.host import ComputeHost
from cellrig.context import RequestContext
from cellrig.errors import CellrigError, NotFound
from cellrig.model import (
    BlockDeviceChanges,
    BlockDeviceMapping,
    Instance,
    Migration,
    MigrationChanges,
)


class SecondAttachments:
    """The second attachments of servers that move from or to one host.

    Args:
        host: which.
        connections: of the host.
        new_uuid: the rig's source of uuids.
    """

    def __init__(
        self, host: ComputeHost, connections: Connections, new_uuid: Callable[[], str]
    ) -> None:
        self._host = host
        self._connections = connections
        self._new_uuid = new_uuid

    def open(
        self,
        context: RequestContext,
        instance: Instance,
        migration: Migration,
        mappings: Sequence[BlockDeviceMapping],
    ) -> list[BlockDeviceMapping]:
        """Make a second attachment of each volume, and connect it to this host.

        All are noted before the first is made: what fails on the way is found by the record.

        Returns:
            The mappings as they will be once they are changed over; what is recorded stays.
        """
        noted = {
            mapping.volume_id or "": migration.attachments.get(mapping.volume_id or "")
            or self._new_uuid()
            for mapping in mappings
        }
        if noted:
            attachments = {**migration.attachments, **noted}
            self._host.migrations.update(migration.uuid, MigrationChanges(attachments=attachments))
        return [
            self._open(context, instance, mapping, noted[mapping.volume_id or ""])
            for mapping in mappings
        ]

    def _open(
        self, context: RequestContext, instance: Instance, mapping: BlockDeviceMapping, fresh: str
    ) -> BlockDeviceMapping:
        host = self._host
        host.volumes.attachment_create(
            context.elevated(), mapping.volume_id or "", instance.uuid, attachment_id=fresh
        )
        connector = replace(
            host.driver.get_volume_connector(guest_of(instance)),
            mountpoint=f"/dev/{mapping.device_name}",
        )
        attachment = host.volumes.attachment_update(context.elevated(), fresh, connector)
        return replace(mapping, attachment_id=fresh, connection_info=attachment.connection_info)

    def change_over(
        self, context: RequestContext, migration: Migration, mappings: Iterable[BlockDeviceMapping]
    ) -> None:
        """Let a server's attachments be those at its destination, and end those at its source.

        One that fails does not keep the others (behaviour 54); twice is harmless.
        """
        if not migration.attachments:
            return
        kept = set(migration.attachments.values())
        for mapping in mappings:
            try:
                self._change_over(context, migration, mapping)
            except CellrigError as error:
                self._host.seams.handled(error, "the other attachments are changed over")
                kept.add(str(mapping.attachment_id))
        self._release_left(context, migration, kept)

    def _release_left(
        self, context: RequestContext, migration: Migration, kept: Container[str]
    ) -> None:
        """End the attachments at the source; block storage tells which there are.

        Whoever died here may have changed a mapping over that named the only trace of one.
        """
        host = self._host
        attachments = host.seams.insist(
            lambda: host.volumes.attachment_list(
                context.elevated(), instance_uuid=migration.instance_uuid, all_projects=True
            ),
            "see its attachments",
        )
        for attachment in attachments:
            at_source = attachment.host == migration.source_compute
            if not at_source or attachment.id in kept:
                continue
            try:
                self._connections.release(context, attachment.id)
            except CellrigError as error:
                host.seams.handled(error, "the other attachments are ended")

    def _change_over(
        self, context: RequestContext, migration: Migration, mapping: BlockDeviceMapping
    ) -> None:
        host, insist = self._host, self._host.seams.insist
        fresh = migration.attachments.get(mapping.volume_id or "")
        if fresh is None or fresh == mapping.attachment_id:
            return
        attachment = insist(
            lambda: host.volumes.attachment_get(context.elevated(), fresh), "see a volume"
        )
        changes = BlockDeviceChanges(
            attachment_id=fresh, connection_info=attachment.connection_info
        )
        insist(lambda: host.block_devices.update(mapping.uuid, changes), "note an attachment")

    def complete(self, context: RequestContext, mappings: Iterable[BlockDeviceMapping]) -> None:
        """Say that the server has its volumes here; one that has ended does not keep the others."""
        for mapping in mappings:
            try:
                self._host.seams.insist(
                    lambda mapping=mapping: self._connections.complete(context, mapping),  # type: ignore[misc]
                    "complete an attachment",
                )
            except NotFound as error:
                self._host.seams.handled(error, "the attachment has ended")

    def opened(
        self,
        context: RequestContext,
        migration: Migration,
        mappings: Iterable[BlockDeviceMapping],
    ) -> list[BlockDeviceMapping]:
        """Return the mappings as they would have been, of the attachments that were made."""
        found = []
        for mapping in mappings:
            attachment_id = migration.attachments.get(mapping.volume_id or "")
            if attachment_id is None:
                continue
            try:
                info = self._host.volumes.attachment_get(
                    context.elevated(), attachment_id
                ).connection_info
            except CellrigError as error:
                self._host.seams.handled(error, "there is no way to the volume to be closed")
                continue
            found.append(replace(mapping, attachment_id=attachment_id, connection_info=info))
        return found

    def release(self, context: RequestContext, migration: Migration) -> None:
        """End the second attachments of a move that is taken back; each on its own."""
        for attachment_id in migration.attachments.values():
            try:
                self._connections.release(context, attachment_id)
            except CellrigError as error:
                self._host.seams.handled(error, "the attachment is left to the periodic work")
