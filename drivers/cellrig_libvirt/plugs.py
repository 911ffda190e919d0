"""How guests get disks and lose them: what is the same for every hypervisor."""

from __future__ import annotations

from typing import Any, Protocol

from lxml.etree import _Element

import cellrig_domxml
from cellrig.driver import Disk

BYTES_PER_GIB = 1 << 30


class Plugs(Protocol):
    """How a hypervisor's guests get disks and lose them."""

    def document(self, domain: Any) -> _Element:
        """Return what a guest has, as the hypervisor says."""

    def attach(self, domain: Any, disk: Disk) -> None:
        """Plug a volume in."""

    def detach(self, domain: Any, serial: str) -> None:
        """Pull a volume out.

        Raises:
            DiskNotFound: the guest has none with this serial.
        """

    def swap(self, domain: Any, old_serial: str, new: Disk) -> None:
        """Copy a volume onto another, and let the guest go on with that."""

    def extend(self, domain: Any, serial: str, size: int) -> None:
        """Let a guest see that a volume has `size` bytes."""

    def copy(self, domain: Any, target: str, element: _Element, *, pivot: bool) -> None:
        """Copy a disk of a running guest; at the end go on with the copy, or leave it as it is.

        Args:
            domain: the guest.
            target: the disk's name there.
            element: the `<disk>` to copy to, which exists and is large enough.
            pivot: go on with the copy.
        """


def lasting_document(library: Any, domain: Any) -> _Element:
    """Return a guest's definition, which is what it will have when it is started again."""
    return read_document(domain, library.VIR_DOMAIN_XML_INACTIVE | library.VIR_DOMAIN_XML_SECURE)


def read_document(domain: Any, flags: int) -> _Element:
    """Return a guest's document, as libvirt's flags say."""
    return cellrig_domxml.parse(domain.XMLDesc(flags).encode())
