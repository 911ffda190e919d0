"""Schemas: the tables of one kind of database, and the empty one that every rig starts from."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from sqlalchemy import Column, MetaData, String, Table
from sqlalchemy.engine import Dialect as Compiler
from sqlalchemy.schema import CreateIndex, CreateTable

from cellrig.db.images import build_image
from cellrig.db.sqlite import SQLITE
from cellrig.db.statement import Statement
from cellrig.db.statements import insert_into

#: Where every database says of what version its tables are; Alembic's own.
VERSION_TABLE = Table(
    "alembic_version", MetaData(), Column("version_num", String(32), primary_key=True)
)


class Schema:
    """The tables of one kind of database.

    Args:
        kind: api, cell, placement, images or volumes.
        number: of the version; the last Alembic revision of the kind is ``<kind>_<number>``.
        metadata: the tables.
        first: the rows that an empty database has, by table.
    """

    def __init__(
        self,
        kind: str,
        number: int,
        metadata: MetaData,
        first: Mapping[Table, Sequence[Mapping[str, Any]]] | None = None,
    ) -> None:
        self.kind = kind
        self.version = f"{kind}_{number}"
        self.metadata = metadata
        self._first = first or {}

    @property
    def tables(self) -> list[Table]:
        """All tables, those that others refer to first."""
        return self.metadata.sorted_tables

    def definitions(self, compiler: Compiler) -> Iterator[str]:
        """Return the statements that make the tables and indexes."""
        for table in (*self.tables, VERSION_TABLE):
            yield str(CreateTable(table).compile(dialect=compiler))
            for index in sorted(table.indexes, key=lambda index: str(index.name)):
                yield str(CreateIndex(index).compile(dialect=compiler))

    def first_rows(self) -> Iterator[tuple[Statement, Sequence[Mapping[str, Any]]]]:
        """Return what is written into an empty database: statements, each with its rows."""
        yield insert_into(VERSION_TABLE), [{"version_num": self.version}]
        for table, rows in self._first.items():
            yield insert_into(table), rows

    @cached_property
    def image(self) -> bytes:
        """The image of an empty database; built once in a process, copied for each rig."""

        def create(connection: sqlite3.Connection) -> None:
            connection.execute("PRAGMA page_size = 1024")
            for definition in self.definitions(SQLITE.compiler):
                connection.execute(definition)
            for statement, rows in self.first_rows():
                for row in rows:
                    connection.execute(*statement.bind(SQLITE, row))

        return build_image(create)
