from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from cellrig.errors import NoValidHost
from cellrig.model import Flavor
from cellrig.scheduler import SchedulerOptions

if TYPE_CHECKING:
    from tests.scheduler.conftest import World

SMALL = Flavor("1", "small", vcpus=1, memory_mb=1024, root_gb=10)


def test_a_zone_is_the_hosts_of_its_aggregates(world: World) -> None:
    world.host("cell1", "h1", memory_mb=64000)
    two, three = world.host("cell1", "h2"), world.host("cell2", "h3")
    world.aggregate("a", {"h2": two}, availability_zone="east")
    world.aggregate("b", {"h3": three}, availability_zone="east")
    selections = world.select(2, availability_zone="east")
    assert {selection.host for (selection,) in selections} == {"h2", "h3"}
    assert {selection.availability_zone for (selection,) in selections} == {"east"}


def test_without_a_zone_any_will_do(world: World) -> None:
    one = world.host("cell1", "h1", memory_mb=64000)
    world.host("cell1", "h2")
    world.aggregate("a", {"h1": one}, availability_zone="east")
    ((selection,),) = world.select()
    assert (selection.host, selection.availability_zone) == ("h1", "east")


def test_the_default_zone_is_the_hosts_in_no_other(world: World) -> None:
    one, two = world.host("cell1", "h1", memory_mb=64000), world.host("cell1", "h2")
    world.aggregate("a", {"h1": one}, availability_zone="east")
    world.aggregate("b", {"h2": two}, ssd="true")
    assert world.hosts(availability_zone="nova") == ["h2"]


def test_hosts_of_other_zones_do_not_use_up_the_limit_of_candidates(
    new_world: Callable[..., World],
) -> None:
    world = new_world("cell1", options=SchedulerOptions(max_placement_results=1))
    one, two = world.host("cell1", "h1"), world.host("cell1", "h2")
    world.host("cell1", "h3")
    world.aggregate("a", {"h1": one}, availability_zone="east")
    world.aggregate("b", {"h2": two}, availability_zone="west")
    assert world.hosts(availability_zone="nova") == ["h3"]
    assert world.hosts(availability_zone="west") == ["h2"]


def test_a_zone_that_does_not_exist_is_named(world: World) -> None:
    world.host("cell1", "h1")
    with pytest.raises(NoValidHost, match="availability zone 'west' does not exist"):
        world.select(availability_zone="west")


def test_hosts_in_other_zones_are_told_so(world: World) -> None:
    one = world.host("cell1", "h1", vcpus=1)
    world.host("cell1", "h2")
    world.aggregate("a", {"h1": one}, availability_zone="east")
    with pytest.raises(NoValidHost) as refused:
        world.select(2, availability_zone="east")
    assert refused.value.refusals == {
        "h1": "VCPU: 1 requested, 0 free",
        "h2": "filter availability_zone: zone 'east' was asked for, the host is in 'nova'",
    }


def test_a_zone_holds_for_resources_in_numbered_groups_only(world: World) -> None:
    one = world.host("cell1", "h1")
    world.host("cell1", "h2", memory_mb=64000)
    world.aggregate("a", {"h1": one}, availability_zone="east")
    specs = {
        "resources:VCPU": "0",
        "resources:MEMORY_MB": "0",
        "resources:DISK_GB": "0",
        "resources1:VCPU": "1",
    }
    flavor = replace(SMALL, extra_specs=specs)
    assert world.hosts(flavor=flavor, availability_zone="east") == ["h1"]


def test_a_project_stays_on_its_own_hosts_and_others_stay_off(world: World) -> None:
    one, two = world.host("cell1", "h1"), world.host("cell1", "h2", memory_mb=16000)
    world.host("cell1", "h3", memory_mb=12000)
    world.aggregate("a", {"h1": one}, filter_tenant_id="other, project")
    world.aggregate("b", {"h2": two}, filter_tenant_id_1="other")
    assert world.hosts() == ["h1"]


def test_a_project_without_hosts_of_its_own_takes_those_of_nobody(world: World) -> None:
    two = world.host("cell1", "h2", memory_mb=16000)
    world.host("cell1", "h3")
    world.aggregate("b", {"h2": two}, filter_tenant_id="other")
    assert world.hosts() == ["h3"]
    with pytest.raises(NoValidHost) as refused:
        world.select(9)
    why = "filter tenant_isolation: it is kept for other projects than 'project'"
    assert refused.value.refusals["h2"] == why
