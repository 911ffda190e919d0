"""What tells one REST face from another, besides its routes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import falcon
import msgspec

from cellrig.http.versions import Version, VersionRange

#: Makes the body for an error of the face or of the framework: the error, the request's id, the
#: microversion (None where none could be negotiated).
ErrorBody = Callable[[falcon.HTTPError, str, Version | None], bytes]


class Face(msgspec.Struct, frozen=True):
    """One REST face.

    Args:
        title: for people.
        versions: the microversions that it speaks.
        error_body: the form that its errors have.
        error_schema: that form, as JSON Schema.
        microversioned: whether requests choose a microversion; else all are answered in the lowest.
        request_id_headers: what the request's id is told in.
        legacy_header: an older header that carries the microversion alone, both ways.
        dates_since: from which microversion on answers carry ``Last-Modified`` and
            ``Cache-Control``; None for never.
        gives: the media types that answers have.
    """

    title: str
    versions: VersionRange
    error_body: ErrorBody
    error_schema: dict[str, Any]
    microversioned: bool = True
    legacy_header: str | None = None
    request_id_headers: tuple[str, ...] = ("x-openstack-request-id",)
    dates_since: Version | None = None
    gives: tuple[str, ...] = ("application/json",)
