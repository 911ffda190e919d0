"""Libvirt drivers called directly, as a compute service would, and what they have sent."""

from __future__ import annotations

import logging
import random
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from lxml import etree

import cellrig_domxml as domxml
from cellrig.driver import Device, Disk, DriverContext, Guest, GuestEvent, Image, MigrateData
from cellrig.driver.loading import driver_options
from cellrig.driver.provider_tree import ProviderTree
from cellrig.runtime import Runtime
from cellrig.volume.backends.files import grow
from cellrig_libvirt import LibvirtDriver, LibvirtOptions

#: Where libvirt's library (Debian's ``libvirt0``) puts the schemas of its documents.
SCHEMA = Path("/usr/share/libvirt/schemas/domain.rng")
IMAGE = Image(id="a9d5c6c4-55c6-4f4c-b7b0-9a3d7c3f0e11", name="small", format="qcow2")


class Fleet:
    """Hosts of one rig.

    Args:
        runtime: of the rig.
        directory: for what the hosts write, where a test does not say.
    """

    def __init__(self, runtime: Runtime, directory: Path) -> None:
        self.runtime = runtime
        self.rng = random.Random(7)
        self.events: list[GuestEvent] = []
        self.drivers: list[LibvirtDriver] = []
        self._directory = directory

    def new_uuid(self) -> str:
        return str(uuid.uuid4())

    def driver(self, host: str = "host1", /, **options: Any) -> LibvirtDriver:
        """Make and start the driver of a host, with options as a topology would say them."""
        typed = driver_options("libvirt", options)
        assert isinstance(typed, LibvirtOptions)
        context = DriverContext(
            host=host,
            runtime=self.runtime,
            make_state_directory=lambda: self._state_directory(host),
            logger=logging.getLogger("cellrig.driver.libvirt"),
            new_uuid=self.new_uuid,
            rng=self.rng,
            event_sink=self.events.append,
        )
        driver = LibvirtDriver(typed, context)
        self.drivers.append(driver)
        driver.init_host()
        return driver

    def _state_directory(self, host: str) -> Path:
        path = self._directory / host
        path.mkdir()
        return path

    def guest(self, node: str = "host1", **fields: Any) -> Guest:
        id_ = self.new_uuid()
        named = {"name": f"instance-{id_[:8]}", "image_id": IMAGE.id, "root_gb": 1}
        return Guest(**{"uuid": id_, "node": node, "memory_mb": 64, "vcpus": 1, **named, **fields})

    def spawn(self, driver: LibvirtDriver, *disks: Disk, **fields: Any) -> Guest:
        """Spawn a guest with volumes and devices, and return it."""
        devices: tuple[Device, ...] = fields.pop("devices", ())
        guest = self.guest(driver.context.host, **fields)
        driver.spawn(guest, IMAGE if guest.root_gb else None, disks, devices)
        return guest

    def tree(self, driver: LibvirtDriver, tree: ProviderTree | None = None) -> ProviderTree:
        """Return what a driver makes of its node's tree."""
        node = driver.context.host
        if tree is None:
            tree = ProviderTree(self.new_uuid)
            tree.new_root(node)
        driver.update_provider_tree(tree, node)
        return tree

    def prepare_live_migration(
        self,
        guest: Guest,
        source: LibvirtDriver,
        destination: LibvirtDriver,
        *disks: Disk,
        block_migration: bool = False,
    ) -> MigrateData:
        """Take a guest's live migration to where it can start."""
        there = msgspec.structs.replace(guest, node=destination.context.host)
        state = source.get_host_state(source.context.host)
        data = destination.check_can_live_migrate_destination(there, state, block_migration)
        data = source.check_can_live_migrate_source(guest, disks, data)
        return destination.pre_live_migration(there, disks, (), data)

    def hear(self) -> list[GuestEvent]:
        """Return the events that have come since the last call, in the virtual runtime's time."""
        # The mock hypervisor hands events to libvirt's thread, which needs a moment of its own.
        for _round in range(20):
            before = len(self.events)
            threading.Event().wait(0.01)
            self.runtime.advance(1)
            if len(self.events) == before and before:
                break
        heard, self.events[:] = list(self.events), []
        return heard

    def close(self) -> None:
        """Destroy all guests and let the hypervisors go."""
        for driver in self.drivers:
            for info in driver.list_guests():
                driver.destroy(self.guest(uuid=info.uuid), ())
            driver.cleanup_host()


def file_volume(directory: Path, size_gb: int = 1, **fields: Any) -> Disk:
    """Return a volume in a file."""
    serial = str(uuid.uuid4())
    path = directory / f"volume-{serial}"
    path.touch()
    grow(path, size_gb << 30)
    info = {"driver_volume_type": "local", "data": {"device_path": str(path)}}
    return Disk(**{"serial": serial, "size_gb": size_gb, "connection_info": info, **fields})


class SentDocuments(logging.Handler):
    """Keeps the documents that drivers have sent to libvirt."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.msg.startswith("a <%s> for libvirt") and isinstance(record.args, tuple):
            self.texts.append(str(record.args[1]))

    def check(self) -> None:
        """Check all of them against libvirt's own schema."""
        if not SCHEMA.exists():
            pytest.skip(f"libvirt's schema {SCHEMA} is absent: install Debian's libvirt0")
        schema = etree.RelaxNG(etree.parse(SCHEMA))
        for text in self.texts:
            document = domxml.parse(text.encode())
            valid = schema.validate(document if document.tag == "domain" else _within(document))
            assert valid, f"{schema.error_log}\n{text}"


def _within(device: etree._Element) -> etree._Element:
    """Return the smallest domain with a device."""
    text = "<domain type='qemu'><name>n</name><memory>1</memory><os><type>hvm</type></os></domain>"
    domain = etree.fromstring(text)
    etree.SubElement(domain, "devices").append(device)
    return domain


def sent_documents() -> Iterator[SentDocuments]:
    """Collect what is sent during the block, and check it at the end."""
    logger = logging.getLogger("cellrig.driver.libvirt")
    before, handler = logger.level, SentDocuments()
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield handler
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
    handler.check()


def disk_path(disk: Disk) -> Path:
    """Return the file of a volume in a file."""
    return Path(disk.connection_info["data"]["device_path"])
