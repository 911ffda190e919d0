"""The bodies that the identity face takes, as JSON Schema."""

from __future__ import annotations

from typing import Any

from cellrig.http.checking import Schema

_TEXT = {"type": ["string", "null"]}
_NAME = {"type": "string", "minLength": 1, "maxLength": 255}
_PASSWORD = {"type": ["string", "null"], "minLength": 1, "maxLength": 4096}
_REFERENCE: dict[str, Any] = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "name": {"type": "string"}},
    "anyOf": [{"required": ["id"]}, {"required": ["name"]}],
}
_IN_DOMAIN: dict[str, Any] = {
    "type": "object",
    "properties": {**_REFERENCE["properties"], "domain": _REFERENCE},
    "anyOf": [{"required": ["id"]}, {"required": ["name"]}],
}


def _body(name: str, properties: dict[str, Any], *required: str) -> Schema:
    return Schema(
        {
            "type": "object",
            "properties": {
                name: {
                    "type": "object",
                    "properties": properties,
                    "required": list(required),
                }
            },
            "required": [name],
        },
        refusal="the body does not fit",
        is_uuid=lambda value: isinstance(value, str),
    )


_COMMON = {"name": _NAME, "description": _TEXT, "enabled": {"type": "boolean"}}

AUTH = _body(
    "auth",
    {
        "identity": {
            "type": "object",
            "properties": {
                "methods": {
                    "type": "array",
                    "minItems": 1,
                    "items": {"enum": ["password", "token", "application_credential"]},
                },
                "password": {
                    "type": "object",
                    "properties": {
                        "user": {
                            **_IN_DOMAIN,
                            "properties": {
                                **_IN_DOMAIN["properties"],
                                "password": {"type": "string"},
                            },
                            "required": ["password"],
                        }
                    },
                    "required": ["user"],
                },
                "token": {
                    "type": "object",
                    "properties": {"id": {"type": "string"}},
                    "required": ["id"],
                },
                "application_credential": {
                    "type": "object",
                    "properties": {
                        "id": {"type": "string"},
                        "name": {"type": "string"},
                        "secret": {"type": "string"},
                        "user": _IN_DOMAIN,
                    },
                    "required": ["secret"],
                    "anyOf": [{"required": ["id"]}, {"required": ["name", "user"]}],
                },
            },
            "required": ["methods"],
            "allOf": [
                {
                    "if": {
                        "properties": {"methods": {"contains": {"const": method}}},
                        "required": ["methods"],
                    },
                    "then": {"required": [method]},
                }
                for method in ("password", "token", "application_credential")
            ],
        },
        "scope": {
            "oneOf": [
                {"const": "unscoped"},
                {
                    "type": "object",
                    "properties": {
                        "project": _IN_DOMAIN,
                        "domain": _REFERENCE,
                        "system": {"type": "object"},
                    },
                    "minProperties": 1,
                    "maxProperties": 1,
                },
            ]
        },
    },
    "identity",
)
CREATE_DOMAIN = _body("domain", _COMMON, "name")
UPDATE_DOMAIN = _body("domain", _COMMON)
_PROJECT = {**_COMMON, "domain_id": _TEXT, "parent_id": _TEXT, "is_domain": {"type": "boolean"}}
CREATE_PROJECT = _body("project", _PROJECT, "name")
UPDATE_PROJECT = _body("project", _PROJECT)
_USER = {
    **_COMMON,
    "domain_id": _TEXT,
    "default_project_id": _TEXT,
    "email": _TEXT,
    "password": _PASSWORD,
}
CREATE_USER = _body("user", _USER, "name")
UPDATE_USER = _body("user", _USER)
CHANGE_PASSWORD = _body(
    "user",
    {"password": {"type": "string", "minLength": 1}, "original_password": {"type": "string"}},
    "password",
    "original_password",
)
CREATE_ROLE = _body("role", {"name": _NAME, "description": _TEXT}, "name")
UPDATE_ROLE = _body("role", {"name": _NAME, "description": _TEXT})
CREATE_CREDENTIAL = _body(
    "application_credential",
    {
        "name": _NAME,
        "description": _TEXT,
        "secret": {"type": ["string", "null"]},
        "expires_at": _TEXT,
        "unrestricted": {"type": ["boolean", "null"]},
        "roles": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"id": {"type": "string"}, "name": {"type": "string"}},
            },
        },
    },
    "name",
)
