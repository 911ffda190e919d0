"""The servers that tests start for themselves, as rigs and other servers meet them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from accounts import balance, open_account, opened, server_of
from database_servers import KINDS, NoServer, private_server

from cellrig.db.places import place_of

#: Who is connected over a socket has no address.
_IS_NEAR = {
    "postgresql": "SELECT inet_client_addr() IS NULL",
    "mariadb": (
        "SELECT host = 'localhost' FROM information_schema.processlist WHERE id = CONNECTION_ID()"
    ),
}


@contextmanager
def started(kind: str) -> Iterator[str]:
    """The URL of a private server's socket; skips where there can be none."""
    try:
        with private_server(kind) as private:
            yield private.socket_url
    except NoServer as error:
        pytest.skip(f"no private {kind}: {error}")


def asked(url: str, text: str) -> list[tuple[object, ...]]:
    place = place_of(url)
    try:
        return list(server_of(place)._do(text))  # type: ignore[attr-defined]
    finally:
        place.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_url_may_name_the_socket_of_a_server(kind: str) -> None:
    with started(kind) as url:
        assert asked(url, _IS_NEAR[kind]) == [(1,)]
        with opened(url) as (database,):
            open_account(database, "a", 1)
            assert balance(database, "a") == 1


def test_a_private_mariadb_has_its_temporary_files_where_no_other_server_removes_them() -> None:
    with started("mariadb") as url:
        ((temporary, data),) = asked(url, "SELECT @@tmpdir, @@datadir")
        assert temporary == str(data).removesuffix("/data/")
