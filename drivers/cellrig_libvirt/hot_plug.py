"""Disks of QEMU's guests: plugged in, pulled out, copied and resized while the guest runs."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from lxml.etree import SubElement, _Element

import cellrig_domxml
from cellrig.driver import Disk, DiskNotFound, GuestBusy, HypervisorError, PowerState
from cellrig_libvirt.connection import Connection
from cellrig_libvirt.options import LibvirtOptions
from cellrig_libvirt.outgoing import Outgoing
from cellrig_libvirt.plugs import BYTES_PER_GIB, lasting_document, read_document


class HotPlug:
    """QEMU: a guest that runs gets and loses disks as it runs, and its definition says the same.

    Args:
        connection: with the hypervisor.
        outgoing: what documents pass.
        options: how long to wait.
    """

    def __init__(self, connection: Connection, outgoing: Outgoing, options: LibvirtOptions) -> None:
        self._library = connection.library
        self._notices = connection.notices
        self._outgoing = outgoing
        self._options = options

    def document(self, domain: Any) -> _Element:
        """See `Plugs`."""
        return read_document(domain, self._library.VIR_DOMAIN_XML_SECURE)

    def attach(self, domain: Any, disk: Disk) -> None:
        """See `Plugs`.

        Raises:
            GuestBusy: it is suspended: its memory on disk knows nothing of the volume.
        """
        self._refuse_suspended(domain, "attach a volume")
        document = self.document(domain)
        cellrig_domxml.add_volume(document, disk)
        element = cellrig_domxml.find_volume(document, disk.serial)
        domain.attachDeviceFlags(self._outgoing.text(element), self._both(domain))
        self._tell(domain, document)

    def detach(self, domain: Any, serial: str) -> None:
        """See `Plugs`.

        Raises:
            HypervisorError: the guest does not let go of it in time.
        """
        self._refuse_suspended(domain, "detach a volume")
        document = self.document(domain)
        found = False
        if domain.isActive():
            found = self._unplug(domain, document, serial)
        lasting = lasting_document(self._library, domain)
        try:
            element = cellrig_domxml.find_volume(lasting, serial)
        except DiskNotFound:
            if not found:
                raise
        else:
            cellrig_domxml.remove_volume(lasting, serial)
            domain.detachDeviceFlags(
                self._outgoing.text(element), self._library.VIR_DOMAIN_AFFECT_CONFIG
            )
            self._tell_lasting(domain, lasting)

    def swap(self, domain: Any, old_serial: str, new: Disk) -> None:
        """See `Plugs`.

        Raises:
            GuestBusy: it does not run.
            HypervisorError: the new volume is smaller, or the copy failed or took too long; the
                guest has the old volume.
        """
        if not domain.isActive():
            raise GuestBusy(
                domain.UUIDString(), PowerState.SHUTDOWN.name, "swap a volume", "RUNNING"
            )
        document = self.document(domain)
        lasting = lasting_document(self._library, domain)
        old = cellrig_domxml.find_volume(document, old_serial)
        cellrig_domxml.swap_volume(lasting, old_serial, new)
        element = cellrig_domxml.find_volume(lasting, new.serial)
        if cellrig_domxml.source_of(old) == cellrig_domxml.source_of(element):
            return  # a volume that keeps its id has been moved already
        target = cellrig_domxml.target_of(element)
        size = domain.blockInfo(target)[0]
        there = element if size >= new.size_gb * BYTES_PER_GIB else _beginning(element, size)
        self.copy(domain, target, there, pivot=True)
        cellrig_domxml.note_swapped_volume(document, old_serial, new)
        self._tell_live(domain, document)
        domain.connect().defineXML(self._outgoing.text(lasting))

    def extend(self, domain: Any, serial: str, size: int) -> None:
        """See `Plugs`."""
        document = self.document(domain)
        target = cellrig_domxml.target_of(cellrig_domxml.find_volume(document, serial))
        if domain.isActive():
            domain.blockResize(target, size, self._library.VIR_DOMAIN_BLOCK_RESIZE_BYTES)
        cellrig_domxml.extend_volume(document, serial, -(-size // BYTES_PER_GIB))
        self._tell(domain, document)

    def copy(self, domain: Any, target: str, element: _Element, *, pivot: bool) -> None:
        """See `Plugs`.

        Raises:
            HypervisorError: it failed or took too long; the guest has the disk that it had.
        """
        lv = self._library
        flags = lv.VIR_DOMAIN_BLOCK_COPY_REUSE_EXT | lv.VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB
        uuid = domain.UUIDString()
        with self._notices.expect("block job", uuid, target) as notice:
            domain.blockCopy(target, self._outgoing.text(element), None, flags)
            come = notice.wait(self._options.copy_wait)
        if not come or notice.detail != lv.VIR_DOMAIN_BLOCK_JOB_READY:
            self._end_copy(domain, target)
            told = "failed" if come else f"took more than {self._options.copy_wait:g} s"
            raise HypervisorError(f"the copy of disk {target} {told}")
        domain.blockJobAbort(target, lv.VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT if pivot else 0)

    # Inside

    def _end_copy(self, domain: Any, target: str) -> None:
        try:
            domain.blockJobAbort(target, 0)
        except self._library.libvirtError:
            return  # it has ended by itself

    def _unplug(self, domain: Any, document: _Element, serial: str) -> bool:
        """Pull a disk out of a running guest; False where it has none."""
        try:
            element = cellrig_domxml.find_volume(document, serial)
        except DiskNotFound:
            return False
        alias = element.find("alias")
        name = "" if alias is None else alias.get("name", "")
        with self._notices.expect("removed", domain.UUIDString(), name) as notice:
            domain.detachDeviceFlags(
                self._outgoing.text(element), self._library.VIR_DOMAIN_AFFECT_LIVE
            )
            if self._has(domain, serial) and not notice.wait(self._options.device_wait):
                seconds = f"{self._options.device_wait:g} s"
                raise HypervisorError(f"the guest has not let go of {serial} in {seconds}")
        cellrig_domxml.remove_volume(document, serial)
        self._tell_live(domain, document)
        return True

    def _has(self, domain: Any, serial: str) -> bool:
        try:
            cellrig_domxml.find_volume(self.document(domain), serial)
        except DiskNotFound:
            return False
        return True

    def _refuse_suspended(self, domain: Any, what: str) -> None:
        if domain.hasManagedSaveImage():
            name = PowerState.SUSPENDED.name
            raise GuestBusy(domain.UUIDString(), name, what, "RUNNING, PAUSED or SHUTDOWN")

    def _both(self, domain: Any) -> int:
        """A guest that runs and its definition, or the definition alone."""
        live = self._library.VIR_DOMAIN_AFFECT_LIVE if domain.isActive() else 0
        return int(live | self._library.VIR_DOMAIN_AFFECT_CONFIG)

    def _tell(self, domain: Any, document: _Element) -> None:
        """Let the guest's metadata say what the document's does."""
        if domain.isActive():
            self._tell_live(domain, document)
        self._tell_lasting(domain, document)

    def _tell_live(self, domain: Any, document: _Element) -> None:
        self._set_metadata(domain, document, self._library.VIR_DOMAIN_AFFECT_LIVE)

    def _tell_lasting(self, domain: Any, document: _Element) -> None:
        self._set_metadata(domain, document, self._library.VIR_DOMAIN_AFFECT_CONFIG)

    def _set_metadata(self, domain: Any, document: _Element, flags: int) -> None:
        domain.setMetadata(
            self._library.VIR_DOMAIN_METADATA_ELEMENT,
            cellrig_domxml.metadata_document(document),
            "cellrig",
            cellrig_domxml.NAMESPACE,
            flags,
        )


def _beginning(element: _Element, size: int) -> _Element:
    """Return a raw `<disk>` of which a guest gets the first `size` bytes only.

    QEMU copies between disks of one size. When the guest is started again it gets all of it.
    """
    part = deepcopy(element)
    source = part.find("source")
    if source is not None:
        slices = SubElement(source, "slices")
        SubElement(slices, "slice", {"type": "storage", "offset": "0", "size": str(size)})
    return part
