"""Handing volumes over: ``os-volume-transfer``, and from 3.55 ``volume-transfers``."""

from __future__ import annotations

from typing import Any

from cellrig.http.calls import Answer
from cellrig.http.compute.schemas.parts import true
from cellrig.http.dates import naive
from cellrig.http.volume.links import links
from cellrig.http.volume.paging import flag_of, list_query
from cellrig.http.volume.service import VolumeCall, context_of
from cellrig.volume.listing import select_page
from cellrig.volume.transfers import Transfer

_KEYS = {
    "id": lambda each: each.id,
    "name": lambda each: each.name,
    "created_at": lambda each: each.created_at,
}


def _brief(call: VolumeCall, transfer: Transfer) -> dict[str, Any]:
    return {
        "id": transfer.id,
        "volume_id": transfer.volume_id,
        "name": transfer.name,
        "links": links(call, "os-volume-transfer", transfer.id),
    }


def _whole(call: VolumeCall, transfer: Transfer) -> dict[str, Any]:
    told = {**_brief(call, transfer), "created_at": naive(transfer.created_at)}
    if call.version >= (3, 55):
        told["no_snapshots"] = transfer.without_snapshots
    if call.version >= (3, 57):
        told |= {
            "source_project_id": transfer.project_id,
            "destination_project_id": None,
            "accepted": False,
        }
    return told


def create_transfer(call: VolumeCall) -> Answer:
    """Offer a volume to whoever has the key, which is told here and never again."""
    given = call.body["transfer"]
    transfer, key = call.service.transfers.create(
        context_of(call),
        given["volume_id"],
        given.get("name") or "",
        without_snapshots=true(given.get("no_snapshots", False)),
    )
    return Answer(202, {"transfer": {**_whole(call, transfer), "auth_key": key}})


def show_transfer(call: VolumeCall) -> Answer:
    """Show one transfer."""
    found = call.service.transfers.get(context_of(call), call.parameters["transfer_id"])
    return Answer(body={"transfer": _whole(call, found)})


def list_transfers(call: VolumeCall) -> Answer:
    """List the transfers that have not been accepted."""
    return Answer(body={"transfers": [_brief(call, each) for each in _page(call)]})


def list_transfer_details(call: VolumeCall) -> Answer:
    """List them with all that there is of them."""
    return Answer(body={"transfers": [_whole(call, each) for each in _page(call)]})


def _page(call: VolumeCall) -> list[Transfer]:
    found = call.service.transfers.all(context_of(call), flag_of(call, "all_tenants"))
    return list(select_page(found, list_query(call, []), _KEYS).items)


def accept_transfer(call: VolumeCall) -> Answer:
    """Take a volume into the caller's project."""
    transfer = call.service.transfers.accept(
        context_of(call), call.parameters["transfer_id"], call.body["accept"]["auth_key"]
    )
    return Answer(202, {"transfer": _brief(call, transfer)})


def delete_transfer(call: VolumeCall) -> Answer:
    """Take an offer back."""
    call.service.transfers.delete(context_of(call), call.parameters["transfer_id"])
    return Answer(202)
