"""The tags of networks, subnets, ports and security groups."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from cellrig.errors import Invalid, NotFound
from cellrig.http.calls import Answer
from cellrig.http.network.resources import GROUPS, NETWORKS, PORTS, SUBNETS, Kind
from cellrig.http.network.schemas import SET_TAGS
from cellrig.http.network.service import NetworkCall, context_of
from cellrig.http.routes import Route, anybody
from cellrig.network.client import NetworkClient

T = TypeVar("T")

_MOST = 50
_LONGEST = 255


def routes_of(kind: Kind[T]) -> tuple[Route[NetworkClient], ...]:
    """Return the routes of the tags of a kind of resource."""

    def tags_of(call: NetworkCall) -> list[str]:
        thing = kind.get(call.service, context_of(call), call.parameters["id"])
        (view,) = kind.view(call, [thing])
        return list(view["tags"])

    def let_be(call: NetworkCall, tags: Iterable[str]) -> list[str]:
        assert kind.update is not None  # noqa: S101 - rules alone are never changed
        given: dict[str, Any] = {"tags": sorted(tags)}
        kind.update(call.service, context_of(call), call.parameters["id"], given)
        return list(given["tags"])

    def list_all(call: NetworkCall) -> Answer:
        return Answer(body={"tags": tags_of(call)})

    def replace_all(call: NetworkCall) -> Answer:
        return Answer(body={"tags": let_be(call, call.body["tags"])})

    def remove_all(call: NetworkCall) -> Answer:
        let_be(call, ())
        return Answer(204)

    def check(call: NetworkCall) -> Answer:
        if call.parameters["tag"] not in tags_of(call):
            raise NotFound("tag", call.parameters["tag"])
        return Answer(204)

    def add(call: NetworkCall) -> Answer:
        tag, tags = call.parameters["tag"], {*tags_of(call), call.parameters["tag"]}
        if "," in tag or len(tag) > _LONGEST or len(tags) > _MOST:
            told = f"one has at most {_LONGEST} characters and no comma, a resource {_MOST} of them"
            raise Invalid(f"tag {tag!r}: {told}")
        let_be(call, tags)
        return Answer(201)

    def remove(call: NetworkCall) -> Answer:
        check(call)
        let_be(call, [tag for tag in tags_of(call) if tag != call.parameters["tag"]])
        return Answer(204)

    told = kind.one.replace("_", " ")
    path = f"/v2.0/{kind.many.replace('_', '-')}/{{id}}/tags"
    found = []
    for method, where, handler, status, words in (
        ("GET", path, list_all, 200, f"List the tags of a {told}"),
        ("PUT", path, replace_all, 200, f"Let a {told} have these tags, and no others"),
        ("DELETE", path, remove_all, 204, f"Take all tags off a {told}"),
        ("GET", f"{path}/{{tag}}", check, 204, f"Tell whether a {told} has a tag"),
        ("PUT", f"{path}/{{tag}}", add, 201, f"Put a tag on a {told}"),
        ("DELETE", f"{path}/{{tag}}", remove, 204, f"Take a tag off a {told}"),
    ):
        handler.__doc__ = f"{words}."
        body = {(0, 0): SET_TAGS} if handler is replace_all else {}
        found.append(
            Route(method, where, handler, (status,), since=(0, 0), body=body, policy=anybody)
        )
    return tuple(found)


ROUTES: tuple[Route[NetworkClient], ...] = (
    *routes_of(NETWORKS),
    *routes_of(SUBNETS),
    *routes_of(PORTS),
    *routes_of(GROUPS),
)
