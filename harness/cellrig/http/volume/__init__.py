"""The block storage face: Block Storage API v3 with its microversions, below ``/volume``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import falcon
from msgspec.structs import replace

from cellrig.http.application import wsgi_application
from cellrig.http.auth import Authenticate, by_name
from cellrig.http.calls import Answer
from cellrig.http.routes import Route
from cellrig.http.volume import root, table_infrastructure, table_types, table_volumes
from cellrig.http.volume.face import FACE
from cellrig.http.volume.service import VolumeCall
from cellrig.volume.api import StorageApi

T = TypeVar("T")

_V = "/v3"
_VERSIONS: tuple[Route[StorageApi], ...] = (
    *(Route("GET", path, root.list_versions, (300,), policy=None) for path in ("", "/")),
    *(Route("GET", path, root.show_version, (200,), policy=None) for path in (_V, f"{_V}/")),
)
_OF_PROJECTS = (*table_volumes.ROUTES, *table_types.ROUTES, *table_infrastructure.ROUTES)

#: All of it; every path is there with the project's id and without (3.67).
ROUTES: tuple[Route[StorageApi], ...] = (
    *_VERSIONS,
    *(
        replace(route, path=f"{before}{route.path}")
        for before in (_V, f"{_V}/{{project_id}}")
        for route in _OF_PROJECTS
    ),
)

__all__ = ["ROUTES", "RunRequest", "volume_application"]


class RunRequest(Protocol):
    """How requests are run; `cellrig.Rig.answer` also waits for what they have started."""

    def __call__(self, function: Callable[[], T], name: str) -> T:
        """Run `function` as a task and return its result."""


def volume_application(
    api: StorageApi,
    prefix: str,
    *,
    run: RunRequest,
    new_uuid: Callable[[], str],
    authenticate: Authenticate = by_name,
) -> falcon.App[Any, Any]:
    """Build the WSGI application of the block storage API; see `wsgi_application`.

    Args:
        api: block storage's operations.
        prefix: path of its root.
        run: runs each request.
        new_uuid: makes the ids of requests.
        authenticate: tells whose token it is.
    """

    def as_task(route: Route[StorageApi]) -> Route[StorageApi]:
        handler = route.handler

        def handle(call: VolumeCall) -> Answer:
            return run(lambda: handler(call), f"{route.method} {route.path}")

        handle.__doc__ = handler.__doc__
        return replace(route, handler=handle)

    return wsgi_application(
        FACE,
        [as_task(route) for route in ROUTES],
        api,
        prefix=prefix,
        now=api.runtime.now,
        new_uuid=new_uuid,
        authenticate=authenticate,
    )
