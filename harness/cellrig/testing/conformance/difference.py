"""The same story on two drivers: where what guests and nodes look like differs first."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec

from cellrig.driver import GuestInfo
from cellrig.errors import CellrigError
from cellrig.placement.types import ProviderRecord
from cellrig.testing.conformance.case import Case
from cellrig.testing.conformance.checking import Inapplicable, NotOffered, first_difference
from cellrig.testing.conformance.lab import Lab
from cellrig.testing.conformance.running import Outcome, Result, perform, result_of, told
from cellrig.testing.conformance.setup import Setup

#: What guests and nodes look like at one moment, of JSON types, with ordinals in place of uuids.
View = dict[str, Any]

#: Of traits, those that say what a node or card can do; the rest says what it is made of.
_TRAITS = ("COMPUTE_", "HW_NIC_SRIOV", "CUSTOM_PHYSNET_")


def compare(one: Setup, other: Setup, case: Case) -> Result:
    """Run a case on two set-ups; it fails at the first moment at which they look different.

    Looked at is, whenever the cloud has come to rest: which host has each guest, its power state,
    its disks and devices; the shape of the provider trees, and what is used of them.
    """
    began = time.perf_counter()
    try:
        views = [_views(setup, case) for setup in (one, other)]
    except (NotOffered, Inapplicable) as error:
        return result_of(case, Outcome.UNFIT, str(error))
    names = (one.driver, other.driver)
    outcome, reason = Outcome.PASSED, ""
    (mine, my_end), (yours, your_end) = views
    for step, (left, right) in enumerate(zip(mine, yours, strict=False), start=1):
        if left != right:
            where, this, that = first_difference(left, right)
            told_apart = f"{this!r} with {names[0]} and {that!r} with {names[1]}"
            outcome, reason = Outcome.FAILED, f"at step {step}, {where or 'all'} is {told_apart}"
            break
    else:
        if my_end != your_end:
            outcome = Outcome.FAILED
            reason = f"the case ends differently: {names[0]}: {my_end}; {names[1]}: {your_end}"
    return result_of(case, outcome, reason, time.perf_counter() - began)


def _views(setup: Setup, case: Case) -> tuple[list[View], str]:
    """Return what a case looks like at each of its steps, and how it ends."""
    views: list[View] = []

    def looking(lab: Lab, body: Callable[[], None]) -> None:
        def look() -> None:
            with suppress(CellrigError):  # a hypervisor that is away is not looked at
                views.append(_view(lab))

        lab.calls.when_settled = look
        try:
            body()
        finally:
            lab.calls.when_settled = lambda: None

    try:
        perform(setup, case, around=looking)
    except (NotOffered, Inapplicable):
        raise
    except Exception as error:  # noqa: BLE001 - how it ends is compared, too
        return views, told(error)
    return views, "well"


def _view(lab: Lab) -> View:
    names = {uuid: f"#{number}" for number, uuid in enumerate(lab.ours, start=1)}
    run = lab.rig.runtime.run
    return {
        host: {
            "guests": {
                names[info.uuid]: _guest(info, names)
                for info in run(lab.driver(host).list_guests, name="look at guests")
                if info.uuid in names
            },
            "trees": [
                _provider(provider)
                for node in run(lab.driver(host).get_available_nodes, name="look at nodes")
                for provider in _tree(lab, node)
            ],
        }
        for host in lab.hosts
    }


def _guest(info: GuestInfo, names: dict[str, str]) -> View:
    return {
        "power state": info.power_state.name,
        "memory_mb": info.memory_mb,
        "vcpus": info.vcpus,
        "disks": [
            {
                **msgspec.structs.asdict(disk),
                "serial": names.get(disk.serial or "", disk.serial),
                "source": bool(disk.source),
            }
            for disk in info.disks
        ],
        "devices": sorted(str(device.kind) for device in info.devices),
    }


def _tree(lab: Lab, node: str) -> list[ProviderRecord]:
    for each in lab.rig.cloud.placement.list_providers():
        if each.name == node:
            return list(lab.rig.placement.get_provider_tree(each.uuid))
    return []


def _provider(provider: ProviderRecord) -> View:
    return {
        "is root": provider.parent_uuid is None,
        "used": {name: provider.usages.get(name, 0) for name in sorted(provider.inventories)},
        "traits": sorted(each for each in provider.traits if each.startswith(_TRAITS)),
    }
