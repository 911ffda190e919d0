"""Databases on PostgreSQL and MariaDB: turns, transactions, and what is given back."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress

import pytest
from accounts import (
    ALL,
    BALANCE,
    NAMES,
    OPEN,
    SCHEMA,
    SET,
    add_one,
    balance,
    open_account,
    opened,
    server_of,
)
from sqlalchemy import literal_column, select
from sqlalchemy.engine import make_url

from cellrig.db.database import Database, ReadOnly, Statement
from cellrig.db.names import SpaceNames, left_over
from cellrig.db.places import place_of
from cellrig.db.server import Server
from cellrig.db.sqlite import InMemory
from cellrig.errors import Conflict
from cellrig.placement import Placement
from cellrig.placement.errors import CapacityExceeded, ConcurrentUpdate
from cellrig.placement.tables import PLACEMENT_SCHEMA
from cellrig.placement.types import AllocationsWrite, Inventory
from cellrig.runtime.live import LiveRuntime
from cellrig.runtime.virtual import VirtualRuntime


def in_threads(*functions: object) -> list[BaseException]:
    errors: list[BaseException] = []

    def run(function: object) -> None:
        try:
            function()  # type: ignore[operator]
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            errors.append(error)

    threads = [threading.Thread(target=run, args=(function,)) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return errors


def test_what_is_read_cannot_change_before_it_is_written(server_url: str) -> None:
    """As two processes see it, each with connections of its own."""
    with opened(server_url, runtime=LiveRuntime(), processes=3) as databases:
        open_account(databases[0], "a", 0)

        def work(database: Database) -> None:
            for _number in range(20):
                add_one(database, "a")

        assert in_threads(*[lambda each=each: work(each) for each in databases] * 2) == []
        assert balance(databases[0], "a") == 3 * 2 * 20


def test_no_claim_goes_over_capacity_whoever_makes_it(server_url: str) -> None:
    runtime = LiveRuntime()
    host = "00000000-0000-4000-8000-000000000001"
    capacity, claims = 10, 8
    with opened(server_url, PLACEMENT_SCHEMA, runtime, processes=4) as databases:
        services = [Placement(database) for database in databases]
        services[0].create_provider("host", uuid=host)
        services[0].set_inventories(host, {"VCPU": Inventory(total=capacity)}, generation=0)
        made: list[str] = []

        def claim(service: Placement, first: int) -> None:
            for number in range(first, first + claims):
                consumer = f"00000000-0000-4000-9000-{number:012d}"
                with suppress(CapacityExceeded, ConcurrentUpdate):
                    service.put_allocations(
                        consumer,
                        AllocationsWrite({host: {"VCPU": 1}}, "project", "user", None),
                    )
                    made.append(consumer)

        work = [
            lambda service=service, first=100 * number: claim(service, first)
            for number, service in enumerate(services)
        ]
        assert in_threads(*work) == []
        used = services[1].get_provider_usages(host)
        assert used == {"VCPU": capacity}
        assert len(made) == capacity


def test_one_who_only_reads_waits_for_nobody_and_sees_one_moment(server_url: str) -> None:
    with opened(server_url, runtime=LiveRuntime()) as (database,):
        open_account(database, "a", 1)
        with database.transaction() as transaction:
            transaction.run(SET, of="a", new=2)
            seen: list[int] = []
            assert in_threads(lambda: seen.append(balance(database, "a"))) == []
            assert seen == [1]
        with database.reading() as reading:
            assert reading.one(BALANCE, of="a") == (2,)
            assert in_threads(lambda: add_one(database, "a")) == []
            assert reading.one(BALANCE, of="a") == (2,)
        assert balance(database, "a") == 3


#: Whether the server knows of the transaction that asks; in PostgreSQL now is when it began.
_KNOWN = {
    "postgresql": Statement(select(literal_column("cast(now() < statement_timestamp() AS int)"))),
    "mariadb": Statement(select(literal_column("@@in_transaction"))),
}


def test_where_nobody_else_writes_the_server_hears_of_a_transaction_when_it_writes(
    server_url: str,
) -> None:
    known = _KNOWN[server_url.partition(":")[0]]
    with opened(server_url) as (database,):
        open_account(database, "a", 1)
        with database.transaction() as transaction:
            assert transaction.one(known) == (0,)
            transaction.run(SET, of="a", new=2)
            assert transaction.one(known) == (1,)
        with pytest.raises(ZeroDivisionError), database.transaction() as transaction:
            assert transaction.one(known) == (0,)
            transaction.run(SET, of="a", new=1 // 0)
        assert balance(database, "a") == 2
    with opened(server_url, processes=2) as (shared, _other), shared.transaction() as transaction:
        assert transaction.one(known) == (1,)


def test_one_who_only_reads_cannot_write(server_url: str) -> None:
    with opened(server_url) as (database,):
        with pytest.raises(ReadOnly, match="accounts"), database.reading() as reading:
            reading.run(OPEN, the_name="a", amount=1)
        with database.reading() as reading:
            assert reading.all(NAMES) == []


def test_a_row_that_exists_is_a_conflict_and_undoes_the_transaction(server_url: str) -> None:
    with opened(server_url) as (database,):
        open_account(database, "a", 1)
        with (
            pytest.raises(Conflict, match="database accounts: "),
            database.transaction() as transaction,
        ):
            transaction.run(OPEN, the_name="b", amount=1)
            transaction.run(OPEN, the_name="a", amount=1)
        with database.reading() as reading:
            assert reading.all(NAMES) == [("a",)]


def test_a_row_that_was_like_this_already_counts_as_changed(server_url: str) -> None:
    with opened(server_url) as (database,):
        open_account(database, "a", 1)
        with database.transaction() as transaction:
            assert transaction.run(SET, of="a", new=1) == 1
            assert transaction.run(SET, of="b", new=1) == 0


def test_text_is_compared_and_sorted_by_its_code_points(server_url: str) -> None:
    names = ["a", "B", "b", "ä", "A", "a ", "é", "Z", "😀", "_"]
    with opened(server_url) as (database,):
        for name in names:
            open_account(database, name, 0)
        with database.reading() as reading:
            assert [name for (name,) in reading.all(NAMES)] == sorted(names)


def test_a_dump_is_an_image_that_brings_all_rows_back(server_url: str) -> None:
    with opened(server_url) as (database,):
        open_account(database, "a", 1)
        open_account(database, "b", 2)
        image = database.dump()
        copy = Database("copy", image, VirtualRuntime(), InMemory())
        with copy.reading() as reading, database.reading() as there:
            assert reading.all(ALL) == there.all(ALL) == [(1, "a", 1), (2, "b", 2)]
        add_one(database, "a")
        database.load(image)
        assert database.dump() == image
        open_account(database, "c", 3)  # which takes none of the numbers that are back
        with database.reading() as reading:
            assert [name for (name,) in reading.all(NAMES)] == ["a", "b", "c"]


def test_a_single_statement_ends_its_transaction_and_writes_nothing(server_url: str) -> None:
    with opened(server_url, processes=2) as (database, other):
        open_account(database, "a", 1)
        assert database.one(BALANCE, of="a") == (1,)
        add_one(other, "a")
        assert database.one(BALANCE, of="a") == (2,)
        with pytest.raises(ReadOnly, match="accounts"):
            database.all(OPEN, the_name="b", amount=1)
        assert database.all(NAMES) == [("a",)]


def there(url: str, spaces: Iterable[str]) -> set[str]:
    """Which databases are there, asked on a connection of its own."""
    place = place_of(url)
    if url.startswith("postgresql"):
        known = "SELECT nspname FROM pg_namespace"
    else:
        known = "SELECT schema_name FROM information_schema.schemata"
    rows = server_of(place)._do(known)  # type: ignore[attr-defined]
    found = {name for (name,) in rows} & set(spaces)
    place.close()
    return found


def test_a_rig_that_nobody_stops_leaves_nothing_when_the_process_ends(server_url: str) -> None:
    code = (
        f"from cellrig import Rig, Topology; rig = Rig(Topology(database={server_url!r})).start()"
    )
    code += "; print(' '.join(rig.cloud._place._made)); raise KeyboardInterrupt"
    done = subprocess.run(  # noqa: S603 - our own text
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    made = done.stdout.split()
    assert len(made) >= 6, done.stderr
    assert not there(server_url, made)


def another_process(url: str) -> Server:
    """The server as another process has it."""
    place = place_of(url)
    try:
        return type(server_of(place))(make_url(url))  # type: ignore[call-arg]
    finally:
        place.close()


def test_what_a_killed_process_has_left_is_dropped_a_day_later(server_url: str) -> None:
    killed, living = another_process(server_url), another_process(server_url)
    old = killed.names.name("cell1", killed.now() - 90_000)
    young = killed.names.name("cell1", killed.now() - 80_000)
    used = living.names.name("cell1", living.now() - 90_000)
    try:
        killed.create(old, SCHEMA)
        killed.create(young, SCHEMA)
        living.create(used, SCHEMA)
        assert there(server_url, [old, young, used]) == {old, young, used}
        killed.close()
        place_of(server_url).close()
        assert there(server_url, [old, young, used]) == {young, used}
    finally:
        for space in (old, young, used):
            living.drop(space)
        killed.close()
        living.close()


def test_names_of_somebody_elses_databases_are_never_taken_for_ours() -> None:
    names = [
        "cellrig",
        "cellrig_notes",
        "cellrig_99999999_999999_x_1",
        "test",
        "xcellrig_20200101_000000_a",
    ]
    assert left_over([*names, "cellrig_20200101_000000_ab_1_api"], 2e9) == [
        "cellrig_20200101_000000_ab_1_api"
    ]


def test_a_name_fits_everywhere_and_none_comes_twice() -> None:
    names = SpaceNames()
    made = [names.name(name, 1.6e9) for name in ("cell", "cell", "Zelle " * 30, "ä")]
    assert len(set(made)) == 4
    assert all(len(name) <= 63 and name.isascii() for name in made)
    assert make_url(f"mariadb://h/{made[2]}").database == made[2]
