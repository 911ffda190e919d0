"""A database with one table, on a server, and what is done with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Column, Integer, MetaData, String, Table, bindparam, insert, select, update

from cellrig.db.connections import Home
from cellrig.db.database import Database, Statement
from cellrig.db.places import OnServer, place_of
from cellrig.db.schema import Schema
from cellrig.db.server import Server
from cellrig.db.statement import ROW_LIMIT
from cellrig.db.turns import OpenOnServer
from cellrig.runtime import Runtime
from cellrig.runtime.virtual import VirtualRuntime

_metadata = MetaData()
_accounts = Table(
    "accounts",
    _metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("name", String(20), nullable=False, unique=True),
    Column("balance", Integer, nullable=False),
)
SCHEMA = Schema("accounts", 1, _metadata)
OPEN = Statement(insert(_accounts).values(name=bindparam("the_name"), balance=bindparam("amount")))
BALANCE = Statement(select(_accounts.c.balance).where(_accounts.c.name == bindparam("of")))
SET = Statement(
    update(_accounts).where(_accounts.c.name == bindparam("of")).values(balance=bindparam("new"))
)
NAMES = Statement(select(_accounts.c.name).order_by(_accounts.c.name))
#: The first of them, as a list is asked for.
FIRST = Statement(
    select(_accounts.c.id)
    .where(_accounts.c.id > bindparam("after"))
    .order_by(_accounts.c.id)
    .limit(bindparam(ROW_LIMIT))
)
#: Let there be as many again, under other names.
DOUBLE = Statement(
    insert(_accounts).from_select(
        [_accounts.c.name, _accounts.c.balance],
        select(_accounts.c.name.concat(bindparam("suffix", type_=String)), _accounts.c.balance),
    )
)
ALL = Statement(select(_accounts).order_by(_accounts.c.id))


def server_of(place: object) -> Server:
    assert isinstance(place, OnServer)
    return place._server


@contextmanager
def opened(
    url: str, schema: Schema = SCHEMA, runtime: Runtime | None = None, processes: int = 1
) -> Iterator[Sequence[Database]]:
    """One database, opened as often as there are processes.

    Where there is one, the database is as a rig has its own, to which nobody else writes.
    """
    place = place_of(url)
    own = runtime or VirtualRuntime()
    storage = place.storage("accounts", schema)
    alone = Database("accounts", schema.image, own, storage)
    server = server_of(place)
    (space,) = place._made  # type: ignore[attr-defined]
    databases = [alone] if processes == 1 else []
    for _number in range(processes - len(databases)):
        other = Database.__new__(Database)
        other.__dict__.update(alone.__dict__)
        home = Home(space, "accounts", schema)
        other._open = OpenOnServer(server.connections, home, server.dialect, lambda: None)
        databases.append(other)
    try:
        yield databases
    finally:
        for database in databases:
            database.close()
        place.close()


def open_account(database: Database, name: str, amount: int) -> None:
    with database.transaction() as transaction:
        transaction.run(OPEN, the_name=name, amount=amount)


def balance(database: Database, name: str) -> int:
    with database.reading() as reading:
        row = reading.one(BALANCE, of=name)
    assert row is not None
    return int(row[0])


def add_one(database: Database, name: str) -> None:
    with database.transaction() as transaction:
        row = transaction.one(BALANCE, of=name)
        assert row is not None
        transaction.run(SET, of=name, new=row[0] + 1)
