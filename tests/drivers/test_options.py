"""A wrong option is one clear line, before anything starts."""

from __future__ import annotations

from typing import Any

import pytest

from cellrig.driver import InvalidDriverOption
from cellrig.driver.loading import driver_options
from cellrig.errors import InvalidTopology
from cellrig_fake import FakeOptions, PhysicalFunction

CARD = {"address": "0000:81:00.0", "vfs": 2}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"vcpu": 1}, "option 'vcpu': got 1, takes nothing: the options are vcpus, memory_mb, "),
        ({"vcpus": "4"}, "option 'vcpus': got '4', takes a whole number of 1 or more"),
        ({"vcpus": 0}, "option 'vcpus': got 0, takes a whole number of 1 or more"),
        ({"disk_allocation_ratio": 0}, "got 0, takes a number above 0"),
        ({"shared_storage": 1}, "option 'shared_storage': got 1, takes true or false"),
        ({"reserved_vcpus": 65}, "option 'reserved_vcpus': got 65, takes at most the total of 64"),
        ({"numa_cells": 65}, "option 'numa_cells': got 65, takes at most one for each of the 64"),
        ({"sriov": [{**CARD, "vfs": -1}]}, "option 'sriov[0].vfs': got -1, takes a whole number "),
        ({"sriov": [CARD, {"address": "81"}]}, "'sriov[1].address': got '81', takes a string like"),
        ({"sriov": [{**CARD, "tree": "flat"}]}, "got 'flat', takes one of 'children', 'inventory'"),
        ({"sriov": [CARD, CARD]}, "takes '0000:81:00.0' once, not 2 times"),
        ({"sriov": [{**CARD, "speed": 9}]}, "option 'sriov[0].speed': got 9, takes nothing of "),
        ({"sriov": [{**CARD, "numa_node": 1}]}, "takes a numa_node below numa_cells, which is 0"),
        ({"capabilities": {"fly": True}}, "takes 'fly' is not one of multiattach, "),
        ({"capabilities": {"pause": "no"}}, "'capabilities[...]': got {'pause': 'no'}, takes true"),
        ({"behaviours": [{"on": "spawn", "does": "err"}]}, "takes one of 'fail', 'fail_after', "),
        ({"behaviours": [{"does": "fail"}]}, "option 'behaviours[0]': got {'does': 'fail'}, takes"),
        ({"nodes": ["a", "a"]}, "option 'nodes': got ['a', 'a'], takes 'a' once"),
        (
            {"nodes": ["a", "b"], "capabilities": {"multiple_nodes": False}},
            "takes at most one where capability multiple_nodes is off",
        ),
        ({"traits": ["hw nic"]}, "option 'traits': got ['hw nic'], takes traits of capital"),
        ({"latencies": {"spawn": -1}}, "takes a number of 0 or more"),
    ],
)
def test_a_wrong_option_is_named_with_what_it_got_and_what_it_takes(
    given: dict[str, Any], told: str
) -> None:
    with pytest.raises(InvalidDriverOption) as caught:
        driver_options("fake", given)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, InvalidTopology)


def test_options_have_defaults_for_a_host_of_some_size() -> None:
    options = driver_options("fake", {})
    assert isinstance(options, FakeOptions)
    assert (options.vcpus, options.memory_mb, options.disk_gb) == (64, 131072, 2048)


def test_virtual_functions_have_addresses_of_their_own() -> None:
    first = PhysicalFunction(address="0000:81:00.0", vfs=8)
    second = PhysicalFunction(address="0000:81:00.1", vfs=8)
    assert first.vf_addresses()[0] == "0000:81:02.0"
    assert first.vf_addresses()[7] == "0000:81:02.7"
    assert not set(first.addresses()) & set(second.addresses())
    many = PhysicalFunction(address="0000:81:00.7", vfs=64)
    assert len(set(many.vf_addresses())) == 64
    assert many.vf_addresses()[-1] == "0000:82:05.7"
