"""Every server holds exactly its flavor's resources, on its own host's tree; nobody else holds."""

from __future__ import annotations

from collections.abc import Iterator

from cellrig.errors import Invalid
from cellrig.flavors import resources_of
from cellrig.model import Instance, TaskState, VmState
from cellrig.placement.types import ConsumerAllocations
from cellrig_audit.picture import Picture, Record, amounts_text


def check(picture: Picture) -> Iterator[str]:
    """Find servers that hold too much, too little or elsewhere, and consumers that do not exist."""
    for uuid in sorted(picture.records):
        if picture.moving(uuid):
            continue
        for record in picture.records[uuid]:
            yield from _check_record(picture, record, picture.consumers.get(uuid))
    for uuid, consumer in picture.consumers.items():
        if uuid in picture.records or uuid in picture.migrations:
            continue
        if uuid in picture.build_requests:
            name = f"server {uuid} (build request)"
            yield from _check_build(picture, name, picture.build_requests[uuid], consumer)
        else:
            kind = consumer.consumer_type or "unknown type"
            yield (
                f"consumer {uuid} ({kind}) holds {_held_text(picture, consumer)}, and there is no "
                "such server"
            )


def _check_record(
    picture: Picture, record: Record, consumer: ConsumerAllocations | None
) -> Iterator[str]:
    instance = record.instance
    if instance.deleted:
        yield from _check_holds_nothing(picture, f"{record.name} is deleted", consumer)
    elif instance.host is not None:
        yield from _check_placed(picture, record, consumer)
    elif instance.vm_state == VmState.BUILDING or instance.task_state == TaskState.DELETING:
        if consumer is not None:
            yield from _check_build(picture, record.name, instance, consumer)
    else:
        yield from _check_holds_nothing(picture, f"{record.name} is on no host", consumer)


def _check_holds_nothing(
    picture: Picture, what: str, consumer: ConsumerAllocations | None
) -> Iterator[str]:
    if consumer is not None:
        yield f"{what}, and holds {_held_text(picture, consumer)}; expected nothing"


def _check_placed(
    picture: Picture, record: Record, consumer: ConsumerAllocations | None
) -> Iterator[str]:
    instance = record.instance
    name = f"{record.name} on host {instance.host}"
    if consumer is None:
        if not _may_have_given_back(instance):
            yield f"{name} holds nothing; its {_needs(instance)}"
        return
    yield from _check_amounts(name, instance, consumer)
    root = picture.nodes.get((str(instance.host), str(instance.node)))
    if root is None:
        yield f"{name} is placed on node {instance.node}, which its cell does not know"
        return
    for uuid in sorted(_foreign(picture, consumer, root)):
        yield (
            f"{name} holds {amounts_text(consumer.allocations[uuid])} of {picture.provider(uuid)}, "
            f"which is not in the tree of its node {instance.node} ({root})"
        )


def _may_have_given_back(instance: Instance) -> bool:
    """A build or a deletion that its host died in: the restarted host goes on with it."""
    return instance.task_state == TaskState.DELETING or instance.vm_state == VmState.BUILDING


def _check_build(
    picture: Picture, name: str, instance: Instance, consumer: ConsumerAllocations
) -> Iterator[str]:
    """Check a server that no host has taken yet: it may hold what it needs, of one host."""
    yield from _check_amounts(name, instance, consumer)
    roots = {
        picture.providers[uuid].root_uuid
        for uuid in consumer.allocations
        if uuid not in picture.sharing
    }
    if len(roots) > 1:
        yield f"{name} holds {_held_text(picture, consumer)}: resources of {len(roots)} hosts"


def _check_amounts(name: str, instance: Instance, consumer: ConsumerAllocations) -> Iterator[str]:
    held: dict[str, int] = {}
    for amounts in consumer.allocations.values():
        for resource_class, amount in amounts.items():
            held[resource_class] = held.get(resource_class, 0) + amount
    if held != _resources(instance):
        yield f"{name} holds {amounts_text(held)}; its {_needs(instance)}"
    if consumer.consumer_type != "INSTANCE":
        yield f"{name} is a consumer of type {consumer.consumer_type}; expected INSTANCE"


def _foreign(picture: Picture, consumer: ConsumerAllocations, root: str) -> list[str]:
    return [
        uuid
        for uuid in consumer.allocations
        if picture.providers[uuid].root_uuid != root and uuid not in picture.sharing
    ]


def _resources(instance: Instance) -> dict[str, int] | None:
    """Return what the server's flavor takes; None where its extra specs cannot be read."""
    try:
        return resources_of(instance.hosted_flavor)
    except Invalid:  # written past every check: `_needs` tells it
        return None


def _needs(instance: Instance) -> str:
    needed = _resources(instance)
    told = "cannot be read" if needed is None else f"takes {amounts_text(needed)}"
    return f"flavor {instance.flavor.name} {told}"


def _held_text(picture: Picture, consumer: ConsumerAllocations) -> str:
    return " and ".join(
        f"{amounts_text(amounts)} of {picture.provider(uuid)}"
        for uuid, amounts in consumer.allocations.items()
    )
