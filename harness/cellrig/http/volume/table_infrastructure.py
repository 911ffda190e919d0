"""Routes of services and pools, and of what this cloud has not got."""

from __future__ import annotations

from functools import partial

from cellrig.http.routes import Route, anybody
from cellrig.http.volume import extensions, nothing, services
from cellrig.http.volume.schemas import infrastructure as schemas
from cellrig.http.volume.schemas.parts import query
from cellrig.volume.api import StorageApi

_SERVICES = "/os-services"
_HOSTS = "/os-hosts"

_Row = partial(Route[StorageApi], policy=anybody)
_Admin = partial(Route[StorageApi])
_Service = partial(_Admin, "PUT")

_PAGE = query("limit", "marker", "offset", "all_tenants", "sort")


def _lacking(
    path: str,
    name: str,
    what: str,
    since: tuple[int, int] = (3, 0),
    refusal: tuple[int, str] | None = None,
) -> tuple[Route[StorageApi], ...]:
    """Return the routes of something that there is none of.

    Args:
        path, name: where it would be, and what the list is called.
        what: in words.
        since: the microversion that it came with.
        refusal: what is said to who wants to make one; None where nobody can.
    """
    row = partial(_Row, since=since)
    one = f"{path}/{{thing_id}}"
    there_is_none = nothing.unknown(what)
    found = [
        row("GET", path, nothing.no(name, f"{what}s"), (200,), query=_PAGE),
        row("GET", f"{path}/detail", nothing.no(name, f"{what}s"), (200,), query=_PAGE),
        row("GET", one, there_is_none, (200,)),
        row("DELETE", one, there_is_none, (202,)),
    ]
    if refusal is not None:
        refused = nothing.refused(*refusal)
        found.append(row("POST", path, refused, (202,), body=schemas.ANYTHING))
    return tuple(found)


ROUTES: tuple[Route[StorageApi], ...] = (
    _Admin(
        "GET",
        _SERVICES,
        services.list_services,
        (200,),
        query=query("host", "binary", "service"),
    ),
    _Service(f"{_SERVICES}/enable", services.enable_service, (200,), body=schemas.SERVICE),
    _Service(f"{_SERVICES}/disable", services.disable_service, (200,), body=schemas.SERVICE),
    _Service(
        f"{_SERVICES}/disable-log-reason",
        services.disable_service_with_reason,
        (200,),
        body=schemas.SERVICE_WITH_REASON,
    ),
    _Service(f"{_SERVICES}/freeze", services.freeze_host, (200,), body=schemas.HOST_ALONE),
    _Service(f"{_SERVICES}/thaw", services.thaw_host, (200,), body=schemas.HOST_ALONE),
    _Service(
        f"{_SERVICES}/failover_host", services.fail_over_host, (202,), body=schemas.HOST_ALONE
    ),
    _Service(f"{_SERVICES}/get-log", services.show_log_levels, (200,), (3, 32), body=schemas.LOGS),
    _Service(f"{_SERVICES}/set-log", services.set_log_levels, (202,), (3, 32), body=schemas.LOGS),
    _Admin("GET", _HOSTS, services.list_hosts, (200,)),
    _Admin("GET", f"{_HOSTS}/{{host_name}}", services.show_host, (200,)),
    _Admin(
        "PUT", f"{_HOSTS}/{{host_name}}", services.update_host, (200,), body=schemas.UPDATE_HOST
    ),
    _Admin(
        "GET",
        "/scheduler-stats/get_pools",
        services.list_pools,
        (200,),
        query=query("detail", "name", "volume_type"),
    ),
    _Admin("GET", "/capabilities/{host_name}", services.show_capabilities, (200,)),
    _Row("GET", "/os-availability-zone", services.list_zones, (200,)),
    _Row("GET", "/extensions", extensions.list_extensions, (200,)),
    _Row(
        "GET",
        "/resource_filters",
        nothing.list_resource_filters,
        (200,),
        (3, 33),
        query=query("resource"),
    ),
    _Admin("POST", "/workers/cleanup", nothing.clean_up, (202,), (3, 24), body=schemas.CLEANUP),
    *_lacking("/messages", "messages", "message", (3, 3)),
    *_lacking(
        "/backups", "backups", "backup", refusal=(400, "Service cinder-backup could not be found")
    ),
    *_lacking(
        "/groups", "groups", "group", (3, 13), (400, "there are no group types to make groups of")
    ),
    *_lacking("/group_snapshots", "group_snapshots", "group snapshot", (3, 14)),
    *_lacking("/group_types", "group_types", "group type", (3, 11)),
    *_lacking("/consistencygroups", "consistencygroups", "consistency group"),
    *_lacking("/cgsnapshots", "cgsnapshots", "consistency group snapshot"),
    *_lacking("/clusters", "clusters", "cluster", (3, 7)),
    *_lacking("/qos-specs", "qos_specs", "QoS spec"),
)
