"""Steps of moves in a cell's database: the records of a server and of its move change together."""

from __future__ import annotations

from cellrig.db.actions import start_event
from cellrig.db.block_devices import mappings_of
from cellrig.db.database import Database, Transaction
from cellrig.db.instances import ANY_HOST, change_instance, check_changeable, get_instance
from cellrig.db.migrations import (
    change_migration,
    check_status,
    get_migration,
    hosts_to_clean_up,
)
from cellrig.model import Instance, Migration, MovingServer, Step


class StepStore:
    """What the hosts of one cell write and read at once when they move a server.

    Each of them would ask the cell's conductor for the same four records one by one.

    Args:
        database: the cell's.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, step: Step) -> MovingServer:
        """Write all that a step changes, or nothing; return what is so then.

        Raises:
            NotFound: the cell has no such server or move; or the server is deleted, and the step
                takes one in a certain state.
            Conflict: one of them is in another state, or elsewhere.
            ChangingCells: the server is being carried to another cell, and the step takes one in
                a certain state.
        """
        database = self._database
        with database.transaction() if step.writes else database.reading() as transaction:
            instance, migration = _write(transaction, step)
            return MovingServer(
                instance,
                migration,
                tuple(mappings_of(transaction, step.instance_uuid)),
                hosts_to_clean_up(transaction, step.instance_uuid),
            )

    def note(self, step: Step) -> None:
        """Write all that a step changes, or nothing; raises as `take`."""
        with self._database.transaction() as transaction:
            _write(transaction, step)


def _write(transaction: Transaction, step: Step) -> tuple[Instance, Migration]:
    migration = get_migration(transaction, step.migration_uuid)
    check_status(migration, step.statuses)
    instance = get_instance(transaction, step.instance_uuid)
    if step.takes_server:
        check_changeable(instance, step.tasks, None, step.on_host or ANY_HOST)
    now = transaction.now()
    if step.instance is not None:
        instance = change_instance(transaction, instance, step.instance.given(), now)
    if step.migration is not None:
        migration = change_migration(transaction, migration, step.migration, now)
    if step.event is not None:
        start_event(transaction, step.instance_uuid, step.event, now)
    return instance, migration
