"""The clouds and servers of the tests of live migrations."""

from __future__ import annotations

from move_looks import TINY, attached, bootable, fake, guests, held, holders, move_of

from cellrig import Cell, Rig, Server, Topology
from cellrig.compute.options import ComputeOptions
from cellrig.model import Migration

#: A copy that the test ends, and one that takes a minute.
HOLD = {"behaviours": [{"on": "live_migration", "does": "hold"}]}
SLOW = {"latencies": {"live_migration": 60}}
THREE = Topology(cells=[Cell("cell1", 3)])
SHARED = Topology(cells=[Cell("cell1", 2)], options={"shared_storage": True})
HELD = Topology(cells=[Cell("cell1", 3)], options=HOLD)
HELD_SHARED = Topology(cells=[Cell("cell1", 2)], options={**HOLD, "shared_storage": True})
ZONES = Topology(cells=[Cell("cell1", 2)], zones={"east": ["cell1-host1"], "west": ["cell1-host2"]})


def create(rig: Rig, *, from_volume: bool = False, volumes: int = 0) -> Server:
    """A server on the first host."""
    devices = [bootable(rig)] if from_volume else []
    more = [rig.volumes.create() for _each in range(volumes)]
    return rig.servers.create(host=rig.host_names[0], block_devices=devices, volumes=more)


def ended(rig: Rig, server: Server) -> Migration:
    """Check that a server has arrived with all that it has, and return its move."""
    server = rig.servers.show(server)
    assert server.task_state is None
    assert guests(rig, server) == [server.host]
    assert held(rig, server) == {server.host: TINY} or server.boots_from_volume
    assert holders(rig) == len(list(rig.servers.list()))
    assert set(attached(rig, server)) <= {(server.host, "attached")}
    for host in rig.host_names:
        assert not fake(rig, host).hypervisor.state.incoming
    return move_of(rig, server)


def running(rig: Rig, server: Server) -> Server:
    """A server whose live migration the test ends."""
    rig.servers.live_migrate(server)
    rig.settle()
    return rig.servers.show(server)


def several(limit: int) -> Topology:
    """Two hosts, of which one lets `limit` servers go at a time."""
    return Topology(
        cells=[Cell("cell1", 2)],
        options=HOLD,
        compute=ComputeOptions(max_concurrent_live_migrations=limit),
    )
