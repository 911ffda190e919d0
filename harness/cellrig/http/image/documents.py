"""The JSON Schemas that the image API tells of itself, below ``/v2/schemas``."""

from __future__ import annotations

from typing import Any

from cellrig.http.calls import Answer
from cellrig.http.errors import Refusal
from cellrig.http.image.face import ImageCall
from cellrig.http.image.schemas import SETTABLE, TOLD

_STRING = {"type": "string"}


def _read_only(properties: dict[str, Any]) -> dict[str, Any]:
    return {name: {**one, "readOnly": True} for name, one in properties.items()}


_IMAGE: dict[str, Any] = {
    "name": "image",
    "properties": {
        "id": {**_STRING, "description": "A uuid."},
        **SETTABLE,
        **_read_only(TOLD),
    },
    "additionalProperties": _STRING,
    "links": [
        {"rel": "self", "href": "{self}"},
        {"rel": "enclosure", "href": "{file}"},
        {"rel": "describedby", "href": "{schema}"},
    ],
}
_MEMBER: dict[str, Any] = {
    "name": "member",
    "properties": {
        "image_id": _STRING,
        "member_id": _STRING,
        "status": {"enum": ["pending", "accepted", "rejected"]},
        "created_at": _STRING,
        "updated_at": _STRING,
        "schema": {**_STRING, "readOnly": True},
    },
}
_TASK: dict[str, Any] = {
    "name": "task",
    "properties": dict.fromkeys(
        ("id", "type", "status", "owner", "created_at", "updated_at"), _STRING
    ),
}
_NAMESPACE: dict[str, Any] = {
    "name": "namespace",
    "properties": dict.fromkeys(("namespace", "display_name", "description"), _STRING),
}


def _several(name: str, one: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "properties": {
            name: {"type": "array", "items": one},
            "first": _STRING,
            "next": _STRING,
            "schema": _STRING,
        },
        "links": [
            {"rel": "first", "href": "{first}"},
            {"rel": "next", "href": "{next}"},
            {"rel": "describedby", "href": "{schema}"},
        ],
    }


_DOCUMENTS: dict[str, dict[str, Any]] = {
    "image": _IMAGE,
    "images": _several("images", _IMAGE),
    "member": _MEMBER,
    "members": _several("members", _MEMBER),
    "task": _TASK,
    "tasks": _several("tasks", _TASK),
}
_METADEFS: dict[str, dict[str, Any]] = {
    "namespace": _NAMESPACE,
    "namespaces": _several("namespaces", _NAMESPACE),
}


def show_schema(call: ImageCall) -> Answer:
    """Show the schema of something that the API answers."""
    return _shown(_DOCUMENTS, call.parameters["name"])


def show_metadef_schema(call: ImageCall) -> Answer:
    """Show the schema of a metadata definition."""
    return _shown(_METADEFS, call.parameters["name"])


def _shown(documents: dict[str, dict[str, Any]], name: str) -> Answer:
    if name not in documents:
        raise Refusal(404, f"there is no schema {name!r}; there are: {', '.join(documents)}")
    return Answer(body=documents[name])
