"""Routes of hosts and how they are grouped, of moves, and of what is no more."""

from __future__ import annotations

from functools import partial

from cellrig.http.compute import aggregates, events, hypervisors, migrations, services
from cellrig.http.compute.schemas import infrastructure as schemas
from cellrig.http.compute.schemas.parts import query
from cellrig.http.compute.service import ComputeApi
from cellrig.http.routes import Route, anybody

_V = "/v2.1"
_AGGREGATES = f"{_V}/os-aggregates"
_AGGREGATE = f"{_AGGREGATES}/{{aggregate_id}}"
_ZONES = f"{_V}/os-availability-zone"
_HYPERVISORS = f"{_V}/os-hypervisors"
_HYPERVISOR = f"{_HYPERVISORS}/{{hypervisor_id}}"
_SERVICES = f"{_V}/os-services"
_HOSTS = f"{_V}/os-hosts"
_HOST = f"{_HOSTS}/{{host_name}}"
_SNAPSHOTS = f"{_V}/os-assisted-volume-snapshots"

_Row = partial(Route[ComputeApi], policy=anybody)
_Admin = partial(Route[ComputeApi])
_OldService = partial(_Admin, "PUT", until=(2, 52))
_OldHypervisor = partial(_Admin, "GET", until=(2, 52))
_OldHost = partial(_Admin, until=(2, 42))

_HYPERVISOR_PAGES = query(
    more={(2, 33): ["limit", "marker"], (2, 53): ["hypervisor_hostname_pattern", "with_servers"]}
)
_MIGRATIONS = query(
    *("hidden", "host", "instance_uuid", "source_compute", "status", "migration_type"),
    more={
        (2, 59): ["limit", "marker", "changes-since"],
        (2, 66): ["changes-before"],
        (2, 80): ["user_id", "project_id"],
    },
)
ROUTES: tuple[Route[ComputeApi], ...] = (
    _Admin("GET", _AGGREGATES, aggregates.list_aggregates, (200,)),
    _Admin("POST", _AGGREGATES, aggregates.create_aggregate, (200,), body=schemas.CREATE_AGGREGATE),
    _Admin("GET", _AGGREGATE, aggregates.show_aggregate, (200,)),
    _Admin("PUT", _AGGREGATE, aggregates.update_aggregate, (200,), body=schemas.UPDATE_AGGREGATE),
    _Admin("DELETE", _AGGREGATE, aggregates.delete_aggregate, (200,)),
    _Admin(
        "POST",
        f"{_AGGREGATE}/action",
        aggregates.change_aggregate,
        (200,),
        body=schemas.AGGREGATE_ACTION,
    ),
    _Admin(
        "POST",
        f"{_AGGREGATE}/images",
        aggregates.cache_images,
        (202,),
        (2, 81),
        body=schemas.CACHE_IMAGES,
    ),
    _Row("GET", _ZONES, aggregates.list_zones, (200,)),
    _Admin("GET", f"{_ZONES}/detail", aggregates.list_zone_details, (200,)),
    _Admin("GET", _HYPERVISORS, hypervisors.list_hypervisors, (200,), query=_HYPERVISOR_PAGES),
    _Admin(
        "GET",
        f"{_HYPERVISORS}/detail",
        hypervisors.list_hypervisor_details,
        (200,),
        query=_HYPERVISOR_PAGES,
    ),
    _Admin("GET", f"{_HYPERVISORS}/statistics", hypervisors.show_statistics, (200,), until=(2, 87)),
    _Admin(
        "GET",
        _HYPERVISOR,
        hypervisors.show_hypervisor,
        (200,),
        query=query(more={(2, 53): ["with_servers"]}),
    ),
    _Admin("GET", f"{_HYPERVISOR}/uptime", hypervisors.show_uptime, (200,), until=(2, 87)),
    _OldHypervisor(f"{_HYPERVISOR}/search", hypervisors.search_hypervisors, (200,)),
    _OldHypervisor(f"{_HYPERVISOR}/servers", hypervisors.list_hypervisor_servers, (200,)),
    _Admin("GET", _SERVICES, services.list_services, (200,), query=query("host", "binary")),
    _OldService(f"{_SERVICES}/enable", services.enable_service, (200,), body=schemas.SERVICE),
    _OldService(f"{_SERVICES}/disable", services.disable_service, (200,), body=schemas.SERVICE),
    _OldService(
        f"{_SERVICES}/disable-log-reason",
        services.disable_service_with_reason,
        (200,),
        body=schemas.SERVICE_REASON,
    ),
    _OldService(
        f"{_SERVICES}/force-down",
        services.force_service_down,
        (200,),
        (2, 11),
        body=schemas.FORCE_DOWN,
    ),
    _Admin(
        "PUT",
        f"{_SERVICES}/{{service_id}}",
        services.update_service,
        (200,),
        (2, 53),
        body=schemas.UPDATE_SERVICE,
    ),
    _Admin("DELETE", f"{_SERVICES}/{{service_id}}", services.delete_service, (204,)),
    _OldHost("GET", _HOSTS, services.list_hosts, (200,), query=query("zone")),
    _OldHost("GET", _HOST, services.show_host, (200,)),
    _OldHost("PUT", _HOST, services.update_host, (200,), body=schemas.UPDATE_HOST),
    *(
        _OldHost("GET", f"{_HOST}/{action}", services.act_on_host, (200,))
        for action in ("reboot", "shutdown", "startup")
    ),
    _Admin("GET", f"{_V}/os-migrations", migrations.list_migrations, (200,), query=_MIGRATIONS),
    _Admin(
        "POST",
        f"{_V}/os-server-external-events",
        events.create_events,
        (200, 207),
        body=schemas.EVENTS,
    ),
    _Admin(
        "POST",
        _SNAPSHOTS,
        events.create_assisted_snapshot,
        (200,),
        body=schemas.ASSISTED_SNAPSHOT,
    ),
    _Admin("DELETE", f"{_SNAPSHOTS}/{{snapshot_id}}", events.delete_assisted_snapshot, (204,)),
)
