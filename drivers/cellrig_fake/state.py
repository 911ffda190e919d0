"""The whole state of a fake hypervisor, as one value that can be kept and brought back."""

from __future__ import annotations

import msgspec

from cellrig.driver import PowerState


class Domain(msgspec.Struct):
    """A guest: its document, and what a hypervisor knows beside it.

    Args:
        uuid, name, node, vcpus, memory_mb, disk_gb: what it takes, for counting.
        document: the domain's XML, as the hypervisor would have it.
        power_state: what it does.
        lasting: what it will be when it is started again; None where that is its document, as it
            is until a volume is swapped while it runs.
        own_document: while it is rescued, the document to go back to.
        boots: how often it was started.
    """

    uuid: str
    name: str
    node: str
    vcpus: int
    memory_mb: int
    disk_gb: int
    document: bytes
    power_state: PowerState = PowerState.SHUTDOWN
    own_document: bytes | None = None
    boots: int = 0
    lasting: bytes | None = None


class Arrival(msgspec.Struct, frozen=True):
    """A guest that has just come by a live migration.

    Args:
        power_state: what it does.
        document: its document where it ran, where that says more than its definition.
    """

    power_state: PowerState
    document: bytes | None = None


class Usage(msgspec.Struct):
    """What the domains of a node take together."""

    vcpus: int = 0
    memory_mb: int = 0
    disk_gb: int = 0
    domains: int = 0


class Connected(msgspec.Struct):
    """A volume that the host is connected to.

    Args:
        target: what it is reached at.
        guests: those that it is connected for.
        ready: its device is there.
    """

    target: str
    guests: list[str]
    ready: bool = False


class HypervisorState(msgspec.Struct):
    """All that the hypervisor of one host knows.

    Args:
        domains: by uuid.
        kept: domains that left by a cold migration and may come back.
        incoming: domains that are expected by a live migration.
        claims: device (``<node>/<address>``) to its owner: a guest's uuid, with a word for those
            that are kept.
        images: ids of the images that were fetched.
        counts: calls so far, for behaviours.
        provider_names: provider's uuid to name, as the tree last had them.
        connections: the volumes that the host is connected to, by their uuids.
        sessions: the targets that the host is logged in to.
    """

    domains: dict[str, Domain] = msgspec.field(default_factory=dict)
    kept: dict[str, Domain] = msgspec.field(default_factory=dict)
    incoming: dict[str, Domain] = msgspec.field(default_factory=dict)
    claims: dict[str, str] = msgspec.field(default_factory=dict)
    images: list[str] = msgspec.field(default_factory=list)
    counts: dict[str, int] = msgspec.field(default_factory=dict)
    provider_names: dict[str, str] = msgspec.field(default_factory=dict)
    connections: dict[str, Connected] = msgspec.field(default_factory=dict)
    sessions: list[str] = msgspec.field(default_factory=list)

    def usage_by_node(self) -> dict[str, Usage]:
        """Count what is taken on each node."""
        usage: dict[str, Usage] = {}
        for domains in (self.domains, self.kept, self.incoming):
            for domain in domains.values():
                add_usage(usage.setdefault(domain.node, Usage()), domain, 1)
        return usage


def add_usage(usage: Usage, domain: Domain, sign: int) -> None:
    """Add what a domain takes, or subtract it where `sign` is -1."""
    usage.vcpus += sign * domain.vcpus
    usage.memory_mb += sign * domain.memory_mb
    usage.disk_gb += sign * domain.disk_gb
    usage.domains += sign
