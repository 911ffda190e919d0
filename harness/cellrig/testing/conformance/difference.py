"""The same story on two drivers: where what guests and nodes look like differs first."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from typing import Any

import msgspec

from cellrig.driver import TRAITS, GuestInfo
from cellrig.errors import CellrigError
from cellrig.placement.types import ProviderRecord
from cellrig.testing.conformance.case import Case
from cellrig.testing.conformance.checking import Inapplicable, NotOffered, first_difference
from cellrig.testing.conformance.documents import HasDocuments, devices_of
from cellrig.testing.conformance.lab import CASE_SECONDS, Lab
from cellrig.testing.conformance.running import Outcome, Result, perform, result_of, told
from cellrig.testing.conformance.setup import Setup

#: What guests and nodes look like at one moment, of JSON types, with ordinals in place of uuids.
View = dict[str, Any]

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

#: The trait of providers that stand for network cards.
_CARD = "HW_NIC_SRIOV"

#: Of traits, beside those of capabilities, those that say what a card can do; the rest says what a
#: node is made of.
_TRAITS = (_CARD, "CUSTOM_PHYSNET_")


def compare(
    one: Setup,
    other: Setup,
    case: Case,
    *,
    shared: Collection[str] = (),
    seconds: float = CASE_SECONDS,
) -> Result:
    """Run a case on two set-ups; it fails at the first moment at which they look different.

    Looked at is, whenever the cloud has come to rest and something has changed: which host has each
    guest, its power state, its disks and devices, by the interface and, where both hypervisors have
    one, in the domain's XML; the shape of the provider trees, and what is used of them; and what
    the case tells of itself. Both have the other's block storage, which is not what is compared.

    Args:
        one: the driver under test.
        other: what it is compared with.
        case: which.
        shared: the capabilities that both declare; traits of others are not compared, nor, without
            ``sriov``, network cards.
        seconds: how long it may take on each by the wall clock; 0 for ever.
    """
    began = time.perf_counter()
    try:
        runs = [_views(setup, other, case, shared, seconds) for setup in (one, other)]
    except (NotOffered, Inapplicable) as error:
        return result_of(case, Outcome.UNFIT, str(error))
    reason = _difference((one.driver, other.driver), *runs)
    outcome = Outcome.FAILED if reason else Outcome.PASSED
    return result_of(case, outcome, reason, time.perf_counter() - began)


def _difference(names: tuple[str, str], mine: Run, yours: Run) -> str:
    """Say where two runs look different first; nothing where they do not."""
    if not (mine.has_documents and yours.has_documents):
        mine, yours = mine.without_documents(), yours.without_documents()
    for step, (left, right) in enumerate(zip(mine.views, yours.views, strict=False), start=1):
        if left != right:
            after = left["the story"][-1:] or right["the story"][-1:]
            where, this, that = first_difference(left, right)
            return (
                f"at step {step}{f' ({after[0]})' if after else ''}, {where or 'all'} is "
                f"{this!r} with {names[0]} and {that!r} with {names[1]}"
            )
    if mine.end != yours.end:
        return f"the case ends differently: {names[0]}: {mine.end}; {names[1]}: {yours.end}"
    if len(mine.views) != len(yours.views):
        mine_and_yours = f"{len(mine.views)} with {names[0]} and {len(yours.views)} with {names[1]}"
        return f"the number of moments at which something has changed is {mine_and_yours}"
    return ""


class Run(msgspec.Struct, frozen=True):
    """What a case looked like on one set-up.

    Args:
        views: whenever something had changed.
        end: ``well``, or what it found wrong.
        has_documents: its hypervisors have domain XML.
    """

    views: tuple[View, ...]
    end: str
    has_documents: bool

    def without_documents(self) -> Run:
        """Return the same as the interface alone shows it."""
        views: list[View] = []
        for view in self.views:
            stripped = {
                uuid: {what: told for what, told in guest.items() if what != "domain XML"}
                for uuid, guest in view["guests"].items()
            }
            if not views or {**view, "guests": stripped} != views[-1]:
                views.append({**view, "guests": stripped})
        return msgspec.structs.replace(self, views=tuple(views))


def _views(
    setup: Setup, storage: Setup, case: Case, shared: Collection[str], seconds: float
) -> Run:
    """Run a case and look whenever something may have changed."""
    views: list[View] = []
    names: dict[str, str] = {}
    has_documents = False

    def looking(lab: Lab, body: Callable[[], None]) -> None:
        nonlocal has_documents
        has_documents = all(isinstance(lab.driver(host), HasDocuments) for host in lab.hosts)

        def look() -> None:
            names.update({uuid: f"#{number}" for number, uuid in enumerate(lab.ours, start=1)})
            with suppress(CellrigError):  # a hypervisor that is away is not looked at
                view = _view(lab, names, shared)
                if not views or view != views[-1]:
                    views.append(view)

        lab.calls.when_settled = look
        try:
            body()
        finally:
            lab.calls.when_settled = lambda: None

    end = "well"
    try:
        perform(setup, case, seconds=seconds, storage=storage, around=looking)
    except (NotOffered, Inapplicable):
        raise
    except Exception as error:  # noqa: BLE001 - how it ends is compared, too
        end = _UUID.sub(lambda found: names.get(found.group(), "..."), told(error))
    return Run(tuple(views), end, has_documents)


def _view(lab: Lab, names: Mapping[str, str], shared: Collection[str]) -> View:
    traits = tuple(TRAITS[name] for name in shared if name in TRAITS)
    guests: View = {}
    trees: View = {}
    for host in lab.hosts:
        for info in lab.reach(lambda host=host: _guests(lab, host)):  # type: ignore[misc]
            if info.uuid in names:
                guests[names[info.uuid]] = {"host": host, **_guest(lab, host, info, names)}
        trees[host] = [
            _provider(provider, traits)
            for node in _nodes(lab, host)
            for provider in _tree(lab, node)
            if "sriov" in shared or _CARD not in provider.traits
        ]
    in_order = {name: guests[name] for name in sorted(guests)}
    return {"the story": tuple(lab.told), "guests": in_order, "trees": trees}


def _guests(lab: Lab, host: str) -> list[GuestInfo]:
    return lab.rig.runtime.run(lab.driver(host).list_guests, name="look at guests")


def _nodes(lab: Lab, host: str) -> list[str]:
    look = lab.driver(host).get_available_nodes
    return lab.reach(lambda: lab.rig.runtime.run(look, name="look at nodes"))


def _guest(lab: Lab, host: str, info: GuestInfo, names: Mapping[str, str]) -> View:
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
        "domain XML": _document(lab, host, info.uuid, names),
    }


def _document(lab: Lab, host: str, uuid: str, names: Mapping[str, str]) -> list[Any] | None:
    driver = lab.driver(host)
    if not isinstance(driver, HasDocuments):
        return None
    read = driver.domain_xml
    document = lab.reach(lambda: lab.rig.runtime.run(lambda: read(uuid), name="look at a document"))
    return devices_of(document, names)


def _tree(lab: Lab, node: str) -> list[ProviderRecord]:
    for each in lab.rig.cloud.placement.list_providers():
        if each.name == node:
            return list(lab.rig.placement.get_provider_tree(each.uuid))
    return []


def _provider(provider: ProviderRecord, traits: tuple[str, ...]) -> View:
    return {
        "is root": provider.parent_uuid is None,
        "used": {name: provider.usages.get(name, 0) for name in sorted(provider.inventories)},
        "traits": sorted(
            each for each in provider.traits if each in traits or each.startswith(_TRAITS)
        ),
    }
