"""What each kind of database means to do to answer a question, as it tells itself.

SQLite is asked on empty tables: it knows them and nothing of their rows. PostgreSQL and MariaDB go
by what they know of the rows, so there are some thousands, among which every filter finds what it
finds in a cloud: many of a project, few that have changed lately.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from random import Random
from typing import Any, NamedTuple

from sqlalchemy import Table, func, insert, select

from cellrig.db.api_tables import API_SCHEMA, instance_mappings
from cellrig.db.cell_tables import CELL_SCHEMA, actions, instances, migrations, services, tags
from cellrig.db.database import Database, Statement
from cellrig.db.places import place_of
from cellrig.db.questions import Listed, Question
from cellrig.db.schema import Schema
from cellrig.db.sqlite import SQLITE
from cellrig.db.statements import insert_into
from cellrig.db.storage import Session
from cellrig.runtime.virtual import VirtualRuntime

_ROWS = 2000
#: So often, which the server can do for itself.
_DOUBLED = 4


class Plan(NamedTuple):
    """What a database means to do.

    Args:
        indexes: the indexes that it uses.
        scans: the tables that it reads from end to end without an index.
        sorts: whether it sorts rows itself, instead of reading them in order.
    """

    indexes: frozenset[str]
    scans: frozenset[str]
    sorts: bool


Planner = Callable[[Listed, Question], Plan]


def sqlite_plan(listed: Listed, question: Question) -> Plan:
    """Ask SQLite."""
    schema = CELL_SCHEMA if listed.table.metadata is CELL_SCHEMA.metadata else API_SCHEMA
    statement, given = listed.statement(question)
    text, values = statement.bind(SQLITE, given)
    connection = sqlite3.connect(":memory:")
    try:
        connection.deserialize(schema.image)
        connection.create_function("regexp", 2, lambda pattern, value: False)
        steps = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {text}", values)]
    finally:
        connection.close()
    indexes = {word for step in steps for word in step.split() if "_by_" in word}
    scans = {
        step.split()[1]
        for step in steps
        if step.startswith("SCAN") and "USING" not in step and "CONSTANT ROW" not in step
    }
    return Plan(
        frozenset(indexes),
        frozenset(scans),
        any("TEMP B-TREE FOR ORDER BY" in step or "LAST TERM" in step for step in steps),
    )


@contextmanager
def server_planner(url: str) -> Iterator[Planner]:
    """Make and fill databases on a server; yield what asks it for its plans."""
    place, runtime = place_of(url), VirtualRuntime()
    databases: dict[Schema, Database] = {}
    try:
        for schema in (CELL_SCHEMA, API_SCHEMA):
            storage = place.storage(schema.kind, schema)
            databases[schema] = database = Database(schema.kind, schema.image, runtime, storage)
            _fill(database, schema)

        def plan(listed: Listed, question: Question) -> Plan:
            schema = CELL_SCHEMA if listed.table.metadata is CELL_SCHEMA.metadata else API_SCHEMA
            statement, given = listed.statement(question)
            with databases[schema].reading() as transaction:
                text, values = statement.bind(transaction._dialect, given)
                return _PLANS[transaction._dialect.name](transaction._session, text, values)

        yield plan
    finally:
        for database in databases.values():
            database.close()
        place.close()


def _postgresql_plan(session: Session, text: str, values: Mapping[str, Any]) -> Plan:
    ((told,),) = session.execute(f"EXPLAIN (FORMAT JSON) {text}", values).fetchall()
    nodes = list(_nodes(told[0]["Plan"]))
    return Plan(
        frozenset(node["Index Name"] for node in nodes if "Index Name" in node),
        frozenset(node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"),
        any(node["Node Type"] == "Sort" for node in nodes),
    )


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for below in node.get("Plans", ()):
        yield from _nodes(below)


def _mariadb_plan(session: Session, text: str, values: Mapping[str, Any]) -> Plan:
    steps = session.execute(f"EXPLAIN {text}", values).fetchall()
    keys = {name for step in steps if step[5] for name in str(step[5]).split(",")}
    return Plan(
        frozenset(keys),
        frozenset(str(step[2]) for step in steps if step[3] == "ALL"),
        any("filesort" in str(step[9]) for step in steps),
    )


_PLANS = {"postgresql": _postgresql_plan, "mysql": _mariadb_plan}


def _fill(database: Database, schema: Schema) -> None:
    analyze = {"postgresql": "ANALYZE {}", "mysql": "ANALYZE TABLE {}"}
    with database.transaction() as transaction:
        for table, rows in _rows(schema):
            transaction.run_each(insert_into(table), rows)
            for time in range(_DOUBLED):
                transaction.run(_double(table, time))
    with database.reading() as transaction:
        session, kind = transaction._session, transaction._dialect.name
        for name in {table.name: table for table, _some in _rows(schema)}:
            session.execute(analyze[kind].format(name), {})


def _double(table: Table, time: int) -> Statement:
    """Return what adds as many rows as there are, of other servers."""
    columns = [c for c in table.columns if not (c.primary_key and c.autoincrement is True)]
    other = {
        name: func.md5(table.c[name].concat(str(time)))
        for name in ("uuid", "instance_uuid", "host" if table is services else "")
        if name in table.c and table is not actions
    }
    wanted = [other.get(column.name, column) for column in columns]
    return Statement(insert(table).from_select(columns, select(*wanted)))


def _rows(schema: Schema) -> Iterator[tuple[Table, Sequence[dict[str, Any]]]]:
    draw = Random(1)
    uuids = [f"{draw.getrandbits(128):032x}" for _ in range(_ROWS)]
    if schema is API_SCHEMA:
        yield (
            instance_mappings,
            [
                _row(instance_mappings, draw, instance_uuid=uuid, cell=f"cell{draw.randrange(4)}")
                for uuid in uuids
            ],
        )
        return
    yield (
        instances,
        [
            _row(instances, draw, uuid=uuid, name="web" if n % 9 == 0 else f"web-{n}")
            for n, uuid in enumerate(uuids)
        ],
    )
    yield (
        tags,
        [
            {"instance_uuid": uuid, "tag": tag}
            for n, uuid in enumerate(uuids)
            for tag in (f"own-{n}", f"group-{n % 40}", *(["amber"] if n % 400 == 0 else []))
        ],
    )
    yield migrations, [_row(migrations, draw, uuid=uuid, instance_uuid=uuid) for uuid in uuids]
    yield (
        actions,
        [
            _row(actions, draw, instance_uuid="u" if n % 8 == 0 else uuid)
            for n, uuid in enumerate(uuids)
        ],
    )
    yield services, [_row(services, draw, uuid=uuid, host=uuid) for uuid in uuids]


#: What a column has, where the row does not say.
_USUAL: Mapping[str, Callable[[Random], Any]] = {
    "project_id": lambda draw: draw.choice("pqrstuvwxy"),
    "host": lambda draw: draw.choice([f"h{n}" for n in range(30)] + ["h"]),
    "source_compute": lambda draw: f"h{draw.randrange(200)}",
    "dest_compute": lambda draw: f"h{draw.randrange(200)}",
    "reservation_id": lambda draw: draw.choice([f"r{n}" for n in range(60)] + ["r"] * 4),
    "availability_zone": lambda draw: draw.choice(["north", "south"]),
    "image_id": lambda draw: draw.choice("ij"),
    "flavor_id": lambda draw: draw.choice("12"),
    "vm_state": lambda draw: "active",
    "task_state": lambda draw: None,
    "deleted": lambda draw: int(draw.random() < 0.2),
    "hidden": lambda draw: 0,
    "queued_for_delete": lambda draw: int(draw.random() < 0.2),
    "created_at": lambda draw: draw.uniform(0, 10),
    "start_time": lambda draw: draw.uniform(0, 10),
    # Few have changed after 5.0, which is what a list of changes asks for.
    "updated_at": lambda draw: draw.uniform(0, 5.05),
}


def _row(table: Table, draw: Random, **given: Any) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for column in table.columns:
        if column.primary_key and column.autoincrement is True:
            continue
        if column.name in given:
            row[column.name] = given[column.name]
        elif column.name in _USUAL:
            row[column.name] = _USUAL[column.name](draw)
        elif column.nullable:
            row[column.name] = None
        else:
            row[column.name] = column.type.python_type()
    return row
