"""Taking the picture: every database, driver and queue is read once, past all seams."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import bindparam, select

from cellrig.bus import topic_of
from cellrig.compute.api.servers import is_up
from cellrig.db import Database, Statement, Transaction
from cellrig.db.block_devices import BlockDeviceStore
from cellrig.db.hosts import HostStore
from cellrig.db.instances import InstanceStore
from cellrig.db.mappings import MappingStore
from cellrig.db.migrations import MigrationStore
from cellrig.db.requests import RequestStore
from cellrig.db.statements import select_by
from cellrig.driver.interface import ComputeDriver
from cellrig.driver.reports import GuestInfo, ReportsConnections
from cellrig.model import BlockDeviceMapping, Migration
from cellrig.network.records import Records
from cellrig.network.tables import ports as port_table
from cellrig.network.types import Port
from cellrig.placement import consumers, providers
from cellrig.placement.tables import inventories, provider_traits, resource_providers
from cellrig.placement.types import Inventory
from cellrig.runtime import Runtime
from cellrig.runtime.errors import Deadlock
from cellrig.seams import Process
from cellrig.volume.records import attachment_of
from cellrig.volume.tables import attachments as attachment_table
from cellrig.volume.tables import volumes as volume_table
from cellrig_audit.interface import Rig
from cellrig_audit.picture import Given, Picture, Record

#: The databases of a rig that are not a cell's.
_NO_CELLS = ("api", "placement", "images", "volumes", "identity", "networks")
_SHARING_TRAIT = "MISC_SHARES_VIA_AGGREGATE"

_PORTS = Records(port_table, Port, "port")
_ATTACHMENTS = select_by(attachment_table)
_MULTIATTACH = Statement(select(volume_table.c.id, volume_table.c.multiattach))
_uuid, _stock = resource_providers.c.uuid, inventories.c
_GIVEN = Statement(
    select(_uuid, _stock.resource_class, _stock.used, _stock.total, _stock.reserved)
    .add_columns(_stock.allocation_ratio)
    .select_from(
        inventories.join(resource_providers, resource_providers.c.id == _stock.provider_id)
    )
    .where(_stock.used != 0)
    .order_by(_uuid, _stock.resource_class)
)
_WITH_TRAIT = Statement(
    select(_uuid)
    .select_from(
        provider_traits.join(
            resource_providers, resource_providers.c.id == provider_traits.c.provider_id
        )
    )
    .where(provider_traits.c.trait == bindparam("trait"))
)


def take_picture(rig: Rig) -> Picture:
    """Return the rig as it is now."""
    cloud, runtime = rig.cloud, rig.runtime
    crashed = {label: process for label, process in cloud.processes.items() if process.crashed}
    records: dict[str, list[Record]] = {}
    nodes: dict[tuple[str, str], str] = {}
    cell_of_host: dict[str, str] = {}
    block_devices: list[BlockDeviceMapping] = []
    migrations: list[Migration] = []
    hosts_down = {process.host for process in crashed.values() if process.host}
    for name, database in rig.databases.items():
        if name in _NO_CELLS:
            continue
        with _readable(database, runtime) as cell:
            _read_instances(InstanceStore(cell, runtime.now), name, records)
            migrations += MigrationStore(cell, runtime.now).all()
            block_devices += BlockDeviceStore(cell, runtime.now).all()
            for node, service in HostStore(cell).nodes():
                nodes[node.host, node.hypervisor_hostname] = node.uuid
                cell_of_host[node.host] = name
                if not is_up(service, runtime.now()):
                    hosts_down.add(node.host)
    guests, unreadable = _read_guests(cloud.drivers, runtime)
    with _readable(rig.databases["api"], runtime) as api:
        mappings = {m.instance_uuid: m for m in MappingStore(api).instances()}
        requested = RequestStore(api).build_all()
    with (
        _readable(rig.databases["volumes"], runtime) as storage,
        storage.transaction() as transaction,
    ):
        attachments = [attachment_of(row) for row in transaction.all(_ATTACHMENTS)]
        multiattach = {uuid: bool(shared) for uuid, shared in transaction.all(_MULTIATTACH)}
    ports = _read_ports(rig.databases["networks"], runtime)
    with (
        _readable(rig.databases["placement"], runtime) as placement,
        placement.transaction() as transaction,
    ):
        return Picture(
            # Called from a task, the audit would find the task that calls it.
            unfinished=() if runtime.is_inside() else tuple(runtime.unfinished()),
            queued=tuple(cloud.bus.queued()),
            awaited=tuple(_topic(process) for process in crashed.values()),
            crashed=frozenset(crashed),
            hosts_down=frozenset(hosts_down),
            cell_of_host=cell_of_host,
            mappings=mappings,
            build_requests={request.instance.uuid: request.instance for request in requested},
            migrations={migration.uuid: migration for migration in migrations},
            block_devices=(
                *block_devices,
                *(mapping for request in requested for mapping in request.block_devices),
            ),
            attachments={attachment.id: attachment for attachment in attachments},
            multiattach=multiattach,
            records=records,
            nodes=nodes,
            providers={
                row.uuid: row.value() for row in providers.search(transaction, None, None, None)
            },
            sharing=frozenset(u for (u,) in transaction.all(_WITH_TRAIT, trait=_SHARING_TRAIT)),
            consumers={c.consumer_uuid: c for c in consumers.all_allocations(transaction)},
            given=_read_given(transaction),
            guests=guests,
            connections={
                host: driver.volume_connections()
                for host, driver in cloud.drivers.items()
                if isinstance(driver, ReportsConnections)
            },
            unreadable=unreadable,
            ports=ports,
        )


@contextmanager
def _readable(database: Database, runtime: Runtime) -> Iterator[Database]:
    """Let a database be read; one that has been taken away is read from a copy of it."""
    if database.refusal is None:
        yield database
        return
    copy = Database(database.name, database.dump(), runtime)
    try:
        yield copy
    finally:
        copy.close()


def _read_instances(store: InstanceStore, cell: str, records: dict[str, list[Record]]) -> None:
    for deleted in (False, True):
        for instance in store.all(deleted):
            records.setdefault(instance.uuid, []).append(Record(cell, instance))


def _read_given(transaction: Transaction) -> tuple[Given, ...]:
    return tuple(
        Given(uuid, name, Inventory(total, reserved, allocation_ratio=ratio).capacity, used)
        for uuid, name, used, total, reserved, ratio in transaction.all(_GIVEN)
    )


def _read_ports(database: Database, runtime: Runtime) -> dict[str, Port]:
    with _readable(database, runtime) as networks, networks.transaction() as transaction:
        return {port.id: port for port in _PORTS.all(transaction)}


def _read_guests(
    drivers: dict[str, ComputeDriver], runtime: Runtime
) -> tuple[dict[str, dict[str, GuestInfo]], dict[str, str]]:
    guests: dict[str, dict[str, GuestInfo]] = {}
    unreadable: dict[str, str] = {}
    for host, driver in drivers.items():
        try:
            guests[host] = {guest.uuid: guest for guest in _list_guests(driver, runtime)}
        except Exception as error:  # noqa: BLE001 - whatever it was, it is told as a finding
            unreadable[host] = f"{type(error).__name__}: {error}"
    return guests, unreadable


def _list_guests(driver: ComputeDriver, runtime: Runtime) -> list[GuestInfo]:
    try:
        return driver.list_guests()
    except Deadlock:
        # It sleeps or takes a lock, which only a task can do. The others need none, and starting
        # one would let tasks go on that a test holds back.
        return runtime.run(driver.list_guests, name="audit")


def _topic(process: Process) -> str:
    return topic_of(process.service, process.host or process.cell)
