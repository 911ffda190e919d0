"""Routes of servers and of what belongs to one."""

from __future__ import annotations

from functools import partial

from cellrig.http.compute import (
    actions,
    image_actions,
    instance_actions,
    interfaces,
    metadata,
    migrations,
    server_parts,
    servers,
    tags,
    volume_attachments,
)
from cellrig.http.compute.schemas import actions as action_schemas
from cellrig.http.compute.schemas import servers as schemas
from cellrig.http.compute.schemas.parts import query
from cellrig.http.compute.service import ComputeApi
from cellrig.http.routes import Route, anybody

_ALL = "/v2.1/servers"
_ONE = f"{_ALL}/{{server_id}}"
_METADATA = f"{_ONE}/metadata"
_TAGS = f"{_ONE}/tags"
_VOLUMES = f"{_ONE}/os-volume_attachments"
_VOLUME = f"{_VOLUMES}/{{volume_id}}"
_MIGRATIONS = f"{_ONE}/migrations"
_MIGRATION = f"{_MIGRATIONS}/{{migration_id}}"
_ACTIONS = f"{_ONE}/os-instance-actions"
_SHARES = f"{_ONE}/shares"
_SHARE = f"{_SHARES}/{{share_id}}"

_Row = partial(Route[ComputeApi], policy=anybody)
_Tag = partial(_Row, since=(2, 26))
_Share = partial(_Row, since=(2, 97))

_PAGES = query("limit", "offset")
_ACTION_PAGES = query(
    strict=None,
    more={(2, 58): ["limit", "marker", "changes-since"], (2, 66): ["changes-before"]},
)

ROUTES: tuple[Route[ComputeApi], ...] = (
    _Row("GET", _ALL, servers.list_servers, (200,), query=schemas.LIST),
    _Row("POST", _ALL, servers.create_servers, (202,), body=schemas.CREATE),
    _Row("GET", f"{_ALL}/detail", servers.list_server_details, (200,), query=schemas.LIST),
    _Row("GET", _ONE, servers.show_server, (200,)),
    _Row("PUT", _ONE, servers.update_server, (200,), body=schemas.UPDATE),
    _Row("DELETE", _ONE, servers.delete_server, (204,)),
    _Row("POST", f"{_ONE}/action", actions.run_action, (200, 202, 204), body=action_schemas.ANY),
    _Row("GET", _METADATA, metadata.list_metadata, (200,)),
    _Row("POST", _METADATA, metadata.add_metadata, (200,), body=schemas.METADATA_ALL),
    _Row("PUT", _METADATA, metadata.replace_metadata, (200,), body=schemas.METADATA_ALL),
    _Row("GET", f"{_METADATA}/{{key}}", metadata.show_metadata_item, (200,)),
    _Row(
        "PUT",
        f"{_METADATA}/{{key}}",
        metadata.set_metadata_item,
        (200,),
        body=schemas.METADATA_ONE,
    ),
    _Row("DELETE", f"{_METADATA}/{{key}}", metadata.delete_metadata_item, (204,)),
    _Tag("GET", _TAGS, tags.list_tags, (200,)),
    _Tag("PUT", _TAGS, tags.replace_tags, (200,), body=schemas.TAGS_ALL),
    _Tag("DELETE", _TAGS, tags.delete_tags, (204,)),
    _Tag("GET", f"{_TAGS}/{{tag}}", tags.check_tag, (204,)),
    _Tag("PUT", f"{_TAGS}/{{tag}}", tags.add_tag, (201, 204)),
    _Tag("DELETE", f"{_TAGS}/{{tag}}", tags.delete_tag, (204,)),
    _Row("GET", _VOLUMES, volume_attachments.list_attachments, (200,), query=_PAGES),
    _Row(
        "POST",
        _VOLUMES,
        volume_attachments.attach_volume,
        (200, 202),
        body=action_schemas.ATTACH,
    ),
    _Row("GET", _VOLUME, volume_attachments.show_attachment, (200,)),
    _Row(
        "PUT",
        _VOLUME,
        volume_attachments.update_attachment,
        (202,),
        body=action_schemas.UPDATE_ATTACHMENT,
    ),
    _Row("DELETE", _VOLUME, volume_attachments.detach_volume, (202,)),
    Route("GET", _MIGRATIONS, migrations.list_server_migrations, (200,), (2, 23)),
    Route("GET", _MIGRATION, migrations.show_server_migration, (200,), (2, 23)),
    Route("DELETE", _MIGRATION, migrations.abort_migration, (202,), (2, 24)),
    Route(
        "POST",
        f"{_MIGRATION}/action",
        migrations.force_complete,
        (202,),
        (2, 22),
        body=action_schemas.FORCE_COMPLETE,
    ),
    _Row("GET", _ACTIONS, instance_actions.list_actions, (200,), query=_ACTION_PAGES),
    _Row("GET", f"{_ACTIONS}/{{request_id}}", instance_actions.show_action, (200,)),
    _Row("GET", f"{_ONE}/ips", interfaces.list_addresses, (200,)),
    _Row("GET", f"{_ONE}/ips/{{label}}", interfaces.list_network_addresses, (200,)),
    _Row("GET", f"{_ONE}/os-interface", interfaces.list_interfaces, (200,)),
    _Row("GET", f"{_ONE}/os-interface/{{port_id}}", interfaces.show_interface, (200,)),
    _Row(
        "POST",
        f"{_ONE}/os-interface",
        interfaces.attach_interface,
        (200,),
        body=schemas.ATTACH_INTERFACE,
    ),
    _Row("DELETE", f"{_ONE}/os-interface/{{port_id}}", interfaces.detach_interface, (202,)),
    _Row("GET", f"{_ONE}/os-security-groups", server_parts.list_security_groups, (200,)),
    _Row("GET", f"{_ONE}/os-server-password", server_parts.show_password, (200,)),
    _Row("DELETE", f"{_ONE}/os-server-password", server_parts.clear_password, (204,)),
    _Row("GET", f"{_ONE}/topology", server_parts.show_topology, (200,), (2, 78)),
    _Row(
        "POST",
        f"{_ONE}/remote-consoles",
        image_actions.show_console,
        (200,),
        (2, 6),
        body=action_schemas.REMOTE_CONSOLE,
    ),
    Route("GET", f"{_ONE}/diagnostics", server_parts.show_diagnostics, (200,)),
    _Share("GET", _SHARES, server_parts.list_shares, (200,)),
    _Share("POST", _SHARES, server_parts.find_share, (201,), body=schemas.SHARE),
    _Share("GET", _SHARE, server_parts.find_share, (200,)),
    _Share("DELETE", _SHARE, server_parts.find_share, (200,)),
    Route(
        "GET",
        "/v2.1/os-console-auth-tokens/{token}",
        server_parts.show_console_token,
        (200,),
        (2, 31),
    ),
)
