"""The metadata of servers."""

from __future__ import annotations

from typing import Any

from cellrig.errors import NotFound
from cellrig.http.calls import Answer
from cellrig.http.compute.service import ComputeCall, context_of
from cellrig.http.errors import Refusal


def _known(call: ComputeCall) -> dict[str, str]:
    server = call.service.servers.show(context_of(call), call.parameters["server_id"])
    return server.metadata


def _write(call: ComputeCall, metadata: dict[str, str]) -> None:
    context = context_of(call)
    call.service.quotas.check_metadata(context, len(metadata))
    call.service.servers.update(context, call.parameters["server_id"], metadata=metadata)


def _item(metadata: dict[str, str], key: str) -> dict[str, Any]:
    if key not in metadata:
        raise NotFound("metadata item", key)
    return {"meta": {key: metadata[key]}}


def list_metadata(call: ComputeCall) -> Answer:
    """List the metadata of a server."""
    return Answer(body={"metadata": _known(call)})


def add_metadata(call: ComputeCall) -> Answer:
    """Add metadata to a server's."""
    merged = {**_known(call), **call.body["metadata"]}
    _write(call, merged)
    return Answer(body={"metadata": merged})


def replace_metadata(call: ComputeCall) -> Answer:
    """Replace the metadata of a server."""
    _write(call, call.body["metadata"])
    return Answer(body={"metadata": call.body["metadata"]})


def show_metadata_item(call: ComputeCall) -> Answer:
    """Show one metadata item of a server."""
    return Answer(body=_item(_known(call), call.parameters["key"]))


def set_metadata_item(call: ComputeCall) -> Answer:
    """Set one metadata item of a server, which the path and the body name alike."""
    given, key = call.body["meta"], call.parameters["key"]
    if key not in given:
        raise Refusal(400, f"the body takes the key {key!r}, which the path names")
    merged = {**_known(call), **given}
    _write(call, merged)
    return Answer(body=_item(merged, key))


def delete_metadata_item(call: ComputeCall) -> Answer:
    """Delete one metadata item of a server."""
    known, key = _known(call), call.parameters["key"]
    _item(known, key)
    _write(call, {name: value for name, value in known.items() if name != key})
    return Answer(204)
