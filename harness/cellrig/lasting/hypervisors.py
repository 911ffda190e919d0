"""Hypervisors that outlive their process although they have nowhere to keep what they know."""

from __future__ import annotations

import base64
import threading
from collections.abc import Mapping

from sqlalchemy import select

from cellrig.db.database import Database, Statement, Transaction
from cellrig.db.statements import delete_by, insert_into
from cellrig.driver.fabric import Fabric
from cellrig.driver.interface import Checkpointable, ComputeDriver
from cellrig.hooks import hookimpl
from cellrig.lasting import tables
from cellrig.seams import Passage

#: What all hypervisors share stands among them; no host has such a name.
_FABRIC = "the fabric"
_ALL = Statement(select(tables.hypervisors.c.host, tables.hypervisors.c.state))


class KeptHypervisors:
    """Keeps the hypervisors of drivers that take part in snapshots, as a plugin of their rig.

    After every call of a driver what has changed is written down, before whoever called goes on.
    So guests outlive the process as they would on a real host, and what is known of them is never
    ahead of them. A driver that takes no part in snapshots keeps its guests itself.

    Args:
        database: where.
        drivers: of the rig, by host; they may still be to come.
        fabric: what they share.
    """

    def __init__(
        self, database: Database, drivers: Mapping[str, ComputeDriver], fabric: Fabric
    ) -> None:
        self._database = database
        self._drivers = drivers
        self._fabric = fabric
        self._turn = threading.Lock()
        self._written: dict[str, bytes] = {}

    def bring_back(self) -> None:
        """Let the hypervisors be what they were when the last process ended."""
        with self._database.reading() as transaction:
            rows = transaction.all(_ALL)
        self._written = {str(host): base64.b64decode(state) for host, state in rows}
        for host, driver in self._drivers.items():
            if host in self._written and isinstance(driver, Checkpointable):
                driver.restore(self._written[host])
        if _FABRIC in self._written:
            self._fabric.restore(self._written[_FABRIC])

    @hookimpl
    def cellrig_seam_exit(self, passage: Passage) -> None:
        """Write down what a driver has changed."""
        host = passage.host
        if host is not None and passage.seam.startswith("driver."):
            self._write([host])

    @hookimpl
    def cellrig_restore(self) -> None:
        """Write down what has been brought back."""
        self._write(list(self._drivers))

    def _write(self, hosts: list[str]) -> None:
        # One after the other, or an older state could be written over a newer one.
        with self._turn:
            states = {_FABRIC: self._fabric.checkpoint()}
            for host in hosts:
                driver = self._drivers[host]
                if isinstance(driver, Checkpointable):
                    states[host] = driver.checkpoint()
            changed = {
                name: state for name, state in states.items() if self._written.get(name) != state
            }
            if not changed:
                return
            with self._database.transaction() as transaction:
                for name, state in changed.items():
                    _put(transaction, name, state)
            self._written.update(changed)


def _put(transaction: Transaction, name: str, state: bytes) -> None:
    transaction.run(delete_by(tables.hypervisors, "host"), host=name)
    transaction.run(
        insert_into(tables.hypervisors), host=name, state=base64.b64encode(state).decode()
    )
