"""The compute face: Compute API v2.1 with its microversions, below ``/compute``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import falcon
from msgspec.structs import replace

from cellrig.compute.api import Surroundings
from cellrig.http.application import wsgi_application
from cellrig.http.auth import Authenticate, by_name
from cellrig.http.calls import Answer
from cellrig.http.compute import table_catalog, table_infrastructure, table_proxies, table_servers
from cellrig.http.compute.face import FACE
from cellrig.http.compute.service import ComputeApi, ComputeCall
from cellrig.http.routes import Route

T = TypeVar("T")

ROUTES: tuple[Route[ComputeApi], ...] = (
    *table_catalog.ROUTES,
    *table_servers.ROUTES,
    *table_infrastructure.ROUTES,
    *table_proxies.ROUTES,
)

__all__ = ["ROUTES", "RunRequest", "compute_application"]


class RunRequest(Protocol):
    """How requests are run; `cellrig.Rig.request` also waits for what they have started."""

    def __call__(self, function: Callable[[], T], name: str) -> T:
        """Run `function` as a task and return its result."""


def compute_application(
    around: Surroundings,
    prefix: str,
    *,
    run: RunRequest,
    new_uuid: Callable[[], str],
    authenticate: Authenticate = by_name,
) -> falcon.App[Any, Any]:
    """Build the WSGI application of the compute API; see `wsgi_application`.

    Args:
        around: the compute API's surroundings.
        prefix: path of its root.
        run: runs each request.
        new_uuid: makes the ids of requests.
        authenticate: tells whose token it is.
    """

    def as_task(route: Route[ComputeApi]) -> Route[ComputeApi]:
        handler = route.handler

        def handle(call: ComputeCall) -> Answer:
            return run(lambda: handler(call), f"{route.method} {route.path}")

        handle.__doc__ = handler.__doc__
        return replace(route, handler=handle)

    return wsgi_application(
        FACE,
        [as_task(route) for route in ROUTES],
        ComputeApi(around),
        prefix=prefix,
        now=around.runtime.now,
        new_uuid=new_uuid,
        authenticate=authenticate,
    )
