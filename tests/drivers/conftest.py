"""Fake drivers on a virtual runtime, called directly, as a compute service would."""

from __future__ import annotations

import logging
import random
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest

from cellrig.driver import (
    Device,
    Disk,
    DriverContext,
    Fabric,
    Guest,
    GuestEvent,
    Image,
    MigrateData,
    ProviderTree,
)
from cellrig.driver.loading import driver_options
from cellrig.runtime.virtual import VirtualRuntime
from cellrig_fake import FakeDriver, FakeOptions

T = TypeVar("T")
IMAGE = Image(id="a9d5c6c4-55c6-4f4c-b7b0-9a3d7c3f0e11", name="small", format="qcow2", size=1 << 20)


class Fleet:
    """Hosts of one rig: they share the runtime, the fabric, and nothing else."""

    def __init__(self, directory: Path) -> None:
        self.runtime = VirtualRuntime()
        self.image = IMAGE
        self.fabric = Fabric()
        self.rng = random.Random(7)
        self.events: list[GuestEvent] = []
        self.directories: list[Path] = []
        self._directory = directory
        self._guests = 0

    def new_uuid(self) -> str:
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))

    def context(self, host: str) -> DriverContext:
        def make_state_directory() -> Path:
            self.directories.append(self._directory / host)
            self.directories[-1].mkdir()
            return self.directories[-1]

        return DriverContext(
            host=host,
            runtime=self.runtime,
            make_state_directory=make_state_directory,
            logger=logging.getLogger("tests.drivers"),
            new_uuid=self.new_uuid,
            rng=self.rng,
            event_sink=self.events.append,
            fabric=self.fabric,
        )

    def driver(self, host: str = "host1", **options: Any) -> FakeDriver:
        """Make the driver of a host, with options as a topology would say them."""
        typed = driver_options("fake", options)
        assert isinstance(typed, FakeOptions)
        return FakeDriver(typed, self.context(host))

    def guest(self, node: str = "host1", **fields: Any) -> Guest:
        self._guests += 1
        fields = {"memory_mb": 512, "vcpus": 1, "root_gb": 1, "image_id": IMAGE.id, **fields}
        name = f"instance-{self._guests:08x}"
        return Guest(**{"uuid": self.new_uuid(), "name": name, "node": node, **fields})

    def volume(self, **fields: Any) -> Disk:
        return Disk(**{"serial": self.new_uuid(), "size_gb": 1, **fields})

    def spawn(self, driver: FakeDriver, *disks: Disk, **fields: Any) -> Guest:
        """Spawn a guest with volumes and devices, and return it."""
        devices: tuple[Device, ...] = fields.pop("devices", ())
        guest = self.guest(fields.pop("node", driver.nodes[0]), **fields)
        self.run(lambda: driver.spawn(guest, IMAGE, disks, devices))
        return guest

    def run(self, function: Callable[[], T]) -> T:
        return self.runtime.run(function, name="the test")

    def tree(self, driver: FakeDriver, tree: ProviderTree | None = None) -> ProviderTree:
        """Return what a driver makes of its first node's tree."""
        node = driver.nodes[0]
        if tree is None:
            tree = ProviderTree(self.new_uuid)
            tree.new_root(node)
        driver.update_provider_tree(tree, node)
        return tree

    def prepare_live_migration(
        self, guest: Guest, source: FakeDriver, destination: FakeDriver, *disks: Disk
    ) -> MigrateData:
        """Take a guest's live migration to where it can start."""
        there = msgspec.structs.replace(guest, node=destination.nodes[0])
        state = source.get_host_state(source.nodes[0])
        data = destination.check_can_live_migrate_destination(there, state, block_migration=True)
        data = source.check_can_live_migrate_source(guest, disks, data)
        return destination.pre_live_migration(there, disks, (), data)


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet(tmp_path)
