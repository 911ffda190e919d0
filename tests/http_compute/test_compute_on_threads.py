"""On threads an answer does not wait for what it has started."""

from __future__ import annotations

from typing import Any

import pytest

from cellrig import Cell, Rig, Topology


@pytest.mark.topology(Topology(cells=[Cell("cell1", hosts=1)]), live=True)
def test_a_server_is_told_before_it_is_built(rig: Rig, compute: Any) -> None:
    hold = rig.faults.hold("driver.spawn")
    server = compute.create()
    rig.settle()  # until all that goes on waits at the hold
    assert hold.reached
    told = compute.show(server)
    assert (told["status"], told["OS-EXT-STS:task_state"]) == ("BUILD", "spawning")
    hold.release()
    rig.settle()
    assert compute.show(server)["status"] == "ACTIVE"
