"""What may be said of actions of volumes and snapshots, each in a body of one member."""

from __future__ import annotations

from cellrig.http.volume.schemas.parts import (
    FIRST,
    ID,
    ID_OR_NULL,
    METADATA,
    NAME,
    TEXT_OR_NULL,
    TRUTH,
    Definition,
    body,
    closed,
    inside,
    wrapped,
)
from cellrig.http.volume.schemas.volumes import CONNECTOR, SIZE

#: Any action: which there are is said one by one.
ANY = {FIRST: body({"type": "object", "minProperties": 1, "maxProperties": 1})}

_STATUS: Definition = {"type": ["string", "null"], "maxLength": 255}

SCHEMAS = {
    "os-attach": inside(
        "os-attach",
        {
            "instance_uuid": ID_OR_NULL,
            "host_name": TEXT_OR_NULL,
            "mountpoint": TEXT_OR_NULL,
            "mode": {"enum": ["rw", "ro"]},
        },
    ),
    "os-detach": body(
        wrapped(
            "os-detach",
            {
                "type": ["object", "null"],
                "properties": {"attachment_id": ID_OR_NULL},
                "additionalProperties": False,
            },
        )
    ),
    "os-force_detach": inside(
        "os-force_detach", {"attachment_id": ID_OR_NULL, "connector": CONNECTOR}
    ),
    "os-initialize_connection": inside(
        "os-initialize_connection", {"connector": {**CONNECTOR, "type": "object"}}, ["connector"]
    ),
    "os-terminate_connection": inside(
        "os-terminate_connection",
        {"connector": CONNECTOR, "force": {"anyOf": [TRUTH, {"type": "null"}]}},
        ["connector"],
    ),
    "os-extend": inside("os-extend", {"new_size": SIZE}, ["new_size"]),
    "os-reset_status": body(
        wrapped(
            "os-reset_status",
            closed(
                {"status": _STATUS, "attach_status": _STATUS, "migration_status": _STATUS},
                minProperties=1,
            ),
        )
    ),
    "os-set_bootable": inside("os-set_bootable", {"bootable": TRUTH}, ["bootable"]),
    "os-update_readonly_flag": inside("os-update_readonly_flag", {"readonly": TRUTH}, ["readonly"]),
    "os-retype": inside(
        "os-retype",
        {"new_type": NAME, "migration_policy": {"enum": ["never", "on-demand", None]}},
        ["new_type"],
    ),
    "os-migrate_volume": inside(
        "os-migrate_volume",
        {
            "host": TEXT_OR_NULL,
            "cluster": TEXT_OR_NULL,
            "force_host_copy": TRUTH,
            "lock_volume": TRUTH,
        },
    ),
    "os-migrate_volume_completion": inside(
        "os-migrate_volume_completion", {"new_volume": ID, "error": TRUTH}, ["new_volume"]
    ),
    "os-set_image_metadata": inside("os-set_image_metadata", {"metadata": METADATA}, ["metadata"]),
    "os-unset_image_metadata": inside("os-unset_image_metadata", {"key": NAME}, ["key"]),
    "os-volume_upload_image": inside(
        "os-volume_upload_image",
        {
            "image_name": NAME,
            "force": TRUTH,
            "disk_format": {"enum": ["raw", "vmdk", "vdi", "qcow2", "vhd", "vhdx", "ploop", None]},
            "container_format": {"type": ["string", "null"], "maxLength": 255},
            "visibility": {"enum": ["public", "private", "shared", "community"]},
            "protected": TRUTH,
        },
        ["image_name"],
    ),
    "revert": inside("revert", {"snapshot_id": ID}, ["snapshot_id"]),
}

SNAPSHOT_SCHEMAS = {
    "os-reset_status": inside("os-reset_status", {"status": _STATUS}, ["status"]),
    "os-update_snapshot_status": inside(
        "os-update_snapshot_status",
        {"status": _STATUS, "progress": TEXT_OR_NULL},
        ["status"],
    ),
}
