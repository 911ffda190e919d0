"""From an HTTP request to a `Call`, and from an `Answer` to an HTTP response."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Generic, NamedTuple, TypeVar
from urllib.parse import parse_qsl

import falcon
import msgspec
from falcon.constants import COMBINED_METHODS

from cellrig.http.calls import Answer, Call, Query
from cellrig.http.checking import Schema
from cellrig.http.errors import Refusal
from cellrig.http.faces import Face
from cellrig.http.paths import Methods
from cellrig.http.request_bodies import read_body
from cellrig.http.routes import Route
from cellrig.http.versions import Version, pick

S = TypeVar("S")

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Surroundings(NamedTuple, Generic[S]):
    """What all calls of one face have in common; see `wsgi_application`."""

    face: Face
    service: S
    prefix: str
    new_uuid: Callable[[], str]
    now: Callable[[], datetime]


def method_table(routes: Sequence[Route[S]], surroundings: Surroundings[S]) -> Methods:
    """Return what answers each method of one path."""
    allowed = sorted(route.method for route in routes)

    def refuse(req: falcon.Request, _resp: falcon.Response, **_parameters: str) -> None:
        raise falcon.HTTPMethodNotAllowed(
            allowed, description=f"{req.method} is not a method of {req.path}"
        )

    responders: dict[str, Callable[..., None]] = dict.fromkeys(COMBINED_METHODS, refuse)
    for route in routes:
        responders[route.method] = _responder(route, allowed, surroundings)
    return responders


def _responder(
    route: Route[S], allowed: list[str], surroundings: Surroundings[S]
) -> Callable[..., None]:
    face, service, prefix, new_uuid, now = surroundings

    def respond(req: falcon.Request, resp: falcon.Response, **parameters: str) -> None:
        version = req.context.version
        if not route.exists_in(version) or not all(parameters.values()):
            _refuse_unknown(req, route, allowed, version)
        query = parse_qsl(req.query_string, keep_blank_values=True)
        _authorize(req, route, query)
        call = Call(
            service,
            version,
            req.context.caller,
            parameters,
            _checked(query, pick(route.query, version)),
            _body(req, route, version),
            req.root_path + prefix,
            new_uuid,
            f"{req.scheme}://{req.netloc}",
            req.headers,
            req.context.request_id,
        )
        answer = route.handler(call)
        _write(answer, req, resp)
        if route.is_dated and face.dates_since is not None and version >= face.dates_since:
            resp.last_modified = now() if answer.updated_at is None else _date(answer.updated_at)
            resp.cache_control = ["no-cache"]

    return respond


def _date(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _refuse_unknown(
    req: falcon.Request, route: Route[Any], allowed: list[str], version: Any
) -> None:
    told = f"{route.method} {req.path} is not known in microversion {version}"
    if route.before == 405:
        raise falcon.HTTPMethodNotAllowed(
            [method for method in allowed if method != route.method], description=told
        )
    raise Refusal(404, told)


def _authorize(req: falcon.Request, route: Route[Any], query: Query) -> None:
    if route.policy is not None and not route.policy(req.context.caller, query):
        raise Refusal(403, f"{route.method} {route.path} is not allowed to {req.context.caller[0]}")


def _checked(query: Query, schema: Schema | None) -> Query:
    if schema is not None:
        schema.check(dict(query))
    return query


def _body(req: falcon.Request, route: Route[Any], version: Version) -> Any:
    """Read, decode and check the body where the route takes one; data is left to be read."""
    schema = pick(route.body, version)
    if req.content_length and not req.content_type:
        raise Refusal(400, "a request with a body needs the header Content-Type")
    if schema is None and route.takes == falcon.MEDIA_JSON:
        return None
    media_type = (req.content_type or "").partition(";")[0].strip().lower()
    if media_type != route.takes and media_type not in route.takes_too:
        raise Refusal(
            415, f"the body is of media type {req.content_type}; only {route.takes} is taken"
        )
    if schema is None:
        # What comes in chunks says where it ends; anything else has a length.
        return req.stream if req.get_header("Transfer-Encoding") else req.bounded_stream
    try:
        body = _decode(read_body(req))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal(400, f"Malformed JSON: {error}") from error
    schema.check(body)
    return body


def _write(answer: Answer, req: falcon.Request, resp: falcon.Response) -> None:
    resp.status = answer.status
    if answer.body is not None:
        resp.data = answer.body if isinstance(answer.body, bytes) else _encode(answer.body)
        resp.content_type = answer.media_type
    if answer.stream is not None:
        resp.stream = answer.stream
        resp.content_length = answer.length
        resp.content_type = answer.media_type
    for name, value in answer.headers.items():
        resp.set_header(name, value)
    if answer.location is not None:
        resp.location = f"{req.scheme}://{req.netloc}{answer.location}"
