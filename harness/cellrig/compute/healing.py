"""What a server that has lost its allocations ought to hold, of which providers of its node."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from msgspec.structs import replace

from cellrig.compute.guests import device_amounts
from cellrig.driver.interface import ComputeDriver
from cellrig.errors import CellrigError
from cellrig.flavors.resource_request import candidate_query
from cellrig.model import ComputeNode, Instance
from cellrig.placement.client import PlacementClient
from cellrig.placement.types import AllocationRequest, CandidateQuery, ProviderRecord


class CannotHeal(CellrigError):
    """Nothing that the node has free is what the server's guest has."""

    template = "server {0} holds nothing, and node {1} cannot give it again: {2}"


def lost_allocations(
    instance: Instance, node: ComputeNode, placement: PlacementClient, driver: ComputeDriver
) -> dict[str, dict[str, int]]:
    """Return what to claim again, by provider uuid.

    The devices are those that its guest has, and not others of the same kind.

    Raises:
        CannotHeal: the node has too little left, or other devices than the guest has.
        Invalid: the flavor's extra specs are wrong.
    """
    query = _within(node.uuid, candidate_query(instance.hosted_flavor, None))
    ways = placement.get_allocation_candidates(query).allocation_requests
    if not ways:
        raise CannotHeal(instance.uuid, node.hypervisor_hostname, "it has too little left")
    if not any(device_amounts(way.allocations) for way in ways):
        return ways[0].allocations
    owned = Counter(
        device.provider_name
        for device in driver.get_host_state(node.hypervisor_hostname).devices
        if device.owner == instance.uuid
    )
    if not owned:
        return ways[0].allocations  # its guest is lost: it may have any
    records = placement.get_provider_tree(node.uuid)
    for way in ways:
        if _devices_by_name(way, records) == owned:
            return way.allocations
    devices = ", ".join(sorted(owned)) or "none"
    raise CannotHeal(instance.uuid, node.hypervisor_hostname, f"the guest has devices of {devices}")


def _within(root: str, query: CandidateQuery) -> CandidateQuery:
    """Ask for the one tree, and not for what the host as a whole must be like: the guest is there.

    What a numbered group requires tells which of the providers it is, and stays.
    """
    groups = tuple(
        replace(group, in_tree=root)
        if group.suffix
        else replace(group, in_tree=root, required=(), forbidden=frozenset())
        for group in query.groups
    )
    return replace(query, groups=groups, root_required=frozenset(), root_forbidden=frozenset())


def _devices_by_name(way: AllocationRequest, records: Iterable[ProviderRecord]) -> Counter[str]:
    names = {record.uuid: record.name for record in records}
    return Counter(
        {names[uuid]: n for uuid, n in device_amounts(way.allocations).items() if uuid in names}
    )
