"""The few shapes that most statements have."""

from __future__ import annotations

from functools import lru_cache

from sqlalchemy import Table, bindparam, delete, insert, select, update

from cellrig.db.statement import Statement


@lru_cache(maxsize=512)
def insert_into(table: Table) -> Statement:
    """Return the statement that inserts one row, every column a parameter."""
    return Statement(
        insert(table).values(
            {
                column.name: bindparam(column.name)
                for column in table.columns
                if not (column.primary_key and column.autoincrement is True)
            }
        )
    )


@lru_cache(maxsize=512)
def select_by(table: Table, *keys: str) -> Statement:
    """Return the statement that selects whole rows by equality of `keys`."""
    return Statement(select(table).where(*[table.c[key] == bindparam(key) for key in keys]))


@lru_cache(maxsize=512)
def select_in(table: Table, key: str, *order: str) -> Statement:
    """Return the statement that selects whole rows whose `key` is in the list ``keys``."""
    chosen = select(table).where(table.c[key].in_(bindparam("keys", expanding=True)))
    return Statement(chosen.order_by(*[table.c[name] for name in order]))


@lru_cache(maxsize=512)
def delete_by(table: Table, *keys: str) -> Statement:
    """Return the statement that deletes rows by equality of `keys`."""
    return Statement(delete(table).where(*[table.c[key] == bindparam(key) for key in keys]))


@lru_cache(maxsize=512)
def update_by(table: Table, key: str, *columns: str) -> Statement:
    """Return the statement that sets `columns` in the row whose `key` is ``by_key``."""
    return Statement(
        update(table)
        .where(table.c[key] == bindparam(f"by_{key}"))
        .values({column: bindparam(column) for column in columns})
    )
