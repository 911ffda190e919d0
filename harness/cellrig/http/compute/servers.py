"""Servers: create, list, show, change, delete."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from msgspec.structs import replace

from cellrig.compute.api import ServerRequest
from cellrig.errors import CellUnavailable, DatabaseUnavailable, NotFound
from cellrig.http.calls import Answer
from cellrig.http.compute.links import links, next_page
from cellrig.http.compute.paging import is_full
from cellrig.http.compute.schemas.parts import true
from cellrig.http.compute.server_bodies import changed_presentation, least_count, server_request
from cellrig.http.compute.server_query import server_query
from cellrig.http.compute.server_views import (
    brief_server,
    changed_server,
    server_of_missing_cell,
    servers_in_detail,
    unknown_server,
    whole_server,
)
from cellrig.http.compute.service import ComputeCall, context_of
from cellrig.http.errors import Refusal
from cellrig.model import SourceType
from cellrig.model.server_list import ServerList

#: Passwords are not set in any guest; they are told, as clients want them told.
_PASSWORD_LENGTH = 12


@contextmanager
def named_in_body() -> Iterator[None]:
    """Let what does not exist be a fault of the body (400), not of the path (404)."""
    try:
        yield
    except NotFound as error:
        raise Refusal(400, str(error)) from error


def new_password(call: ComputeCall, given: dict[str, Any]) -> str:
    """Return the password that a body asks for, or a new one."""
    return str(given.get("adminPass") or call.new_uuid().replace("-", "")[:_PASSWORD_LENGTH])


def create_servers(call: ComputeCall) -> Answer:
    """Create one server, or several with the same properties."""
    context, service = context_of(call), call.service
    given = call.body["server"]
    asked = server_request(call.body, call.version)
    with named_in_body():
        asked = _checked(call, asked)
        created = service.servers.create(context, asked)
    if true(given.get("return_reservation_id", False)):
        return Answer(202, {"reservation_id": created[0].reservation_id})
    server = created[0]
    told = {
        "id": server.id,
        "links": links(call, "servers", server.id),
        "OS-DCF:diskConfig": asked.presentation.disk_config,
        "security_groups": [{"name": name} for name in asked.presentation.security_groups],
        "adminPass": new_password(call, given),
    }
    return Answer(202, {"server": told}, f"{call.base}/v2.1/servers/{server.id}")


def _checked(call: ComputeCall, asked: ServerRequest) -> ServerRequest:
    """Check what only this face asks for: quotas, key pairs, and what a microversion forbids."""
    context, service = context_of(call), call.service
    flavor = service.flavors.find(context, asked.flavor)
    if asked.image is not None and service.images.find(context, asked.image).id != asked.image:
        raise NotFound("image", asked.image)
    if asked.key_name is not None:
        service.keypairs.show(context, asked.key_name)
    if call.version < (2, 60):
        for device in asked.block_devices:
            if device.source_type == SourceType.VOLUME:
                refuse_multiattach(call, device.uuid or "")
    if call.version >= (2, 74) and call.body["server"].get("hypervisor_hostname"):
        asked = replace(asked, host=_host_of(call, asked.host or ""))
    service.quotas.check_metadata(context, len(asked.metadata))
    least = least_count(call.body["server"])
    asked = replace(asked, count=service.quotas.servers(context, flavor, least, asked.count))
    if asked.group is not None:
        service.groups.show(context, asked.group)
        service.quotas.check_members(context, asked.group, asked.count)
    return replace(asked, flavor=flavor.id)


def refuse_multiattach(call: ComputeCall, volume_id: str) -> None:
    """Refuse a volume that several servers may have: before 2.60 there are none.

    Raises:
        Refusal: 400.
        NotFound: there is no such volume.
    """
    if call.service.volumes.volume_get(context_of(call), volume_id).multiattach:
        raise Refusal(
            400, f"volume {volume_id} is multiattach, which takes microversion 2.60 or later"
        )


def _host_of(call: ComputeCall, name: str) -> str:
    """Return the host of a node that an administrator names (microversion 2.74)."""
    given = call.body["server"]
    for each in call.service.hypervisors.all(context_of(call)):
        if each.node.hypervisor_hostname == given["hypervisor_hostname"]:
            if given.get("host") not in (None, each.node.host):
                break
            return each.node.host
    raise NotFound("compute host", name)


def list_servers(call: ComputeCall) -> Answer:
    """List servers with their names and links."""
    query = server_query(call)
    if query is None:
        return Answer(body={"servers": []})
    found = call.service.lists.brief(context_of(call), query)
    told = [brief_server(call, server) for server in found.servers]
    return _listed(call, "servers", told, found, detailed=False)


def list_server_details(call: ComputeCall) -> Answer:
    """List servers with all that there is of them."""
    query = server_query(call)
    if query is None:
        return Answer(body={"servers": []})
    found = call.service.lists.detailed(context_of(call), query)
    told = servers_in_detail(call, found.servers)
    return _listed(call, "servers/detail", told, found, detailed=True)


def _listed(
    call: ComputeCall,
    path: str,
    told: list[dict[str, Any]],
    found: ServerList[Any],
    *,
    detailed: bool,
) -> Answer:
    told += [unknown_server(call, server, detailed=detailed) for server in found.unknown]
    body: dict[str, Any] = {"servers": told}
    if is_full(call, told):
        body["servers_links"] = next_page(call, path, told[-1]["id"])
    return Answer(body=body)


def show_server(call: ComputeCall) -> Answer:
    """Show one server; from 2.69 on also where its cell does not answer."""
    server_id, context = call.parameters["server_id"], context_of(call)
    try:
        return Answer(
            body={"server": whole_server(call, call.service.servers.show(context, server_id))}
        )
    except (CellUnavailable, DatabaseUnavailable) as error:
        if call.version < (2, 69):
            raise
        told = call.service.details.unknown(context, server_id)
        call.service.seams.handled(error, "what the API database knows is shown")
        return Answer(body={"server": server_of_missing_cell(call, *told)})


def update_server(call: ComputeCall) -> Answer:
    """Change a server's name, and what its user says of it."""
    given, server_id = call.body["server"], call.parameters["server_id"]
    context, service = context_of(call), call.service
    if "pinned_availability_zone" in given:
        with named_in_body():
            service.details.pin(context, server_id, given["pinned_availability_zone"])
    service.presentations.change(
        context, server_id, lambda known: changed_presentation(known, given)
    )
    if "name" in given or "hostname" in given:
        name = given.get("name")
        service.servers.update(
            context, server_id, name=name and name.strip(), hostname=given.get("hostname")
        )
    server = service.servers.show(context, server_id)
    return Answer(body={"server": changed_server(call, server)})


def delete_server(call: ComputeCall) -> Answer:
    """Delete a server."""
    call.service.servers.delete(context_of(call), call.parameters["server_id"])
    return Answer(204)
