"""A cell's database, as one process reaches it: through seams."""

from __future__ import annotations

from collections.abc import Callable

from cellrig.db.actions import ActionStore
from cellrig.db.block_devices import BlockDeviceStore
from cellrig.db.database import Database
from cellrig.db.hosts import HostStore
from cellrig.db.instances import InstanceStore
from cellrig.db.listing import ListingStore
from cellrig.db.migrations import MigrationStore
from cellrig.db.steps import StepStore
from cellrig.db.transfers import TransferStore
from cellrig.seams import Process, Seams


class CellDatabase:
    """The stores of one cell's database; each call passes a seam ``db.<cell>.…``.

    Args:
        database: the cell's.
        now: the rig's clock.
        seams: of the rig.
        process: who reads and writes.
    """

    def __init__(
        self, database: Database, now: Callable[[], float], seams: Seams, process: Process
    ) -> None:
        self.name = database.name
        prefix = f"db.{database.name}."
        self.instances = seams.wrap(f"{prefix}instance_", InstanceStore(database, now), process)
        self.block_devices = seams.wrap(
            f"{prefix}block_device_", BlockDeviceStore(database, now), process
        )
        self.migrations = seams.wrap(f"{prefix}migration_", MigrationStore(database, now), process)
        self.steps = seams.wrap(f"{prefix}step_", StepStore(database), process)
        self.actions = seams.wrap(f"{prefix}action_", ActionStore(database, now), process)
        self.listing = seams.wrap(f"{prefix}list_", ListingStore(database), process)
        self.transfers = seams.wrap(f"{prefix}transfer_", TransferStore(database), process)
        self.hosts = seams.wrap(f"{prefix}host_", HostStore(database), process)
