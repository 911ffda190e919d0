"""Another size for a server where it is, on a host without room for both sizes at a time.

What a server holds tells no more which request group an amount was for, and of two sizes that have
one device only one could have a guest. So a size with numbered groups or with devices is claimed
beside the old one, like on any other host, or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from cellrig.cells import Cells
from cellrig.errors import NoValidHost
from cellrig.model import Selection
from cellrig.placement.client import PlacementClient
from cellrig.placement.types import CandidateQuery, ProviderRecord
from cellrig.scheduler.host_request import HostRequest
from cellrig.scheduler.offers import Placed
from cellrig.scheduler.plugins import Filters
from cellrig.scheduler.question import Question
from cellrig.scheduler.refusals import refused_by_filter, state_of
from cellrig.scheduler.shortfall import shortfall

#: Of these each unit is a thing that one guest has.
_DEVICES = frozenset({"SRIOV_NET_VF", "PCI_DEVICE", "VGPU", "PGPU"})

Held = Mapping[str, Mapping[str, int]]


def select_in_place(
    question: Question,
    asked: HostRequest,
    filters: Filters,
    cells: Cells,
    placement: PlacementClient,
    node_uuid: str,
    held: Held,
) -> Selection:
    """Return the new size on the providers that give the old one; nothing is claimed.

    Args:
        question, asked: of the new size.
        filters: that the host must still pass.
        cells, placement: of the scheduler.
        node_uuid: where the server is.
        held: what it holds there.

    Raises:
        NoValidHost: a filter refuses the host, or it has too little even so.
    """
    placed = _placed(question, node_uuid)
    tree = _without(placement.get_provider_tree(node_uuid), held)
    refusal = (
        refused_by_filter(filters, state_of(question, cells, placed, tree), asked)
        or _unfit(question.query, held)
        or shortfall(_of_tree(question.query, tree, held), tree)
    )
    cell, node, _service = placed
    if refusal is not None:
        raise NoValidHost("the server cannot be resized in place", {node.host: refusal})
    allocations = _allocations(question.query, tree, held)
    zone = state_of(question, cells, placed, tree).zone
    return Selection(
        host=node.host,
        node=node.hypervisor_hostname,
        node_uuid=node.uuid,
        cell=cell,
        allocations=allocations,
        mappings={"": tuple(allocations)},
        availability_zone=zone,
    )


def _placed(question: Question, node_uuid: str) -> Placed:
    for cell, database in question.cells.items():
        for node, service in database.hosts.nodes([node_uuid]):
            return cell, node, service
    raise NoValidHost(f"the node {node_uuid} where the server is does not exist")


def _without(tree: Sequence[ProviderRecord], held: Held) -> tuple[ProviderRecord, ...]:
    """Return the providers of a tree as they are when what is held has been given back."""
    return tuple(
        replace(
            record,
            usages={
                name: used - held.get(record.uuid, {}).get(name, 0)
                for name, used in record.usages.items()
            },
        )
        for record in tree
    )


def _unfit(query: CandidateQuery, held: Held) -> str | None:
    numbered = sorted(group.suffix for group in query.groups if group.suffix)
    if numbered:
        return f"it has no room for both sizes, and group {numbered[0]!r} is not claimed in place"
    wanted = {name for group in query.groups for name in group.resources}
    devices = sorted(_DEVICES & wanted.union(*held.values()))
    if devices:
        return f"it has no room for both sizes, and {devices[0]} is not claimed in place"
    return None


def _of_tree(query: CandidateQuery, tree: Sequence[ProviderRecord], held: Held) -> CandidateQuery:
    """Leave out what the server holds of a provider that shares: placement decides that alone."""
    own = {record.uuid for record in tree}
    shared = {name for uuid, amounts in held.items() if uuid not in own for name in amounts}
    groups = (
        replace(group, resources={n: a for n, a in group.resources.items() if n not in shared})
        for group in query.groups
    )
    return replace(query, groups=tuple(groups))


def _allocations(
    query: CandidateQuery, tree: Sequence[ProviderRecord], held: Held
) -> dict[str, dict[str, int]]:
    """Return the new size: each class of the provider that gives it already, or of the first."""
    givers = {name: uuid for uuid, amounts in held.items() for name in amounts}
    allocations: dict[str, dict[str, int]] = {}
    for group in query.groups:
        for name, amount in group.resources.items():
            giver = givers.get(name) or next(
                record.uuid
                for record in tree
                if name in record.inventories
                and record.inventories[name].capacity - record.usages.get(name, 0) >= amount
            )
            allocations.setdefault(giver, {})[name] = amount
    return allocations
