"""Networks, subnets, ports, security groups and their rules: list, show, create, change, delete."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from cellrig.context import RequestContext
from cellrig.http.calls import Answer
from cellrig.http.checking import Schema
from cellrig.http.network import bodies, schemas, views
from cellrig.http.network.listing import listed, shown
from cellrig.http.network.service import NetworkCall, context_of
from cellrig.http.routes import Route, anybody
from cellrig.network.client import NetworkClient
from cellrig.network.types import Network, Port, SecurityGroup, SecurityGroupRule, Subnet

T = TypeVar("T")

_Given = dict[str, Any]


class Kind(NamedTuple, Generic[T]):
    """One kind of resource.

    Attributes:
        one, many: what bodies call it.
        view: what clients see.
        all, get, delete: of the network service.
        create: several, from what a body has of each.
        update: from a body; None where it is never changed.
        new, changed: the bodies' schemas.
    """

    one: str
    many: str
    view: Callable[[NetworkCall, Sequence[T]], list[_Given]]
    all: Callable[[NetworkClient, RequestContext], Sequence[T]]
    get: Callable[[NetworkClient, RequestContext, str], T]
    delete: Callable[[NetworkClient, RequestContext, str], None]
    create: Callable[[NetworkClient, RequestContext, list[_Given]], Sequence[T]]
    update: Callable[[NetworkClient, RequestContext, str, _Given], T] | None
    new: Schema
    changed: Schema | None


def routes_of(kind: Kind[T]) -> tuple[Route[NetworkClient], ...]:
    """Return the routes of a kind of resource."""
    told = kind.one.replace("_", " ")

    def one(call: NetworkCall, thing: T, status: int = 200) -> Answer:
        (view,) = kind.view(call, [thing])
        return Answer(status, {kind.one: shown(call, view)})

    def list_all(call: NetworkCall) -> Answer:
        found = kind.all(call.service, context_of(call))
        return listed(call, kind.many, kind.view(call, found))

    def show(call: NetworkCall) -> Answer:
        return one(call, kind.get(call.service, context_of(call), call.parameters["id"]))

    def create(call: NetworkCall) -> Answer:
        several = call.body.get(kind.many)
        given = [call.body[kind.one]] if several is None else several
        made = kind.create(call.service, context_of(call), given)
        if several is None:
            return one(call, made[0], 201)
        told = [shown(call, view) for view in kind.view(call, made)]
        return Answer(201, {kind.many: told})

    def change(call: NetworkCall) -> Answer:
        assert kind.update is not None  # noqa: S101 - it has no such route otherwise
        given = call.body[kind.one]
        return one(call, kind.update(call.service, context_of(call), call.parameters["id"], given))

    def delete(call: NetworkCall) -> Answer:
        kind.delete(call.service, context_of(call), call.parameters["id"])
        return Answer(204)

    for handler, verb in (
        (list_all, "List"),
        (show, "Show"),
        (create, "Create"),
        (change, "Change"),
        (delete, "Delete"),
    ):
        words = {"List": f"all kinds of {told}s", "Create": f"a {told}, or several"}
        handler.__doc__ = f"{verb} {words.get(verb, f'a {told}')}."
    path = f"/v2.0/{kind.many.replace('_', '-')}"
    routes = [
        _route("GET", path, list_all, 200),
        _route("POST", path, create, 201, kind.new),
        _route("GET", f"{path}/{{id}}", show, 200),
        _route("DELETE", f"{path}/{{id}}", delete, 204),
    ]
    if kind.changed is not None:
        routes.append(_route("PUT", f"{path}/{{id}}", change, 200, kind.changed))
    return tuple(routes)


def _route(
    method: str,
    path: str,
    handler: Callable[[NetworkCall], Answer],
    status: int,
    body: Schema | None = None,
) -> Route[NetworkClient]:
    taken = {} if body is None else {(0, 0): body}
    return Route(method, path, handler, (status,), since=(0, 0), body=taken, policy=anybody)


def _update_port(
    service: NetworkClient, context: RequestContext, port_id: str, given: _Given
) -> Port:
    return service.port_update(
        context,
        port_id,
        bodies.port_fields(given),
        bodies.addresses(given),
        given.get("security_groups"),
    )


NETWORKS = Kind[Network](
    "network",
    "networks",
    views.networks,
    lambda service, context: service.network_list(context),
    lambda service, context, id_: service.network_get(context, id_),
    lambda service, context, id_: service.network_delete(context, id_),
    lambda service, context, given: service.network_create_all(
        context, [bodies.network(each) for each in given]
    ),
    lambda service, context, id_, given: service.network_update(
        context, id_, bodies.network_fields(given)
    ),
    schemas.CREATE_NETWORK,
    schemas.UPDATE_NETWORK,
)
SUBNETS = Kind[Subnet](
    "subnet",
    "subnets",
    views.subnets,
    lambda service, context: service.subnet_list(context),
    lambda service, context, id_: service.subnet_get(context, id_),
    lambda service, context, id_: service.subnet_delete(context, id_),
    lambda service, context, given: service.subnet_create_all(
        context, [bodies.subnet(each) for each in given]
    ),
    lambda service, context, id_, given: service.subnet_update(
        context, id_, bodies.subnet_fields(given)
    ),
    schemas.CREATE_SUBNET,
    schemas.UPDATE_SUBNET,
)
PORTS = Kind[Port](
    "port",
    "ports",
    views.ports,
    lambda service, context: service.port_list(context),
    lambda service, context, id_: service.port_get(context, id_),
    lambda service, context, id_: service.port_delete(context, id_),
    lambda service, context, given: service.port_create_all(
        context, [bodies.port(each) for each in given]
    ),
    _update_port,
    schemas.CREATE_PORT,
    schemas.UPDATE_PORT,
)
GROUPS = Kind[SecurityGroup](
    "security_group",
    "security_groups",
    views.security_groups,
    lambda service, context: service.group_list(context),
    lambda service, context, id_: service.group_get(context, id_),
    lambda service, context, id_: service.group_delete(context, id_),
    lambda service, context, given: service.group_create_all(
        context, [bodies.group(each) for each in given]
    ),
    lambda service, context, id_, given: service.group_update(
        context, id_, bodies.group_fields(given)
    ),
    schemas.CREATE_GROUP,
    schemas.UPDATE_GROUP,
)
RULES = Kind[SecurityGroupRule](
    "security_group_rule",
    "security_group_rules",
    views.security_group_rules,
    lambda service, context: service.rule_list(context),
    lambda service, context, id_: service.rule_get(context, id_),
    lambda service, context, id_: service.rule_delete(context, id_),
    lambda service, context, given: service.rule_create_all(
        context, [bodies.rule(each) for each in given]
    ),
    None,
    schemas.CREATE_RULE,
    None,
)

ROUTES: tuple[Route[NetworkClient], ...] = (
    *routes_of(NETWORKS),
    *routes_of(SUBNETS),
    *routes_of(PORTS),
    *routes_of(GROUPS),
    *routes_of(RULES),
)
