"""Provider trees of placement, drawn as trees with what is used of each."""

from __future__ import annotations

from collections.abc import Sequence

from rich.markup import escape
from rich.tree import Tree

from cellrig.placement.types import ProviderRecord

#: The resource class of a network card's virtual function.
VIRTUAL_FUNCTION = "SRIOV_NET_VF"
_PHYSICAL_NETWORK = "CUSTOM_PHYSNET_"
_BAR = 8


def drawn(providers: Sequence[ProviderRecord], *, bars: bool) -> Tree:
    """Draw one provider tree.

    Args:
        providers: the root first, parents before children, as placement returns them.
        bars: show usage also as bars.
    """
    branches: dict[str | None, Tree] = {}
    known = {provider.uuid: provider for provider in providers}
    for provider in providers:
        parent = known.get(provider.parent_uuid or "")
        # What a parent says of itself need not be said again of each of its functions.
        news = provider.traits - (parent.traits if parent else frozenset())
        label = _label(provider, news, bars)
        above = branches.get(provider.parent_uuid)
        branches[provider.uuid] = (
            Tree(label, guide_style="dim") if above is None else above.add(label)
        )
    return branches[providers[0].uuid]


def functions_used(providers: Sequence[ProviderRecord]) -> int:
    """Return how many virtual functions of a tree are allocated."""
    return sum(provider.usages.get(VIRTUAL_FUNCTION, 0) for provider in providers)


def network_of(providers: Sequence[ProviderRecord]) -> str | None:
    """Return the trait of the physical network that the deepest functions of a tree are wired to.

    None where the tree has no virtual functions, or they are wired to nothing.
    """
    for provider in reversed(providers):
        if VIRTUAL_FUNCTION in provider.inventories:
            for trait in sorted(provider.traits):
                if trait.startswith(_PHYSICAL_NETWORK):
                    return trait
    return None


def _label(provider: ProviderRecord, traits: frozenset[str], bars: bool) -> str:
    usages = [
        f"{name} {_usage(provider.usages[name], inventory.capacity, bars)}"
        for name, inventory in sorted(provider.inventories.items())
    ]
    custom = [f"[dim]{trait}[/]" for trait in sorted(traits) if trait.startswith("CUSTOM_")]
    return "  ".join([f"[bold]{escape(provider.name)}[/]", *usages, *custom])


def _usage(used: int, capacity: int, bars: bool) -> str:
    told = f"{used}/{capacity}"
    if not bars or not capacity:
        return told
    filled = min(_BAR, -(-used * _BAR // capacity))
    colour = "red" if used >= capacity else "green"
    return f"[{colour}]{'━' * filled}[/][dim]{'─' * (_BAR - filled)}[/] {told}"
