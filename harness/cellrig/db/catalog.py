"""The API database's catalog: flavors, aggregates and server groups."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import bindparam, select

from cellrig.db import api_tables as tables
from cellrig.db.database import Database, Row, Statement, Transaction
from cellrig.db.statements import delete_by, insert_into, select_by, update_by
from cellrig.errors import Conflict, NotFound
from cellrig.model import Aggregate, Flavor, ServerGroup

_decode_flavor = msgspec.json.Decoder(Flavor).decode
_decode_strings = msgspec.json.Decoder(dict[str, str]).decode
_decode_rules = msgspec.json.Decoder(dict[str, int]).decode
_FLAVORS = Statement(select(tables.flavors).order_by(tables.flavors.c.name))
_AGGREGATES = Statement(select(tables.aggregates).order_by(tables.aggregates.c.id))
_AGGREGATE_HOSTS = Statement(
    select(tables.aggregate_hosts).order_by(
        tables.aggregate_hosts.c.aggregate_id, tables.aggregate_hosts.c.host
    )
)
_AGGREGATES_OF_HOSTS = Statement(
    select(tables.aggregate_hosts)
    .where(tables.aggregate_hosts.c.host.in_(bindparam("hosts", expanding=True)))
    .order_by(tables.aggregate_hosts.c.aggregate_id)
)
_GROUPS = Statement(select(tables.server_groups).order_by(tables.server_groups.c.uuid))
_BY_ID = Statement(select(tables.aggregates).where(tables.aggregates.c.id == bindparam("id")))


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()


class FlavorStore:
    """Flavors."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, flavor: Flavor) -> None:
        """Write a new flavor.

        Raises:
            Conflict: its id or name is taken.
        """
        with self._database.transaction() as transaction:
            for key in ("id", "name"):
                value = getattr(flavor, key)
                if transaction.one(select_by(tables.flavors, key), **{key: value}):
                    raise Conflict(f"a flavor with the {key} {value!r} exists")
            transaction.run(
                insert_into(tables.flavors), id=flavor.id, name=flavor.name, flavor=_text(flavor)
            )

    def get(self, flavor: str) -> Flavor:
        """Return a flavor by id or name.

        Raises:
            NotFound: there is none.
        """
        with self._database.reading() as transaction:
            for key in ("id", "name"):
                row = transaction.one(select_by(tables.flavors, key), **{key: flavor})
                if row is not None:
                    return _decode_flavor(row[2])
        raise NotFound("flavor", flavor)

    def all(self) -> list[Flavor]:
        """Return all flavors, by name."""
        return [_decode_flavor(row[2]) for row in self._database.all(_FLAVORS)]

    def save(self, flavor: Flavor) -> None:
        """Change a flavor."""
        with self._database.transaction() as transaction:
            statement = update_by(tables.flavors, "id", "name", "flavor")
            if not transaction.run(
                statement, by_id=flavor.id, name=flavor.name, flavor=_text(flavor)
            ):
                raise NotFound("flavor", flavor.id)

    def delete(self, flavor_id: str) -> None:
        """Delete a flavor; servers keep theirs."""
        with self._database.transaction() as transaction:
            if not transaction.run(delete_by(tables.flavors, "id"), id=flavor_id):
                raise NotFound("flavor", flavor_id)


