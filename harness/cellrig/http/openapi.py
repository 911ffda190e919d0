"""The OpenAPI 3.1 description of a face at one microversion, made from its routes.

OpenAPI has no word for microversions, so there is one description for each: it has the routes that
this microversion knows, with the parameters and bodies that it takes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from cellrig.http.auth import TOKEN_HEADER
from cellrig.http.checking import Schema
from cellrig.http.faces import Face
from cellrig.http.routes import Route
from cellrig.http.uuids import is_dashed_uuid
from cellrig.http.versions import HEADER, Version, pick

#: What the description itself is asked with.
DESCRIPTION_QUERY = Schema(
    {
        "type": "object",
        "properties": {
            "microversion": {"type": "string", "pattern": r"^(latest|[0-9]{1,4}\.[0-9]{1,4})$"}
        },
        "additionalProperties": False,
    },
    refusal="Invalid query string parameters",
    is_uuid=is_dashed_uuid,
)

#: What a route may answer when it refuses.
_REFUSALS = ("400", "401", "403", "404", "405", "406", "409", "413", "415")

_SUFFIXED = re.compile(r"\^(\w+)\(.*\)\?\$")


def describe(
    face: Face, routes: Iterable[Route[Any]], prefix: str, version: Version
) -> dict[str, Any]:
    """Return the description.

    Args:
        face: what is described.
        routes: all of it.
        prefix: path of its root.
        version: the microversion that every request is made in.
    """
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        if route.exists_in(version):
            operations = paths.setdefault(prefix + route.path or "/", {})
            operations[route.method.lower()] = _operation(face, route, version)
    return {
        "openapi": "3.1.0",
        "info": {"title": face.title, "version": str(version)},
        "paths": paths,
        "components": {
            "schemas": {"Errors": face.error_schema},
            "securitySchemes": {"token": {"type": "apiKey", "in": "header", "name": TOKEN_HEADER}},
        },
    }


def _operation(face: Face, route: Route[Any], version: Version) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": f"{route.method} {route.path}",
        "summary": (route.handler.__doc__ or "").partition("\n")[0],
        "parameters": [
            *_path_parameters(route),
            *_query_parameters(pick(route.query, version)),
            _version_parameter(face, route, version),
        ],
        "responses": {str(status): _response(status, route.gives) for status in route.statuses},
        "security": [] if route.policy is None else [{"token": []}],
    }
    refused = {"schema": {"$ref": "#/components/schemas/Errors"}}
    for status in _REFUSALS:
        found["responses"][status] = {
            "description": "refused",
            "content": {"application/json": refused},
        }
    body = pick(route.body, version)
    if body is not None:
        found["requestBody"] = {
            "required": True,
            "content": {
                media_type: {"schema": body.definition}
                for media_type in (route.takes, *route.takes_too)
            },
        }
    elif route.takes != "application/json":
        found["requestBody"] = {"required": True, "content": {route.takes: {}}}
    return found


def _response(status: int, media_type: str) -> dict[str, Any]:
    """Return what is promised of a success: 200 has a body, 201 may have one, 204 has none."""
    if status != 200:
        return {"description": "done"}
    content = {"schema": {"type": "object"}} if media_type == "application/json" else {}
    return {"description": "done", "content": {media_type: content}}


def _path_parameters(route: Route[Any]) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": _segment(name)}
        for name in re.findall(r"{(\w+)}", route.path)
    ]


def _segment(name: str) -> dict[str, Any]:
    if name.endswith("uuid"):
        return {"type": "string", "format": "uuid"}
    return {"type": "string", "minLength": 1}


def _query_parameters(schema: Schema | None) -> list[dict[str, Any]]:
    """Return the parameters that a query schema names; of suffixed ones the bare name and one."""
    if schema is None:
        return []
    required = schema.definition.get("required", [])
    named = dict(schema.definition["properties"])
    for pattern, one in schema.definition.get("patternProperties", {}).items():
        match = _SUFFIXED.fullmatch(pattern)
        if match:
            named |= {match[1]: one, f"{match[1]}1": one}
    return [
        {"name": name, "in": "query", "required": name in required, "schema": one}
        for name, one in named.items()
    ]


def _version_parameter(face: Face, route: Route[Any], version: Version) -> dict[str, Any]:
    """Return the header without which a request is one of the lowest microversion."""
    versions = face.versions
    return {
        "name": HEADER,
        "in": "header",
        "required": route.policy is not None and version != versions.lowest,
        "schema": {"type": "string", "enum": [f"{versions.service_type} {version}"]},
    }
