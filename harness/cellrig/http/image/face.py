"""What the image face is: Image API v2, as far as clients need it."""

from __future__ import annotations

from typing import Any

from cellrig.context import RequestContext
from cellrig.http.calls import Call
from cellrig.http.error_forms import glance
from cellrig.http.errors import Refusal
from cellrig.http.faces import Face
from cellrig.http.versions import Version, VersionRange
from cellrig.image import ImageClient

#: The minor versions of the API that came one after the other; clients look for the last.
NEWEST = 17

#: `glance` as JSON Schema.
ERROR_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "message": {"type": "string"},
        "code": {"type": "string"},
        "title": {"type": "string"},
    },
    "required": ["message", "code", "title"],
    "additionalProperties": False,
}

FACE = Face(
    title="Image",
    versions=VersionRange("image", Version(2, NEWEST), Version(2, NEWEST)),
    error_body=glance,
    error_schema=ERROR_SCHEMA,
    microversioned=False,
    gives=("application/json", "application/octet-stream"),
)

ImageCall = Call[ImageClient]


def context_of(call: ImageCall) -> RequestContext:
    """Return the context of a request.

    Raises:
        Refusal: 403 for a token that is scoped to no project.
    """
    caller = call.caller
    if caller is None:
        raise Refusal(401, "a token is needed")
    if not caller.project_id:
        raise Refusal(403, "this takes a token that is scoped to a project")
    return RequestContext(call.request_id, caller.user_id, caller.project_id, caller.is_admin)
