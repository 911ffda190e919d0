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
#: Of each thing that metadata definitions are made of: what it is called in the path, itself and
#: many of them, and the texts that it has. There are none of them; clients ask what they would be.
_DEFINED = (
    ("namespace", "namespaces", "namespace", "namespaces", ("namespace", "display_name")),
    ("object", "objects", "object", "objects", ("name", "description")),
    ("property", "properties", "property", "properties", ("name", "title", "type")),
    ("tag", "tags", "tag", "tags", ("name",)),
    (
        *("resource_type", "resource_types"),
        *("resource_type_association", "resource_type_associations"),
        ("name", "prefix", "properties_target"),
    ),
)
_METADEFS: dict[str, dict[str, Any]] = {}
for _one, _many, _name, _names, _texts in _DEFINED:
    _METADEFS[_one] = {"name": _name, "properties": dict.fromkeys(_texts, _STRING)}
    _METADEFS[_many] = _several(_names, _METADEFS[_one])


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
