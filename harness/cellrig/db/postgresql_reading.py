"""What is read on PostgreSQL, one statement at a time: by the driver's own library, libpq.

The driver's cursors take longer than many a question to a cell.
"""

from __future__ import annotations

import re
import select
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import psycopg
from psycopg.abc import Transformer as AbstractTransformer
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, Format
from psycopg.pq.abc import PGresult

from cellrig.db.statement import ROW_LIMIT, Row

#: A text is prepared when it is read for the third time: that takes one more round trip.
_PREPARED_AFTER = 2
#: So many texts are known, and perhaps prepared, in each connection.
_KNOWN = 256

_PARAMETER = re.compile(r"%\((\w+)\)s|%%")


class _Text:
    """A statement as one connection knows it.

    Args:
        text: with named parameters.
        limit: the most rows that it sends, where the text has that parameter. It becomes a part of
            what the server is told: without it no plan for all values seems good to the server,
            which would make a new one each time.

    Attributes:
        sql: with the parameters that the server wants.
        names: of the values, in their order.
        formats: how each of them may be sent.
        times: how often it was read before it was prepared.
        prepared: for which types of values, and how.
    """

    __slots__ = ("formats", "names", "prepared", "sql", "times")

    def __init__(self, text: str, limit: int | None) -> None:
        places: dict[str, int] = {}

        def place(found: re.Match[str]) -> str:
            name = found[1]
            if name == ROW_LIMIT:
                return f"{limit:d}"
            return "%" if name is None else f"${places.setdefault(name, len(places) + 1)}"

        self.sql = _PARAMETER.sub(place, text).encode()
        self.names = tuple(places)
        self.formats = [PyFormat.AUTO] * len(places)
        self.times = 0
        self.prepared: dict[tuple[int, ...], _Prepared] = {}


class _Prepared:
    """A statement that the server has prepared. Its rows have the same types each time.

    Args:
        name: its name on the server.
    """

    __slots__ = ("_loaders", "name")

    def __init__(self, name: bytes) -> None:
        self.name = name
        self._loaders: AbstractTransformer | None = None

    def rows(self, connection: psycopg.Connection[Any], result: PGresult) -> list[Row]:
        """Return the rows of a result."""
        loaders = self._loaders
        if loaders is None:
            loaders = self._loaders = Transformer(connection)
            loaders.set_pgresult(result)
        else:
            loaders.set_pgresult(result, set_loaders=False)
        rows = loaders.load_rows(0, result.ntuples, tuple)
        loaders.set_pgresult(None, set_loaders=False)
        return rows


class Reader:
    """Reads over one connection. What is read again and again is prepared.

    Args:
        connection: which begins no transaction of its own.
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._pgconn = connection.pgconn
        self._dumper = Transformer(connection)
        self._texts: OrderedDict[tuple[str, int | None], _Text] = OrderedDict()
        self._names = 0
        self._ready = select.poll()
        self._ready.register(self._pgconn.socket, select.POLLIN)

    def read(
        self, text: str, values: Mapping[str, Any], meanwhile: Callable[[], None] | None
    ) -> list[Row]:
        """Return what one statement selects.

        Args:
            text: the statement.
            values: its parameters; there may be more.
            meanwhile: called while the server is at work.

        Raises:
            psycopg.Error: as a cursor's; an `OperationalError` where the connection is lost.
        """
        key = text, values.get(ROW_LIMIT)
        known = self._texts.get(key)
        if known is None:
            known = self._know(*key)
        self._texts.move_to_end(key)
        try:
            prepared = self._send(known, values)
            if meanwhile is not None:
                meanwhile()
            result = self._result()
        except BaseException:
            # What is under way would be taken for the next one's answer.
            self._connection.close()
            raise
        if result.status != ExecStatus.TUPLES_OK:
            raise self._error(result)
        return (prepared or _Prepared(b"")).rows(self._connection, result)

    def _know(self, text: str, limit: int | None) -> _Text:
        while len(self._texts) >= _KNOWN:
            _key, oldest = self._texts.popitem(last=False)
            for prepared in oldest.prepared.values():
                self._connection.execute(b"DEALLOCATE " + prepared.name, prepare=False)
        known = self._texts[text, limit] = _Text(text, limit)
        return known

    def _send(self, known: _Text, values: Mapping[str, Any]) -> _Prepared | None:
        """Let a statement be on its way; return how it is prepared, if it is."""
        dumper, pgconn = self._dumper, self._pgconn
        sent = dumper.dump_sequence([values[name] for name in known.names], known.formats)
        types = dumper.types or ()
        prepared = known.prepared.get(types)
        if prepared is None and known.times >= _PREPARED_AFTER:
            prepared = self._prepare(known, types)
        if prepared is not None:
            pgconn.send_query_prepared(prepared.name, sent, dumper.formats, Format.BINARY)
        else:
            known.times += 1
            pgconn.send_query_params(known.sql, sent, types, dumper.formats, Format.BINARY)
        self._flush()
        return prepared

    def _prepare(self, known: _Text, types: tuple[int, ...]) -> _Prepared | None:
        """Prepare a text, if the server understands it."""
        self._names += 1
        name = b"cellrig_%d" % self._names
        self._pgconn.send_prepare(name, known.sql, types)
        self._flush()
        if self._result().status != ExecStatus.COMMAND_OK:
            return None  # to read it tells why
        prepared = known.prepared[types] = _Prepared(name)
        return prepared

    def _flush(self) -> None:
        """Let all that is to be sent be on its way."""
        pgconn = self._pgconn
        while pgconn.flush():
            self._ready.modify(pgconn.socket, select.POLLIN | select.POLLOUT)
            self._ready.poll()
            self._ready.modify(pgconn.socket, select.POLLIN)
            pgconn.consume_input()

    def _result(self) -> PGresult:
        """Wait for the one result of what was sent."""
        pgconn = self._pgconn
        pgconn.consume_input()
        while pgconn.is_busy():
            self._ready.poll()
            pgconn.consume_input()
        result = last = pgconn.get_result()
        while last is not None:
            while pgconn.is_busy():
                self._ready.poll()
                pgconn.consume_input()
            last = pgconn.get_result()
        if result is None:
            raise psycopg.OperationalError("the server has sent no answer")
        return result

    def _error(self, result: PGresult) -> psycopg.Error:
        if self._pgconn.status == ConnStatus.BAD:
            return psycopg.OperationalError(result.get_error_message())
        return error_from_result(result)
