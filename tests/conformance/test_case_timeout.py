"""Cases that do not end are interrupted, told with where they wait, and the next one runs."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, ClassVar

import pytest
from hanging import LiveSetup

from cellrig.driver import HypervisorUnavailable
from cellrig.testing.conformance import Area, Lab, Outcome, Plan, Report, Setup, conform, equal
from cellrig.testing.conformance.limit import DidNotEnd, beside, limit
from cellrig_fake.conformance import FakeSetup

if TYPE_CHECKING:
    from tests.conformance.conftest import Install


class Pausing(Area):
    """A case that pauses through the control plane, one that pauses directly, one that does not."""

    name: ClassVar[str] = "pausing"

    def test_asked_by_the_user(self, lab: Lab) -> None:
        lab.rig.servers.pause(lab.server())

    def test_asked_directly(self, lab: Lab) -> None:
        lab.call(lab.first, "pause", lab.guest(lab.server()))

    def test_not_at_all(self, lab: Lab) -> None:
        equal(lab.server().status, "ACTIVE", "the status")


class PausingByUsers(Pausing):
    """The same, and nobody calls the driver directly."""

    test_asked_directly = None  # type: ignore[assignment]


def attempt(
    install: Install,
    driver: str,
    *,
    setup: type[Setup] = FakeSetup,
    area: type[Area] = Pausing,
    case: str = "",
) -> Report:
    install({"cellrig.drivers": {driver: f"hanging:{driver}"}})
    return conform(setup(driver), Plan(select=case, areas=(area,), case_timeout=1.0))


# The signal that ends a case may come while Python forgets something, which cannot be ended.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("driver", ["NeverAnswers", "LooksForEver", "Spins"])
def test_what_does_not_end_fails_with_where_it_waits_and_the_next_case_runs(
    driver: str, install: Install
) -> None:
    by_user, directly, after = attempt(install, driver).results
    for result, who in ((by_user, "the control plane"), (directly, "the case")):
        assert result.outcome is Outcome.FAILED
        waits = f"did not end within 1 s: waits in driver.pause of host host1, called by {who}"
        assert result.reason.startswith(waits)
    assert after.outcome is Outcome.PASSED


def test_threads_that_do_not_end_are_left_behind(install: Install) -> None:
    report = attempt(install, "NeverAnswers", setup=LiveSetup, area=PausingByUsers)
    by_user, after = report.results
    assert by_user.reason.startswith("did not end within 1 s: waits in driver.pause of host host1")
    assert after.outcome is Outcome.PASSED, after.reason


def test_who_waits_for_whom_is_told_at_once(install: Install) -> None:
    report = attempt(install, "WaitsForItself", case="test_asked_by_the_user")
    (result,) = report.results
    assert "waits for 'the pause'" in result.reason
    assert "did not end" not in result.reason


def test_the_end_of_a_case_is_limited_as_well(install: Install) -> None:
    report = attempt(install, "NeverDestroys", case="test_not_at_all")
    (result,) = report.results
    assert "waits in driver.destroy of host host1" in result.reason


def test_a_cloud_that_does_not_start_is_one_error(install: Install) -> None:
    with pytest.raises(HypervisorUnavailable, match=r"did not end within 1 s: .*init_host"):
        attempt(install, "NeverStarts")


# -- the limit itself ----------------------------------------------------------------------------


def test_what_ends_in_time_is_left_alone() -> None:
    with limit(60, lambda: "nowhere"):
        pass
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_a_timer_of_somebody_else_goes_on_afterwards() -> None:
    fired: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, _frame: fired.append(number))
    try:
        signal.setitimer(signal.ITIMER_REAL, 3600)
        told = r"did not end within 0\.01 s: here"
        with pytest.raises(DidNotEnd, match=told), limit(0.01, lambda: "here"):
            beside(threading.Event().wait)
        assert 3500 < signal.getitimer(signal.ITIMER_REAL)[0] <= 3600
        signal.raise_signal(signal.SIGALRM)
        assert fired == [signal.SIGALRM]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_what_is_called_beside_returns_and_raises() -> None:
    assert beside(lambda: 3) == 3
    with pytest.raises(ZeroDivisionError):
        beside(lambda: 1 // 0)