class AggregateStore:
    """Host aggregates."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, uuid: str, name: str, metadata: dict[str, str], now: float = 0.0) -> Aggregate:
        """Write a new aggregate, made at `now`.

        Raises:
            Conflict: its name is taken.
        """
        with self._database.transaction() as transaction:
            if transaction.one(select_by(tables.aggregates, "name"), name=name):
                raise Conflict(f"an aggregate with the name {name!r} exists")
            transaction.run(
                insert_into(tables.aggregates),
                uuid=uuid,
                name=name,
                metadata=_text(metadata),
                created_at=now,
                updated_at=None,
            )
            # The database has numbered it, each kind in its own way.
            (row,) = transaction.all(select_by(tables.aggregates, "uuid"), uuid=uuid)
            return _make(row, ())

    def all(self) -> list[Aggregate]:
        """Return all aggregates with their hosts, the oldest first."""
        with self._database.reading() as transaction:
            hosts: dict[int, list[str]] = {}
            for number, host in transaction.all(_AGGREGATE_HOSTS):
                hosts.setdefault(number, []).append(host)
            return [_make(row, hosts.get(row[0], ())) for row in transaction.all(_AGGREGATES)]

    def all_without_hosts(self) -> list[Aggregate]:
        """Return all aggregates, the oldest first, without reading which hosts they have."""
        return [_make(row, ()) for row in self._database.all(_AGGREGATES)]

    def ids_of_hosts(self, hosts: Sequence[str]) -> dict[str, list[int]]:
        """Return the aggregates that each of `hosts` is in, the oldest first."""
        ids: dict[str, list[int]] = {}
        with self._database.reading() as transaction:
            for number, host in transaction.all(_AGGREGATES_OF_HOSTS, hosts=hosts):
                ids.setdefault(host, []).append(number)
        return ids

    def get(self, number: int) -> Aggregate:
        """Return an aggregate by id.

        Raises:
            NotFound: there is none.
        """
        with self._database.reading() as transaction:
            return _aggregate(transaction, number)

    def add_host(self, number: int, host: str) -> Aggregate:
        """Add a host.

        Raises:
            Conflict: it is in the aggregate already.
        """
        with self._database.transaction() as transaction:
            if host in _aggregate(transaction, number).hosts:
                raise Conflict(f"host {host!r} is in aggregate {number} already")
            transaction.run(insert_into(tables.aggregate_hosts), aggregate_id=number, host=host)
            return _aggregate(transaction, number)

    def remove_host(self, number: int, host: str) -> Aggregate:
        """Remove a host.

        Raises:
            NotFound: it is not in the aggregate.
        """
        with self._database.transaction() as transaction:
            statement = delete_by(tables.aggregate_hosts, "aggregate_id", "host")
            if not transaction.run(statement, aggregate_id=number, host=host):
                raise NotFound("host in aggregate", host)
            return _aggregate(transaction, number)

    def set_metadata(self, number: int, metadata: dict[str, str]) -> Aggregate:
        """Replace an aggregate's metadata."""
        with self._database.transaction() as transaction:
            transaction.run(
                update_by(tables.aggregates, "id", "metadata"),
                by_id=number,
                metadata=_text(metadata),
            )
            return _aggregate(transaction, number)

    def rename(self, number: int, name: str, now: float) -> Aggregate:
        """Give an aggregate another name.

        Raises:
            Conflict: the name is taken.
        """
        with self._database.transaction() as transaction:
            known = transaction.one(select_by(tables.aggregates, "name"), name=name)
            if known is not None and known[0] != number:
                raise Conflict(f"an aggregate with the name {name!r} exists")
            transaction.run(
                update_by(tables.aggregates, "id", "name", "updated_at"),
                by_id=number,
                name=name,
                updated_at=now,
            )
            return _aggregate(transaction, number)

    def delete(self, number: int) -> None:
        """Delete an aggregate.

        Raises:
            Conflict: it has hosts.
        """
        with self._database.transaction() as transaction:
            if _aggregate(transaction, number).hosts:
                raise Conflict(f"aggregate {number} has hosts: remove them first")
            transaction.run(delete_by(tables.aggregates, "id"), id=number)


class ServerGroupStore:
    """Server groups; servers join when they are asked for (`RequestStore.create`)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, group: ServerGroup) -> None:
        """Write a new group without members."""
        with self._database.transaction() as transaction:
            transaction.run(
                insert_into(tables.server_groups),
                uuid=group.uuid,
                name=group.name,
                project_id=group.project_id,
                user_id=group.user_id,
                policy=group.policy,
                rules=_text(group.rules),
            )

    def get(self, group_uuid: str) -> ServerGroup:
        """Return a group with its members.

        Raises:
            NotFound: there is none.
        """
        with self._database.reading() as transaction:
            row = transaction.one(select_by(tables.server_groups, "uuid"), uuid=group_uuid)
            if row is None:
                raise NotFound("server group", group_uuid)
            return _group(transaction, row)

    def all(self) -> list[ServerGroup]:
        """Return all groups."""
        with self._database.reading() as transaction:
            return [_group(transaction, row) for row in transaction.all(_GROUPS)]

    def delete(self, group_uuid: str) -> None:
        """Delete a group; its members live on."""
        with self._database.transaction() as transaction:
            if not transaction.run(delete_by(tables.server_groups, "uuid"), uuid=group_uuid):
                raise NotFound("server group", group_uuid)
            transaction.run(
                delete_by(tables.server_group_members, "group_uuid"), group_uuid=group_uuid
            )


def _make(row: Row, hosts: Sequence[str]) -> Aggregate:
    return Aggregate(row[0], row[1], row[2], _decode_strings(row[3]), tuple(hosts), row[4], row[5])


def _aggregate(transaction: Transaction, number: int) -> Aggregate:
    row = transaction.one(_BY_ID, id=number)
    if row is None:
        raise NotFound("aggregate", str(number))
    hosts = transaction.all(select_by(tables.aggregate_hosts, "aggregate_id"), aggregate_id=number)
    return _make(row, sorted(host for _number, host in hosts))


def _group(transaction: Transaction, row: Row) -> ServerGroup:
    uuid, name, project_id, user_id, policy, rules = row
    members = transaction.all(select_by(tables.server_group_members, "group_uuid"), group_uuid=uuid)
    return ServerGroup(
        uuid,
        name,
        project_id,
        user_id,
        policy,
        _decode_rules(rules),
        tuple(sorted(instance for _group_uuid, instance in members)),
    )
