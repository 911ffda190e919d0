"""The rebuild of a server, which may change what it is called as well."""

from __future__ import annotations

from msgspec import UNSET

from cellrig.http.calls import Answer
from cellrig.http.compute.server_bodies import changed_presentation
from cellrig.http.compute.server_views import changed_server
from cellrig.http.compute.servers import named_in_body, new_password
from cellrig.http.compute.service import ComputeCall, context_of


def rebuild(call: ComputeCall) -> Answer:
    """Build a server anew from an image, where it is."""
    given, server_id = call.body["rebuild"], call.parameters["server_id"]
    context, service = context_of(call), call.service
    service.servers.find(context, server_id)
    metadata = given.get("metadata")
    with named_in_body():
        if metadata is not None:
            service.quotas.check_metadata(context, len(metadata))
        key_name = given.get("key_name", UNSET)
        if isinstance(key_name, str):
            service.keypairs.show(context, key_name)
        service.images.find(context, given["imageRef"])
    service.actions.rebuild(context, server_id, given["imageRef"])
    service.presentations.change(
        context, server_id, lambda known: changed_presentation(known, given)
    )
    name = given.get("name")
    service.servers.update(
        context,
        server_id,
        name=name and name.strip(),
        metadata=metadata,
        hostname=given.get("hostname"),
        key_name=key_name,
    )
    server = service.servers.show(context, server_id)
    told = changed_server(call, server, rebuilt=True)
    return Answer(202, {"server": {**told, "adminPass": new_password(call, given)}})
