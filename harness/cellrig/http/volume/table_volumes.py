"""Routes of volumes and of what is made from them."""

from __future__ import annotations

from functools import partial

from cellrig.http.routes import Route, anybody
from cellrig.http.volume import (
    actions,
    attachments,
    metadata,
    nothing,
    snapshots,
    transfers,
    volumes,
)
from cellrig.http.volume.schemas import actions as action_schemas
from cellrig.http.volume.schemas import volumes as schemas
from cellrig.http.volume.schemas.parts import query
from cellrig.volume.api import StorageApi

_ALL = "/volumes"
_ONE = f"{_ALL}/{{volume_id}}"
_SNAPSHOTS = "/snapshots"
_SNAPSHOT = f"{_SNAPSHOTS}/{{snapshot_id}}"
_ATTACHMENTS = "/attachments"
_ATTACHMENT = f"{_ATTACHMENTS}/{{attachment_id}}"

_Row = partial(Route[StorageApi], policy=anybody)
_Attachment = partial(_Row, since=(3, 27))


def _metadata(of: str) -> tuple[Route[StorageApi], ...]:
    """Return the routes of the metadata of something."""
    one = f"{of}/metadata/{{key}}"
    return (
        _Row("GET", f"{of}/metadata", metadata.list_metadata, (200,)),
        _Row("POST", f"{of}/metadata", metadata.add_metadata, (200,), body=schemas.METADATA_ALL),
        _Row("PUT", f"{of}/metadata", metadata.replace_metadata, (200,), body=schemas.METADATA_ALL),
        _Row("GET", one, metadata.show_metadata_item, (200,)),
        _Row("PUT", one, metadata.set_metadata_item, (200,), body=schemas.METADATA_ONE),
        _Row("DELETE", one, metadata.delete_metadata_item, (200,)),
    )


def _transfers(path: str, since: tuple[int, int]) -> tuple[Route[StorageApi], ...]:
    """Return the routes of transfers, which are at two places."""
    row = partial(_Row, since=since)
    one = f"{path}/{{transfer_id}}"
    body = schemas.CREATE_TRANSFER if since == (3, 0) else schemas.CREATE_VOLUME_TRANSFER
    listed = schemas.LIST_TRANSFERS
    return (
        row("GET", path, transfers.list_transfers, (200,), query=listed),
        row("POST", path, transfers.create_transfer, (202,), body=body),
        row("GET", f"{path}/detail", transfers.list_transfer_details, (200,), query=listed),
        row("GET", one, transfers.show_transfer, (200,)),
        row("DELETE", one, transfers.delete_transfer, (202,)),
        row("POST", f"{one}/accept", transfers.accept_transfer, (202,), body=schemas.ACCEPT),
    )


ROUTES: tuple[Route[StorageApi], ...] = (
    _Row("GET", _ALL, volumes.list_volumes, (200,), query=schemas.LIST),
    _Row("POST", _ALL, volumes.create_volume, (202,), body=schemas.CREATE),
    _Row("GET", f"{_ALL}/detail", volumes.list_volume_details, (200,), query=schemas.LIST),
    _Row(
        "GET",
        f"{_ALL}/summary",
        volumes.summarize_volumes,
        (200,),
        (3, 12),
        query=query("all_tenants"),
    ),
    _Row("GET", _ONE, volumes.show_volume, (200,)),
    _Row("PUT", _ONE, volumes.update_volume, (200,), body=schemas.UPDATE),
    _Row("DELETE", _ONE, volumes.delete_volume, (202,), query=query("cascade", "force")),
    _Row("POST", f"{_ONE}/action", actions.run_action, (200, 202), body=action_schemas.ANY),
    _Row("GET", f"{_ONE}/encryption", nothing.show_volume_encryption, (200,)),
    *_metadata(_ONE),
    _Row("GET", _SNAPSHOTS, snapshots.list_snapshots, (200,), query=schemas.LIST_SNAPSHOTS),
    _Row("POST", _SNAPSHOTS, snapshots.create_snapshot, (202,), body=schemas.CREATE_SNAPSHOT),
    _Row(
        "GET",
        f"{_SNAPSHOTS}/detail",
        snapshots.list_snapshot_details,
        (200,),
        query=schemas.LIST_SNAPSHOTS,
    ),
    _Row("GET", _SNAPSHOT, snapshots.show_snapshot, (200,)),
    _Row("PUT", _SNAPSHOT, snapshots.update_snapshot, (200,), body=schemas.UPDATE_SNAPSHOT),
    _Row("DELETE", _SNAPSHOT, snapshots.delete_snapshot, (202,)),
    _Row(
        "POST",
        f"{_SNAPSHOT}/action",
        snapshots.run_snapshot_action,
        (202,),
        body=action_schemas.ANY,
    ),
    *_metadata(_SNAPSHOT),
    _Attachment(
        "GET",
        _ATTACHMENTS,
        attachments.list_attachments,
        (200,),
        query=schemas.LIST_ATTACHMENTS,
    ),
    _Attachment(
        "POST",
        _ATTACHMENTS,
        attachments.create_attachment,
        (200,),
        body=schemas.CREATE_ATTACHMENT,
    ),
    _Attachment(
        "GET",
        f"{_ATTACHMENTS}/detail",
        attachments.list_attachment_details,
        (200,),
        query=schemas.LIST_ATTACHMENTS,
    ),
    _Attachment("GET", _ATTACHMENT, attachments.show_attachment, (200,)),
    _Attachment(
        "PUT",
        _ATTACHMENT,
        attachments.update_attachment,
        (200,),
        body=schemas.UPDATE_ATTACHMENT,
    ),
    _Attachment("DELETE", _ATTACHMENT, attachments.delete_attachment, (200,)),
    _Row(
        "POST",
        f"{_ATTACHMENT}/action",
        attachments.complete_attachment,
        (204,),
        (3, 44),
        body=schemas.COMPLETE,
    ),
    *_transfers("/os-volume-transfer", (3, 0)),
    *_transfers("/volume-transfers", (3, 55)),
)
