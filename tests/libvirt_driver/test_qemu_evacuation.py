"""The servers of a host that has lost its power are built again elsewhere, by the control plane."""

from __future__ import annotations

import pytest
from waiting import wait_for

from cellrig import Cell, Host, Rig, Topology
from cellrig.model import Flavor
from cellrig.topology import StorageBackend
from cellrig_libvirt.hosts import LibvirtHosts

TINY = Flavor("1", "tiny", vcpus=1, memory_mb=64, root_gb=1)


@pytest.mark.usefixtures("qemu")
def test_a_server_of_a_dead_host_goes_on_elsewhere_with_its_volume() -> None:
    with LibvirtHosts(2) as hosts:
        names = [f"host{number}" for number in range(2)]
        backend = StorageBackend("files", driver="file", options={"directory": str(hosts.volumes)})
        machines = [
            Host(name, driver="libvirt", options=hosts[number].options())
            for number, name in enumerate(names)
        ]
        cells = [Cell("cell1", machines)]
        topology = Topology(cells=cells, flavors=[TINY], volume_backends=[backend])
        with Rig(topology, live=True) as rig:
            server = rig.servers.create(host="host0")
            volume = rig.volumes.create(size=1)
            rig.servers.attach_volume(server, volume)
            hosts.kill_host(0)
            rig.crash("host0")
            rig.services.force_down("host0")
            moved = rig.servers.evacuate(server)
            assert (moved.status, moved.host) == ("ACTIVE", "host1"), moved.fault
            assert rig.guest(server).disk(serial=volume.id).source.endswith(volume.id)
            # The host that is back forgets the guest.
            hosts.start_daemon(0)
            rig.services.force_down("host0", False)
            rig.restart("host0")
            wait_for(lambda: not rig.driver("host0").list_guests(), "the end of the old guest")
            rig.servers.delete(server)
            assert rig.volumes.show(volume).status == "available"
        assert list(hosts[0].instances_path.glob("*-*")) == []
