from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cellrig.errors import InvalidTopology
from cellrig.scheduler import SchedulerOptions
from cellrig.scheduler.host_request import HostRequest
from cellrig.scheduler.host_state import HostState
from cellrig.scheduler.plugins import check_filter, check_weigher, load_filters, load_weighers

if TYPE_CHECKING:
    from tests.scheduler.conftest import World


def test_an_unknown_filter_is_refused_when_the_scheduler_is_made(world: World) -> None:
    with pytest.raises(InvalidTopology) as refused:
        world.new_scheduler(SchedulerOptions(filters=("compute", "retry")))
    assert "the scheduler option 'filters' names 'retry'" in str(refused.value)
    assert "aggregate_instance_extra_specs, availability_zone" in str(refused.value)


def test_an_unknown_weigher_is_refused_when_the_scheduler_is_made(world: World) -> None:
    with pytest.raises(InvalidTopology, match="the scheduler option 'weights' names 'rom'"):
        world.new_scheduler(SchedulerOptions(weights={"rom": 1.0}))


def test_filters_are_asked_in_the_order_of_the_option() -> None:
    names = ("same_host", "compute", "io_ops")
    loaded = load_filters(SchedulerOptions(filters=names))
    assert tuple(name for name, _filter in loaded) == names


def test_a_multiplier_of_zero_switches_a_weigher_off() -> None:
    loaded = load_weighers(SchedulerOptions(weights={"ram": 0.0, "num_instances": 2.0}))
    multipliers = {name: multiplier for name, _weigher, multiplier in loaded}
    assert "ram" not in multipliers
    assert multipliers["num_instances"] == 2.0


class OddHostsOnly:
    """A filter as somebody else would write it."""

    enabled_by_default = True

    def applies(self, request: HostRequest) -> bool:
        return request.spec.project_id == "project"

    def refusal(self, host: HostState, request: HostRequest) -> str | None:
        return None if host.host[-1] in "13579" else "it is even"


class NoMultiplier:
    def applies(self, request: HostRequest) -> bool:
        return True


def test_what_does_not_fit_is_refused_with_what_is_missing() -> None:
    assert check_filter("odd", OddHostsOnly) is OddHostsOnly
    with pytest.raises(InvalidTopology, match=r"'half'.*enabled_by_default.*method refusal is"):
        check_filter("half", NoMultiplier)
    with pytest.raises(InvalidTopology, match=r"'half'.*default_multiplier.*method weigh is"):
        check_weigher("half", NoMultiplier)
    with pytest.raises(InvalidTopology, match="not a class"):
        check_filter("function", len)
