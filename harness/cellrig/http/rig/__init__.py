"""The control face: what a test does with a rig, for suites in other processes and languages."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import falcon

from cellrig.http.application import wsgi_application
from cellrig.http.auth import Authenticate
from cellrig.http.error_forms import API_SIG_SCHEMA, api_sig
from cellrig.http.faces import Face
from cellrig.http.routes import Route
from cellrig.http.versions import Version, VersionRange

#: Where it is below the server's root.
PREFIX = "/rig"

_FACE = Face(
    title="Control of a rig",
    versions=VersionRange("rig", Version(1, 0), Version(1, 0)),
    error_body=api_sig(Version(2, 0), ""),
    error_schema=API_SIG_SCHEMA,
    microversioned=False,
)


def control_application(
    routes: Iterable[Route[Any]],
    service: Any,
    *,
    now: Callable[[], float],
    new_uuid: Callable[[], str],
    authenticate: Authenticate,
) -> falcon.App[Any, Any]:
    """Build the WSGI application of the control face.

    Args:
        routes: what can be asked for.
        service: what their handlers call.
        now, new_uuid, authenticate: see `wsgi_application`.
    """
    return wsgi_application(
        _FACE,
        routes,
        service,
        prefix=PREFIX,
        now=now,
        new_uuid=new_uuid,
        authenticate=authenticate,
    )
