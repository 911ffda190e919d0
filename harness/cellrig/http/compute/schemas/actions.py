"""What may be said of actions of servers, each in a body of one member."""

from __future__ import annotations

from collections.abc import Mapping

from cellrig.http.checking import Schema
from cellrig.http.compute.schemas.parts import (
    DISK_CONFIG,
    FIRST,
    HOST,
    METADATA,
    NAME,
    TAG,
    TRUTH,
    UUID,
    Definition,
    Version,
    body,
    closed,
    number,
    stepped,
    wrapped,
)

_HOST_OR_NULL: Definition = {"anyOf": [HOST, {"type": "null"}]}
_ZONE: Definition = {"type": "string", "minLength": 1, "maxLength": 255}
_TRUTH_OR_AUTO: Definition = {"anyOf": [TRUTH, {"const": "auto"}]}

#: Any action: which there are is said one by one.
ANY = {FIRST: body({"type": "object", "minProperties": 1, "maxProperties": 1})}


def bare(name: str) -> dict[Version, Schema]:
    """Return the schema of an action that takes nothing; what comes with it is not looked at."""
    return {FIRST: body(closed({name: {}}, [name]))}


def nothing(name: str) -> dict[Version, Schema]:
    """Return the schema of an action that takes null."""
    return {FIRST: body(wrapped(name, {"type": "null"}))}


REBOOT = stepped(
    "reboot", {"type": {"enum": ["HARD", "Hard", "hard", "SOFT", "Soft", "soft"]}}, ["type"]
)
LOCK: Mapping[Version, Schema] = {
    **bare("lock"),
    (2, 73): body(
        wrapped(
            "lock",
            {
                "type": ["object", "null"],
                "properties": {
                    "locked_reason": {"type": "string", "minLength": 1, "maxLength": 255}
                },
                "additionalProperties": False,
            },
        )
    ),
}
RESIZE = stepped(
    "resize",
    {
        "flavorRef": {"type": ["string", "integer"], "minLength": 1, "maxLength": 255},
        "OS-DCF:diskConfig": DISK_CONFIG,
    },
    ["flavorRef"],
)
MIGRATE: Mapping[Version, Schema] = {
    **bare("migrate"),
    (2, 56): body(
        wrapped("migrate", {"anyOf": [{"type": "null"}, closed({"host": _HOST_OR_NULL})]})
    ),
}
LIVE_MIGRATE = stepped(
    "os-migrateLive",
    {"block_migration": TRUTH, "disk_over_commit": TRUTH, "host": _HOST_OR_NULL},
    ["block_migration", "disk_over_commit", "host"],
    {
        (2, 25): {"block_migration": _TRUTH_OR_AUTO, "disk_over_commit": None},
        (2, 30): {"force": TRUTH},
        (2, 68): {"force": None},
    },
)
EVACUATE = stepped(
    "evacuate",
    {"host": HOST, "onSharedStorage": TRUTH, "adminPass": {"type": "string"}},
    ["onSharedStorage"],
    {
        (2, 14): {"onSharedStorage": None},
        (2, 29): {"force": TRUTH},
        (2, 68): {"force": None},
    },
)
_UNSHELVE_ZONE = closed({"availability_zone": _ZONE}, ["availability_zone"])
_UNSHELVE_PLACE = closed(
    {"availability_zone": {"anyOf": [_ZONE, {"type": "null"}]}, "host": HOST}, minProperties=1
)
UNSHELVE: Mapping[Version, Schema] = {
    **bare("unshelve"),
    (2, 77): body(wrapped("unshelve", {"anyOf": [{"type": "null"}, _UNSHELVE_ZONE]})),
    (2, 91): body(wrapped("unshelve", {"anyOf": [{"type": "null"}, _UNSHELVE_PLACE]})),
}
RESCUE = {
    FIRST: body(
        wrapped(
            "rescue",
            {
                "type": ["object", "null"],
                "properties": {"adminPass": {"type": "string"}, "rescue_image_ref": UUID},
                "additionalProperties": False,
            },
        )
    )
}
RESET_STATE = stepped("os-resetState", {"state": {"enum": ["active", "error"]}}, ["state"])
CONSOLE_OUTPUT = stepped(
    "os-getConsoleOutput", {"length": {"anyOf": [number(-1), {"type": "null"}]}}
)
CREATE_IMAGE = stepped("createImage", {"name": NAME, "metadata": METADATA}, ["name"])
CREATE_BACKUP = stepped(
    "createBackup",
    {
        "name": NAME,
        "backup_type": {"type": "string"},
        "rotation": number(0),
        "metadata": METADATA,
    },
    ["name", "backup_type", "rotation"],
)
CHANGE_PASSWORD = stepped("changePassword", {"adminPass": {"type": "string"}}, ["adminPass"])
SECURITY_GROUP = {
    name: stepped(name, {"name": {"type": "string", "minLength": 1, "maxLength": 255}}, ["name"])
    for name in ("addSecurityGroup", "removeSecurityGroup")
}
CONSOLES = {
    name: stepped(name, {"type": {"type": "string"}}, ["type"])
    for name in (
        "os-getVNCConsole",
        "os-getSPICEConsole",
        "os-getRDPConsole",
        "os-getSerialConsole",
    )
}
REMOTE_CONSOLE = {
    (2, 6): body(
        wrapped(
            "remote_console",
            closed(
                {
                    "protocol": {"enum": ["vnc", "spice", "rdp", "serial", "mks"]},
                    "type": {
                        "enum": [
                            *("novnc", "xvpvnc", "spice-html5", "spice-direct"),
                            *("rdp-html5", "serial", "webmks"),
                        ]
                    },
                },
                ["protocol", "type"],
            ),
        )
    )
}

_VOLUME = {
    "volumeId": UUID,
    "device": {
        "type": ["string", "null"],
        "maxLength": 255,
        "pattern": r"^[a-zA-Z0-9._/-]*$",
    },
}
ATTACH = stepped(
    "volumeAttachment",
    _VOLUME,
    ["volumeId"],
    {(2, 49): {"tag": TAG}, (2, 79): {"delete_on_termination": TRUTH}},
)
UPDATE_ATTACHMENT = stepped(
    "volumeAttachment",
    _VOLUME,
    ["volumeId"],
    {
        (2, 85): {
            "delete_on_termination": TRUTH,
            "serverId": UUID,
            "id": UUID,
            "tag": {"anyOf": [TAG, {"type": "null"}]},
        }
    },
)
FORCE_COMPLETE = nothing("force_complete")
