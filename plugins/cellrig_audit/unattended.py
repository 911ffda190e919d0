"""Nothing is half-done that nobody will finish: every operation has a defined end."""

from __future__ import annotations

from collections.abc import Iterator

from cellrig.model import VmState
from cellrig_audit.picture import Picture, Record


def check(picture: Picture) -> Iterator[str]:
    """Find servers in a task, and build requests, that no task, message or restart goes on with.

    While tasks run, or wait, nothing can be said: those are told of by `tasks`.
    """
    if picture.unfinished:
        return
    for uuid in sorted(picture.build_requests):
        if uuid not in picture.records and not _is_super_conductors(picture, uuid):
            yield (
                f"build request of server {uuid} has outlived its build: no task, no message and "
                "no service that is down goes on with it"
            )
    for uuid in sorted(picture.records):
        for record in picture.records[uuid]:
            if _is_busy(record) and not _is_attended(picture, record):
                yield (
                    f"{record.name} on host {record.instance.host} is left in the middle of "
                    f"something (vm_state {record.instance.vm_state}, task_state "
                    f"{record.instance.task_state}): no task, message or service that is down goes "
                    "on with it; at best it waits for periodic work to give it up"
                )


def _is_super_conductors(picture: Picture, uuid: str) -> bool:
    return "conductor" in picture.crashed or picture.mentioned(uuid)


def _is_busy(record: Record) -> bool:
    instance = record.instance
    return not instance.deleted and (
        instance.task_state is not None or instance.vm_state == VmState.BUILDING
    )


def _is_attended(picture: Picture, record: Record) -> bool:
    """Whether somebody who is down will go on with it: its host, its cell or who places servers.

    A build that no host has taken may have been in the hands of any host of its cell.
    """
    instance, cell = record.instance, record.cell
    if picture.mentioned(instance.uuid) or f"conductor@{cell}" in picture.crashed:
        return True
    if instance.host is not None:
        return instance.host in picture.hosts_down
    return "conductor" in picture.crashed or any(
        picture.cell_of_host.get(host) == cell for host in picture.hosts_down
    )
