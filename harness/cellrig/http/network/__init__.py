"""The network face: Networking API v2.0, below ``/network``, as far as booting servers needs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import falcon
from msgspec.structs import replace

from cellrig.errors import CellrigError, NotFound
from cellrig.http.application import wsgi_application
from cellrig.http.auth import Authenticate
from cellrig.http.calls import Answer
from cellrig.http.error_forms import NAMED_SCHEMA, neutron
from cellrig.http.errors import Refusal, refusal_of
from cellrig.http.faces import Face
from cellrig.http.network import others, resources, tags
from cellrig.http.network.service import NetworkCall
from cellrig.http.routes import Route
from cellrig.http.versions import Version, VersionRange
from cellrig.network.client import NetworkClient

T = TypeVar("T")

FACE = Face(
    title="Networking",
    versions=VersionRange("network", Version(2, 0), Version(2, 0)),
    error_body=neutron,
    error_schema=NAMED_SCHEMA,
    microversioned=False,
)

ROUTES: tuple[Route[NetworkClient], ...] = (
    *others.ROUTES,
    *resources.ROUTES,
    *tags.ROUTES,
)


class RunRequest(Protocol):
    """How requests are run; `cellrig.Rig.answer`."""

    def __call__(self, function: Callable[[], T], name: str) -> T:
        """Run `function` as a task and return its result."""


def network_application(
    networks: NetworkClient,
    prefix: str,
    *,
    run: RunRequest,
    now: Callable[[], float],
    new_uuid: Callable[[], str],
    authenticate: Authenticate,
) -> falcon.App[Any, Any]:
    """Build the WSGI application of the network API; see `wsgi_application`.

    Args:
        networks: the network service.
        prefix: path of its root.
        run: runs each request.
        now, new_uuid, authenticate: see `wsgi_application`.
    """

    def as_task(route: Route[NetworkClient]) -> Route[NetworkClient]:
        handler = route.handler

        def handle(call: NetworkCall) -> Answer:
            try:
                return run(lambda: handler(call), f"{route.method} {route.path}")
            except CellrigError as error:
                raise _named(error) from error

        handle.__doc__ = handler.__doc__
        return replace(route, handler=handle)

    return wsgi_application(
        FACE,
        [as_task(route) for route in ROUTES],
        networks,
        prefix=prefix,
        now=now,
        new_uuid=new_uuid,
        authenticate=authenticate,
    )


def _named(error: CellrigError) -> Exception:
    """Return a failure with the type that clients of the API know it by."""
    refusal = refusal_of(error)
    if refusal is None:
        return error
    code = getattr(error, "code", None)
    if code is None and isinstance(error, NotFound):
        code = "".join(word.capitalize() for word in error.kind.split()) + "NotFound"
    return Refusal(refusal.status_code, str(error), stable_code=code)
