"""While a server moves, it holds its destination and its migration its source, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cellrig.errors import Invalid
from cellrig.flavors import resources_of
from cellrig.model import Flavor, Instance, Migration, MigrationStatus, TaskState
from cellrig.placement.types import ConsumerAllocations
from cellrig_audit.picture import Picture, amounts_text


def check(picture: Picture) -> Iterator[str]:
    """Find moves that hold too much, too little or elsewhere, and moves that nobody works on."""
    under_way: dict[str, list[Migration]] = {}
    for migration in picture.migrations.values():
        consumer = picture.consumers.get(migration.uuid)
        if migration.status.is_over:
            if consumer is not None:
                yield (
                    f"{_name(migration)} is over ({migration.status}), and holds "
                    f"{_held(picture, consumer)}; expected nothing"
                )
            continue
        under_way.setdefault(migration.instance_uuid, []).append(migration)
    for instance_uuid, migrations in under_way.items():
        if len(migrations) > 1:
            yield (
                f"server {instance_uuid} has {len(migrations)} moves under way: "
                f"{' and '.join(migration.uuid for migration in migrations)}"
            )
        for migration in migrations:
            yield from _check_under_way(picture, migration)


def _check_under_way(picture: Picture, migration: Migration) -> Iterator[str]:
    instance = next(
        (record.instance for record in picture.records.get(migration.instance_uuid, ())), None
    )
    if instance is None:
        yield f"{_name(migration)} is of a server that no cell has"
        return
    if not _is_resting(picture, migration, instance):
        return
    if instance.deleted:
        yield f"{_name(migration)} is {migration.status}, and its server is deleted"
        return
    if migration.status != MigrationStatus.FINISHED:
        yield f"{_name(migration)} is {migration.status}, and nobody is working on it"
        return
    if migration.old_allocations:
        yield from _check_claimed_in_place(picture, migration)
    else:
        yield from _check_owner(
            picture, migration, migration.uuid, migration.old_flavor, "source", instance
        )
    yield from _check_owner(
        picture, migration, migration.instance_uuid, migration.new_flavor, "destination", instance
    )


def _check_claimed_in_place(picture: Picture, migration: Migration) -> Iterator[str]:
    """The migration has of the old size what is beyond the new one, and nothing else."""
    server = picture.consumers.get(migration.instance_uuid)
    has = {} if server is None else server.allocations
    beyond: dict[str, dict[str, int]] = {}
    for uuid, amounts in migration.old_allocations.items():
        more = {name: amount - has.get(uuid, {}).get(name, 0) for name, amount in amounts.items()}
        if rest := {name: amount for name, amount in more.items() if amount > 0}:
            beyond[uuid] = rest
    consumer = picture.consumers.get(migration.uuid)
    kept = {} if consumer is None else consumer.allocations
    if kept != beyond:
        yield (
            f"{_name(migration)} in place: its migration holds {_amounts(picture, kept)}; the old "
            f"size is more than the new by {_amounts(picture, beyond)}"
        )


def _check_owner(
    picture: Picture,
    migration: Migration,
    consumer_uuid: str,
    flavor: Flavor,
    side: str,
    instance: Instance,
) -> Iterator[str]:
    consumer = picture.consumers.get(consumer_uuid)
    host, node = (
        (migration.source_compute, migration.source_node)
        if side == "source"
        else (str(migration.dest_compute), str(migration.dest_node))
    )
    owner = "its migration" if side == "source" else "the server"
    if consumer is None:
        yield f"{_name(migration)}: {owner} holds nothing of its {side} {host}"
        return
    root = picture.nodes.get((host, node))
    held: dict[str, int] = {}
    for uuid, amounts in consumer.allocations.items():
        for name, amount in amounts.items():
            held[name] = held.get(name, 0) + amount
        if picture.providers[uuid].root_uuid != root and uuid not in picture.sharing:
            yield (
                f"{_name(migration)}: {owner} holds {amounts_text(amounts)} of "
                f"{picture.provider(uuid)}, which is not of its {side} {host}"
            )
    try:
        hosted = flavor.without_root_disk() if instance.boots_from_volume else flavor
        needed = resources_of(hosted.with_functions(instance.network_info))
    except Invalid:  # written past every check: the server's own finding tells it
        return
    if held != needed:
        yield (
            f"{_name(migration)}: {owner} holds {amounts_text(held)} of its {side} {host}; flavor "
            f"{flavor.name} takes {amounts_text(needed)}"
        )


def _is_resting(picture: Picture, migration: Migration, instance: Instance) -> bool:
    """Whether nobody is working on a move: no task, no message, no host that is away."""
    away = {migration.source_compute, migration.dest_compute} & picture.hosts_down
    busy = picture.mentioned(migration.uuid) or picture.mentioned(instance.uuid)
    return not (picture.unfinished or away or busy or instance.task_state == TaskState.DELETING)


def _name(migration: Migration) -> str:
    return (
        f"{migration.type} {migration.uuid} of server {migration.instance_uuid} from "
        f"{migration.source_compute} to {migration.dest_compute}"
    )


def _held(picture: Picture, consumer: ConsumerAllocations) -> str:
    return _amounts(picture, consumer.allocations)


def _amounts(picture: Picture, allocations: Mapping[str, dict[str, int]]) -> str:
    return (
        "; ".join(
            f"{amounts_text(amounts)} of {picture.provider(uuid)}"
            for uuid, amounts in allocations.items()
        )
        or "nothing"
    )
