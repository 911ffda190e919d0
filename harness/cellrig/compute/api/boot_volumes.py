"""The volumes of servers that are asked for or go away without a host: reserved, and freed."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from cellrig.compute.api.surroundings import Surroundings
from cellrig.context import RequestContext
from cellrig.errors import CellrigError, NotFound
from cellrig.model import BlockDeviceMapping, SourceType


def reserve_volumes(
    context: RequestContext, around: Surroundings, mappings: Iterable[BlockDeviceMapping]
) -> tuple[BlockDeviceMapping, ...]:
    """Reserve the volumes that servers are to begin with; what is to be made is made on a host.

    Raises:
        InvalidVolume: one cannot be had; none is reserved.
    """
    reserved: list[BlockDeviceMapping] = []
    try:
        for mapping in mappings:
            if mapping.source_type == SourceType.VOLUME and mapping.volume_id is not None:
                reserved.append(replace(mapping, attachment_id=around.new_uuid()))
                around.volumes.attachment_create(
                    context,
                    mapping.volume_id,
                    mapping.instance_uuid,
                    attachment_id=reserved[-1].attachment_id,
                )
            else:
                reserved.append(mapping)
    except Exception:
        free_attachments(context, around, reserved)
        raise
    return tuple(reserved)


def free_attachments(
    context: RequestContext, around: Surroundings, mappings: Iterable[BlockDeviceMapping]
) -> None:
    """End attachments; those that have ended are harmless, and one that fails keeps no other."""
    for mapping in mappings:
        if mapping.attachment_id is not None:
            free_attachment(context, around, mapping.attachment_id)


def free_attachment(context: RequestContext, around: Surroundings, attachment_id: str) -> None:
    """End an attachment, unless block storage is out of reach."""
    try:
        end_attachment(context, around, attachment_id)
    except CellrigError as error:
        around.seams.handled(error, "the attachment is left to an administrator")


def end_attachment(context: RequestContext, around: Surroundings, attachment_id: str) -> None:
    """End an attachment; one that has ended is harmless.

    Whoever may use a server may let go of its volumes, though they may be another project's.
    """

    def end() -> None:
        try:
            around.volumes.attachment_delete(context.elevated(), attachment_id)
        except NotFound as error:
            around.seams.handled(error, "the attachment has ended already")

    around.seams.insist(end, "end an attachment")


def end_attachments(
    context: RequestContext, around: Surroundings, mappings: Iterable[BlockDeviceMapping]
) -> None:
    """End the attachments of a server that shall be no more.

    Raises:
        CellrigError: block storage is out of reach; asked again, the rest of them end.
    """
    for mapping in mappings:
        if mapping.attachment_id is not None:
            end_attachment(context, around, mapping.attachment_id)
