"""Disks of the mock hypervisor's guests: by another definition."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from lxml.etree import _Element

import cellrig_domxml
from cellrig.driver import Disk, DiskNotFound
from cellrig_libvirt.outgoing import Outgoing
from cellrig_libvirt.plugs import BYTES_PER_GIB, lasting_document


class Redefinition:
    """Libvirt's mock hypervisor before version 10 cannot plug anything into a running guest.

    So the guest is defined anew, and what it has is what its definition says. It has no data: a
    swap copies nothing. As QEMU's, a disk that was swapped is the one that was plugged in for as
    long as its guest runs; that no definition can say.

    Args:
        library: the module `libvirt`.
        outgoing: what documents pass.
    """

    def __init__(self, library: Any, outgoing: Outgoing) -> None:
        self._library = library
        self._outgoing = outgoing
        #: By guest: which of its starts it was, and its document after the last swap.
        self._swapped: dict[str, tuple[int, _Element]] = {}

    def document(self, domain: Any) -> _Element:
        """See `Plugs`."""
        document = lasting_document(self._library, domain)
        running = self._running(domain)
        if running is not None:
            cellrig_domxml.keep_swapped_volumes(document, running)
        return document

    def attach(self, domain: Any, disk: Disk) -> None:
        """See `Plugs`."""
        if self._running(domain) is not None:
            cellrig_domxml.add_volume(self.document(domain), disk)  # refuses what QEMU would
        document = lasting_document(self._library, domain)
        cellrig_domxml.add_volume(document, disk)
        self._define(domain, document)

    def detach(self, domain: Any, serial: str) -> None:
        """See `Plugs`."""
        document, running = lasting_document(self._library, domain), self._running(domain)
        cellrig_domxml.remove_volume(document, serial)
        self._define(domain, document)
        if running is not None:
            with suppress(DiskNotFound):  # it came after the last swap
                cellrig_domxml.remove_volume(running, serial)

    def swap(self, domain: Any, old_serial: str, new: Disk) -> None:
        """See `Plugs`."""
        document, running = lasting_document(self._library, domain), self.document(domain)
        cellrig_domxml.swap_volume(document, old_serial, new)
        self._define(domain, document)
        if domain.isActive():
            cellrig_domxml.pivot_volume(running, old_serial, new)
            self._swapped[domain.UUIDString()] = domain.ID(), running

    def extend(self, domain: Any, serial: str, size: int) -> None:
        """See `Plugs`."""
        document = lasting_document(self._library, domain)
        cellrig_domxml.extend_volume(document, serial, -(-size // BYTES_PER_GIB))
        self._define(domain, document)

    def copy(self, domain: Any, target: str, element: _Element, *, pivot: bool) -> None:
        """See `Plugs`: there is nothing to copy."""

    def _define(self, domain: Any, document: _Element) -> None:
        domain.connect().defineXML(self._outgoing.text(document))

    def _running(self, domain: Any) -> _Element | None:
        started, document = self._swapped.get(domain.UUIDString(), (None, None))
        return document if domain.isActive() and domain.ID() == started else None
