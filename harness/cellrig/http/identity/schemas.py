"""The bodies that the identity face takes, as JSON Schema."""

from __future__ import annotations

from typing import Any

from cellrig.http.checking import Schema

_TEXT = {"type": ["string", "null"]}
_NAME = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "\\S"}
#: Of domains and projects.
_SHORT_NAME = {**_NAME, "maxLength": 64}
_FLAG = {"type": "boolean"}
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
_DOMAIN = {**_COMMON, "name": _SHORT_NAME}
CREATE_DOMAIN = _body("domain", _DOMAIN, "name")
UPDATE_DOMAIN = _body("domain", _DOMAIN)
_TAGS = {
    "type": "array",
    "items": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[^,/]*$"},
    "maxItems": 80,
    "uniqueItems": True,
}
_PROJECT = {
    **_DOMAIN,
    "domain_id": _TEXT,
    "parent_id": _TEXT,
    "is_domain": _FLAG,
    "tags": _TAGS,
}
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
_GROUP = {"name": _NAME, "description": _TEXT, "domain_id": _TEXT}
CREATE_GROUP = _body("group", _GROUP, "name")
UPDATE_GROUP = _body("group", _GROUP)
CREATE_ROLE = _body("role", {"name": _NAME, "description": _TEXT, "domain_id": _TEXT}, "name")
UPDATE_ROLE = _body("role", {"name": _NAME, "description": _TEXT})
SET_TAGS = Schema(
    {"type": "object", "properties": {"tags": _TAGS}, "required": ["tags"]},
    refusal="the body does not fit",
    is_uuid=lambda value: isinstance(value, str),
)
CREATE_CREDENTIAL = _body(
    "application_credential",
    {
        "name": _NAME,
        "description": _TEXT,
        "secret": {"type": ["string", "null"]},
        "expires_at": _TEXT,
        "unrestricted": {"type": ["boolean", "null"]},
        "access_rules": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "id": {"type": "string"},
                    "service": {"type": "string", "minLength": 1, "maxLength": 255},
                    "method": {"enum": ["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"]},
                    "path": {"type": "string", "pattern": "^/", "maxLength": 255},
                },
                "anyOf": [{"required": ["id"]}, {"required": ["service", "method", "path"]}],
                "additionalProperties": False,
            },
        },
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

_SECRET = {
    "type": _NAME,
    "blob": {"type": "string"},
    "user_id": {"type": "string"},
    "project_id": _TEXT,
}
CREATE_SECRET = _body("credential", _SECRET, "type", "blob", "user_id")
UPDATE_SECRET = _body("credential", {"type": _NAME, "blob": {"type": "string"}})

_SERVICE = {"type": _NAME, "name": _NAME, "description": _TEXT, "enabled": _FLAG}
CREATE_SERVICE = _body("service", _SERVICE, "type")
UPDATE_SERVICE = _body("service", _SERVICE)
_ENDPOINT = {
    "service_id": {"type": "string"},
    "interface": {"enum": ["public", "internal", "admin"]},
    "url": _NAME,
    "region": _TEXT,
    "region_id": _TEXT,
    "enabled": _FLAG,
}
CREATE_ENDPOINT = _body("endpoint", _ENDPOINT, "service_id", "interface", "url")
UPDATE_ENDPOINT = _body("endpoint", _ENDPOINT)
_REGION = {"id": {"type": "string", "maxLength": 255}, "description": _TEXT}
_REGION["parent_region_id"] = _TEXT
CREATE_REGION = _body("region", _REGION)
UPDATE_REGION = _body("region", _REGION)
_POLICY = {"type": _NAME, "blob": {"type": "string"}}
CREATE_POLICY = _body("policy", _POLICY, "type", "blob")
UPDATE_POLICY = _body("policy", _POLICY)
_ENDPOINT_GROUP = {"name": _NAME, "description": _TEXT, "filters": {"type": "object"}}
CREATE_ENDPOINT_GROUP = _body("endpoint_group", _ENDPOINT_GROUP, "name", "filters")
UPDATE_ENDPOINT_GROUP = _body("endpoint_group", _ENDPOINT_GROUP)
