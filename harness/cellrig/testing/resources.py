"""What servers hold and hosts have given, read from placement itself and past its seams.

So that an assertion passes no seam: it counts in no fault, shows in no timeline, and needs no
service to be up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from cellrig.client.server_requests import ServerRef, id_of
from cellrig.db.hosts import HostStore
from cellrig.db.mappings import MappingStore
from cellrig.flavors import resources_of
from cellrig.placement.types import ProviderRecord

if TYPE_CHECKING:
    from cellrig.model import Flavor, Server
    from cellrig.rig import Rig


def held_by(rig: Rig, server: ServerRef) -> dict[str, int]:
    """Return what a server, or any other consumer, holds in all, by resource class."""
    held = rig.placement.get_allocations(id_of(server))
    return total(() if held is None else held.allocations.values())


def providers_of(rig: Rig, host: str) -> tuple[ProviderRecord, ...]:
    """Return all providers of a host: the trees of its nodes.

    Raises:
        NotFound: there is no such host.
    """
    cell = MappingStore(rig.databases["api"]).cell_of_host(host)
    return tuple(
        record
        for node in HostStore(rig.databases[cell]).nodes_of_host(host)
        for record in rig.placement.get_provider_tree(node.uuid)
    )


def used_on(rig: Rig, host: str) -> dict[str, int]:
    """Return what the providers of a host have given in all, by resource class, without zeros."""
    return total(record.usages for record in providers_of(rig, host))


def total(amounts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Return the sums by resource class, without zeros."""
    sums: dict[str, int] = {}
    for each in amounts:
        for name, amount in each.items():
            sums[name] = sums.get(name, 0) + amount
    return {name: amount for name, amount in sums.items() if amount}


def allocation_difference(
    rig: Rig, server: ServerRef, expected: Mapping[str, int], host: str | None = None
) -> str | None:
    """Say how what a server holds differs from what is expected; None where it does not.

    Args:
        rig: where.
        server: the consumer.
        expected: amounts by resource class, over all providers.
        host: where all of it must come from.
    """
    held = held_by(rig, server)
    if held != total([expected]):
        return f"server {id_of(server)} holds {told(held)}; expected {told(expected)}"
    if host is None or not held:
        return None
    of_host = {record.uuid for record in providers_of(rig, host)}
    allocations = rig.placement.get_allocations(id_of(server))
    foreign = sorted(set(allocations.allocations) - of_host) if allocations else []
    if foreign:
        names = ", ".join(rig.placement.get_provider(uuid).name for uuid in foreign)
        return f"server {id_of(server)} holds resources of {names}; expected of host {host} only"
    return None


def flavor_difference(rig: Rig, server: Server) -> str | None:
    """Say how what a server holds differs from its flavor on its host; None where it does not."""
    return allocation_difference(rig, server, resources_of(server.hosted_flavor), server.host)


def usage_difference(rig: Rig, host: str, expected: Mapping[str, int]) -> str | None:
    """Say how what a host has given differs from what is expected; None where it does not."""
    used = used_on(rig, host)
    if used == total([expected]):
        return None
    return f"host {host} has given {told(used)}; expected {told(expected)}"


def needed_by(*flavors: Flavor) -> dict[str, int]:
    """Return what servers of these flavors hold together."""
    return total(resources_of(flavor) for flavor in flavors)


def told(amounts: Mapping[str, int]) -> str:
    """Say amounts of resource classes."""
    return ", ".join(f"{amounts[name]} {name}" for name in sorted(amounts)) or "nothing"
