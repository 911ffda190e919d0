"""The personalities of the field's own fake drivers, each a line of options.

The names are those of Nova's test tree, so that a test that is carried over finds its driver.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

Options = Mapping[str, Any]

_MAGIC = {
    "children": [
        {"name": "child", "inventory": {"CUSTOM_MAGIC": 10}, "traits": ["OWNER_NOVA"]},
    ]
}
_MEDIUM = {"vcpus": 10, "memory_mb": 8192, "disk_gb": 1028}
_RESCHEDULE = {"behaviours": [{"on": "spawn", "error": "resources", "times": 1, "per": "cloud"}]}
_ABORT = {"behaviours": [{"on": "spawn", "error": "abort"}]}
_UNSHELVE = {"behaviours": [{"on": "spawn", "vm_state": "shelved_offloaded"}]}
_LIVE = {"behaviours": [{"on": "live_migration", "does": "hold"}]}
_FINISH = {"behaviours": [{"on": "finish_migration"}]}
_CARDS = {
    "sriov": [
        {"address": "0000:81:00.0", "physical_network": "physnet1", "vfs": 1},
        {"address": "0000:82:00.0", "physical_network": "physnet2", "vfs": 1},
        {"address": "0000:83:00.0", "physical_network": "physnet2", "vfs": 1},
    ]
}
_NAMED_CARDS = {
    "sriov": [
        {**card, "interface": f"{{host}}-ens{position}"}
        for position, card in enumerate(_CARDS["sriov"], start=1)
    ]
}

#: Name of the driver class to the options that make the fake driver behave like it.
PERSONALITIES: Mapping[str, Options] = MappingProxyType(
    {
        "FakeDriver": {"vcpus": 1000, "memory_mb": 800000, "disk_gb": 600000},
        "SmallFakeDriver": {"vcpus": 2, "memory_mb": 8192, "disk_gb": 1028},
        "MediumFakeDriver": _MEDIUM,
        "SameHostColdMigrateDriver": {"capabilities": {"cold_migrate_on_same_host": True}},
        "RescueBFVDriver": {"capabilities": {"rescue_volume_backed": True}},
        "PowerUpdateFakeDriver": {"lifecycle_events": True},
        "MediumFakeDriverWithNestedCustomResources": {**_MEDIUM, **_MAGIC},
        "FakeFinishMigrationFailDriver": _FINISH,
        "PredictableNodeUUIDDriver": {"predictable_node_uuids": True},
        "FakeRescheduleDriver": _RESCHEDULE,
        "FakeRescheduleDriverWithNestedCustomResources": {**_RESCHEDULE, **_MAGIC},
        "FakeBuildAbortDriver": _ABORT,
        "FakeBuildAbortDriverWithNestedCustomResources": {**_ABORT, **_MAGIC},
        "FakeUnshelveSpawnFailDriver": _UNSHELVE,
        "FakeUnshelveSpawnFailDriverWithNestedCustomResources": {**_UNSHELVE, **_MAGIC},
        "FakeLiveMigrateDriver": _LIVE,
        "FakeLiveMigrateDriverWithNestedCustomResources": {**_LIVE, **_MAGIC},
        "FakeDriverWithPciResources": _CARDS,
        "FakeDriverWithPciResourcesConfigFixture": _NAMED_CARDS,
        "FakeLiveMigrateDriverWithPciResources": {**_LIVE, **_CARDS},
        "FakeDriverWithCaching": {"capabilities": {"image_cache": True}},
        "EphEncryptionDriver": {"capabilities": {"ephemeral_encryption": True}},
        "EphEncryptionDriverLUKS": {
            "capabilities": {"ephemeral_encryption": True, "ephemeral_encryption_luks": True}
        },
        "EphEncryptionDriverPLAIN": {
            "capabilities": {"ephemeral_encryption": True, "ephemeral_encryption_plain": True}
        },
        "FakeDriverWithoutFakeNodes": {"nodes": ["{host}"]},
    }
)
