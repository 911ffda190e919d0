"""Invariant c: nothing is given twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.audit.conftest import BrokenCloud


def test_an_inventory_used_beyond_its_capacity_is_found(broken: BrokenCloud) -> None:
    broken.boot()
    broken.execute(
        "placement", "UPDATE inventories SET total = 100 WHERE resource_class = 'MEMORY_MB'"
    )
    (finding,) = broken.findings()
    assert finding == (
        f"provider cell1-host1 ({broken.node_uuid('cell1-host1')}) has given 512 MEMORY_MB; its "
        f"capacity is {_capacity(broken)}"
    )


def test_an_inventory_that_counts_other_than_its_consumers_is_found(broken: BrokenCloud) -> None:
    broken.boot()
    provider = f"provider cell1-host1 ({broken.node_uuid('cell1-host1')})"
    broken.execute("placement", "UPDATE inventories SET used = 2 WHERE used = 1")
    assert broken.findings() == [
        f"{provider} counts 2 DISK_GB as used; its consumers hold 1",
        f"{provider} counts 2 VCPU as used; its consumers hold 1",
    ]
    broken.execute("placement", "UPDATE inventories SET used = 1 WHERE used = 2")
    broken.execute("placement", "UPDATE inventories SET used = 0 WHERE used = 512")
    assert broken.findings() == [
        f"{provider} counts no MEMORY_MB as used; its consumers hold 512",
    ]


def _capacity(broken: BrokenCloud) -> int:
    (record,) = broken.rig.placement.get_provider_tree(broken.node_uuid("cell1-host1"))
    return record.inventories["MEMORY_MB"].capacity
