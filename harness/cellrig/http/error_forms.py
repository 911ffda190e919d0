"""The forms in which the field's services tell errors. Each face has one of them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import falcon
import msgspec

from cellrig.http.errors import Refusal
from cellrig.http.faces import ErrorBody
from cellrig.http.versions import Version

#: What compute and block storage call a status (their ``badRequest`` and the rest).
_FAULTS = {
    400: "badRequest",
    401: "unauthorized",
    403: "forbidden",
    404: "itemNotFound",
    405: "badMethod",
    406: "notAcceptable",
    409: "conflictingRequest",
    410: "gone",
    413: "overLimit",
    415: "badMediaType",
    429: "overLimit",
    501: "notImplemented",
    503: "serviceUnavailable",
}

#: `api_sig` as JSON Schema.
API_SIG_SCHEMA: dict[str, Any] = {
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

#: `fault`, `keystone` and `neutron` as JSON Schema: one member, with the words in it.
NAMED_SCHEMA: dict[str, Any] = {
    "type": "object",
    "minProperties": 1,
    "additionalProperties": {
        "type": "object",
        "properties": {"code": {"type": "integer"}, "message": {"type": "string"}},
        "required": ["message"],
    },
}


def api_sig(codes_since: Version, default_code: str) -> ErrorBody:
    """Return the API-SIG's form: ``{"errors": [{"status", "title", "detail", ...}]}``.

    Args:
        codes_since: from which microversion on errors carry a stable code.
        default_code: the code of errors that have none of their own.
    """

    def body(error: falcon.HTTPError, request_id: str, version: Version | None) -> bytes:
        told: dict[str, Any] = {
            "status": error.status_code,
            "title": HTTPStatus(error.status_code).phrase,
            "detail": _detail(error),
            "request_id": request_id,
        }
        if version is not None and version >= codes_since:
            told["code"] = getattr(error, "stable_code", None) or default_code
        if isinstance(error, Refusal):
            told |= error.more
        return msgspec.json.encode({"errors": [told]})

    return body


def fault(error: falcon.HTTPError, request_id: str, version: Version | None) -> bytes:
    """Return the form of compute and block storage: ``{"badRequest": {"code", "message"}}``.

    A microversion that cannot be had is told in the API-SIG's form beside it, as clients that
    negotiate expect it.
    """
    code = error.status_code
    name = _FAULTS.get(code, "computeFault")
    told: dict[str, Any] = {name: {"code": code, "message": _detail(error)}}
    if isinstance(error, Refusal) and error.more and code == 406:
        return api_sig(Version(0, 0), name)(error, request_id, None)
    return msgspec.json.encode(told)


def keystone(error: falcon.HTTPError, _request_id: str, _version: Version | None) -> bytes:
    """Return the identity service's form: ``{"error": {"code", "message", "title"}}``."""
    code = error.status_code
    told = {"code": code, "message": _detail(error), "title": HTTPStatus(code).phrase}
    return msgspec.json.encode({"error": told})


def neutron(error: falcon.HTTPError, _request_id: str, _version: Version | None) -> bytes:
    """Return the network service's form: ``{"NeutronError": {"type", "message", "detail"}}``."""
    title = HTTPStatus(error.status_code).phrase.replace(" ", "")
    kind = getattr(error, "stable_code", None) or f"HTTP{title}"
    told = {"type": kind, "message": _detail(error), "detail": ""}
    return msgspec.json.encode({"NeutronError": told})


def glance(error: falcon.HTTPError, _request_id: str, _version: Version | None) -> bytes:
    """Return a form that the image service's clients read: ``{"message", "code", "title"}``."""
    code = error.status_code
    told = {"message": _detail(error), "code": f"{code} {HTTPStatus(code).phrase}"}
    return msgspec.json.encode({**told, "title": HTTPStatus(code).phrase})


def _detail(error: falcon.HTTPError) -> str:
    return error.description or HTTPStatus(error.status_code).description
