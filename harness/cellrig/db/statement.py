"""Statements: SQLAlchemy expressions, compiled to text once for each dialect.

The text is given straight to the database's own driver: on an SQLite image in memory it is all
there is to save, and it is most of the time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy.engine import Dialect as Compiler
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.expression import UpdateBase

Row = tuple[Any, ...]

#: The parameter that is the most rows to send.
ROW_LIMIT = "row_limit"


class Dialect(NamedTuple):
    """How one kind of database wants its statements.

    Args:
        name: SQLAlchemy's.
        compiler: SQLAlchemy's dialect; its parameters are named.
        parameter: a parameter in its text, with ``{}`` for the name.
    """

    name: str
    compiler: Compiler
    parameter: str


class Statement:
    """A SQL statement, compiled when first used.

    A parameter made by ``bindparam(name, expanding=True)`` takes a sequence. Its list is padded to
    a power of two, so that there are few different texts to prepare.

    Attributes:
        changes_rows: whether it writes.
    """

    def __init__(self, expression: ClauseElement) -> None:
        self.changes_rows = isinstance(expression, UpdateBase)
        self._expression = expression
        self._texts: dict[str, _Text] = {}

    def bind(self, dialect: Dialect, values: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
        """Return the text and the parameters for `values`."""
        text = self._texts.get(dialect.name)
        if text is None:
            text = self._texts[dialect.name] = _Text(self._expression, dialect)
        if text.constants:
            values = {**text.constants, **values}
        if text.lists:
            return text.expand(values)
        return text.sql, values


class _Text:
    """A statement in one dialect."""

    __slots__ = ("_parameter", "_sized", "constants", "lists", "sql")

    def __init__(self, expression: ClauseElement, dialect: Dialect) -> None:
        compiled = expression.compile(dialect=dialect.compiler)
        self.sql = str(compiled)
        self.constants = {
            name: value for name, value in compiled.params.items() if value is not None
        }
        self.lists = tuple(name for name in compiled.params if _marker(name) in self.sql)
        self._parameter = dialect.parameter
        self._sized: dict[tuple[int, ...], str] = {}

    def expand(self, values: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
        """Return the text and the parameters with every list as so many parameters."""
        parameters = dict(values)
        sizes = []
        for name in self.lists:
            given = list(parameters.pop(name))
            size = 1 << max(len(given) - 1, 0).bit_length()
            given += [given[-1] if given else None] * (size - len(given))
            parameters.update({f"{name}_{i}": value for i, value in enumerate(given)})
            sizes.append(size)
        key = tuple(sizes)
        sized = self._sized.get(key)
        if sized is None:
            sized = self._sized[key] = self._text_for(sizes)
        return sized, parameters

    def _text_for(self, sizes: list[int]) -> str:
        text = self.sql
        for name, size in zip(self.lists, sizes, strict=True):
            places = ", ".join(self._parameter.format(f"{name}_{i}") for i in range(size))
            text = text.replace(_marker(name), f"({places})")
        return text


def _marker(name: str) -> str:
    return f"(__[POSTCOMPILE_{name}])"
