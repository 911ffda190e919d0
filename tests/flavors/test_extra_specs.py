from __future__ import annotations

import pytest

from cellrig.errors import Invalid
from cellrig.flavors import validate_extra_specs

UUID = "7d4a1e57-9d1d-4c35-9a5c-6f1f6f0f4c11"


@pytest.mark.parametrize(
    "extra_specs",
    [
        {},
        {"resources:VCPU": "2", "resources:CUSTOM_GPU": "1", "trait:CUSTOM_FAST": "required"},
        {"resources1:VCPU": "1", "trait1:HW_CPU_X86_AVX": "forbidden"},
        {"resources_NET:SRIOV_NET_VF": "1", "resources_DISK:DISK_GB": "1", "group_policy": "none"},
        {
            "resources_A:VCPU": "1",
            "trait_B:CUSTOM_NUMA": "required",
            "same_subtree": "_A,_B",
        },
        {"resources1:VCPU": "1", "in_tree1": UUID},
        {"aggregate_instance_extra_specs:speed": ">= 10", "capabilities:vcpus": "<or> 4 <or> 8"},
        {"hw:cpu_policy": "dedicated", "quota:cpu_shares": "12", "hide_hypervisor_id": "true"},
    ],
)
def test_what_the_field_takes_is_taken(extra_specs: dict[str, str]) -> None:
    validate_extra_specs(extra_specs)


@pytest.mark.parametrize(
    ("extra_specs", "said"),
    [
        ({"resources:VCPU": "many"}, "'resources:VCPU' is 'many': it takes a whole number"),
        ({"resources:VCPU": "-1"}, "'resources:VCPU' is '-1': it takes a whole number from 0"),
        ({"resources:VCPU": "2147483648"}, "from 0 to 2147483647"),
        ({"resources:VCPUS": "1"}, "'VCPUS' is no resource class: it takes one of"),
        ({"resources:CUSTOM_gpu": "1"}, "'CUSTOM_gpu' is no resource class"),
        ({"resources": "1"}, "such a key is 'resources<group>:<CLASS>'"),
        ({f"resources_{'A' * 64}:VCPU": "1"}, "the group at most 64"),
        ({"trait:CUSTOM_FAST": "yes"}, "'yes': it takes 'required' or 'forbidden'"),
        ({"trait:HW_CPU_X86_AVX9": "required"}, "'HW_CPU_X86_AVX9' is no trait"),
        ({"group_policy": "both"}, "'group_policy' is 'both': it takes 'isolate' or 'none'"),
        (
            {"resources1:VCPU": "1", "resources2:VCPU": "1"},
            "'group_policy' is missing: with the groups 1, 2 it takes 'isolate' or 'none'",
        ),
        ({"trait1:CUSTOM_FAST": "required"}, "no resources in the group '1'"),
        ({"resources1:VCPU": "0"}, "no resources in the group '1'"),
        ({"same_subtree": "_A"}, "takes groups of this flavor (it has none), not '_A'"),
        ({"in_tree": "node-1"}, "'in_tree' is 'node-1': it takes the uuid"),
        (
            {"resources:VCPU": "0", "resources:MEMORY_MB": "0", "resources:DISK_GB": "0"},
            "a server takes at least one resource",
        ),
        ({"aggregate_instance_extra_specs:speed": ">= fast"}, ">= takes a number after it"),
        ({"capabilities:vcpus": "<in>"}, "<in> takes a value after it"),
    ],
)
def test_what_is_wrong_is_named_with_what_is_taken(extra_specs: dict[str, str], said: str) -> None:
    with pytest.raises(Invalid) as refused:
        validate_extra_specs(extra_specs)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
