"""Databases on PostgreSQL and MariaDB whose connections are lost, or that somebody else locks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import cast

import pytest
from accounts import BALANCE, NAMES, SET, add_one, balance, open_account, opened, server_of
from database_servers import KINDS, NoServer, private_server

from cellrig.db.connections import ServerSession
from cellrig.db.database import Database
from cellrig.db.places import place_of
from cellrig.db.turns import OpenOnServer
from cellrig.errors import DatabaseUnavailable
from cellrig.runtime.live import LiveRuntime


def idle_of(database: Database) -> list[ServerSession]:
    assert isinstance(database._open, OpenOnServer)
    return [session for _home, session in database._open._connections._idle]


def cut(url: str, sessions: Iterable[ServerSession]) -> None:
    """End connections as a restart of the server does; return when they have ended."""
    place = place_of(url)
    do: Callable[[str], Iterable[object]] = server_of(place)._do  # type: ignore[attr-defined]
    for session in sessions:
        connection = session._connection  # type: ignore[attr-defined]
        if url.startswith("postgresql"):
            do(f"SELECT pg_terminate_backend({connection.info.backend_pid}, 60000)")
            continue
        number = connection.thread_id()
        do(f"KILL {number}")
        while list(do(f"SELECT 1 FROM information_schema.processlist WHERE id = {number}")):  # noqa: S608
            pass
    place.close()


@pytest.mark.parametrize("processes", [1, 2])
def test_a_connection_that_was_lost_between_transactions_is_made_anew(
    server_url: str, processes: int
) -> None:
    with opened(server_url, processes=processes) as (database, *_others):
        open_account(database, "a", 1)
        cut(server_url, idle_of(database))
        add_one(database, "a")
        assert balance(database, "a") == 2


def test_one_who_only_reads_gets_a_new_connection_too(server_url: str) -> None:
    with opened(server_url) as (database,):
        open_account(database, "a", 1)
        for _time in range(2):
            cut(server_url, idle_of(database))
            with database.reading() as reading:
                assert [name for (name,) in reading.all(NAMES)] == ["a"]


def test_a_connection_that_is_lost_while_it_only_reads_is_told_and_the_next_one_is_there(
    server_url: str,
) -> None:
    with opened(server_url) as (database,):
        open_account(database, "a", 1)
        with (
            pytest.raises(DatabaseUnavailable, match="'accounts'"),
            database.reading() as reading,
        ):
            cut(server_url, [cast(ServerSession, reading._session)])
            reading.all(NAMES)
        with database.reading() as reading:
            assert [name for (name,) in reading.all(NAMES)] == ["a"]


def test_a_connection_that_is_lost_in_a_transaction_keeps_nothing_of_it(server_url: str) -> None:
    with opened(server_url) as (database,):
        open_account(database, "a", 1)
        with (
            pytest.raises(DatabaseUnavailable, match="'accounts'"),
            database.transaction() as transaction,
        ):
            transaction.run(SET, of="a", new=7)
            cut(server_url, [cast(ServerSession, transaction._session)])
            transaction.run(SET, of="a", new=8)
        assert balance(database, "a") == 1


@pytest.mark.parametrize("processes", [1, 2])
def test_a_connection_that_is_lost_before_the_first_write_is_told_and_keeps_nothing(
    server_url: str, processes: int
) -> None:
    with opened(server_url, processes=processes) as (database, *_others):
        open_account(database, "a", 1)
        with (
            pytest.raises(DatabaseUnavailable, match="'accounts'"),
            database.transaction() as transaction,
        ):
            assert transaction.one(BALANCE, of="a") == (1,)
            cut(server_url, [cast(ServerSession, transaction._session)])
            transaction.run(SET, of="a", new=7)
        assert balance(database, "a") == 1


@pytest.mark.parametrize("processes", [1, 2])
def test_a_connection_that_is_lost_before_the_commit_keeps_nothing_either(
    server_url: str, processes: int
) -> None:
    with opened(server_url, processes=processes) as (database, *_others):
        open_account(database, "a", 1)
        with (
            pytest.raises(DatabaseUnavailable, match="'accounts'"),
            database.transaction() as transaction,
        ):
            transaction.run(SET, of="a", new=7)
            cut(server_url, [cast(ServerSession, transaction._session)])
        assert balance(database, "a") == 1


def test_a_single_statement_that_reads_is_asked_again_on_a_new_connection(server_url: str) -> None:
    with opened(server_url) as (database,):
        open_account(database, "a", 1)
        assert database.all(NAMES) == [("a",)]
        cut(server_url, idle_of(database))
        assert database.all(NAMES) == [("a",)]
        assert database.one(BALANCE, of="a") == (1,)


class Stranger:
    """Somebody who writes to a database in ways of their own, not in turn.

    Args:
        url: of the server.
        database: whose tables.
    """

    def __init__(self, url: str, database: Database) -> None:
        opened_there = database._open
        assert isinstance(opened_there, OpenOnServer)
        connections = opened_there._connections
        self._connection = connections._connect(opened_there._home)._connection  # type: ignore[attr-defined]
        self._cursor = self._connection.cursor()
        self._is_postgresql = url.startswith("postgresql")
        if self._is_postgresql:
            # Of two who wait for each other it is never this one who is told.
            self.run("SET deadlock_timeout = '1h'")
            ((self._number,),) = self.run("SELECT pg_backend_pid()")
        else:
            ((self._number,),) = self.run("SELECT CONNECTION_ID()")
        self.run("BEGIN")
        if not self._is_postgresql:
            # He has written more, so the other one is undone.
            values = ", ".join(f"('stranger-{number}', 0)" for number in range(50))
            self.run(f"INSERT INTO accounts (name, balance) VALUES {values}")  # noqa: S608

    def run(self, text: str) -> list[tuple[int]]:
        self._cursor.execute(text)
        return list(self._cursor.fetchall()) if self._cursor.description else []

    def wait_until_he_waits(self, url: str) -> None:
        """Return when a statement of his waits for somebody else's row."""
        if self._is_postgresql:
            waits = f"SELECT 1 FROM pg_locks WHERE pid = {self._number} AND NOT granted"  # noqa: S608
        else:
            waits = (
                "SELECT 1 FROM information_schema.innodb_trx "  # noqa: S608 - a number
                f"WHERE trx_mysql_thread_id = {self._number} AND trx_state = 'LOCK WAIT'"
            )
        place = place_of(url)
        while not list(server_of(place)._do(waits)):  # type: ignore[attr-defined]
            pass
        place.close()

    def close(self) -> None:
        self.run("ROLLBACK")
        self._connection.close()


