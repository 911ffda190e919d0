"""Cold moves of the fake hypervisor."""

from __future__ import annotations

from collections.abc import Sequence

import cellrig_domxml
from cellrig.driver import (
    Disk,
    Guest,
    GuestNotFound,
    MigrateData,
    MigrationError,
    PowerState,
)
from cellrig_fake.hypervisor import Hypervisor
from cellrig_fake.state import Domain


def leave(
    hypervisor: Hypervisor, guest: Guest, resized: Guest, destination: str, shared: bool
) -> MigrateData:
    """Shut a guest down and keep it for a revert.

    Raises:
        GuestNotFound: there is no such guest, and none is kept.
        MigrationError: its root disk would shrink.
    """
    data = MigrateData(
        source_host=hypervisor.host,
        destination_host=destination,
        shared_storage=shared,
        driver_data={"disks_of": guest.uuid},
    )
    kept = hypervisor.state.kept
    if guest.uuid in kept and guest.uuid not in hypervisor.domains():
        return data
    domain = hypervisor.domain(guest.uuid)
    if resized.root_gb and resized.root_gb < guest.root_gb:
        told = f"its root disk of {guest.root_gb} GiB does not shrink to {resized.root_gb}"
        raise MigrationError(guest.uuid, told)
    hypervisor.enter(domain, PowerState.SHUTDOWN)
    kept[guest.uuid] = hypervisor.domains().pop(guest.uuid)
    _rename_claims(hypervisor, guest.uuid, kept_owner(guest.uuid))
    return data


def check_arrival(guest: Guest, data: MigrateData) -> None:
    """Refuse to finish a migration whose disks were not sent.

    Raises:
        MigrationError: they were not.
    """
    if data.driver_data.get("disks_of") != guest.uuid:
        raise MigrationError(guest.uuid, f"its disks have not come from {data.source_host}")


def forget(hypervisor: Hypervisor, guest: Guest) -> None:
    """Erase what was kept. Nothing kept is harmless."""
    hypervisor.undefine(guest.uuid, hypervisor.state.kept, kept_owner(guest.uuid))


def come_back(hypervisor: Hypervisor, guest: Guest, disks: Sequence[Disk], power_on: bool) -> None:
    """Bring back what was kept, with the volumes that it has by then.

    A guest that is here already is harmless.

    Raises:
        GuestNotFound: nothing was kept.
        HypervisorError: another guest has one of its volumes open; it is still kept.
    """
    kept, domains = hypervisor.state.kept, hypervisor.domains()
    if guest.uuid in domains:
        return
    domain = kept.get(guest.uuid)
    if domain is None:
        raise GuestNotFound(guest.uuid)
    _change_volumes(hypervisor, domain, disks)
    if power_on:
        hypervisor.enter(domain, PowerState.RUNNING)
    domains[guest.uuid] = kept.pop(guest.uuid)
    _rename_claims(hypervisor, kept_owner(guest.uuid), guest.uuid)


def _change_volumes(hypervisor: Hypervisor, domain: Domain, disks: Sequence[Disk]) -> None:
    """Let a kept guest have the volumes that were attached, and not those detached, since."""
    with hypervisor.editing(domain) as (root,):
        cellrig_domxml.set_volumes(root, disks)


def kept_owner(uuid: str) -> str:
    """Who owns the devices of a guest that is kept: not the guest, which may be here anew."""
    return f"{uuid} before its migration"


def _rename_claims(hypervisor: Hypervisor, owner: str, other: str) -> None:
    claims = hypervisor.state.claims
    claims.update({key: other for key, holder in claims.items() if holder == owner})
