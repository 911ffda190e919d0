"""All that the audit compares, as it was at one moment."""

from __future__ import annotations

import msgspec

from cellrig.bus import Message
from cellrig.driver.reports import GuestInfo, HostConnections
from cellrig.model import BlockDeviceMapping, Instance, InstanceMapping, Migration, VmState
from cellrig.network.types import Port
from cellrig.placement.types import ConsumerAllocations, Provider
from cellrig.volume.types import Attachment


class Record(msgspec.Struct, frozen=True):
    """An instance as one cell's database has it, a deleted one too."""

    cell: str
    instance: Instance

    @property
    def name(self) -> str:
        """How findings call it."""
        instance = self.instance
        doing = f", {instance.task_state}" if instance.task_state else ""
        return f"server {instance.uuid} ({instance.status}{doing}) of cell {self.cell}"


class Given(msgspec.Struct, frozen=True):
    """An inventory of which something is allocated.

    Args:
        capacity: what all allocations together may have.
        used: what the inventory says they have.
    """

    provider_uuid: str
    resource_class: str
    capacity: int
    used: int


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """A rig at one moment.

    Args:
        unfinished: the runtime's words about each task that has not ended.
        queued: messages that nobody has taken.
        awaited: topics that a dead process will answer when it is back.
        crashed: labels of the processes that are dead.
        hosts_down: hosts whose compute service is dead, or counts as dead.
        cell_of_host: the cell of each host that has a driver.
        mappings: by instance uuid.
        build_requests: what is asked for, by instance uuid.
        records: of all cells, by instance uuid; more than one where an instance is in two cells.
        nodes: host and node name to the node's uuid.
        providers: by uuid.
        sharing: uuids of the providers that give to trees other than their own.
        consumers: what each holds, by its uuid.
        given: inventories that are in use.
        migrations: of all cells, by uuid.
        block_devices: of all cells, and of the build requests.
        attachments: block storage's, by id.
        multiattach: volume id to whether several servers may have it.
        guests: host to what its driver reports, by uuid.
        connections: host to the volumes that it is connected to, where its driver tells.
        unreadable: host to why its driver did not tell its guests.
        ports: of the network service, by id.
    """

    unfinished: tuple[str, ...]
    queued: tuple[Message, ...]
    awaited: tuple[str, ...]
    crashed: frozenset[str]
    hosts_down: frozenset[str]
    cell_of_host: dict[str, str]
    mappings: dict[str, InstanceMapping]
    build_requests: dict[str, Instance]
    records: dict[str, list[Record]]
    nodes: dict[tuple[str, str], str]
    providers: dict[str, Provider]
    sharing: frozenset[str]
    consumers: dict[str, ConsumerAllocations]
    given: tuple[Given, ...]
    migrations: dict[str, Migration]
    block_devices: tuple[BlockDeviceMapping, ...]
    attachments: dict[str, Attachment]
    multiattach: dict[str, bool]
    guests: dict[str, dict[str, GuestInfo]]
    connections: dict[str, HostConnections]
    unreadable: dict[str, str]
    ports: dict[str, Port]

    def moving(self, instance_uuid: str) -> bool:
        """Whether a server has a move under way; then `cellrig_audit.moves` looks at it."""
        return any(
            migration.instance_uuid == instance_uuid and not migration.status.is_over
            for migration in self.migrations.values()
        )

    def provider(self, uuid: str) -> str:
        """Return how findings call a provider."""
        known = self.providers.get(uuid)
        return f"provider {known.name} ({uuid})" if known else f"provider {uuid}"

    def at_rest(self, instance_uuid: str) -> Record | None:
        """Return a server that nobody is working on, and whose host can answer for it."""
        for record in self.records.get(instance_uuid, ()):
            instance = record.instance
            if instance.task_state is not None or instance.host in self.hosts_down:
                return None
            if self.mentioned(instance_uuid) or instance.vm_state == VmState.BUILDING:
                return None
            return record
        return None

    def mentioned(self, uuid: str) -> bool:
        """Whether a message that nobody has taken yet speaks of `uuid`."""
        text = uuid.encode()
        return any(text in message.arguments for message in self.queued)


def amounts_text(amounts: dict[str, int]) -> str:
    """Say amounts of resource classes."""
    return ", ".join(f"{amounts[name]} {name}" for name in sorted(amounts)) or "nothing"
