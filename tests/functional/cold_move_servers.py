"""The clouds and servers of the tests of cold migrations and resizes."""

from __future__ import annotations

from move_looks import bootable

from cellrig import Cell, Rig, SchedulerOptions, Server, Topology
from cellrig.compute.options import ComputeOptions
from cellrig.model import Flavor
from cellrig.topology import DEFAULT_FLAVORS
from cellrig_faults import Passed

FLAVORS = (*DEFAULT_FLAVORS, Flavor("5", "diskless", vcpus=1, memory_mb=1024, root_gb=0))
TWO = Topology(cells=[Cell("cell1", 2)], flavors=FLAVORS)
THREE = Topology(cells=[Cell("cell1", 3)], flavors=FLAVORS)
FOUR = Topology(cells=[Cell("cell1", 4)], scheduler=SchedulerOptions(max_attempts=4))
SAME_HOST = Topology(
    cells=[Cell("cell1", 1)], compute=ComputeOptions(allow_resize_to_same_host=True)
)
WINDOW = Topology(cells=[Cell("cell1", 2)], compute=ComputeOptions(resize_confirm_window=100))
ZONES = Topology(cells=[Cell("cell1", 2)], zones={"east": ["cell1-host1"], "west": ["cell1-host2"]})
#: Where a cold move can be broken off, in the order in which it passes.
PHASES = (
    "db.cell1.migration_create",
    "bus.scheduler.select_destinations",
    "placement.put_allocations",
    "bus.compute.prep_resize",
    "bus.compute.resize_instance",
    "driver.migrate_disk_and_power_off",
    "bus.compute.finish_resize",
    "driver.finish_migration",
)


def create(rig: Rig, *, from_volume: bool = False, volumes: int = 0) -> Server:
    """A server on the first host."""
    devices = [bootable(rig)] if from_volume else []
    more = [rig.volumes.create() for _each in range(volumes)]
    return rig.servers.create(host=rig.host_names[0], block_devices=devices, volumes=more)


def start(rig: Rig, kind: str, server: Server) -> Server:
    """Migrate a server, or resize it to m1.small."""
    return rig.servers.migrate(server) if kind == "migrate" else rig.servers.resize(server, "2")


def above_the_cell(passed: list[Passed]) -> list[str]:
    """The passages that a cell's services make into what belongs above the cell."""
    return [
        passage.seam
        for passage in passed
        if passage.service in ("compute", "conductor")
        and passage.cell is not None
        and passage.seam.startswith(("db.api.", "bus.scheduler.", "db.cell0."))
    ]


def told_or_none(server: Server) -> str | None:
    """What went wrong last, if anything."""
    return None if server.fault is None else server.fault.message
