"""The options of the libvirt driver."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from cellrig.driver import Capabilities

#: What the driver does with QEMU.
EVERYTHING = Capabilities(
    multiattach=True,
    extend_volume=True,
    swap_volume=True,
    live_migration=True,
    cold_migration=True,
    resize_on_same_host=True,
    cold_migrate_on_same_host=True,
    evacuate=True,
    pause=True,
    suspend=True,
    rescue=True,
    rescue_volume_backed=True,
    snapshot=True,
    sriov=True,
)
#: What needs guests that run and disks with data, which libvirt's mock hypervisor does not have.
NEEDS_DATA = ("live_migration", "snapshot")

#: A mock hypervisor of the host's own.
PRIVATE_MOCK = "test:///"

Amount = Annotated[int, msgspec.Meta(ge=0)]
Total = Annotated[int, msgspec.Meta(ge=1)]
Ratio = Annotated[float, msgspec.Meta(gt=0)]
Seconds = Annotated[float, msgspec.Meta(ge=0)]


class LibvirtOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a topology may say of a host with libvirt.

    Args:
        uri: ``qemu:///session``, ``qemu+unix:///session?socket=...``, ``qemu:///system``, ...;
            ``test:///path/of/node.xml`` is a mock hypervisor with the node that the file
            describes, and ``test:///`` one with a plain node, each of the host's own. (Libvirt's
            ``test:///default`` is one for all hosts of a process.)
        instances_path: the directory of local disks and consoles; None for one that goes with the
            rig. It belongs to whom the hypervisor's processes run as.
        images_path: the directory of images, each a file named by the image's id or name. Snapshots
            are put there. An image that is not there is fetched from the image service. None for a
            directory beside the instances; then an image without data anywhere is an empty disk.
        virt_type: ``kvm`` or ``qemu``; None for the faster one that the hypervisor has.
        vcpus, memory_mb, disk_gb: what the host offers; None for all that it has.
        reserved_vcpus, reserved_memory_mb, reserved_disk_gb: what guests cannot have.
        cpu_allocation_ratio, ram_allocation_ratio, disk_allocation_ratio: how many times it may be
            promised.
        physical_networks: PCI address of a physical function, or its network interface on the host,
            to the physical network that it is wired to.
        sriov_tree: where virtual functions are counted: as inventory of the provider of their
            card, or as a provider each beneath it.
        traits: further traits of the node.
        migration_address: where other hosts' hypervisors reach this one.
        migration_bandwidth: MiB/s that a live migration may use; 0 for no limit.
        shutdown_wait: seconds that a guest gets at most to shut itself down, whatever is asked.
        device_wait: seconds that a guest gets to let go of a disk.
        copy_wait: seconds that the copying of a disk may take.
    """

    uri: str = PRIVATE_MOCK
    instances_path: str | None = None
    images_path: str | None = None
    virt_type: Literal["kvm", "qemu"] | None = None
    vcpus: Total | None = None
    memory_mb: Total | None = None
    disk_gb: Total | None = None
    reserved_vcpus: Amount = 0
    reserved_memory_mb: Amount = 0
    reserved_disk_gb: Amount = 0
    cpu_allocation_ratio: Ratio = 16.0
    ram_allocation_ratio: Ratio = 1.5
    disk_allocation_ratio: Ratio = 1.0
    physical_networks: dict[str, str] = {}
    sriov_tree: Literal["inventory", "children"] = "inventory"
    traits: tuple[str, ...] = ()
    migration_address: str = "127.0.0.1"
    migration_bandwidth: Amount = 0
    shutdown_wait: Seconds = 60
    device_wait: Seconds = 30
    copy_wait: Seconds = 600
