"""The cables between hypervisors: values only, and nothing left behind."""

from __future__ import annotations

from cellrig.driver import Fabric, PowerState


def test_what_is_left_at_a_place_is_found_there_and_taken_once() -> None:
    fabric = Fabric()
    fabric.put("arrivals", "one", PowerState.PAUSED)
    fabric.put("arrivals", "two", PowerState.RUNNING)
    assert fabric.keys("arrivals") == ("one", "two")
    assert fabric.take("arrivals", "one", PowerState) is PowerState.PAUSED
    assert fabric.take("arrivals", "one", PowerState) is None
    assert fabric.get("elsewhere", "two", PowerState) is None
    assert fabric.keys("elsewhere") == ()


def test_nothing_is_shared_by_reference() -> None:
    fabric, value = Fabric(), {"hosts": ["a"]}
    fabric.put("locks", "volume", value)
    value["hosts"].append("b")
    found = fabric.get("locks", "volume", dict[str, list[str]])
    assert found == {"hosts": ["a"]}


def test_what_was_removed_leaves_no_trace() -> None:
    fabric = Fabric()
    fabric.put("locks", "volume", 1)
    before = fabric.checkpoint()
    for _time in range(2):
        fabric.remove("locks", "volume")
    assert fabric.checkpoint() == Fabric().checkpoint()
    fabric.restore(before)
    assert fabric.get("locks", "volume", int) == 1
