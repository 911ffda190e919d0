"""Libvirt domain XML: build it, read it, change it, compare it."""

from cellrig_domxml.addresses import pci_address, pci_attributes
from cellrig_domxml.build import add_device, add_volume, build_domain, local_disk_gb
from cellrig_domxml.compare import differences
from cellrig_domxml.edit import (
    boot_from_rescue_disk,
    extend_volume,
    find_volume,
    remove_device,
    remove_volume,
    swap_volume,
)
from cellrig_domxml.parse import parse, serialize
from cellrig_domxml.read import read_disk, read_domain

__all__ = [
    "add_device",
    "add_volume",
    "boot_from_rescue_disk",
    "build_domain",
    "differences",
    "extend_volume",
    "find_volume",
    "local_disk_gb",
    "parse",
    "pci_address",
    "pci_attributes",
    "read_disk",
    "read_domain",
    "remove_device",
    "remove_volume",
    "serialize",
    "swap_volume",
]
