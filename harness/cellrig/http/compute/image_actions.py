"""Actions that read a server: images of its disk, its console."""

from __future__ import annotations

from cellrig.http.calls import Answer
from cellrig.http.compute.links import href
from cellrig.http.compute.schemas.parts import whole
from cellrig.http.compute.service import ComputeCall, context_of
from cellrig.http.errors import Refusal


def create_image(call: ComputeCall) -> Answer:
    """Make an image of a server's disk."""
    given = call.body["createImage"]
    metadata = given.get("metadata", {})
    call.service.quotas.check_metadata(context_of(call), len(metadata))
    image = call.service.actions.create_image(
        context_of(call), call.parameters["server_id"], given["name"].strip(), metadata
    )
    return _made(call, image.id)


def create_backup(call: ComputeCall) -> Answer:
    """Make an image of a server's disk, and delete its oldest backups of the same type."""
    given = call.body["createBackup"]
    rotation = whole(given["rotation"], "rotation", 0)
    image = call.service.backups.create(
        context_of(call),
        call.parameters["server_id"],
        given["name"].strip(),
        given["backup_type"],
        rotation,
    )
    return Answer(202) if image is None else _made(call, image.id)


def _made(call: ComputeCall, image_id: str) -> Answer:
    if call.version >= (2, 45):
        return Answer(202, {"image_id": image_id})
    return Answer(202, headers={"location": href(call, "images", image_id)})


def console_output(call: ComputeCall) -> Answer:
    """Show what a server wrote to its console: all of it, or the last lines."""
    given = call.body["os-getConsoleOutput"].get("length")
    text = call.service.servers.console_output(context_of(call), call.parameters["server_id"])
    length = -1 if given is None else whole(given, "length", -1)
    if length == 0:
        text = ""
    elif length > 0:
        text = "\n".join(text.splitlines()[-length:])
    return Answer(200, {"output": text})


def show_console(call: ComputeCall) -> Answer:
    """Show where a server's console is: no driver has one that can be reached."""
    call.service.servers.find(context_of(call), call.parameters["server_id"])
    raise Refusal(400, "Unavailable console type: no console of a server can be reached here")
