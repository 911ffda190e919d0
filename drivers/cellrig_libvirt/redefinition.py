"""Disks of the mock hypervisor's guests: by another definition."""

from __future__ import annotations

from typing import Any

from lxml.etree import _Element

import cellrig_domxml
from cellrig.driver import Disk
from cellrig_libvirt.outgoing import Outgoing
from cellrig_libvirt.plugs import BYTES_PER_GIB, lasting_document


class Redefinition:
    """Libvirt's mock hypervisor before version 10 cannot plug anything into a running guest.

    So the guest is defined anew, and what it has is what its definition says. It has no data: a
    swap copies nothing.

    Args:
        library: the module `libvirt`.
        outgoing: what documents pass.
    """

    def __init__(self, library: Any, outgoing: Outgoing) -> None:
        self._library = library
        self._outgoing = outgoing

    def document(self, domain: Any) -> _Element:
        """See `Plugs`."""
        return lasting_document(self._library, domain)

    def attach(self, domain: Any, disk: Disk) -> None:
        """See `Plugs`."""
        document = self.document(domain)
        cellrig_domxml.add_volume(document, disk)
        self._define(domain, document)

    def detach(self, domain: Any, serial: str) -> None:
        """See `Plugs`."""
        document = self.document(domain)
        cellrig_domxml.remove_volume(document, serial)
        self._define(domain, document)

    def swap(self, domain: Any, old_serial: str, new: Disk) -> None:
        """See `Plugs`."""
        document = self.document(domain)
        cellrig_domxml.swap_volume(document, old_serial, new)
        self._define(domain, document)

    def extend(self, domain: Any, serial: str, size: int) -> None:
        """See `Plugs`."""
        document = self.document(domain)
        cellrig_domxml.extend_volume(document, serial, -(-size // BYTES_PER_GIB))
        self._define(domain, document)

    def copy(self, domain: Any, target: str, element: _Element, *, pivot: bool) -> None:
        """See `Plugs`: there is nothing to copy."""

    def _define(self, domain: Any, document: _Element) -> None:
        domain.connect().defineXML(self._outgoing.text(document))
