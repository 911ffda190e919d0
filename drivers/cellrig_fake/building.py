"""Making a guest: its document, its devices, its place on the host."""

from __future__ import annotations

from collections.abc import Sequence

import cellrig_domxml
from cellrig.driver import (
    Device,
    Disk,
    Guest,
    HypervisorError,
    Image,
    ImageUnacceptable,
    PowerState,
)
from cellrig_fake.hypervisor import Hypervisor
from cellrig_fake.options import FakeOptions
from cellrig_fake.state import Domain

#: Where a real host would have its local disks. Nothing is ever written there.
INSTANCES_PATH = "/var/lib/cellrig/instances"


def check_image(guest: Guest, image: Image | None, options: FakeOptions) -> None:
    """Refuse an image that cannot boot here.

    Raises:
        ImageUnacceptable: its format, or the memory or disk that it needs.
    """
    if image is None:
        return
    if image.format not in options.image_formats:
        taken = ", ".join(options.image_formats)
        raise ImageUnacceptable(image.id, f"its format is {image.format!r}, taken are: {taken}")
    if image.min_ram > guest.memory_mb:
        told = f"it needs {image.min_ram} MiB of memory, the flavor has {guest.memory_mb}"
        raise ImageUnacceptable(image.id, told)
    if guest.root_gb and image.min_disk > guest.root_gb:
        told = f"it needs a root disk of {image.min_disk} GiB, the flavor has {guest.root_gb}"
        raise ImageUnacceptable(image.id, told)


def make_domain(
    hypervisor: Hypervisor,
    guest: Guest,
    image: Image | None,
    disks: Sequence[Disk],
    devices: Sequence[Device],
) -> Domain:
    """Return a guest that is shut down and belongs nowhere yet, its devices claimed.

    Raises:
        GuestExists: it is here already.
        ComputeResourcesUnavailable: too little memory or disk or no such device is left.
        HypervisorError: the hypervisor cannot take it as it is.
    """
    disk_gb = cellrig_domxml.local_disk_gb(guest, disks)
    hypervisor.check_room(guest, disk_gb)
    chosen = hypervisor.choose(guest.node, devices)
    root = cellrig_domxml.build_domain(guest, image, disks, chosen, instances_path=INSTANCES_PATH)
    hypervisor.claim(guest.uuid, guest.node, chosen)
    return Domain(
        uuid=guest.uuid,
        name=guest.name,
        node=guest.node,
        vcpus=guest.vcpus,
        memory_mb=guest.memory_mb,
        disk_gb=disk_gb,
        document=cellrig_domxml.serialize(root),
    )


def define_and_enter(hypervisor: Hypervisor, domain: Domain, power_state: PowerState) -> None:
    """Define a guest and bring it into a power state; all of it or nothing.

    Raises:
        HypervisorError: another guest has one of its volumes open.
    """
    domains = hypervisor.domains()
    hypervisor.define(domain, domains)
    try:
        hypervisor.enter(domain, power_state)
    except HypervisorError:
        hypervisor.undefine(domain.uuid, domains, domain.uuid)
        raise
