"""What a server's node has told placement that its driver can do."""

from __future__ import annotations

from cellrig.db import CellDatabase
from cellrig.model import Instance
from cellrig.placement.client import PlacementClient


def node_has_trait(
    placement: PlacementClient, cell: CellDatabase, instance: Instance, trait: str
) -> bool:
    """Whether the node that a server is on has a trait, itself or in its tree."""
    return any(
        trait in provider.traits
        for node in cell.hosts.nodes_of_host(instance.host or "")
        if node.hypervisor_hostname == instance.node
        for provider in placement.get_provider_tree(node.uuid)
    )
