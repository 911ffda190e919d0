"""Network cards, graphics cards and other children of a node, as options."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec

_ADDRESS = re.compile(r"([0-9a-f]{4}):([0-9a-f]{2}):([0-9a-f]{2})\.([0-7])")

Address = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$", examples=["0000:81:00.0"]
    ),
]


class PhysicalFunction(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A network card's physical function, with its virtual ones.

    Args:
        address: its PCI address, ``0000:81:00.0``.
        physical_network: what it is wired to; the trait ``CUSTOM_PHYSNET_...`` tells of it.
        vfs: number of virtual functions. 0: the whole card is for one guest (``PCI_DEVICE``).
        tree: where the functions are counted: as one provider each beneath the card's
            (``children``), as inventory of the card's provider, or of the node's (``root``).
        traits: further traits of the card's provider, for example ``HW_NIC_SRIOV_TRUSTED``.
        numa_node: the NUMA cell that it hangs on.
        interface: the network interface that the host sees it as.
    """

    address: Address
    physical_network: str | None = None
    vfs: Annotated[int, msgspec.Meta(ge=0, le=128)] = 0
    tree: Literal["children", "inventory", "root"] = "inventory"
    traits: tuple[str, ...] = ()
    numa_node: Annotated[int, msgspec.Meta(ge=0)] | None = None
    interface: str | None = None

    def vf_addresses(self) -> tuple[str, ...]:
        """The PCI addresses of the virtual functions.

        As with most cards they begin at slot 2, 32 places for each physical function.
        """
        parts = _ADDRESS.fullmatch(self.address)
        if parts is None:
            return ()
        bus, slot, function = (int(parts[part], 16) for part in (2, 3, 4))
        first = (bus << 8) + (slot << 3) + 0x10 + 0x20 * function
        places = range(first, first + self.vfs)
        return tuple(
            f"{parts[1]}:{place >> 8:02x}:{(place >> 3) & 0x1F:02x}.{place & 7:x}"
            for place in places
        )

    def addresses(self) -> tuple[str, ...]:
        """The PCI addresses of it and of all its virtual functions."""
        return (self.address, *self.vf_addresses())

    def all_traits(self) -> tuple[str, ...]:
        """Its traits, that of its physical network among them."""
        network = () if self.physical_network is None else (physnet_trait(self.physical_network),)
        sriov = ("HW_NIC_SRIOV",) if self.vfs else ()
        return (*sriov, *network, *self.traits)


class Gpu(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A graphics card.

    Args:
        address: its PCI address.
        vgpus: how many mediated devices it gives. 0: the whole card is for one guest (``PGPU``).
        traits: of its provider.
        numa_node: the NUMA cell that it hangs on.
    """

    address: Address
    vgpus: Annotated[int, msgspec.Meta(ge=0)] = 0
    traits: tuple[str, ...] = ()
    numa_node: Annotated[int, msgspec.Meta(ge=0)] | None = None


class CustomChild(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A child provider with whatever inventory; the driver hands out nothing of it.

    Args:
        name: its provider is named ``<node>-<name>``.
        inventory: resource class to total.
        traits: of its provider.
    """

    name: str
    inventory: dict[str, Annotated[int, msgspec.Meta(ge=1)]] = {}
    traits: tuple[str, ...] = ()


def physnet_trait(physical_network: str) -> str:
    """Return the trait that tells of a physical network: ``public`` is CUSTOM_PHYSNET_PUBLIC."""
    return "CUSTOM_PHYSNET_" + re.sub(r"[^A-Z0-9_]", "_", physical_network.upper())
