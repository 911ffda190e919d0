"""What the tests of moves between provider trees share: hosts with cards, and who has what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cellrig import Cell, ComputeOptions, Host, Rig, Server, Topology
from cellrig.model import Migration

PUBLIC = {"address": "0000:81:00.0", "physical_network": "public", "vfs": 2}
STORAGE = {"address": "0000:82:00.0", "physical_network": "storage", "vfs": 2}
ONE_EACH = {
    "resources1:SRIOV_NET_VF": "1",
    "trait1:CUSTOM_PHYSNET_PUBLIC": "required",
    "resources2:SRIOV_NET_VF": "1",
    "trait2:CUSTOM_PHYSNET_STORAGE": "required",
    "group_policy": "none",
}
ON_PUBLIC = {"resources1:SRIOV_NET_VF": "1", "trait1:CUSTOM_PHYSNET_PUBLIC": "required"}
ON_STORAGE = {"resources1:SRIOV_NET_VF": "1", "trait1:CUSTOM_PHYSNET_STORAGE": "required"}
FORMS = ("children", "inventory")
Held = dict[str, dict[str, int]]
Move = Callable[[Rig, Server], Server]


def cards(form: str, **options: Any) -> dict[str, Any]:
    """The options of a host with a card on each of two networks."""
    return {"sriov": [{**PUBLIC, "tree": form}, {**STORAGE, "tree": form}], **options}


def cloud(*options: dict[str, Any], same_host: bool = False) -> Topology:
    """Make a topology of one cell with the hosts host1, host2, ..."""
    hosts = [Host(f"host{n}", options=each) for n, each in enumerate(options, start=1)]
    compute = ComputeOptions(allow_resize_to_same_host=same_host)
    return Topology(cells=[Cell("cell1", hosts)], compute=compute)


def held(rig: Rig, consumer: str) -> Held:
    """Return what a consumer holds, by the names of the providers."""
    known = rig.placement.get_allocations(consumer)
    if known is None:
        return {}
    name = {each.uuid: each.name for each in rig.placement.list_providers()}
    return {name[uuid]: amounts for uuid, amounts in known.allocations.items()}


def of_devices(allocations: Held) -> dict[str, int]:
    """Return of how many devices allocations are, by provider."""
    return {
        name: amounts["SRIOV_NET_VF"]
        for name, amounts in allocations.items()
        if "SRIOV_NET_VF" in amounts
    }


def owned(rig: Rig, host: str) -> dict[str, dict[str, int]]:
    """Return how many devices of each provider of a host somebody has, by owner."""
    owners: dict[str, dict[str, int]] = {}
    for device in rig.driver(host).get_host_state(host).devices:
        if device.owner is not None:
            counts = owners.setdefault(device.owner, {})
            counts[str(device.provider_name)] = counts.get(str(device.provider_name), 0) + 1
    return owners


def addresses(rig: Rig, server: Server) -> list[str]:
    """Return the addresses of the devices of a server's guest."""
    return sorted(str(device.address) for device in rig.guest(server).devices)


def the_move(rig: Rig, server: Server) -> Migration:
    """Return the latest migration of a server."""
    return rig.migrations.list(server=server)[0]


def check_devices(rig: Rig, server: Server) -> None:
    """Its guest has the devices that the server's allocation names, and only those."""
    assert server.host is not None
    assert owned(rig, server.host).get(server.id, {}) == of_devices(held(rig, server.id))


def check_empty(rig: Rig, host: str) -> None:
    """Nobody holds or has anything of a host."""
    (root,) = rig.placement.list_providers(name=host)
    for record in rig.placement.get_provider_tree(root.uuid):
        assert not any(record.usages.values()), record
    assert owned(rig, host) == {}


def cold(rig: Rig, server: Server) -> Server:
    rig.servers.migrate(server)
    return rig.servers.confirm_resize(server)


def resize(rig: Rig, server: Server) -> Server:
    rig.flavors.create(
        "bigger", vcpus=2, memory_mb=1024, root_gb=2, extra_specs=server.flavor.extra_specs
    )
    rig.servers.resize(server, "bigger")
    return rig.servers.confirm_resize(server)


def live(rig: Rig, server: Server) -> Server:
    return rig.servers.live_migrate(server)


def evacuate(rig: Rig, server: Server) -> Server:
    source = str(server.host)
    rig.crash(source)
    rig.advance(70)
    moved = rig.servers.evacuate(server)
    rig.restart(source)
    rig.advance(70)
    return rig.servers.show(moved)


def shelve(rig: Rig, server: Server) -> Server:
    source = str(server.host)
    shelved = rig.servers.shelve(server)
    assert shelved.status == "SHELVED_OFFLOADED"
    assert held(rig, server.id) == {}
    check_empty(rig, source)
    rig.services.disable(source)
    return rig.servers.unshelve(server)


MOVES: dict[str, Move] = {
    "cold": cold,
    "resize": resize,
    "live": live,
    "evacuate": evacuate,
    "shelve": shelve,
}


def functions(form: str, host: str, place: int = 0) -> dict[str, int]:
    """One function of each card of a host, as providers count them."""
    if form == "inventory":
        return {f"{host}_0000:81:00.0": 1, f"{host}_0000:82:00.0": 1}
    return {f"{host}_0000:81:02.{place}": 1, f"{host}_0000:82:02.{place}": 1}
