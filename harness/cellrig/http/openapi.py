"""The OpenAPI 3.1 description of a face, made from its routes at its highest microversion."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from cellrig.http.auth import TOKEN_HEADER
from cellrig.http.checking import Schema
from cellrig.http.errors import ERROR_SCHEMA
from cellrig.http.faces import Face
from cellrig.http.routes import Route
from cellrig.http.versions import HEADER, pick

#: What a route may answer when it refuses.
_REFUSALS = ("400", "401", "403", "404", "405", "406", "409", "415")

_SUFFIXED = re.compile(r"\^(\w+)\(.*\)\?\$")


def describe(face: Face, routes: Iterable[Route[Any]], prefix: str) -> dict[str, Any]:
    """Return the description.

    Args:
        face: what is described.
        routes: all of it.
        prefix: path of its root.
    """
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        operations = paths.setdefault(prefix + route.path or "/", {})
        operations[route.method.lower()] = _operation(face, route)
    return {
        "openapi": "3.1.0",
        "info": {"title": face.title, "version": str(face.versions.highest)},
        "paths": paths,
        "components": {
            "schemas": {"Errors": ERROR_SCHEMA},
            "securitySchemes": {"token": {"type": "apiKey", "in": "header", "name": TOKEN_HEADER}},
        },
    }


def _operation(face: Face, route: Route[Any]) -> dict[str, Any]:
    version = face.versions.highest
    found: dict[str, Any] = {
        "operationId": f"{route.method} {route.path}",
        "summary": (route.handler.__doc__ or "").partition("\n")[0],
        "parameters": [
            *_path_parameters(route),
            *_query_parameters(pick(route.query, version)),
            _version_parameter(face),
        ],
        "responses": {str(status): _response(route, status) for status in route.statuses},
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
            "content": {"application/json": {"schema": body.definition}},
        }
    return found


def _response(route: Route[Any], status: int) -> dict[str, Any]:
    if status == 204 or (route.method == "POST" and status == 201):
        return {"description": "done"}
    return {"description": "done", "content": {"application/json": {"schema": {"type": "object"}}}}


def _path_parameters(route: Route[Any]) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", route.path)
    ]


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


def _version_parameter(face: Face) -> dict[str, Any]:
    versions = face.versions
    return {
        "name": HEADER,
        "in": "header",
        "required": False,
        "schema": {"enum": [f"{versions.service_type} {versions.highest}"]},
    }
