"""The identity face: Identity API v3, as far as clients and their suites need it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import falcon

from cellrig.http.application import wsgi_application
from cellrig.http.auth import Authenticate
from cellrig.http.error_forms import NAMED_SCHEMA, keystone
from cellrig.http.faces import Face
from cellrig.http.identity.directory import Directory
from cellrig.http.identity.table import ROUTES
from cellrig.http.versions import Version, VersionRange

FACE = Face(
    title="Identity",
    versions=VersionRange("identity", Version(3, 14), Version(3, 14)),
    error_body=keystone,
    error_schema=NAMED_SCHEMA,
    microversioned=False,
)


def identity_application(
    directory: Directory,
    prefix: str,
    *,
    now: Callable[[], float],
    new_uuid: Callable[[], str],
    authenticate: Authenticate,
) -> falcon.App[Any, Any]:
    """Build the WSGI application of the identity API; see `wsgi_application`."""
    return wsgi_application(
        FACE,
        ROUTES,
        directory,
        prefix=prefix,
        now=now,
        new_uuid=new_uuid,
        authenticate=authenticate,
    )
