"""Servers as clients see them, by microversion."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from cellrig.compute.api.server_details import ServerDetail
from cellrig.http.compute.flavor_views import embedded_flavor
from cellrig.http.compute.interfaces import addresses
from cellrig.http.compute.links import bookmark, links
from cellrig.http.compute.service import ComputeCall, context_of
from cellrig.http.dates import naive, whole_zulu
from cellrig.model import (
    BlockDeviceMapping,
    BriefServer,
    RequestSpec,
    Server,
    UnknownServer,
    VmState,
)

_PROGRESSING = frozenset({"ACTIVE", "BUILD", "REBUILD", "RESIZE", "VERIFY_RESIZE", "MIGRATING"})
_WITH_FAULT = frozenset({"ERROR", "DELETED"})
#: What image properties are not the guest's: they say how the image came to be.
_OWN_OF_IMAGES = frozenset({"block_device_mapping", "bdm_v2", "root_device_name"})


def brief_server(call: ComputeCall, server: BriefServer | Server) -> dict[str, Any]:
    """Return a server as a list without details has it."""
    return {"id": server.id, "name": server.name, "links": links(call, "servers", server.id)}


def unknown_server(call: ComputeCall, server: UnknownServer, *, detailed: bool) -> dict[str, Any]:
    """Return what is known of a server whose cell does not answer (microversion 2.69)."""
    told: dict[str, Any] = {
        "id": server.id,
        "status": server.status,
        "links": links(call, "servers", server.id),
    }
    if detailed:
        told |= {"tenant_id": server.project_id, "created": whole_zulu(server.created_at)}
    return told


def server_of_missing_cell(
    call: ComputeCall, server: UnknownServer, spec: RequestSpec
) -> dict[str, Any]:
    """Return what the API database knows of a server whose cell does not answer (2.69)."""
    image = "" if spec.image is None or spec.boots_from_volume else spec.image.id
    return {
        **unknown_server(call, server, detailed=True),
        "user_id": server.user_id,
        "flavor": embedded_flavor(spec.flavor),
        "image": image and {"id": image, "links": [bookmark(call, "images", image)]},
        "OS-EXT-AZ:availability_zone": spec.availability_zone or "UNKNOWN",
        "OS-EXT-STS:power_state": 0,
    }


def servers_in_detail(call: ComputeCall, servers: Sequence[Server]) -> list[dict[str, Any]]:
    """Return servers as a list with details has them."""
    details = call.service.details.of(context_of(call), servers)
    return [_shown(call, server, details[server.id]) for server in servers]


def whole_server(call: ComputeCall, server: Server) -> dict[str, Any]:
    """Return a server with all that there is of it."""
    detail = call.service.details.of(context_of(call), [server])[server.id]
    return {**_shown(call, server, detail), **_groups(call, server)}


def changed_server(call: ComputeCall, server: Server, *, rebuilt: bool = False) -> dict[str, Any]:
    """Return a server as the answer to a change has it: before 2.75 less of it is shown."""
    detail = call.service.details.of(context_of(call), [server])[server.id]
    if call.version >= (2, 75):
        told = {**_shown(call, server, detail), **_groups(call, server)}
        if rebuilt:
            told.pop("OS-EXT-SRV-ATTR:user_data", None)
    else:
        told = {**_basics(call, server, detail), **_groups(call, server)}
        if rebuilt and call.version >= (2, 54):
            told["key_name"] = server.key_name
    if rebuilt and call.version >= (2, 57):
        told["user_data"] = detail.presentation.user_data
    return told


def _shown(call: ComputeCall, server: Server, detail: ServerDetail) -> dict[str, Any]:
    told = {**_basics(call, server, detail), **_extended(server, detail, call)}
    if context_of(call).is_admin:
        told |= _of_administrators(call, server, detail)
    if call.version >= (2, 90):
        told["OS-EXT-SRV-ATTR:hostname"] = server.hostname
    return told


def _basics(call: ComputeCall, server: Server, detail: ServerDetail) -> dict[str, Any]:
    """Return what every answer with a server has."""
    presentation, version = detail.presentation, call.version
    told: dict[str, Any] = {
        "id": server.id,
        "name": server.name,
        "status": server.status,
        "tenant_id": server.project_id,
        "user_id": server.user_id,
        "metadata": server.metadata,
        "hostId": host_id(server.host, server.project_id),
        "image": _image(call, server, detail.spec),
        "flavor": _flavor(call, server),
        "created": whole_zulu(server.created_at),
        "updated": whole_zulu(server.updated_at),
        "addresses": addresses(server.network_info, extended=False),
        "accessIPv4": presentation.access_ip_v4,
        "accessIPv6": presentation.access_ip_v6,
        "links": links(call, "servers", server.id),
        "OS-DCF:diskConfig": presentation.disk_config,
    }
    if server.status in _PROGRESSING:
        told["progress"] = 0
    if server.fault is not None and server.status in _WITH_FAULT:
        told["fault"] = _fault(call, server)
    if version >= (2, 9):
        told["locked"] = server.locked
    if version >= (2, 19):
        told["description"] = presentation.description
    if version >= (2, 26):
        told["tags"] = server.tags
    if version >= (2, 63):
        told["trusted_image_certificates"] = presentation.trusted_image_certificates
    if version >= (2, 73):
        told["locked_reason"] = server.locked_reason
    if version >= (2, 96):
        told["pinned_availability_zone"] = detail.spec and detail.spec.availability_zone
    if version >= (2, 100):
        told["scheduler_hints"] = _hints(detail.spec)
    return told


def _extended(server: Server, detail: ServerDetail, call: ComputeCall) -> dict[str, Any]:
    """Return what those who may see a server see of it besides."""
    presentation = detail.presentation
    told: dict[str, Any] = {
        "addresses": addresses(server.network_info, extended=True),
        "key_name": server.key_name,
        "config_drive": "True" if presentation.config_drive else "",
        "OS-SRV-USG:launched_at": server.launched_at and naive(server.launched_at),
        "OS-SRV-USG:terminated_at": server.deleted_at and naive(server.deleted_at),
        "OS-EXT-AZ:availability_zone": server.availability_zone or "",
        "OS-EXT-STS:vm_state": VmState.DELETED if server.deleted_at else server.vm_state,
        "OS-EXT-STS:task_state": server.task_state,
        "OS-EXT-STS:power_state": int(server.power_state),
        "os-extended-volumes:volumes_attached": [
            _volume(call, mapping) for mapping in detail.volumes
        ],
    }
    if presentation.security_groups:
        told["security_groups"] = [{"name": name} for name in presentation.security_groups]
    return told


def _volume(call: ComputeCall, mapping: BlockDeviceMapping) -> dict[str, Any]:
    told: dict[str, Any] = {"id": mapping.volume_id}
    if call.version >= (2, 3):
        told["delete_on_termination"] = mapping.delete_on_termination
    return told


def _of_administrators(call: ComputeCall, server: Server, detail: ServerDetail) -> dict[str, Any]:
    told: dict[str, Any] = {
        "OS-EXT-SRV-ATTR:host": server.host,
        "OS-EXT-SRV-ATTR:hypervisor_hostname": server.node,
        "OS-EXT-SRV-ATTR:instance_name": f"instance-{server.id.partition('-')[0]}",
    }
    if call.version >= (2, 3):
        told |= {
            "OS-EXT-SRV-ATTR:reservation_id": server.reservation_id,
            "OS-EXT-SRV-ATTR:launch_index": server.launch_index,
            "OS-EXT-SRV-ATTR:hostname": server.hostname,
            "OS-EXT-SRV-ATTR:kernel_id": _property(detail.spec, "kernel_id"),
            "OS-EXT-SRV-ATTR:ramdisk_id": _property(detail.spec, "ramdisk_id"),
            "OS-EXT-SRV-ATTR:root_device_name": _root_device(detail),
            "OS-EXT-SRV-ATTR:user_data": detail.presentation.user_data,
        }
    if call.version >= (2, 16):
        told["host_status"] = detail.host_status
    return told


def _groups(call: ComputeCall, server: Server) -> dict[str, Any]:
    if call.version < (2, 71):
        return {}
    return {"server_groups": [server.server_group] if server.server_group else []}


def _image(call: ComputeCall, server: Server, spec: RequestSpec | None) -> dict[str, Any] | str:
    if server.image_id is None:
        return ""
    told: dict[str, Any] = {
        "id": server.image_id,
        "links": [bookmark(call, "images", server.image_id)],
    }
    if call.version >= (2, 98):
        properties = {} if spec is None or spec.image is None else spec.image.properties
        told["properties"] = {k: v for k, v in properties.items() if k not in _OWN_OF_IMAGES}
    return told


def _flavor(call: ComputeCall, server: Server) -> dict[str, Any]:
    if call.version >= (2, 47):
        return embedded_flavor(server.flavor)
    return {"id": server.flavor.id, "links": [bookmark(call, "flavors", server.flavor.id)]}


def _fault(call: ComputeCall, server: Server) -> dict[str, Any]:
    assert server.fault is not None  # noqa: S101 - the caller has looked
    fault = server.fault
    told = {
        "code": fault.code,
        "created": whole_zulu(fault.created_at),
        "message": fault.message[:255],
    }
    if fault.details and (fault.code != 500 or context_of(call).is_admin):
        told["details"] = fault.details
    return told


def _hints(spec: RequestSpec | None) -> dict[str, Any]:
    if spec is None:
        return {}
    hints: dict[str, Any] = {
        key: values[0] if len(values) == 1 else list(values)
        for key, values in spec.scheduler_hints.items()
    }
    if spec.group_uuid is not None:
        hints["group"] = spec.group_uuid
    return hints


def _property(spec: RequestSpec | None, name: str) -> str:
    return "" if spec is None or spec.image is None else spec.image.properties.get(name, "")


def _root_device(detail: ServerDetail) -> str:
    for mapping in detail.volumes:
        if mapping.boot_index == 0:
            return f"/dev/{mapping.device_name}"
    bus = _property(detail.spec, "hw_disk_bus")
    return "/dev/vda" if bus == "virtio" else "/dev/sda"


def host_id(host: str | None, project_id: str) -> str:
    """Return what tells a project its hosts apart without naming them; empty for no host."""
    if host is None:
        return ""
    return hashlib.sha224(f"{project_id}{host}".encode()).hexdigest()
