"""The image face: Image API v2, below ``/image``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import falcon
from msgspec.structs import replace

from cellrig.http.application import wsgi_application
from cellrig.http.auth import Authenticate
from cellrig.http.calls import Answer
from cellrig.http.errors import Refusal
from cellrig.http.image.face import FACE, ImageCall
from cellrig.http.image.table import ROUTES
from cellrig.http.routes import Route
from cellrig.image import ImageClient
from cellrig.image.errors import ImageGone

T = TypeVar("T")

__all__ = ["ROUTES", "image_application"]


class RunRequest(Protocol):
    """How requests are run; see `cellrig.Rig.answer`."""

    def __call__(self, function: Callable[[], T], name: str) -> T:
        """Run `function` as a task and return its result."""


def image_application(
    images: ImageClient,
    prefix: str,
    *,
    run: RunRequest,
    now: Callable[[], float],
    new_uuid: Callable[[], str],
    authenticate: Authenticate,
) -> falcon.App[Any, Any]:
    """Build the WSGI application of the image API; see `wsgi_application`.

    Args:
        images: the image service.
        prefix: path of its root.
        run: runs each request.
        now, new_uuid, authenticate: as there.
    """

    def as_task(route: Route[ImageClient]) -> Route[ImageClient]:
        handler = route.handler

        def handle(call: ImageCall) -> Answer:
            try:
                return run(lambda: handler(call), f"{route.method} {route.path}")
            except ImageGone as error:
                raise Refusal(410, str(error)) from error

        handle.__doc__ = handler.__doc__
        return replace(route, handler=handle)

    return wsgi_application(
        FACE,
        [as_task(route) for route in ROUTES],
        images,
        prefix=prefix,
        now=now,
        new_uuid=new_uuid,
        authenticate=authenticate,
    )
