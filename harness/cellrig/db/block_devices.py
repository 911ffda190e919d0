"""A cell's block device mappings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from cellrig.db import cell_tables as tables
from cellrig.db.database import Database, Row, Transaction
from cellrig.db.statements import delete_by, insert_into, select_by, select_in, update_by
from cellrig.errors import Conflict, NotFound
from cellrig.model import BlockDeviceChanges, BlockDeviceMapping, SourceType
from cellrig.model.device_names import next_device_name

_FIELDS = tuple(BlockDeviceMapping.__struct_fields__)
_decode = msgspec.json.Decoder(dict[str, Any]).decode


def _row(mapping: BlockDeviceMapping) -> dict[str, Any]:
    return _columns_of({name: getattr(mapping, name) for name in _FIELDS})


def _columns_of(values: Mapping[str, Any]) -> dict[str, Any]:
    row = dict(values)
    for name in ("multiattach", "delete_on_termination"):
        if name in row:
            row[name] = int(row[name])
    if "connection_info" in row:
        row["connection_info"] = msgspec.json.encode(row["connection_info"]).decode()
    return row


def _mapping(row: Row) -> BlockDeviceMapping:
    values = dict(zip(_FIELDS, row, strict=True))
    values["source_type"] = SourceType(values["source_type"])
    values["multiattach"] = bool(values["multiattach"])
    values["delete_on_termination"] = bool(values["delete_on_termination"])
    values["connection_info"] = _decode(values["connection_info"])
    return BlockDeviceMapping(**values)


class BlockDeviceStore:
    """The block device mappings of one cell.

    Args:
        database: the cell's.
        now: the rig's clock.
    """

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    def create(self, mappings: Sequence[BlockDeviceMapping]) -> None:
        """Write the mappings that servers begin with; those that are there already stay."""
        with self._database.transaction() as transaction:
            for mapping in mappings:
                if _find(transaction, mapping.uuid) is None:
                    transaction.run(insert_into(tables.block_devices), **_row(mapping))

    def reserve(self, mapping: BlockDeviceMapping, taken: Sequence[str] = ()) -> BlockDeviceMapping:
        """Write a mapping of a server that is there, with a device name that is free.

        Decided in one transaction, so of two requests for one volume or name one is refused.

        Args:
            mapping: what to write; an empty device name takes the next free one of the bus.
            taken: device names of the server's local disks.

        Asked again for the same mapping, it is as it was written: twice is harmless.

        Raises:
            Conflict: the server has the volume already, or the device name is in use.
        """
        with self._database.transaction() as transaction:
            known = _find(transaction, mapping.uuid)
            if known is not None:
                return known
            others = mappings_of(transaction, mapping.instance_uuid)
            for other in others:
                if mapping.volume_id is not None and other.volume_id == mapping.volume_id:
                    raise Conflict(
                        f"volume {mapping.volume_id} is already attached to "
                        f"server {mapping.instance_uuid}"
                    )
            used = {*taken, *(other.device_name for other in others)}
            name = mapping.device_name or next_device_name(mapping.disk_bus, used)
            if name in used:
                raise Conflict(
                    f"device name {name!r} of server {mapping.instance_uuid} is in use; "
                    f"in use are {', '.join(sorted(used))}"
                )
            written = msgspec.structs.replace(mapping, device_name=name, created_at=self._now())
            transaction.run(insert_into(tables.block_devices), **_row(written))
            return written

    def get(self, uuid: str) -> BlockDeviceMapping:
        """Return a mapping.

        Raises:
            NotFound: there is none (any more).
        """
        mapping = _find(self._database, uuid)
        if mapping is None:
            raise NotFound("block device mapping", uuid)
        return mapping

    def of_instance(self, instance_uuid: str) -> list[BlockDeviceMapping]:
        """Return a server's mappings: what it boots from first, then by device name."""
        return mappings_of(self._database, instance_uuid)

    def of_instances(self, instance_uuids: Iterable[str]) -> list[BlockDeviceMapping]:
        """Return the mappings of several servers."""
        keys = list(instance_uuids)
        rows = self._database.all(
            select_in(tables.block_devices, "instance_uuid", "instance_uuid", "uuid"), keys=keys
        )
        return [_mapping(row) for row in rows]

    def of_volume(self, volume_id: str) -> list[BlockDeviceMapping]:
        """Return the mappings of one volume, whichever servers have it."""
        rows = self._database.all(select_by(tables.block_devices, "volume_id"), volume_id=volume_id)
        return [_mapping(row) for row in rows]

    def update(self, uuid: str, changes: BlockDeviceChanges) -> BlockDeviceMapping:
        """Change columns of a mapping and return it as it is then.

        Raises:
            NotFound: there is none (any more).
            Conflict: the server has the volume already.
        """
        changed = changes.given()
        with self._database.transaction() as transaction:
            mapping = _find(transaction, uuid)
            if mapping is None:
                raise NotFound("block device mapping", uuid)
            transaction.run(
                update_by(tables.block_devices, "uuid", *sorted(changed)),
                by_uuid=uuid,
                **_columns_of(changed),
            )
        return msgspec.structs.replace(mapping, **changed)

    def destroy(self, uuid: str) -> None:
        """Remove a mapping; twice is harmless."""
        with self._database.transaction() as transaction:
            transaction.run(delete_by(tables.block_devices, "uuid"), uuid=uuid)

    def destroy_all(self, instance_uuid: str) -> None:
        """Remove the mappings of a server that is no more."""
        with self._database.transaction() as transaction:
            transaction.run(
                delete_by(tables.block_devices, "instance_uuid"), instance_uuid=instance_uuid
            )

    def all(self) -> list[BlockDeviceMapping]:
        """Return all mappings (for audits)."""
        return [_mapping(row) for row in self._database.all(_ALL)]


_ALL = select_by(tables.block_devices)


def _find(reader: Database | Transaction, uuid: str) -> BlockDeviceMapping | None:
    row = reader.one(select_by(tables.block_devices, "uuid"), uuid=uuid)
    return None if row is None else _mapping(row)


def mappings_of(reader: Database | Transaction, instance_uuid: str) -> list[BlockDeviceMapping]:
    """Do what `BlockDeviceStore.of_instance` does."""
    rows = reader.all(select_by(tables.block_devices, "instance_uuid"), instance_uuid=instance_uuid)
    return sorted(map(_mapping, rows), key=_order)


def _order(mapping: BlockDeviceMapping) -> tuple[bool, int, str, str]:
    name = mapping.device_name
    return (
        mapping.boot_index is None,
        mapping.boot_index or 0,
        f"{len(name):3}{name}",
        mapping.uuid,
    )
