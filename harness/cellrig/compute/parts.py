"""What a compute service is made of, put together."""

from __future__ import annotations

from collections.abc import Callable

from cellrig.compute.arrivals import Arrivals
from cellrig.compute.attachments import Attachments
from cellrig.compute.boot_volumes import BootVolumes
from cellrig.compute.builds import Builder
from cellrig.compute.cold_arrivals import ColdArrivals
from cellrig.compute.cold_moves import ColdMoves
from cellrig.compute.connections import Connections
from cellrig.compute.cross_cell_moves import CrossCellMoves
from cellrig.compute.deletion import Deletion
from cellrig.compute.evacuations import Evacuations
from cellrig.compute.host import ComputeHost
from cellrig.compute.interface_operations import InterfaceOperations
from cellrig.compute.leftovers import Leftovers
from cellrig.compute.live_arrivals import LiveArrivals
from cellrig.compute.live_moves import LiveMoves
from cellrig.compute.move_recovery import MoveRecovery
from cellrig.compute.operations import Operations
from cellrig.compute.overdue import Overdue
from cellrig.compute.recovery import Recovery
from cellrig.compute.resources import ResourceTracker
from cellrig.compute.second_attachments import SecondAttachments
from cellrig.compute.shelving import Shelving
from cellrig.compute.swaps import Swaps
from cellrig.compute.upkeep import Upkeep
from cellrig.compute.volumes import VolumeOperations
from cellrig.moves import Ownership, Withdrawal


class Parts:
    """The parts of one host's compute service, each made of those above it.

    Args:
        host: what they work with.
        new_uuid: the rig's source of uuids.
    """

    def __init__(self, host: ComputeHost, new_uuid: Callable[[], str]) -> None:
        connections = Connections(host)
        boot_volumes = BootVolumes(host, connections, new_uuid)
        ownership = Ownership(host.placement, host.seams)
        withdrawal = Withdrawal(
            host.instances, host.migrations, ownership, host.runtime.now, host.seams
        )
        arrivals = Arrivals(host, connections, boot_volumes)
        second = SecondAttachments(host, connections, new_uuid)
        self.leftovers = leftovers = Leftovers(host, connections, ownership)

        self.operations = Operations(host)
        self.builder = Builder(host, connections, boot_volumes)
        swaps = Swaps(host, connections)
        self.volumes = VolumeOperations(host, connections, swaps)
        self.interfaces = InterfaceOperations(host)
        self.cold_moves = ColdMoves(host, arrivals, ownership, leftovers)
        self.cold_arrivals = ColdArrivals(host, arrivals, leftovers, ownership)
        self.cross_cell_moves = CrossCellMoves(
            host, arrivals, self.cold_moves, self.cold_arrivals, leftovers
        )
        self.live_moves = LiveMoves(host, connections, second, leftovers, ownership, withdrawal)
        self.deletion = Deletion(host, connections, leftovers, self.live_moves)
        self.live_arrivals = LiveArrivals(host, arrivals, connections, second, leftovers, ownership)
        self.evacuations = Evacuations(host, arrivals, second, leftovers, ownership, withdrawal)
        self.shelving = Shelving(host, arrivals, leftovers)
        self.overdue = Overdue(host, self.shelving)

        self.tracker = ResourceTracker(host, new_uuid)
        self.upkeep = Upkeep(host)
        self.attachments = Attachments(host, self.volumes, swaps, connections)
        self.recovery = Recovery(host, self.deletion, connections, boot_volumes, self.shelving)
        self.move_recovery = MoveRecovery(host, self, leftovers, withdrawal)
