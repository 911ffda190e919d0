"""A cloud small enough to see through: one API process, one cell, two hosts."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import TypeVar

import pytest
from sqlalchemy import Column, MetaData, Table, Text, insert, select

from cellrig.bus import Bus, cast
from cellrig.db import Database, Statement
from cellrig.db.schema import Schema
from cellrig.driver.errors import DriverError, GuestNotFound
from cellrig.errors import CellrigError
from cellrig.hooks import plugin_manager
from cellrig.runtime import Task
from cellrig.runtime.virtual import VirtualRuntime
from cellrig.seams import Process, Seams
from cellrig_faults import Faults
from cellrig_timeline import Timeline

T = TypeVar("T")

_METADATA = MetaData()
_SERVERS = Table("servers", _METADATA, Column("uuid", Text))
_INSERT = Statement(insert(_SERVERS))
_ALL = Statement(select(_SERVERS))

HOSTS = ("cell1-host1", "cell1-host2")


class ComputeInterface:
    """Two of a compute service's methods, under their real names."""

    @cast
    def build_and_run_instance(self, instance_uuid: str) -> None:
        raise NotImplementedError

    def get_console_output(self, instance_uuid: str) -> str:
        raise NotImplementedError


class Hypervisor:
    """Outlives the services that drive it."""

    def __init__(self) -> None:
        self.guests: list[str] = []

    def spawn(self, instance_uuid: str) -> None:
        self.guests.append(instance_uuid)

    def destroy(self, instance_uuid: str) -> None:
        self.guests.remove(instance_uuid)

    def get_console_output(self, instance_uuid: str) -> str:
        if instance_uuid not in self.guests:
            raise GuestNotFound(instance_uuid)
        return "booted"


class Instances:
    """The servers that a cell knows; a store under the name that the real one has."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, instance_uuid: str) -> None:
        with self._database.transaction() as transaction:
            transaction.run(_INSERT, uuid=instance_uuid)

    def all(self) -> list[str]:
        with self._database.transaction() as transaction:
            return [uuid for (uuid,) in transaction.all(_ALL)]


class ComputeManager:
    """Builds servers; records in its cell what became of them."""

    def __init__(self, cloud: SmallCloud, driver: Hypervisor, instances: Instances) -> None:
        self._cloud = cloud
        self._driver = driver
        self._instances = instances

    def build_and_run_instance(self, instance_uuid: str) -> None:
        try:
            self._driver.spawn(instance_uuid)
        except DriverError as error:
            self._cloud.failures[instance_uuid] = str(error)
            self._cloud.seams.handled(error, "the build is given up")
            return
        self._instances.create(instance_uuid)

    def get_console_output(self, instance_uuid: str) -> str:
        return self._driver.get_console_output(instance_uuid)


class SmallCloud:
    """What the plugins need of a rig, with a few parts behind seams.

    Args:
        seed: of the order of tasks and of all random numbers.
    """

    def __init__(self, seed: int | None = None) -> None:
        self.seed = seed or 0
        self.host_names = HOSTS
        self.plugins = plugin_manager()
        self.runtime = VirtualRuntime(seed, on_task_error=self._task_failed)
        image = Schema("small", 1, _METADATA).image
        self.databases = {
            name: Database(name, image, self.runtime)
            for name in ("api", "placement", "cell0", "cell1")
        }
        self.seams = Seams(self.runtime, self.plugins)
        self.bus = Bus(self.runtime, self.seams)
        self.api = Process("api")
        self.hypervisors = {host: Hypervisor() for host in HOSTS}
        self.failures: dict[str, str] = {}
        self.processes: dict[str, Process] = {}
        self.faults = Faults(self)
        self.plugins.register(self.faults, name="faults")
        self.timeline = Timeline(self)
        self.plugins.register(self.timeline, name="timeline")
        for host in HOSTS:
            self.start(host)

    def random(self, name: str) -> random.Random:
        return random.Random(f"{self.seed}/{name}")

    def start(self, host: str) -> None:
        process = self.processes[host] = Process("compute", host, "cell1")
        process.at_death(lambda: self.runtime.kill(process))
        driver = self.seams.wrap("driver.", self.hypervisors[host], process)
        store = Instances(self.databases["cell1"])
        instances = self.seams.wrap("db.cell1.instance_", store, process)
        manager = ComputeManager(self, driver, instances)
        self.bus.serve(f"compute.{host}", ComputeInterface, manager, process)

    def compute(self, host: str = HOSTS[0]) -> ComputeInterface:
        """Return the client of a host's compute service; only tasks can use it."""
        return self.bus.client(ComputeInterface, "compute", self.api, server=host)

    def driver(self, host: str = HOSTS[0]) -> Hypervisor:
        """Return a host's driver as its compute service calls it."""
        return self.seams.wrap("driver.", self.hypervisors[host], self.processes[host])

    def run(self, function: Callable[[], T]) -> T:
        """Do what a rig does with an operation of its API: raise its error to the test."""
        errors: list[CellrigError] = []
        results: list[T] = []

        def operation() -> None:
            try:
                results.append(function())
            except CellrigError as error:
                self.seams.handled(error, "raised to the test")
                errors.append(error)

        self.runtime.run(operation, name="operation")
        if errors:
            raise errors[0]
        return results[0]

    def boot(self, server: str, host: str = HOSTS[0]) -> None:
        """Ask a host for a server, and let it do all it does."""
        client = self.compute(host)
        self.run(lambda: client.build_and_run_instance(server))
        self.runtime.settle()

    def console(self, server: str, host: str = HOSTS[0]) -> str:
        """Ask a host for a console, over the bus."""
        client = self.compute(host)
        return self.run(lambda: client.get_console_output(server))

    def recorded(self) -> list[str]:
        """Return the servers that the cell's database knows."""
        return sorted(self.run(Instances(self.databases["cell1"]).all))

    def stop(self) -> list[str]:
        """End the cloud; return what the plugins find wrong."""
        wrongs = [wrong for part in self.plugins.hook.cellrig_rig_stopping() for wrong in part]
        self.runtime.close()
        for database in self.databases.values():
            database.close()
        return wrongs

    def _task_failed(self, task: Task, error: BaseException) -> None:
        self.plugins.hook.cellrig_task_failed(task=task, error=error)


@pytest.fixture
def make_cloud() -> Callable[..., SmallCloud]:
    return SmallCloud


@pytest.fixture
def cloud() -> Iterator[SmallCloud]:
    """A cloud that must have nothing to report when the test has ended."""
    small = SmallCloud()
    yield small
    assert small.stop() == []


@pytest.fixture
def faulty_cloud() -> SmallCloud:
    """A cloud that the test itself stops, to see what is reported."""
    return SmallCloud()
