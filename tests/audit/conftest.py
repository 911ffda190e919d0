"""A cloud to break: the test looks at the audit itself, so the rig is not audited when it ends."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from cellrig import Cell, Rig, Topology
from cellrig.db import Statement
from cellrig.db.instances import InstanceStore
from cellrig.db.mappings import MappingStore
from cellrig.db.requests import RequestStore
from cellrig.model import Server
from cellrig.placement.types import AllocationsWrite
from cellrig_fake import FakeDriver

TOPOLOGY = Topology(cells=[Cell("cell1", hosts=2), Cell("cell2", hosts=1)])


class BrokenCloud:
    """A rig, and the ways to write into it past every rule.

    Args:
        rig: started.
    """

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.api = MappingStore(rig.databases["api"])
        self.requests = RequestStore(rig.databases["api"])

    def instances(self, cell: str) -> InstanceStore:
        return InstanceStore(self.rig.databases[cell], self.rig.runtime.now)

    def findings(self) -> list[str]:
        findings: list[str] = self.rig.audit.findings()
        return findings

    def node_uuid(self, host: str) -> str:
        return next(node.uuid for node in self.rig.hypervisors.list() if node.host == host)

    def boot(self, host: str = "cell1-host1") -> Server:
        return self.rig.servers.create(host=host)

    def lose_guest(self, server: Server) -> None:
        """Let the hypervisor of its host lose a server's guest."""
        driver = self.rig.driver(str(server.host))
        assert isinstance(driver, FakeDriver)
        driver.lose_guest(server.id)

    def hold(
        self, consumer: str, host: str, amounts: dict[str, int], kind: str = "INSTANCE"
    ) -> None:
        """Let a consumer hold `amounts` of a host's node, whatever it held before."""
        held = self.rig.placement.get_allocations(consumer)
        self.rig.placement.put_allocations(
            consumer,
            AllocationsWrite(
                {self.node_uuid(host): amounts},
                "admin",
                "admin",
                held.generation if held else None,
                consumer_type=kind,
            ),
        )

    def execute(self, database: str, sql: str, **values: object) -> None:
        """Write a row as no store would."""
        with self.rig.databases[database].transaction() as transaction:
            transaction.run(Statement(text(sql)), **values)


@pytest.fixture
def broken() -> Iterator[BrokenCloud]:
    rig = Rig(TOPOLOGY, audit=False).start()
    yield BrokenCloud(rig)
    rig.stop()
