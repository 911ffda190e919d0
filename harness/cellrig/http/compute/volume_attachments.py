"""The volumes of servers."""

from __future__ import annotations

from typing import Any

from cellrig.errors import NotFound
from cellrig.http.calls import Answer
from cellrig.http.compute.paging import limit_of, number_of
from cellrig.http.compute.schemas.parts import true
from cellrig.http.compute.servers import named_in_body, refuse_multiattach
from cellrig.http.compute.service import ComputeCall, context_of
from cellrig.http.errors import Refusal
from cellrig.model import BlockDeviceMapping, VmState

_AWAY = (VmState.SHELVED, VmState.SHELVED_OFFLOADED)


def _view(call: ComputeCall, mapping: BlockDeviceMapping, *, made: bool = False) -> dict[str, Any]:
    """Return an attachment; what has just been made is shown with an id in all microversions."""
    version = call.version
    told: dict[str, Any] = {"volumeId": mapping.volume_id, "serverId": mapping.instance_uuid}
    if made or version < (2, 89):
        told["id"] = mapping.volume_id
    else:
        told |= {"attachment_id": mapping.attachment_id, "bdm_uuid": mapping.uuid}
    if mapping.device_name:
        told["device"] = f"/dev/{mapping.device_name}"
    if version >= (2, 70):
        told["tag"] = mapping.tag
    if version >= (2, 79):
        told["delete_on_termination"] = mapping.delete_on_termination
    return told


def list_attachments(call: ComputeCall) -> Answer:
    """List the volumes of a server."""
    found = call.service.attachments.all(context_of(call), call.parameters["server_id"])
    first, count = number_of(call, "offset", 0), limit_of(call)
    told = [_view(call, mapping) for mapping in found[first : first + count]]
    return Answer(body={"volumeAttachments": told})


def show_attachment(call: ComputeCall) -> Answer:
    """Show one volume of a server."""
    parameters = call.parameters
    mapping = call.service.attachments.show(
        context_of(call), parameters["server_id"], parameters["volume_id"]
    )
    return Answer(body={"volumeAttachment": _view(call, mapping)})


def attach_volume(call: ComputeCall) -> Answer:
    """Attach a volume to a server; from 2.101 on the answer has no body."""
    given, server_id = call.body["volumeAttachment"], call.parameters["server_id"]
    context, service = context_of(call), call.service
    if call.version < (2, 20):
        server = service.servers.show(context, server_id)
        if server.vm_state in _AWAY:
            raise Refusal(
                409, f"server {server_id} is {server.vm_state}: it gets volumes from 2.20 on"
            )
    if call.version < (2, 60):
        refuse_multiattach(call, given["volumeId"])
    mapping = service.attachments.attach(
        context,
        server_id,
        given["volumeId"],
        device=given.get("device"),
        tag=given.get("tag"),
        delete_on_termination=true(given.get("delete_on_termination", False)),
    )
    if call.version >= (2, 101):
        return Answer(202)
    return Answer(200, {"volumeAttachment": _view(call, mapping, made=True)})


def update_attachment(call: ComputeCall) -> Answer:
    """Swap a volume for another, or from 2.85 on say whether it goes with its server."""
    given, volume_id = call.body["volumeAttachment"], call.parameters["volume_id"]
    context, service = context_of(call), call.service
    server_id = call.parameters["server_id"]
    if call.version >= (2, 85) and given["volumeId"] == volume_id:
        _check_same(call, service.attachments.show(context, server_id, volume_id))
        if "delete_on_termination" in given:
            service.attachments.update(
                context,
                server_id,
                volume_id,
                delete_on_termination=true(given["delete_on_termination"]),
            )
        return Answer(202)
    service.attachments.show(context, server_id, volume_id)
    if not context.is_admin:
        raise Refusal(403, "swapping volumes takes an administrator")
    with named_in_body():
        service.volumes.volume_get(context, given["volumeId"])
    service.attachments.swap(context, server_id, volume_id, given["volumeId"])
    return Answer(202)


def _check_same(call: ComputeCall, mapping: BlockDeviceMapping) -> None:
    """Check that what cannot be changed is given as it is (2.85)."""
    shown = _view(call, mapping, made=True)
    for name in ("device", "serverId", "tag", "id"):
        given = call.body["volumeAttachment"]
        if name in given and given[name] != shown.get(name):
            raise Refusal(400, f"{name} of an attachment cannot be changed")


def detach_volume(call: ComputeCall) -> Answer:
    """Detach a volume from a server."""
    service, context = call.service, context_of(call)
    server_id, volume_id = call.parameters["server_id"], call.parameters["volume_id"]
    mappings = service.attachments.all(context, server_id)
    if all(mapping.volume_id != volume_id for mapping in mappings):
        raise NotFound(f"attachment to server {server_id} of volume", volume_id)
    service.attachments.detach(context, server_id, volume_id)
    return Answer(202)
