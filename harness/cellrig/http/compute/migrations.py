"""The records of moves: of all servers, and those of one that are in progress."""

from __future__ import annotations

from typing import Any

from cellrig.errors import NotFound
from cellrig.http.calls import Answer
from cellrig.http.compute.links import links, next_page
from cellrig.http.compute.paging import MAX_LIMIT, is_full, limit_of, seconds_of
from cellrig.http.compute.service import ComputeCall, context_of
from cellrig.http.dates import naive
from cellrig.http.errors import Refusal
from cellrig.model import Flavor, Migration, MigrationStatus, MigrationType

_OF_PROJECT = ("user_id", "project_id")


def list_migrations(call: ComputeCall) -> Answer:
    """List migrations, the newest first."""
    found = _found(call)
    told: dict[str, Any] = {"migrations": [_view(call, migration) for migration in found]}
    if call.version >= (2, 59) and is_full(call, found):
        told["migrations_links"] = next_page(call, "os-migrations", found[-1].uuid)
    return Answer(body=told)


def _found(call: ComputeCall) -> list[Migration]:
    version = call.version
    status, kind = call.single("status"), call.single("migration_type")
    if status not in (None, *MigrationStatus) or kind not in (None, *MigrationType):
        return []
    since = call.single("changes-since") if version >= (2, 59) else None
    before = call.single("changes-before") if version >= (2, 66) else None
    times = seconds_of("changes-since", since), seconds_of("changes-before", before)
    if None not in times and times[0] > times[1]:  # type: ignore[operator]
        raise Refusal(
            400, "The value of changes-since must be less than or equal to changes-before."
        )
    owners = {name: call.single(name) for name in _OF_PROJECT if version >= (2, 80)}
    server_id = call.single("instance_uuid")
    try:
        found, _missing = call.service.migrations.all(
            context_of(call),
            server_id=server_id,
            host=call.single("host"),
            source=call.single("source_compute"),
            status=None if status is None else MigrationStatus(status),
            type=None if kind is None else MigrationType(kind),
            changes_since=times[0],
            changes_before=times[1],
            limit=limit_of(call) if version >= (2, 59) else MAX_LIMIT,
            marker=call.single("marker") if version >= (2, 59) else None,
            **owners,
        )
    except NotFound as error:
        call.service.seams.handled(error, "a server that is not there has no migrations")
        return []
    return found


def _view(call: ComputeCall, migration: Migration) -> dict[str, Any]:
    version = call.version
    told = {
        **_basics(call, migration),
        "instance_uuid": migration.instance_uuid,
        "old_instance_type_id": _number(migration.old_flavor),
        "new_instance_type_id": _number(migration.new_flavor),
    }
    if version >= (2, 23):
        told["migration_type"] = migration.type
        is_live = migration.type == MigrationType.LIVE_MIGRATION
        if is_live and not migration.status.is_over:
            path = ("servers", migration.instance_uuid, "migrations", str(migration.id))
            told["links"] = links(call, *path)
    return told


def _number(flavor: Flavor) -> int | None:
    """Return a flavor's id where that is a number, as the answer takes nothing else."""
    return int(flavor.id) if flavor.id.isascii() and flavor.id.isdigit() else None


def _basics(call: ComputeCall, migration: Migration) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": migration.id,
        "status": migration.status,
        "source_compute": migration.source_compute,
        "source_node": migration.source_node,
        "dest_compute": migration.dest_compute,
        "dest_node": migration.dest_node,
        "dest_host": None,
        "created_at": naive(migration.created_at),
        "updated_at": naive(migration.updated_at),
    }
    if call.version >= (2, 59):
        told["uuid"] = migration.uuid
    if call.version >= (2, 80):
        told |= {"user_id": migration.user_id, "project_id": migration.project_id}
    return told


# -- of one server -------------------------------------------------------------------------------


def list_server_migrations(call: ComputeCall) -> Answer:
    """List the live migrations of a server that are in progress."""
    found = call.service.migrations.in_progress(context_of(call), call.parameters["server_id"])
    return Answer(body={"migrations": [_progress(call, migration) for migration in found]})


def show_server_migration(call: ComputeCall) -> Answer:
    """Show a live migration of a server that is in progress."""
    migration = _in_progress(call)
    return Answer(body={"migration": _progress(call, migration)})


def abort_migration(call: ComputeCall) -> Answer:
    """Abort a live migration; from 2.65 on also one that waits for its turn."""
    migration = call.service.migrations.show(
        context_of(call), call.parameters["server_id"], _id(call)
    )
    queued = (MigrationStatus.QUEUED, MigrationStatus.PREPARING)
    if migration.status in queued and call.version < (2, 65):
        raise Refusal(400, f"migration {migration.id} is {migration.status}: this takes 2.65")
    call.service.running_moves.abort(context_of(call), call.parameters["server_id"], migration.uuid)
    return Answer(202)


def force_complete(call: ComputeCall) -> Answer:
    """Let a live migration end now."""
    call.service.running_moves.force_complete(
        context_of(call), call.parameters["server_id"], _id(call)
    )
    return Answer(202)


def _id(call: ComputeCall) -> str:
    """Return the number of the path: a uuid is none."""
    given = call.parameters["migration_id"]
    if not (given.isascii() and given.isdigit()):
        raise NotFound("migration", given)
    return given


def _in_progress(call: ComputeCall) -> Migration:
    number = _id(call)
    server_id = call.parameters["server_id"]
    for migration in call.service.migrations.in_progress(context_of(call), server_id):
        if str(migration.id) == number:
            return migration
    raise NotFound(f"migration in progress of server {server_id}", number)


def _progress(call: ComputeCall, migration: Migration) -> dict[str, Any]:
    return {
        **_basics(call, migration),
        "server_uuid": migration.instance_uuid,
        "memory_total_bytes": migration.memory_total,
        "memory_processed_bytes": migration.memory_processed,
        "memory_remaining_bytes": migration.memory_remaining,
        "disk_total_bytes": migration.disk_total,
        "disk_processed_bytes": migration.disk_processed,
        "disk_remaining_bytes": migration.disk_remaining,
    }
