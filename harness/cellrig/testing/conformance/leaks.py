"""What is left when a case has ended: on hypervisors, of connections, in placement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import msgspec

from cellrig.driver import DriverError

if TYPE_CHECKING:
    from cellrig.testing.conformance.lab import Lab


class Beginning(msgspec.Struct, frozen=True):
    """A host before a case.

    Args:
        guests: the uuids of those that were there.
        devices: address to owner.
        used: processors and MiB that guests took.
    """

    guests: frozenset[str]
    devices: dict[str, str | None]
    used: tuple[int, int]


def look(lab: Lab, host: str) -> Beginning:
    """Return what a host's driver says now."""
    state = lab.state(host)
    return Beginning(
        guests=frozenset(lab.uuids(host)),
        devices={device.address: device.owner for device in state.devices},
        used=(state.vcpus_used, state.memory_mb_used),
    )


def what_is_left(lab: Lab, beginning: Mapping[str, Beginning]) -> list[str]:
    """Return what a case has left: what, who made it, at which step, when."""
    found: list[str] = []
    for host, before in beginning.items():
        try:
            found += _on_host(lab, host, before)
        except DriverError as error:
            found.append(f"{host} cannot be looked at: {error}")
    drivers = {host: lab.driver(host) for host in beginning}
    found += lab.setup.leftovers(drivers, lab.ours)
    ours = set(lab.ours)
    found += [
        f"{each.consumer_uuid} still holds something in placement"
        for each in lab.rig.placement.list_allocations()
        if each.consumer_uuid in ours
    ]
    return found


def _on_host(lab: Lab, host: str, before: Beginning) -> Iterator[str]:
    now = look(lab, host)
    ours, exact = set(lab.ours), lab.setup.exact
    for uuid in sorted(now.guests - before.guests):
        if exact or uuid in ours:
            yield f"guest {uuid} is left on {host}, {lab.calls.maker(uuid, host)}"
    for address, owner in now.devices.items():
        if owner is not None and owner != before.devices.get(address):
            uuid = next((each for each in ours if each in owner), owner)
            yield f"{owner} still has device {address} of {host}, {lab.calls.maker(uuid, host)}"
    if exact and now.used != before.used and now.guests == before.guests:
        yield (
            f"{host} counts {now.used[0]} vcpus and {now.used[1]} MiB as used; before it was "
            f"{before.used[0]} and {before.used[1]}"
        )
    connections = lab.connections(host)
    for volume in () if connections is None else connections.volumes:
        if volume.volume_id in ours or ours.intersection(volume.guests):
            uuid = volume.volume_id
            yield f"{host} is still connected to volume {uuid}, {lab.calls.maker(uuid, host)}"
