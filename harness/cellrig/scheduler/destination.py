"""Finding the providers of a host that a request asks for by name."""

from __future__ import annotations

from cellrig.cells import Cells
from cellrig.errors import DatabaseUnavailable, NotFound, NoValidHost
from cellrig.model import RequestSpec
from cellrig.placement.client import PlacementClient
from cellrig.seams import Seams


def is_forced(spec: RequestSpec) -> bool:
    """Whether an administrator has chosen the place, past every host filter."""
    return spec.force_host is not None or spec.force_node is not None


def destination_roots(
    spec: RequestSpec, cells: Cells, placement: PlacementClient, seams: Seams
) -> tuple[str, ...] | None:
    """Return the root providers of the host or node that `spec` asks for; None: it asks for none.

    Raises:
        NoValidHost: there is no such host or node, or its cell does not answer.
    """
    host = spec.force_host or spec.requested_host
    if host is None:
        return None if spec.force_node is None else _roots_of_node(spec.force_node, placement)
    try:
        nodes = cells.of_host(host).hosts.nodes_of_host(host)
    except NotFound as error:
        seams.handled(error, "the request is refused")
        raise NoValidHost(f"the host {host!r}, asked for by name, does not exist") from error
    except DatabaseUnavailable as error:
        seams.handled(error, "the request is refused")
        raise NoValidHost(
            f"the cell of host {host!r}, asked for by name, is down: {error}"
        ) from error
    wanted = [node for node in nodes if spec.force_node in (None, node.hypervisor_hostname)]
    if not wanted:
        names = ", ".join(node.hypervisor_hostname for node in nodes) or "none"
        raise NoValidHost(
            f"the host {host!r} has no node {spec.force_node!r}; its nodes are {names}"
            if spec.force_node is not None
            else f"the host {host!r}, asked for by name, has no node"
        )
    return tuple(node.uuid for node in wanted)


def _roots_of_node(node: str, placement: PlacementClient) -> tuple[str, ...]:
    roots = tuple(
        provider.uuid
        for provider in placement.list_providers(name=node)
        if provider.parent_uuid is None
    )
    if not roots:
        raise NoValidHost(f"the node {node!r}, asked for by name, does not exist")
    return roots
