"""What the tests of moves look at: who holds what, which attachments there are, how a move went."""

from __future__ import annotations

from collections.abc import Sequence

from cellrig import Rig, Server
from cellrig.client.server_requests import ServerRef, id_of
from cellrig.model import BlockDevice, Migration, MigrationStatus, SourceType
from cellrig_fake import FakeDriver

#: What the flavors m1.tiny and m1.small take.
TINY = {"VCPU": 1, "MEMORY_MB": 512, "DISK_GB": 1}
SMALL = {"VCPU": 1, "MEMORY_MB": 2048, "DISK_GB": 20}


def move_of(rig: Rig, server: ServerRef) -> Migration:
    """The last move of a server."""
    return rig.migrations.list(server=server)[0]


def history(migration: Migration) -> list[str]:
    """The statuses that a move has had."""
    return [str(status) for status, _when in migration.history]


def held(rig: Rig, consumer: Server | Migration) -> dict[str, dict[str, int]]:
    """What a consumer holds, by the host whose node's tree it is of."""
    hosts = {node.uuid: node.host for node in rig.hypervisors.list()}
    found = rig.placement.get_allocations(consumer.uuid)
    return {} if found is None else {hosts[u]: dict(a) for u, a in found.allocations.items()}


def holders(rig: Rig) -> int:
    """How many consumers hold something."""
    return len({each.consumer_uuid for each in rig.placement.list_allocations()})


def attached(rig: Rig, server: Server) -> list[tuple[str | None, str]]:
    """Host and status of each attachment of a server, in the order in which they were made."""
    return [
        (each.host, str(each.status))
        for each in rig.volumes.attachments()
        if each.instance_uuid == server.id
    ]


def guests(rig: Rig, server: Server) -> list[str]:
    """The hosts whose hypervisor has a guest of a server."""
    return [host for host in rig.host_names if server.id in _uuids(rig, host)]


def _uuids(rig: Rig, host: str) -> set[str]:
    found: Sequence[str] = [info.uuid for info in rig.driver(host).list_guests()]
    return set(found)


def kept(rig: Rig, host: str) -> set[str]:
    """The guests that a host keeps for a revert."""
    return set(fake(rig, host).hypervisor.state.kept)


def fake(rig: Rig, host: str) -> FakeDriver:
    """The fake driver of a host."""
    driver = rig.driver(host)
    assert isinstance(driver, FakeDriver)
    return driver


def told(server: Server) -> str:
    """Why a server is in ERROR, or what went wrong last."""
    assert server.fault is not None
    return server.fault.message


def bootable(rig: Rig) -> BlockDevice:
    """A volume to boot from."""
    volume = rig.volumes.create(size=1, image="cirros")
    return BlockDevice(source_type=SourceType.VOLUME, uuid=volume.id, boot_index=0)


def seams(rig: Rig, pattern: str) -> list[str]:
    """The passages of a seam so far, as the timeline tells them."""
    return list(rig.timeline.lines(None, seam=pattern))


def is_as_before(rig: Rig, before: Server) -> bool:
    """Whether a server is exactly what it was, on its host and with what it held."""
    after = rig.servers.show(before.id)
    same = ("status", "task_state", "host", "node", "flavor", "power_state", "availability_zone")
    return all(getattr(after, name) == getattr(before, name) for name in same)


def under_way(rig: Rig, server: ServerRef) -> list[MigrationStatus]:
    """The statuses of a server's moves that are not over."""
    return [
        each.status for each in rig.migrations.list(server=id_of(server)) if not each.status.is_over
    ]
