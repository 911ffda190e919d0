"""Guests that are made here, rescued here, and made images of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lxml.etree import Element, SubElement, _Element

import cellrig_domxml
from cellrig.driver import Device, Disk, Guest, Image, ImageUnacceptable, PowerState, SnapshotInfo
from cellrig_libvirt.disk_files import DiskFiles
from cellrig_libvirt.hypervisor import Hypervisor

_ROOT = "disk"
_RESCUE = "disk.rescue"


class Spawning:
    """Makes guests of one host.

    Args:
        hypervisor: the host's.
        files: makes local disks.
    """

    def __init__(self, hypervisor: Hypervisor, files: DiskFiles) -> None:
        self._hypervisor = hypervisor
        self._files = files

    def spawn(
        self, guest: Guest, image: Image | None, disks: Sequence[Disk], devices: Sequence[Device]
    ) -> None:
        """Make a guest and start it; on failure nothing is left."""
        if image is not None:
            self._check(guest, image)
        instances = self._hypervisor.instances
        document = self._hypervisor.build(guest, image, disks, devices)
        try:
            directory = instances.make(guest.uuid)
            for name, size_gb in local_disks(document, directory):
                base = image if name == _ROOT else None
                self._files.create(directory / name, size_gb, base)
                instances.lend(directory / name)
            self._hypervisor.start_anew(document)
        except BaseException:
            instances.remove(guest.uuid)
            raise

    def rebuild(self, guest: Guest, disks: Sequence[Disk], devices: Sequence[Device]) -> None:
        """Define a guest anew that the hypervisor has lost, with the local disks that are there."""
        instances = self._hypervisor.instances
        directory = instances.make(guest.uuid)
        image = None if guest.image_id is None else Image(id=guest.image_id)
        document = self._hypervisor.build(guest, image, disks, devices)
        for name, size_gb in local_disks(document, directory):
            if not (directory / name).exists():
                self._files.create(directory / name, size_gb)
                instances.lend(directory / name)
        self._hypervisor.start_anew(document)

    def rescue(self, guest: Guest, image: Image) -> None:
        """Boot a guest from an image. Of one that is rescued: harmless."""
        hypervisor, instances = self._hypervisor, self._hypervisor.instances
        domain = hypervisor.domain(guest.uuid)
        if instances.own_document(guest.uuid) is not None:
            return
        self._files.check(image)
        document = hypervisor.lasting_document(domain)
        own = cellrig_domxml.serialize(document).decode()
        path = instances.make(guest.uuid) / _RESCUE
        path.unlink(missing_ok=True)
        self._files.create(path, 0, image)
        instances.lend(path)
        cellrig_domxml.boot_from_rescue_disk(document, str(path))
        instances.keep_own_document(guest.uuid, own)
        hypervisor.pull_the_plug(domain)
        hypervisor.forget_saved(domain)
        hypervisor.define(document).create()

    def unrescue(self, guest: Guest) -> None:
        """Boot a guest from its own disk again. Of one that is not rescued: harmless."""
        hypervisor, instances = self._hypervisor, self._hypervisor.instances
        domain = hypervisor.domain(guest.uuid)
        own = instances.own_document(guest.uuid)
        if own is None:
            return
        hypervisor.pull_the_plug(domain)
        hypervisor.define(cellrig_domxml.parse(own.encode())).create()
        instances.forget_own_document(guest.uuid)
        (instances.directory(guest.uuid) / _RESCUE).unlink(missing_ok=True)

    def snapshot(self, guest: Guest, image_id: str) -> SnapshotInfo:
        """Make an image of a guest's root disk, as it is at one moment.

        A guest that runs goes on; what it has not written to its disk yet is not in the image.
        """
        hypervisor = self._hypervisor
        domain = hypervisor.domain(guest.uuid)
        root = hypervisor.instances.directory(guest.uuid) / _ROOT
        target = self._files.images / image_id
        partial = target.with_name(f"{image_id}.partial")
        partial.unlink(missing_ok=True)
        try:
            if domain.isActive():
                self._copy_live(guest.uuid, root, partial)
            else:
                self._files.pack(root, partial)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
        size_gb = -(-self._files.virtual_size(target) >> 30)
        size = target.stat().st_size
        return SnapshotInfo(format="qcow2", size=size, min_disk=size_gb, path=target)

    def _copy_live(self, uuid: str, root: Path, target: Path) -> None:
        hypervisor = self._hypervisor
        domain = hypervisor.domain(uuid)
        size = self._files.virtual_size(root)
        self._files.create(target, -(-size >> 30))
        hypervisor.instances.lend(target)
        name = next(
            disk.target for disk in hypervisor.info(domain).disks if disk.source == str(root)
        )
        hypervisor.plugs.copy(domain, name, _file_disk(target, name), pivot=False)

    def _check(self, guest: Guest, image: Image) -> None:
        if image.min_ram > guest.memory_mb:
            told = f"it needs {image.min_ram} MiB of memory, the flavor has {guest.memory_mb}"
            raise ImageUnacceptable(image.id, told)
        if guest.root_gb and image.min_disk > guest.root_gb:
            told = f"it needs a root disk of {image.min_disk} GiB, the flavor has {guest.root_gb}"
            raise ImageUnacceptable(image.id, told)
        self._files.check(image)


def local_disks(document: _Element, directory: Path) -> tuple[tuple[str, int], ...]:
    """Return the names of a guest's local disks within its directory, and their sizes in GiB."""
    info = cellrig_domxml.read_domain(document, PowerState.SHUTDOWN)
    prefix = f"{directory}/"
    return tuple(
        (disk.source.removeprefix(prefix), disk.size_gb)
        for disk in info.disks
        if disk.serial is None and disk.source.startswith(prefix)
    )


def _file_disk(path: Path, target: str) -> _Element:
    element = Element("disk", {"type": "file", "device": "disk"})
    SubElement(element, "driver", {"name": "qemu", "type": "qcow2"})
    SubElement(element, "source", {"file": str(path)})
    SubElement(element, "target", {"dev": target})
    return element
