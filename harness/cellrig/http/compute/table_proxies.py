"""Routes of what other services have, until 2.35, and of what is no more in any microversion."""

from __future__ import annotations

from functools import partial

from cellrig.http.compute import root
from cellrig.http.compute.proxies import images, networks, volumes
from cellrig.http.compute.schemas import proxies as schemas
from cellrig.http.compute.schemas import servers as server_schemas
from cellrig.http.compute.service import ComputeApi
from cellrig.http.routes import Route, anybody

_V = "/v2.1"
_IMAGES = f"{_V}/images"
_IMAGE = f"{_IMAGES}/{{image_id}}"
_METADATA = f"{_IMAGE}/metadata"
_ITEM = f"{_METADATA}/{{key}}"
_VOLUMES = f"{_V}/os-volumes"
_VOLUME = f"{_VOLUMES}/{{volume_id}}"
_SNAPSHOTS = f"{_V}/os-snapshots"
_SNAPSHOT = f"{_SNAPSHOTS}/{{snapshot_id}}"
_GROUPS = f"{_V}/os-security-groups"
_GROUP = f"{_GROUPS}/{{group_id}}"
_RULES = f"{_V}/os-security-group-rules"
_ADDRESSES = f"{_V}/os-floating-ips"
_ADDRESS = f"{_ADDRESSES}/{{floating_ip_id}}"
_NETWORKS = f"{_V}/os-networks"
_OF_PROJECT = f"{_V}/os-tenant-networks"

_Row = partial(Route[ComputeApi], policy=anybody, until=(2, 35))
_Meta = partial(Route[ComputeApi], policy=anybody, until=(2, 38))
_Gone = partial(Route[ComputeApi], handler=root.gone, statuses=(), policy=anybody)

#: Paths that are no more, with the methods that they had.
_GONE: dict[str, tuple[str, ...]] = {
    "os-agents": ("GET", "POST"),
    "os-agents/{agent_build_id}": ("PUT", "DELETE"),
    "os-cells": ("GET", "POST"),
    "os-cells/capacities": ("GET",),
    "os-cells/detail": ("GET",),
    "os-cells/info": ("GET",),
    "os-cells/{cell_id}": ("GET", "PUT", "DELETE"),
    "os-cells/{cell_id}/capacities": ("GET",),
    "os-certificates": ("POST",),
    "os-certificates/root": ("GET",),
    "os-cloudpipe": ("GET", "POST"),
    "os-cloudpipe/configure-project": ("PUT",),
    "os-fixed-ips/{fixed_ip}": ("GET",),
    "os-fixed-ips/{fixed_ip}/action": ("POST",),
    "os-floating-ip-dns": ("GET",),
    "os-floating-ip-dns/{domain}": ("PUT", "DELETE"),
    "os-floating-ip-dns/{domain}/entries/{name}": ("GET", "PUT", "DELETE"),
    "os-floating-ips-bulk": ("GET", "POST"),
    "os-floating-ips-bulk/delete": ("PUT",),
    "os-floating-ips-bulk/{host_name}": ("GET",),
    "os-fping": ("GET",),
    "os-fping/{instance_id}": ("GET",),
    "os-networks": ("POST",),
    "os-networks/add": ("POST",),
    "os-networks/{network_id}": ("DELETE",),
    "os-networks/{network_id}/action": ("POST",),
    "os-security-group-default-rules": ("GET", "POST"),
    "os-security-group-default-rules/{rule_id}": ("GET", "DELETE"),
    "os-tenant-networks": ("POST",),
    "os-tenant-networks/{network_id}": ("DELETE",),
    "servers/{server_id}/consoles": ("GET", "POST"),
    "servers/{server_id}/consoles/{console_id}": ("GET", "DELETE"),
    "servers/{server_id}/os-virtual-interfaces": ("GET",),
}

ROUTES: tuple[Route[ComputeApi], ...] = (
    _Row("GET", _IMAGES, images.list_images, (200,), query=schemas.IMAGES),
    _Row("GET", f"{_IMAGES}/detail", images.list_image_details, (200,), query=schemas.IMAGES),
    _Row("GET", _IMAGE, images.show_image, (200,)),
    _Row("DELETE", _IMAGE, images.delete_image, (204,)),
    _Meta("GET", _METADATA, images.list_metadata, (200,)),
    _Meta("POST", _METADATA, images.add_metadata, (200,), body=server_schemas.METADATA_ALL),
    _Meta("PUT", _METADATA, images.replace_metadata, (200,), body=server_schemas.METADATA_ALL),
    _Meta("GET", _ITEM, images.show_metadata_item, (200,)),
    _Meta("PUT", _ITEM, images.set_metadata_item, (200,), body=server_schemas.METADATA_ONE),
    _Meta("DELETE", _ITEM, images.delete_metadata_item, (204,)),
    *(
        _Row("GET", path, volumes.list_volumes, (200,), query=schemas.PAGES)
        for path in (_VOLUMES, f"{_VOLUMES}/detail")
    ),
    _Row("POST", _VOLUMES, volumes.create_volume, (200,), body=schemas.VOLUME),
    _Row("GET", _VOLUME, volumes.show_volume, (200,)),
    _Row("DELETE", _VOLUME, volumes.delete_volume, (202,)),
    *(
        _Row("GET", path, volumes.list_snapshots, (200,), query=schemas.PAGES)
        for path in (_SNAPSHOTS, f"{_SNAPSHOTS}/detail")
    ),
    _Row("POST", _SNAPSHOTS, volumes.create_snapshot, (200,), body=schemas.SNAPSHOT),
    _Row("GET", _SNAPSHOT, volumes.show_snapshot, (200,)),
    _Row("DELETE", _SNAPSHOT, volumes.delete_snapshot, (202,)),
    _Row("GET", _GROUPS, networks.list_groups, (200,), query=schemas.GROUPS),
    _Row("POST", _GROUPS, networks.create_group, (200,), body=schemas.GROUP),
    _Row("GET", _GROUP, networks.show_group, (200,)),
    _Row("PUT", _GROUP, networks.update_group, (200,), body=schemas.GROUP),
    _Row("DELETE", _GROUP, networks.delete_group, (202,)),
    _Row("POST", _RULES, networks.create_rule, (200,), body=schemas.RULE),
    _Row("DELETE", f"{_RULES}/{{rule_id}}", networks.delete_rule, (202,)),
    _Row("GET", f"{_V}/os-floating-ip-pools", networks.list_pools, (200,)),
    _Row("GET", _ADDRESSES, networks.list_floating_ips, (200,)),
    _Row("POST", _ADDRESSES, networks.create_floating_ip, (200,)),
    _Row("GET", _ADDRESS, networks.show_floating_ip, (200,)),
    _Row("DELETE", _ADDRESS, networks.show_floating_ip, (202,)),
    _Row("GET", _NETWORKS, networks.list_networks, (200,)),
    _Row("GET", f"{_NETWORKS}/{{network_id}}", networks.show_network, (200,)),
    _Row("GET", _OF_PROJECT, networks.list_project_networks, (200,)),
    _Row("GET", f"{_OF_PROJECT}/{{network_id}}", networks.show_project_network, (200,)),
    *(
        _Row("GET", f"{_V}/os-baremetal-nodes{path}", root.no_bare_metal, (200,))
        for path in ("", "/{node_id}")
    ),
    *(
        _Gone(method=method, path=f"{_V}/{path}")
        for path, methods in _GONE.items()
        for method in methods
    ),
)
