"""Host aggregates and availability zones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cellrig.errors import NotFound
from cellrig.http.calls import Answer
from cellrig.http.compute.service import ComputeCall, context_of
from cellrig.http.dates import naive
from cellrig.model import Aggregate

_ZONE = "availability_zone"


def _created(call: ComputeCall, aggregate: Aggregate) -> dict[str, Any]:
    """Return an aggregate as the answer to its creation has it: without what it has none of."""
    updated = aggregate.updated_at
    told: dict[str, Any] = {
        "id": aggregate.id,
        "name": aggregate.name,
        "availability_zone": aggregate.metadata.get(_ZONE),
        "created_at": naive(aggregate.created_at),
        "updated_at": None if updated is None else naive(updated),
        "deleted": False,
        "deleted_at": None,
    }
    if call.version >= (2, 41):
        told["uuid"] = aggregate.uuid
    return told


def _view(call: ComputeCall, aggregate: Aggregate) -> dict[str, Any]:
    return {
        **_created(call, aggregate),
        "hosts": aggregate.hosts,
        "metadata": aggregate.metadata,
    }


def _answer(call: ComputeCall, aggregate: Aggregate) -> Answer:
    return Answer(body={"aggregate": _view(call, aggregate)})


def _id(call: ComputeCall) -> int:
    given = call.parameters["aggregate_id"]
    if not (given.isascii() and given.isdigit() and len(given) < 10):
        raise NotFound("aggregate", given)
    return int(given)


def list_aggregates(call: ComputeCall) -> Answer:
    """List the aggregates."""
    found = call.service.aggregates.all(context_of(call))
    return Answer(body={"aggregates": [_view(call, aggregate) for aggregate in found]})


def create_aggregate(call: ComputeCall) -> Answer:
    """Create an aggregate."""
    given = call.body["aggregate"]
    aggregate = call.service.aggregates.create(
        context_of(call), given["name"].strip(), zone=given.get(_ZONE)
    )
    return Answer(body={"aggregate": _created(call, aggregate)})


def show_aggregate(call: ComputeCall) -> Answer:
    """Show one aggregate."""
    return _answer(call, call.service.aggregates.show(context_of(call), _id(call)))


def update_aggregate(call: ComputeCall) -> Answer:
    """Give an aggregate another name, or its hosts another zone."""
    given = call.body["aggregate"]
    name = given.get("name")
    aggregate = call.service.aggregates.update(
        context_of(call), _id(call), name=name and name.strip(), zone=given.get(_ZONE)
    )
    return _answer(call, aggregate)


def delete_aggregate(call: ComputeCall) -> Answer:
    """Delete an aggregate that has no hosts."""
    call.service.aggregates.show(context_of(call), _id(call))
    call.service.aggregates.delete(context_of(call), _id(call))
    return Answer(200)


def _add_host(call: ComputeCall, given: dict[str, Any]) -> Aggregate:
    return call.service.aggregates.add_host(context_of(call), _id(call), given["host"])


def _remove_host(call: ComputeCall, given: dict[str, Any]) -> Aggregate:
    return call.service.aggregates.remove_host(context_of(call), _id(call), given["host"])


def _set_metadata(call: ComputeCall, given: dict[str, Any]) -> Aggregate:
    return call.service.aggregates.set_metadata(context_of(call), _id(call), given["metadata"])


_ACTIONS: dict[str, Callable[[ComputeCall, dict[str, Any]], Aggregate]] = {
    "add_host": _add_host,
    "remove_host": _remove_host,
    "set_metadata": _set_metadata,
}


def change_aggregate(call: ComputeCall) -> Answer:
    """Add a host to an aggregate, remove one, or change the metadata."""
    ((action, given),) = call.body.items()
    call.service.aggregates.show(context_of(call), _id(call))
    return _answer(call, _ACTIONS[action](call, given))


def cache_images(call: ComputeCall) -> Answer:
    """Ask the hosts of an aggregate to fetch images before they are needed: they need not."""
    call.service.aggregates.show(context_of(call), _id(call))
    return Answer(202)


# -- availability zones --------------------------------------------------------------------------


def list_zones(call: ComputeCall) -> Answer:
    """List the availability zones."""
    return _zones(call, {})


def list_zone_details(call: ComputeCall) -> Answer:
    """List the availability zones with their hosts and the services there."""
    services = call.service.services
    hosts = {
        each.host: {
            each.binary: {
                "available": not each.disabled,
                "active": services.is_alive(each),
                "updated_at": naive(each.last_seen_up),
            }
        }
        for each in services.all(context_of(call))
    }
    return _zones(call, hosts)


def _zones(call: ComputeCall, hosts: dict[str, Any]) -> Answer:
    """Return the zones; one is available where a host in it can take a server."""
    context, services = context_of(call), call.service.services
    usable = {
        each.host for each in services.all(context) if not each.disabled and services.is_alive(each)
    }
    told = [
        {
            "zoneName": zone,
            "zoneState": {"available": not members or not usable.isdisjoint(members)},
            "hosts": {host: hosts[host] for host in members if host in hosts} if hosts else None,
        }
        for zone, members in call.service.aggregates.zones(context).items()
    ]
    return Answer(body={"availabilityZoneInfo": told})
