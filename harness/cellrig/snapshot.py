"""Snapshots: the whole rig as one value, and back."""

from __future__ import annotations

from functools import partial
from random import Random
from typing import Any

import msgspec
import pluggy

from cellrig.bus import Message
from cellrig.cloud import Cloud
from cellrig.driver.fabric import Fabric
from cellrig.driver.interface import Checkpointable, ComputeDriver
from cellrig.errors import Conflict
from cellrig.runtime import Runtime


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


class Snapshots:
    """Takes and restores snapshots of one rig.

    Args:
        cloud, fabric, runtime, random, plugins: the rig's, which is all that there is of it.
    """

    def __init__(
        self,
        cloud: Cloud,
        fabric: Fabric,
        runtime: Runtime,
        random: dict[str, Random],
        plugins: pluggy.PluginManager,
    ) -> None:
        self._cloud = cloud
        self._fabric = fabric
        self._runtime = runtime
        self._random = random
        self._plugins = plugins

    def take(self) -> Snapshot:
        """Take a snapshot; see `Rig.snapshot`."""
        self._check_rest("taken")
        cloud = self._cloud
        parts = self._plugins.hook.cellrig_snapshot()
        cloud.images.keep_files()
        return Snapshot(
            databases={name: database.dump() for name, database in cloud.databases.items()},
            drivers={
                host: _checkpointable(host, d).checkpoint() for host, d in cloud.drivers.items()
            },
            fabric=self._fabric.checkpoint(),
            runtime=self._runtime.checkpoint(),
            random={name: source.getstate() for name, source in self._random.items()},
            messages=cloud.bus.queued(),
            down=frozenset(label for label, p in cloud.processes.items() if p.crashed),
            refusals={
                name: database.refusal
                for name, database in cloud.databases.items()
                if database.refusal is not None
            },
            plugins=dict(part for part in parts if part is not None),
        )

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a snapshot; see `Rig.restore`."""
        self._check_rest("restored")
        self._restore_services(snapshot)
        cloud = self._cloud
        for name, database in cloud.databases.items():
            database.load(snapshot.databases[name])
            database.refusal = snapshot.refusals.get(name)
        cloud.images.delete_new_files()
        for host, state in snapshot.drivers.items():
            _checkpointable(host, cloud.drivers[host]).restore(state)
        self._fabric.restore(snapshot.fabric)
        cloud.bus.restore(snapshot.messages)
        for name in set(self._random) - set(snapshot.random):
            del self._random[name]
        for name, source in self._random.items():
            source.setstate(snapshot.random[name])
        self._runtime.restore(snapshot.runtime)
        self._plugins.hook.cellrig_restore(parts=snapshot.plugins)

    def _restore_services(self, snapshot: Snapshot) -> None:
        """Let the same services be up; what they do when they start is overwritten afterwards."""
        for database in self._cloud.databases.values():
            database.bring_back()
        for label, process in list(self._cloud.processes.items()):
            if process.crashed and label not in snapshot.down:
                self._runtime.run(partial(self._cloud.start, label), name=f"start {label}")
            elif not process.crashed and label in snapshot.down:
                process.crash()
        self._runtime.settle()

    def _check_rest(self, what: str) -> None:
        unfinished = self._runtime.unfinished()
        if unfinished:
            raise Conflict(f"no snapshot can be {what} while tasks are going on: {unfinished[0]}")


def _checkpointable(host: str, driver: ComputeDriver) -> Checkpointable:
    if not isinstance(driver, Checkpointable):
        raise Conflict(
            f"the driver of host {host!r} ({type(driver).__name__}) takes no part in snapshots: "
            "it has no checkpoint() and restore()"
        )
    return driver
