"""Each host filter by itself, on host states made by hand."""

from __future__ import annotations

from typing import Any

import pytest

from cellrig.model import Aggregate, ComputeNode, Flavor, ImageProperties, RequestSpec, Service
from cellrig.scheduler import SchedulerOptions
from cellrig.scheduler.filters import HostFilter
from cellrig.scheduler.host_request import HostRequest
from cellrig.scheduler.host_state import HostState
from cellrig.scheduler.plugins import load_filters

NOW = 1000.0
BUILT_IN = (
    "aggregate_instance_extra_specs",
    "availability_zone",
    "compute",
    "compute_capabilities",
    "different_host",
    "image_properties",
    "io_ops",
    "num_instances",
    "same_host",
    "server_group_affinity",
    "server_group_anti_affinity",
    "tenant_isolation",
)


class Counts:
    def instances(self, _host: str) -> int:
        return 5

    def busy(self, _host: str) -> int:
        return 3


def host(*aggregates: dict[str, str], traits: tuple[str, ...] = (), **service: Any) -> HostState:
    service = {"last_seen_up": NOW, **service}
    return HostState(
        cell="cell1",
        node=ComputeNode("n", "h1", "node-1", "QEMU", 7002000, 8, 8192, 100),
        service=Service("s", "h1", "nova-compute", **service),
        aggregates=tuple(
            Aggregate(number, str(number), str(number), metadata, ("h1",))
            for number, metadata in enumerate(aggregates)
        ),
        zone="nova",
        total_vcpus=8,
        free_vcpus=4,
        total_memory_mb=8192,
        free_memory_mb=4096,
        total_disk_gb=100,
        free_disk_gb=50,
        traits=frozenset(traits),
        counts=Counts(),
    )


def asked(
    extra_specs: dict[str, str] | None = None,
    properties: dict[str, str] | None = None,
    **options: Any,
) -> HostRequest:
    spec = RequestSpec(
        instance_uuid="i",
        project_id="project",
        user_id="user",
        flavor=Flavor("1", "f", extra_specs=extra_specs or {}),
        image=ImageProperties("i", properties=properties or {}),
    )
    return HostRequest(spec=spec, options=SchedulerOptions(**options), now=NOW)


def filter_named(name: str) -> HostFilter:
    ((_name, found),) = load_filters(SchedulerOptions(filters=(name,)))
    return found


def refusal(name: str, state: HostState, request: HostRequest) -> str | None:
    found = filter_named(name)
    return found.refusal(state, request) if found.applies(request) else None


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_filter_says_what_it_is_for(name: str) -> None:
    assert type(filter_named(name)).__doc__


def test_limits_are_off_by_default_and_the_rest_is_on() -> None:
    on = {name for name, _filter in load_filters(SchedulerOptions())}
    assert set(BUILT_IN) - on == {"io_ops", "num_instances"}


@pytest.mark.parametrize(
    ("service", "said"),
    [
        ({}, None),
        ({"last_seen_up": NOW - 60}, None),
        ({"last_seen_up": NOW - 61}, "the service is down: it last reported 61 s ago"),
        ({"disabled": True}, "the service is disabled"),
        ({"disabled": True, "disabled_reason": "x"}, "the service is disabled (x)"),
        ({"forced_down": True}, "the service is forced down"),
    ],
)
def test_compute_takes_services_that_are_enabled_and_up(
    service: dict[str, Any], said: str | None
) -> None:
    assert refusal("compute", host(**service), asked()) == said


def test_how_long_a_service_may_be_silent_is_an_option() -> None:
    silent = host(last_seen_up=NOW - 61)
    assert refusal("compute", silent, asked(service_down_time=100.0)) is None


def test_one_aggregate_with_a_fitting_value_is_enough() -> None:
    fast = asked({"aggregate_instance_extra_specs:speed": ">= 10", "unscoped": "x"})
    name = "aggregate_instance_extra_specs"
    assert refusal(name, host({"speed": "5"}, {"speed": "20"}), fast) is None
    assert refusal(name, host({"speed": "5"}), fast) == (
        "speed must be '>= 10', the host's aggregates say '5'"
    )
    assert refusal(name, host({"size": "5"}), fast) == (
        "speed must be '>= 10', the host's aggregates say nothing"
    )
    assert refusal(name, host(), asked({"unscoped": "x"})) is None


@pytest.mark.parametrize(
    ("extra_spec", "value", "said"),
    [
        ("capabilities:hypervisor_type", "QEMU", None),
        ("capabilities:hypervisor_version", ">= 6000000", None),
        (
            "capabilities:hypervisor_type",
            "s== Xen",
            "hypervisor_type must be 's== Xen', the node has 'QEMU'",
        ),
        ("capabilities:gpus", "1", "the node says nothing of 'gpus'"),
    ],
)
def test_capabilities_are_compared_with_the_node(
    extra_spec: str, value: str, said: str | None
) -> None:
    assert refusal("compute_capabilities", host(), asked({extra_spec: value})) == said


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ({}, None),
        ({"img_hv_type": "qemu"}, None),
        ({"img_hv_type": "xen"}, "the image wants img_hv_type 'xen', the host has 'QEMU'"),
        ({"img_hv_requested_version": ">=6000000, <8000000"}, None),
        (
            {"img_hv_requested_version": ">=6000000,<7000000"},
            "the image wants img_hv_requested_version '<7000000', the host has 7002000",
        ),
        ({"hw_architecture": "x86_64"}, None),
        (
            {"hw_architecture": "aarch64"},
            "the image wants hw_architecture 'aarch64', the host has x86_64",
        ),
    ],
)
def test_image_properties_are_compared_with_the_hypervisor(
    properties: dict[str, str], said: str | None
) -> None:
    state = host(traits=("HW_ARCH_X86_64", "HW_CPU_X86_AVX"))
    assert refusal("image_properties", state, asked(properties=properties)) == said


def test_the_architecture_is_compared_only_where_the_host_tells_it() -> None:
    arm = asked(properties={"hw_architecture": "aarch64"})
    assert refusal("image_properties", host(), arm) is None


def test_busy_hosts_are_refused_by_the_option_or_the_smallest_aggregate() -> None:
    assert refusal("io_ops", host(), asked()) is None
    assert refusal("io_ops", host(), asked(max_io_ops_per_host=3)) == (
        "3 of its servers are busy, at most 3"
    )
    limited = host({"max_io_ops_per_host": "9"}, {"max_io_ops_per_host": "2"}, {"max_io": "x"})
    assert refusal("io_ops", limited, asked()) == "3 of its servers are busy, at most 2"


def test_full_hosts_are_refused_by_the_option_or_the_smallest_aggregate() -> None:
    assert refusal("num_instances", host(), asked()) is None
    assert refusal("num_instances", host(), asked(max_instances_per_host=5)) == (
        "it has 5 servers, at most 5"
    )
    limited = host({"max_instances_per_host": "4"}, {"max_instances_per_host": "many"})
    assert refusal("num_instances", limited, asked()) == "it has 5 servers, at most 4"


def test_a_host_kept_for_several_projects_takes_each_of_them() -> None:
    kept = host({"filter_tenant_id": "a,b"}, {"filter_tenant_id2": "project"})
    assert refusal("tenant_isolation", kept, asked()) is None
    assert refusal("tenant_isolation", host({"filter_tenant_id": "a,b"}), asked()) is not None
