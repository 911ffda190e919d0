"""The cloud that ``cellrig serve`` builds where it is told of no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cellrig.image import small_disk
from cellrig.network.starting import NetworkTopology
from cellrig.topology import Cell, Host, Topology

if TYPE_CHECKING:
    from cellrig.rig import Rig

_WIRE = "public"
#: A network card with eight virtual functions, as the fake driver's options describe one.
_CARD = {"address": "0000:81:00.0", "physical_network": _WIRE, "vfs": 8}


def served_topology() -> Topology:
    """Return two cells of three hosts and a network; each first host has functions for guests."""
    return Topology(
        cells=[
            Cell(name, [Host(f"{name}-host1", options={"sriov": [_CARD]}), *_plain(name, 2, 3)])
            for name in ("cell1", "cell2")
        ],
        networks=[NetworkTopology("private", ["10.0.0.0/16"], physical_network=_WIRE)],
    )


def add_second_image(rig: Rig) -> None:
    """Give a rig an image beside the one that it begins with: suites rebuild servers to another.

    Its name is one that some of them look for.
    """
    rig.images.create("cirros-0.6.3-x86_64-disk", id=rig.new_uuid(), data=small_disk())


def _plain(cell: str, first: int, last: int) -> list[Host]:
    return [Host(f"{cell}-host{number}") for number in range(first, last + 1)]
