"""The metadata of volumes and of snapshots.

From 3.15 on the metadata of a volume have an ``ETag``: whoever sends it back in ``If-Match``
changes what they have seen, or nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import msgspec

from cellrig.errors import NotFound
from cellrig.http.calls import Answer
from cellrig.http.errors import Refusal
from cellrig.http.volume.service import VolumeCall, context_of

Change = Callable[[dict[str, str]], dict[str, str]]
_ETAGS_SINCE = (3, 15)


def _write(call: VolumeCall, change: Change) -> dict[str, str]:
    parameters, context = call.parameters, context_of(call)
    if "snapshot_id" in parameters:
        return call.service.snapshots.change_metadata(context, parameters["snapshot_id"], change)
    return call.service.details.metadata(context, parameters["volume_id"], change)


def _read(call: VolumeCall) -> dict[str, str]:
    return _write(call, lambda known: known)


def _told(call: VolumeCall, body: dict[str, Any]) -> Answer:
    """Answer with a body and, where the microversion has it, its ``ETag``."""
    if call.version < _ETAGS_SINCE or "snapshot_id" in call.parameters:
        return Answer(body=body)
    return Answer(body=body, headers={"ETag": f'"{_etag(body)}"'})


def _etag(body: dict[str, Any]) -> str:
    encoded = msgspec.json.encode(body, order="sorted")
    return hashlib.sha256(encoded).hexdigest()[:32]


def _check_seen(call: VolumeCall, known: dict[str, str]) -> None:
    asked = call.headers.get("IF-MATCH")
    if asked is None or call.version < _ETAGS_SINCE or "snapshot_id" in call.parameters:
        return
    if asked.strip('"') not in ("*", _etag({"metadata": known})):
        raise Refusal(412, "the metadata are others than those that the header If-Match names")


def list_metadata(call: VolumeCall) -> Answer:
    """List the metadata."""
    return _told(call, {"metadata": _read(call)})


def add_metadata(call: VolumeCall) -> Answer:
    """Add metadata to those that there are."""

    def change(known: dict[str, str]) -> dict[str, str]:
        _check_seen(call, known)
        return {**known, **call.body["metadata"]}

    return _told(call, {"metadata": _write(call, change)})


def replace_metadata(call: VolumeCall) -> Answer:
    """Replace all metadata."""

    def change(known: dict[str, str]) -> dict[str, str]:
        _check_seen(call, known)
        return dict(call.body["metadata"])

    return _told(call, {"metadata": _write(call, change)})


def show_metadata_item(call: VolumeCall) -> Answer:
    """Show one metadata item."""
    return _told(call, _item(_read(call), call.parameters["key"]))


def set_metadata_item(call: VolumeCall) -> Answer:
    """Set one metadata item, which the path and the body name alike."""
    given, key = call.body["meta"], call.parameters["key"]
    if key not in given:
        raise Refusal(400, f"the body takes the key {key!r}, which the path names")
    made = _write(call, lambda known: {**known, **given})
    return _told(call, _item(made, key))


def delete_metadata_item(call: VolumeCall) -> Answer:
    """Delete one metadata item."""
    key = call.parameters["key"]

    def change(known: dict[str, str]) -> dict[str, str]:
        _item(known, key)
        return {name: value for name, value in known.items() if name != key}

    _write(call, change)
    return Answer(200)


def _item(metadata: dict[str, str], key: str) -> dict[str, Any]:
    if key not in metadata:
        raise NotFound("metadata item", key)
    return {"meta": {key: metadata[key]}}
