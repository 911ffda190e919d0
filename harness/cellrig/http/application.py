"""From a table of routes to a WSGI application. Nothing else here knows the framework."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, TypeVar

import falcon

from cellrig.errors import CellrigError
from cellrig.http.auth import Authenticate, by_name
from cellrig.http.calls import Answer, Call
from cellrig.http.errors import refusal_of
from cellrig.http.faces import Face
from cellrig.http.middleware import Admission
from cellrig.http.openapi import DESCRIPTION_QUERY, describe
from cellrig.http.paths import Paths
from cellrig.http.responders import Surroundings, method_table
from cellrig.http.routes import Route
from cellrig.http.versions import negotiate

S = TypeVar("S")

#: Where the OpenAPI description is, below the root.
DESCRIPTION_PATH = "/openapi.json"


def wsgi_application(
    face: Face,
    routes: Iterable[Route[S]],
    service: S,
    *,
    prefix: str,
    now: Callable[[], float],
    new_uuid: Callable[[], str],
    authenticate: Authenticate = by_name,
) -> falcon.App[Any, Any]:
    """Build the WSGI application of a face.

    Args:
        face: what it is.
        routes: all of it.
        service: what its handlers call.
        prefix: path of its root, for example ``/placement``; empty for ``/``.
        now: seconds since the epoch.
        new_uuid: makes the uuids of requests, and of what clients create without one.
        authenticate: tells whose token it is.

    Raises:
        ValueError: `prefix` does not begin with a slash, or ends with one.
    """
    if prefix and (not prefix.startswith("/") or prefix.endswith("/")):
        raise ValueError(f"prefix is {prefix!r}; it is empty, or begins and does not end with /")
    told = list(routes)

    def show_description(call: Call[S]) -> Answer:
        """Describe this API in OpenAPI's form, at the microversion of the query or the highest."""
        wanted = call.single("microversion") or "latest"
        version = negotiate(face.versions, f"{face.versions.service_type} {wanted}")
        return Answer(body=describe(face, told, prefix, version))

    query = {(0, 0): DESCRIPTION_QUERY}
    told.append(Route("GET", DESCRIPTION_PATH, show_description, (200,), query=query, policy=None))
    paths: dict[str, list[Route[S]]] = {}
    for route in told:
        paths.setdefault(route.path, []).append(route)
    public = {
        prefix + path or "/": frozenset(r.method for r in found if r.policy is not None)
        for path, found in paths.items()
        if not all(r.policy for r in found)
    }
    # The framework takes any router that can add and find; its types name its own alone.
    router: Any = Paths()
    application = falcon.App(
        middleware=[Admission(face, prefix, public, new_uuid, authenticate)], router=router
    )
    # An answer without a body has no media type either.
    application.resp_options.default_media_type = None  # type: ignore[assignment]
    application.set_error_serializer(_serializer(face))
    application.add_error_handler(CellrigError, _tell)
    surroundings = Surroundings(
        face, service, prefix, new_uuid, lambda: datetime.fromtimestamp(now(), UTC)
    )
    for path, found in paths.items():
        if prefix or path:  # at the root of the server the empty path is the slash
            application.add_route(prefix + path, method_table(found, surroundings))
    return application


def _serializer(
    face: Face,
) -> Callable[[falcon.Request, falcon.Response, falcon.HTTPError], None]:
    def serialize(req: falcon.Request, resp: falcon.Response, error: falcon.HTTPError) -> None:
        context = req.context
        resp.data = face.error_body(error, context.request_id, context.version)
        resp.content_type = falcon.MEDIA_JSON

    return serialize


def _tell(
    _req: falcon.Request, _resp: falcon.Response, error: CellrigError, _parameters: dict[str, Any]
) -> None:
    refusal = refusal_of(error)
    raise error if refusal is None else refusal
