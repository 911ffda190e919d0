"""Actions that attach and detach volumes, as it was done before there were attachments."""

from __future__ import annotations

from cellrig.driver.reports import Connector
from cellrig.http.calls import Answer
from cellrig.http.errors import Refusal
from cellrig.http.volume.connectors import connector_of
from cellrig.http.volume.service import VolumeCall, context_of
from cellrig.volume.types import AttachMode


def reserve(call: VolumeCall) -> Answer:
    """Keep a volume for who is about to attach it."""
    call.service.older.reserve(context_of(call), call.parameters["volume_id"])
    return Answer(202)


def unreserve(call: VolumeCall) -> Answer:
    """Let a volume that was reserved be available again."""
    call.service.older.unreserve(context_of(call), call.parameters["volume_id"])
    return Answer(202)


def attach(call: VolumeCall) -> Answer:
    """Note that a server or a host has a volume."""
    given = call.body["os-attach"]
    server, host = given.get("instance_uuid"), given.get("host_name")
    if (server is None) == (host is None):
        raise Refusal(400, "a volume is attached to instance_uuid or to host_name, one of them")
    mode = given.get("mode")
    call.service.older.attach(
        context_of(call),
        call.parameters["volume_id"],
        server,
        host,
        given.get("mountpoint"),
        None if mode is None else AttachMode(mode),
    )
    return Answer(202)


def detach(call: VolumeCall) -> Answer:
    """Note that a volume is attached no more."""
    (given,) = call.body.values()
    attachment_id = (given or {}).get("attachment_id")
    call.service.older.detach(context_of(call), call.parameters["volume_id"], attachment_id)
    return Answer(202)


def begin_detaching(call: VolumeCall) -> Answer:
    """Let a volume be detaching."""
    call.service.older.begin_detaching(context_of(call), call.parameters["volume_id"])
    return Answer(202)


def roll_detaching(call: VolumeCall) -> Answer:
    """Let a volume that is detaching be in use again."""
    call.service.older.roll_detaching(context_of(call), call.parameters["volume_id"])
    return Answer(202)


def initialize_connection(call: VolumeCall) -> Answer:
    """Let a host reach a volume, and tell how."""
    told = call.service.older.initialize_connection(
        context_of(call), call.parameters["volume_id"], _connector(call)
    )
    return Answer(200, {"connection_info": told})


def terminate_connection(call: VolumeCall) -> Answer:
    """Let a host no longer reach a volume."""
    call.service.older.terminate_connection(
        context_of(call), call.parameters["volume_id"], _connector(call)
    )
    return Answer(202)


def _connector(call: VolumeCall) -> Connector:
    (given,) = call.body.values()
    found = connector_of(given["connector"])
    if found is None:
        raise Refusal(400, "a connector names its host; it was given nothing")
    return found
