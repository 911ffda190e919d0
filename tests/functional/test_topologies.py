"""What a rig is built from, and what it says when a request cannot go on."""

from __future__ import annotations

import pytest

from cellrig import Cell, Host, Rig, SchedulerOptions, Topology
from cellrig.errors import InvalidTopology
from cellrig.runtime import Deadlock

TWO_CELLS = Topology(cells=[Cell("cell1", 2), Cell("cell2", 1)])


def test_a_request_that_needs_what_is_held_says_so_and_where() -> None:
    with Rig(TWO_CELLS) as rig:
        hold = rig.faults.hold("bus.conductor.schedule_and_build_instances", times=1)
        with pytest.raises(Deadlock, match=r"create server cannot go on: what it needs is held"):
            rig.servers.create()
        hold.release()
        rig.settle()


@pytest.mark.parametrize(
    ("topology", "told"),
    [
        (Topology(cells=[]), "a topology has at least one cell"),
        (Topology(cells=[Cell("cell0")]), "cell name 'cell0'"),
        (Topology(cells=[Cell("a"), Cell("a")]), "the cell name 'a' is given twice"),
        (Topology(cells=[Cell("a", [Host("h"), Host("h")])]), "the host name 'h' is given twice"),
        (Topology(cells=[Cell("a", -1)]), "hosts takes 0 or more, not -1"),
        (Topology(driver="nope"), "there is no driver 'nope'; installed are: fake"),
        (Topology(options={"vcpu": 1}), "option 'vcpu': got 1, takes nothing: the options are"),
        (Topology(options={"vcpus": "many"}), "option 'vcpus': got 'many'"),
        (Topology(zones={"east": ["nope"]}), "zone 'east': no cell has the host 'nope'"),
        (Topology(scheduler=SchedulerOptions(filters=("nope",))), "nope"),
    ],
)
def test_a_wrong_topology_is_refused_before_anything_starts(topology: Topology, told: str) -> None:
    with pytest.raises(InvalidTopology, match=told):
        Rig(topology).start()


def test_a_topology_is_read_from_yaml() -> None:
    text = """
    cells:
      - {name: cell1, hosts: 2}
      - name: cell2
        hosts: [{name: node-1, options: {vcpus: 2}}]
    """
    with Rig(Topology.from_yaml(text)) as rig:
        assert rig.host_names == ("cell1-host1", "cell1-host2", "node-1")
    with pytest.raises(InvalidTopology, match="cannot be read: .*hosst"):
        Topology.from_yaml("cells: [{name: a, hosst: 1}]")


def test_virtual_functions_go_to_guests_as_placement_allocated_them() -> None:
    sriov = [{"address": "0000:81:00.0", "physical_network": "public", "vfs": 2}]
    with Rig(Topology(cells=[Cell("cell1", 1)], options={"sriov": sriov})) as rig:
        rig.flavors.create(
            "vf",
            extra_specs={
                "resources1:SRIOV_NET_VF": "1",
                "trait1:CUSTOM_PHYSNET_PUBLIC": "required",
            },
        )
        guests = [rig.guest(rig.servers.create(flavor="vf")) for _n in range(2)]
        addresses = [guest.devices[0].address for guest in guests]
        assert len(set(addresses)) == 2
        assert rig.servers.create(flavor="vf").status == "ERROR"
