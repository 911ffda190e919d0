"""The placement face: wire-compatible with OpenStack Placement, microversions 1.0 to 1.39.

Facts are those of the Placement API reference and its REST API Version History. Each noun has a
file of handlers here and a file of schemas in `schemas`; `table` says which path leads where.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

import falcon

from cellrig.http.application import wsgi_application
from cellrig.http.auth import Authenticate, by_name
from cellrig.http.placement.face import FACE
from cellrig.http.placement.table import ROUTES
from cellrig.placement import PlacementClient


def placement_application(
    placement: PlacementClient,
    prefix: str = "/placement",
    *,
    now: Callable[[], float] = time.time,
    new_uuid: Callable[[], str] = lambda: str(uuid.uuid4()),
    authenticate: Authenticate = by_name,
) -> falcon.App[Any, Any]:
    """Build the WSGI application of the placement API.

    Args:
        placement: who answers.
        prefix: path of the root; empty for ``/``. Links and ``Location`` begin with it.
        now: seconds since the epoch, for ``Last-Modified``; a rig gives its own clock.
        new_uuid: makes request ids, and uuids of providers created without one; a rig gives its
            own source.
        authenticate: tells whose token it is.

    Raises:
        ValueError: `prefix` does not begin with a slash, or ends with one.
    """
    return wsgi_application(
        FACE,
        ROUTES,
        placement,
        prefix=prefix,
        now=now,
        new_uuid=new_uuid,
        authenticate=authenticate,
    )
