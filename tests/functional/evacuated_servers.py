"""The clouds and servers of the tests of evacuations."""

from __future__ import annotations

from move_looks import bootable

from cellrig import Cell, Rig, Server, Topology

TWO = Topology(cells=[Cell("cell1", 2)])
THREE = Topology(cells=[Cell("cell1", 3)])
SHARED = Topology(cells=[Cell("cell1", 2)], options={"shared_storage": True})
ZONES = Topology(cells=[Cell("cell1", 2)], zones={"east": ["cell1-host1"], "west": ["cell1-host2"]})
#: Where an evacuation can be broken off, in the order in which it passes.
BEFORE = (
    "db.cell1.migration_create",
    "bus.scheduler.select_destinations",
    "placement.put_allocations",
    "bus.compute.evacuate_instance",
    "bus.conductor.migration_arrive",
)
AFTER = ("driver.spawn", "volume.attachment_complete", "volume.attachment_delete")


def create(rig: Rig, *, from_volume: bool = False, volumes: int = 0) -> Server:
    """A server on the first host."""
    devices = [bootable(rig)] if from_volume else []
    more = [rig.volumes.create() for _each in range(volumes)]
    return rig.servers.create(host="cell1-host1", block_devices=devices, volumes=more)


def die(rig: Rig, host: str = "cell1-host1") -> None:
    """Let a host be dead, and everybody know it."""
    rig.crash(host)
    rig.services.force_down(host)


def come_back(rig: Rig, host: str = "cell1-host1") -> None:
    """Let a dead host be back."""
    rig.services.force_down(host, False)
    rig.restart(host)
