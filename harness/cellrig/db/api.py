"""The API database, as one process reaches it: through seams."""

from __future__ import annotations

from cellrig.db.catalog import AggregateStore, FlavorStore, ServerGroupStore
from cellrig.db.database import Database
from cellrig.db.flavor_access import FlavorAccessStore
from cellrig.db.keypairs import KeypairStore
from cellrig.db.mappings import MappingStore
from cellrig.db.presentations import PresentationStore
from cellrig.db.quotas import QuotaStore
from cellrig.db.requests import RequestStore
from cellrig.seams import Process, Seams


class ApiDatabase:
    """The stores of the API database; each call passes a seam ``db.api.…``.

    Args:
        database: the API database.
        seams: of the rig.
        process: who reads and writes.
    """

    def __init__(self, database: Database, seams: Seams, process: Process) -> None:
        self.mappings = seams.wrap("db.api.mapping_", MappingStore(database), process)
        self.requests = seams.wrap("db.api.request_", RequestStore(database), process)
        self.flavors = seams.wrap("db.api.flavor_", FlavorStore(database), process)
        self.aggregates = seams.wrap("db.api.aggregate_", AggregateStore(database), process)
        self.server_groups = seams.wrap("db.api.group_", ServerGroupStore(database), process)
        self.presentations = seams.wrap(
            "db.api.presentation_", PresentationStore(database), process
        )
        self.flavor_access = seams.wrap(
            "db.api.flavor_access_", FlavorAccessStore(database), process
        )
        self.keypairs = seams.wrap("db.api.keypair_", KeypairStore(database), process)
        self.quotas = seams.wrap("db.api.quota_", QuotaStore(database), process)
