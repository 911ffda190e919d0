"""Every case under several orders of tasks, and with every kind of fault at its driver calls."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from cellrig.errors import CellrigError, Invalid
from cellrig.testing.conformance import Area, Lab, Outcome, Plan, Result, Setup, conform
from cellrig.testing.conformance.checking import NotOffered
from cellrig.testing.conformance.faults import FAULTS, read_fault
from cellrig_fake.conformance import FakeSetup

if TYPE_CHECKING:
    from tests.conformance.conftest import Install

    from cellrig.driver import ComputeDriver

CASE = "test_an_attached_volume_is_a_disk_of_the_guest"


def test_every_case_under_seeds_and_the_seed_replays_it(install: Install) -> None:
    assert conform(FakeSetup("fake"), Plan(select="Suspend", seeds=2)).is_green
    install({"cellrig.drivers": {"toggling": "mutants:TogglesPause"}})
    plan = Plan(select="test_pausing_is_harmless_ten_times", seeds=2)
    (result,) = conform(FakeSetup("toggling"), plan).failures
    assert result.replay == "-k Pause::test_pausing_is_harmless_ten_times --seed 0"


# -- faults --------------------------------------------------------------------------------------


class Meeting(Area):
    """A case whose third call of a driver is ``pause``."""

    name: ClassVar[str] = "meeting"
    seen: ClassVar[list[tuple[str, str, bool, bool]]] = []

    def test_pausing(self, lab: Lab) -> None:
        server = lab.server()
        with suppress(CellrigError):
            lab.rig.servers.pause(server)
        driver: Any = lab.driver(lab.first)
        power_state = driver.hypervisor.domain(server.id).power_state.name
        is_dead = lab.rig.cloud.processes["compute@host1"].crashed
        shown = lab.rig.servers.show(server).status
        self.seen.append((shown, power_state, driver.is_silent, is_dead))


#: Kind to how things stand when it has happened: the server's status, what its guest is, whether
#: the hypervisor is gone, and whether the service is dead.
STANDS = {
    "refuses": ("ACTIVE", "RUNNING", False, False),
    "breaks": ("ERROR", "RUNNING", False, False),
    "fails-late": ("ACTIVE", "PAUSED", False, False),
    "gone": ("ACTIVE", "RUNNING", True, False),
    "gone-late": ("ACTIVE", "PAUSED", True, False),
    "dies": ("ACTIVE", "RUNNING", False, True),
    "dies-late": ("ACTIVE", "PAUSED", False, True),
}


def meet(fault: str, setup: Setup | None = None) -> Result:
    Meeting.seen.clear()
    plan = Plan(areas=(Meeting,), fault=fault)
    (result,) = conform(setup or FakeSetup("fake"), plan).results
    return result


def test_every_kind_is_shown() -> None:
    assert set(STANDS) == set(FAULTS)


@pytest.mark.parametrize("kind", list(STANDS))
def test_a_fault_happens_at_its_call_and_all_comes_to_rest(kind: str) -> None:
    result = meet(f"{kind}:3")
    assert (result.outcome, result.reason) == (Outcome.PASSED, "")
    assert Meeting.seen == [("PAUSED", "PAUSED", False, False), STANDS[kind]]


def test_a_kind_that_the_set_up_does_not_offer_is_left_out() -> None:
    class Fixed(FakeSetup):
        def stop_hypervisor(self, driver: ComputeDriver) -> None:
            raise NotOffered("it is nailed down")

    assert meet("gone:3", Fixed("fake")).outcome is Outcome.PASSED
    assert Meeting.seen[-1] == ("PAUSED", "PAUSED", False, False)


def test_all_faults_at_all_calls_leave_nothing() -> None:
    report = conform(FakeSetup("fake"), Plan(select=CASE, faults=True))
    assert [(each.case, each.reason) for each in report.failures] == []


def test_what_only_a_fault_shows_is_found_and_replayed(install: Install) -> None:
    install({"cellrig.drivers": {"leaving": "mutants:ConnectsBeforeItLooks"}})
    setup = FakeSetup("leaving")
    assert conform(setup, Plan(select=CASE)).is_green
    (result,) = conform(setup, Plan(select=CASE, faults=True)).failures
    told = "the driver gone-late at driver.get_volume_connector #1 by compute (host1): "
    assert told in result.reason
    select, _dash, fault = result.replay.removeprefix("-k ").partition(" --fault ")
    assert select == f"Volumes::{CASE}"
    (again,) = conform(setup, Plan(select=select, fault=fault)).failures
    assert again.replay == result.replay


@pytest.mark.parametrize("text", ["", "7", "wings:1", "gone", "gone:0", "gone:-1", "gone:x"])
def test_what_is_no_fault_is_refused_with_what_is(text: str) -> None:
    with pytest.raises(Invalid, match="it takes KIND:N, of the kinds refuses, breaks, "):
        read_fault(text)