def test_a_deadlock_with_somebody_who_takes_no_turn_is_told_and_keeps_nothing(
    server_url: str,
) -> None:
    with opened(server_url, runtime=LiveRuntime()) as (database,):
        open_account(database, "a", 1)
        open_account(database, "b", 1)
        stranger = Stranger(server_url, database)
        stranger.run("UPDATE accounts SET balance = 5 WHERE name = 'b'")
        thread = threading.Thread(
            target=stranger.run, args=("UPDATE accounts SET balance = 5 WHERE name = 'a'",)
        )
        with (
            pytest.raises(DatabaseUnavailable, match=r"'accounts'.*[Dd]eadlock"),
            database.transaction() as transaction,
        ):
            transaction.run(SET, of="a", new=7)
            thread.start()
            stranger.wait_until_he_waits(server_url)
            transaction.run(SET, of="b", new=7)
        thread.join(60)
        stranger.close()
        add_one(database, "a")
        assert balance(database, "a") == 2


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_was_started_again_is_used_as_before(kind: str) -> None:
    with ExitStack() as stack:
        try:
            private = stack.enter_context(private_server(kind))
        except NoServer as error:
            pytest.skip(f"no {kind} can be started again: {error}")
        (database,) = stack.enter_context(opened(private.url))
        open_account(database, "a", 1)
        private.stop()
        with pytest.raises(DatabaseUnavailable, match="'accounts'"):
            add_one(database, "a")
        with pytest.raises(DatabaseUnavailable, match="'accounts'"):
            database.all(NAMES)
        private.start()
        add_one(database, "a")
        for restarted in range(2):
            private.stop()
            private.start()
            if restarted:
                assert database.all(NAMES) == [("a",)]
            add_one(database, "a")
        assert balance(database, "a") == 4
        private.stop()
        private.start()


def test_a_server_that_refuses_connections_is_told_without_the_password() -> None:
    for kind in ("postgresql", "mariadb"):
        library = "psycopg" if kind == "postgresql" else "pymysql"
        pytest.importorskip(library, reason=f"{library} is not installed (extra: {kind})")
        with pytest.raises(DatabaseUnavailable) as caught:
            place_of(f"{kind}://me:secret@127.0.0.1:1/rig")
        assert "secret" not in str(caught.value)
