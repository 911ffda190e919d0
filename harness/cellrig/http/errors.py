"""Errors as clients see them: the API-SIG's form, ``{"errors": [{"status", "title", ...}]}``."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import falcon
import msgspec

from cellrig.errors import (
    CellrigError,
    CellUnavailable,
    Conflict,
    DatabaseUnavailable,
    Forbidden,
    Invalid,
    MessagingTimeout,
    NotFound,
)

_STATUS: tuple[tuple[type[CellrigError], int], ...] = (
    (Invalid, 400),
    (Forbidden, 403),
    (NotFound, 404),
    (Conflict, 409),
    (CellUnavailable, 503),
    (DatabaseUnavailable, 503),
    (MessagingTimeout, 503),
)


#: What `error_body` returns, as JSON Schema.
ERROR_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "errors": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "properties": {
                    "status": {"type": "integer"},
                    "title": {"type": "string"},
                    "detail": {"type": "string"},
                    "request_id": {"type": "string"},
                    "code": {"type": "string"},
                    "max_version": {"type": "string"},
                    "min_version": {"type": "string"},
                },
                "required": ["status", "title", "detail", "request_id"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["errors"],
    "additionalProperties": False,
}


class Refusal(falcon.HTTPError):
    """A request that a face itself refuses.

    Args:
        status: the HTTP status, 400 or more.
        detail: one sentence for the person who sent the request.
        stable_code: the API's code for the error; None where it has none of its own.
        more: further fields of the body.
    """

    def __init__(
        self, status: int, detail: str, *, stable_code: str | None = None, **more: str
    ) -> None:
        super().__init__(status, title=HTTPStatus(status).phrase, description=detail)
        self.stable_code = stable_code
        self.more = more


def refusal_of(error: CellrigError) -> Refusal | None:
    """Return how a failure of a service is told to clients; None for one that is our own fault.

    What the path names and is not there has no code of its own: the status says it all.
    """
    for kind, status in _STATUS:
        if isinstance(error, kind):
            code = None if status == 404 else getattr(error, "code", None)
            return Refusal(status, str(error), stable_code=code)
    return None


def error_body(error: falcon.HTTPError, request_id: str, default_code: str | None) -> bytes:
    """Return the body for an error.

    Args:
        error: of the face or of the framework.
        request_id: as in the header.
        default_code: the code of errors that have none; None where this microversion has no codes.
    """
    status = error.status_code
    told: dict[str, Any] = {
        "status": status,
        "title": HTTPStatus(status).phrase,
        "detail": error.description or HTTPStatus(status).description,
        "request_id": request_id,
    }
    if default_code is not None:
        told["code"] = getattr(error, "stable_code", None) or default_code
    if isinstance(error, Refusal):
        told |= error.more
    return msgspec.json.encode({"errors": [told]})
