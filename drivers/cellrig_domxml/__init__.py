"""Libvirt domain XML: build it, read it, change it, compare it."""

from cellrig_domxml.addresses import pci_address, pci_attributes
from cellrig_domxml.build import add_device, add_volume, build_domain, local_disk_gb
from cellrig_domxml.compare import differences
from cellrig_domxml.edit import (
    boot_from_rescue_disk,
    extend_volume,
    find_volume,
    keep_swapped_volumes,
    note_swapped_volume,
    pivot_volume,
    remove_device,
    remove_volume,
    set_volumes,
    swap_volume,
)
from cellrig_domxml.metadata import (
    NAMESPACE,
    device_words,
    guest_words,
    metadata_document,
    set_node,
    volume_of,
)
from cellrig_domxml.parse import parse, serialize
from cellrig_domxml.read import read_disk, read_domain
from cellrig_domxml.sources import source_of
from cellrig_domxml.targets import target_of

__all__ = [
    "NAMESPACE",
    "add_device",
    "add_volume",
    "boot_from_rescue_disk",
    "build_domain",
    "device_words",
    "differences",
    "extend_volume",
    "find_volume",
    "guest_words",
    "keep_swapped_volumes",
    "local_disk_gb",
    "metadata_document",
    "note_swapped_volume",
    "parse",
    "pci_address",
    "pci_attributes",
    "pivot_volume",
    "read_disk",
    "read_domain",
    "remove_device",
    "remove_volume",
    "serialize",
    "set_node",
    "set_volumes",
    "source_of",
    "swap_volume",
    "target_of",
    "volume_of",
]
