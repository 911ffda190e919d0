"""The page at ``/``: what a served rig is made of and what happens in it, for people."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from cellrig.http.application import wsgi_application
from cellrig.http.auth import Authenticate
from cellrig.http.error_forms import API_SIG_SCHEMA, api_sig
from cellrig.http.faces import Face
from cellrig.http.front_door import Application, behind
from cellrig.http.page.happenings import Happenings
from cellrig.http.page.overview import Overview
from cellrig.http.page.table import ROUTES
from cellrig.http.versions import Version, VersionRange

if TYPE_CHECKING:
    from cellrig.rig import Rig

_FACE = Face(
    title="Overview of a rig",
    versions=VersionRange("page", Version(1, 0), Version(1, 0)),
    error_body=api_sig(Version(2, 0), ""),
    error_schema=API_SIG_SCHEMA,
    microversioned=False,
)


def with_page(rig: Rig, application: Application, authenticate: Authenticate) -> Application:
    """Return `application` with the page at ``/`` beside it.

    Args:
        rig: which has been started; what happens in it is noted from now on.
        application: answers everything else.
        authenticate: tells whose token it is; the page's data is for administrators.
    """
    happenings = Happenings(rig.runtime)
    rig.plugins.register(happenings, name="page: happenings")
    page = wsgi_application(
        _FACE,
        ROUTES,
        Overview(rig, happenings),
        prefix="",
        now=rig.runtime.now,
        new_uuid=lambda: str(uuid.uuid4()),
        authenticate=authenticate,
    )
    return behind({"": page, "page": page}, otherwise=application)
