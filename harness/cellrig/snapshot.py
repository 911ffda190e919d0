"""Snapshots: the whole rig as one value, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from cellrig.bus import Message
from cellrig.driver.interface import Checkpointable
from cellrig.errors import Conflict

if TYPE_CHECKING:
    from cellrig.rig import Rig


class Snapshot(msgspec.Struct, frozen=True):
    """All of a rig at rest. Two snapshots are equal when the rigs were.

    Args:
        databases: by name, the whole database.
        drivers: by host, what its driver returned.
        fabric: what hypervisors share.
        runtime: the clock, the order of tasks, when periodic work is due.
        random: the states of the sources of random numbers.
        messages: what waits for services that are down.
        down: the services that are down, by label.
        refusals: databases that have been taken away.
        plugins: what plugins have added, by name.
    """

    databases: dict[str, bytes]
    drivers: dict[str, bytes]
    fabric: bytes
    runtime: Any
    random: dict[str, Any]
    messages: list[Message]
    down: frozenset[str]
    refusals: dict[str, str]
    plugins: dict[str, Any]


def take(rig: Rig) -> Snapshot:
    """Take a snapshot; see `Rig.snapshot`."""
    _check_rest(rig, "taken")
    cloud = rig.cloud
    drivers: dict[str, bytes] = {}
    for host, driver in cloud.drivers.items():
        if not isinstance(driver, Checkpointable):
            raise Conflict(
                f"no snapshot can be taken: the driver of host {host!r} "
                f"({type(driver).__name__}) has no checkpoint() and restore()"
            )
        drivers[host] = driver.checkpoint()
    return Snapshot(
        databases={name: database.dump() for name, database in cloud.databases.items()},
        drivers=drivers,
        fabric=rig.fabric.checkpoint(),
        runtime=rig.runtime.checkpoint(),
        random={name: source.getstate() for name, source in rig.random_sources.items()},
        messages=cloud.bus.queued(),
        down=frozenset(label for label, process in cloud.processes.items() if process.crashed),
        refusals={
            name: database.refusal
            for name, database in cloud.databases.items()
            if database.refusal is not None
        },
        plugins=dict(part for part in rig.plugins.hook.cellrig_snapshot() if part is not None),
    )


def restore(rig: Rig, snapshot: Snapshot) -> None:
    """Go back to a snapshot; see `Rig.restore`."""
    _check_rest(rig, "restored")
    cloud = rig.cloud
    for label, process in list(cloud.processes.items()):
        if process.crashed and label not in snapshot.down:
            cloud.databases["api"].bring_back()
            rig.runtime.run(lambda label=label: cloud.start(label), name=f"start {label}")  # type: ignore[misc]
        elif not process.crashed and label in snapshot.down:
            process.crash()
    rig.runtime.settle()
    for name, database in cloud.databases.items():
        database.load(snapshot.databases[name])
        database.bring_back()
        if name in snapshot.refusals:
            database.take_down(snapshot.refusals[name])
    for host, state in snapshot.drivers.items():
        driver = cloud.drivers[host]
        if isinstance(driver, Checkpointable):
            driver.restore(state)
    rig.fabric.restore(snapshot.fabric)
    cloud.bus.restore(snapshot.messages)
    for name in list(rig.random_sources):
        if name not in snapshot.random:
            del rig.random_sources[name]
    for name, state in snapshot.random.items():
        rig.random(name).setstate(state)
    rig.runtime.restore(snapshot.runtime)
    rig.plugins.hook.cellrig_restore(parts=snapshot.plugins)


def _check_rest(rig: Rig, what: str) -> None:
    unfinished = rig.runtime.unfinished()
    if unfinished:
        raise Conflict(f"no snapshot can be {what} while tasks are going on: {unfinished[0]}")
