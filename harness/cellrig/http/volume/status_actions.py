"""Actions that change what a volume is: its size, its type, its status, its place."""

from __future__ import annotations

from cellrig.errors import Invalid
from cellrig.http.calls import Answer
from cellrig.http.compute.schemas.parts import true, whole
from cellrig.http.errors import Refusal
from cellrig.http.volume.service import VolumeCall, context_of, shown_by_status
from cellrig.http.volume.volumes import found_volume
from cellrig.volume.types import VolumeStatus

_EXTENDS_IN_USE = (3, 42)
_MAX_SIZE = 0x7FFFFFFF


def extend(call: VolumeCall) -> Answer:
    """Let a volume grow; from 3.42 on also one that is in use, which compute is told."""
    size = whole(call.body["os-extend"]["new_size"], "new_size", 1, _MAX_SIZE)
    volume = found_volume(call)
    if volume.status is VolumeStatus.IN_USE and call.version < _EXTENDS_IN_USE:
        raise Refusal(400, f"volume {volume.id} is in-use: it is extended from 3.42 on")
    with shown_by_status(call):
        call.service.volumes.extend(context_of(call), volume.id, size)
    return Answer(202)


def retype(call: VolumeCall) -> Answer:
    """Give a volume another type; data are not moved for it."""
    name = call.body["os-retype"]["new_type"]
    volume_id = call.parameters["volume_id"]
    call.service.volumes.retype(context_of(call), volume_id, name)
    return Answer(202)


def reset_status(call: VolumeCall) -> Answer:
    """Say what a volume is doing itself, or how far its migration is."""
    given, volume_id = call.body["os-reset_status"], call.parameters["volume_id"]
    context, service = context_of(call), call.service
    if all(value is None for value in given.values()):
        raise Refusal(400, "one of status, attach_status and migration_status must be given")
    status = _status(given.get("status"))
    attach_status = given.get("attach_status")
    if attach_status is not None and attach_status.lower() not in ("attached", "detached"):
        raise Refusal(
            400, f"attach_status takes attached or detached; it was given {attach_status!r}"
        )
    found_volume(call)
    if given.get("migration_status") is not None:
        service.details.reset_migration(context, volume_id, given["migration_status"].lower())
    if status is not None:
        service.volumes.reset_status(context, volume_id, status, False)
    return Answer(202)


def _status(given: str | None) -> VolumeStatus | None:
    if given is None:
        return None
    try:
        return VolumeStatus(given.lower())
    except ValueError as error:
        told = ", ".join(VolumeStatus)
        raise Invalid(f"status takes one of {told}; it was given {given!r}") from error


def force_delete(call: VolumeCall) -> Answer:
    """Delete a volume in whatever status it is."""
    with shown_by_status(call):
        call.service.volumes.force_delete(context_of(call), call.parameters["volume_id"])
    return Answer(202)


def set_bootable(call: VolumeCall) -> Answer:
    """Say whether servers can boot from a volume."""
    bootable = true(call.body["os-set_bootable"]["bootable"])
    volume_id = call.parameters["volume_id"]
    call.service.volumes.change(context_of(call), volume_id, bootable=bootable)
    return Answer(200)


def set_read_only(call: VolumeCall) -> Answer:
    """Let a volume be attached read-only from now on, or not."""
    read_only = true(call.body["os-update_readonly_flag"]["readonly"])
    volume_id = call.parameters["volume_id"]
    call.service.volumes.set_read_only(context_of(call), volume_id, read_only)
    return Answer(202)


def migrate(call: VolumeCall) -> Answer:
    """Move a volume to another backend."""
    given, service = call.body["os-migrate_volume"], call.service
    if not given.get("host"):
        raise Refusal(400, "a volume is migrated to a host; there are no clusters")
    volume = found_volume(call)
    backend = service.hosts.backend_of(given["host"])
    with shown_by_status(call):
        service.migration.migrate(context_of(call), volume.id, backend)
    return Answer(202)


def complete_migration(call: VolumeCall) -> Answer:
    """End a swap that block storage asked compute for."""
    given = call.body["os-migrate_volume_completion"]
    error = true(given.get("error", False))
    volume_id = call.parameters["volume_id"]
    told = call.service.migration.complete(context_of(call), volume_id, given["new_volume"], error)
    return Answer(200, {"save_volume_id": told})


def revert(call: VolumeCall) -> Answer:
    """Let a volume be again what its last snapshot holds (3.40)."""
    volume_id, snapshot_id = call.parameters["volume_id"], call.body["revert"]["snapshot_id"]
    with shown_by_status(call):
        call.service.reverting.revert(context_of(call), volume_id, snapshot_id)
    return Answer(202)
