"""Databases that last: files which belong to one process, and are known for what they are."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from cellrig import Rig, Topology
from cellrig.db.api_tables import API_SCHEMA
from cellrig.db.cell_tables import CELL_SCHEMA, cell_image, tags
from cellrig.db.database import Database, Statement
from cellrig.db.images import Stamp, stamp_in
from cellrig.db.places import Directory, lasting, place_of
from cellrig.db.schema import Schema
from cellrig.db.sqlite import InFile, InMemory
from cellrig.db.storage import Storage, UnusableDatabase
from cellrig.errors import Conflict, Invalid
from cellrig.runtime.virtual import VirtualRuntime

_ADD = Statement(insert(tags))
_ADD_AND_TELL = Statement(insert(tags).returning(tags.c.tag))
_ALL = Statement(select(tags.c.tag).order_by(tags.c.tag))


def database(storage: Storage, image: bytes | None = None) -> Database:
    return Database("cell1", image or cell_image(), VirtualRuntime(), storage)


def add(where: Database, *names: str) -> None:
    with where.transaction() as transaction:
        transaction.run_each(_ADD, [{"instance_uuid": "a", "tag": name} for name in names])


def found(where: Database) -> list[str]:
    with where.transaction() as transaction:
        return [name for (name,) in transaction.all(_ALL)]


@pytest.fixture(params=["memory", "file"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    return InMemory() if request.param == "memory" else InFile(tmp_path / "cell1.sqlite")


def test_a_transaction_that_raises_leaves_nothing(storage: Storage) -> None:
    where = database(storage)
    add(where, "kept")
    with pytest.raises(Conflict), where.transaction() as transaction:
        transaction.run(_ADD, instance_uuid="a", tag="lost")
        transaction.run(_ADD, instance_uuid="a", tag="kept")
    assert found(where) == ["kept"]


@pytest.mark.parametrize("method", ["one", "all"])
def test_a_row_that_a_write_returns_is_undone_with_it(storage: Storage, method: str) -> None:
    where = database(storage)
    with pytest.raises(ZeroDivisionError), where.transaction() as transaction:
        assert getattr(transaction, method)(_ADD_AND_TELL, instance_uuid="a", tag="lost")
        raise ZeroDivisionError
    assert found(where) == []
    with where.transaction() as transaction:
        assert transaction.one(_ADD_AND_TELL, instance_uuid="a", tag="kept") == ("kept",)
    with pytest.raises(Conflict), where.transaction() as transaction:
        transaction.one(_ADD_AND_TELL, instance_uuid="a", tag="kept")
    assert found(where) == ["kept"]


def test_an_image_brings_a_database_back_wherever_it_is(storage: Storage) -> None:
    where = database(storage)
    add(where, "a")
    image = where.dump()
    add(where, "b")
    where.load(image)
    assert found(where) == ["a"]
    elsewhere = database(InMemory(), image)  # the image of a file is one like any other
    assert found(elsewhere) == ["a"]
    add(elsewhere, "c")
    where.load(elsewhere.dump())
    assert found(where) == ["a", "c"]


def test_a_file_keeps_what_was_committed(tmp_path: Path) -> None:
    directory = Directory(tmp_path / "deep" / "down")
    where = database(directory.storage("cell1"))
    add(where, "a")
    where.close()
    again = database(directory.storage("cell1"))
    assert found(again) == ["a"]
    again.close()
    assert [path.name for path in (tmp_path / "deep" / "down").iterdir()] == ["cell1.sqlite"]


def test_databases_of_a_directory_are_apart(tmp_path: Path) -> None:
    directory = Directory(tmp_path)
    one, two = database(directory.storage("one")), database(directory.storage("two"))
    add(one, "a")
    assert (found(one), found(two)) == (["a"], [])


def test_a_file_that_is_open_is_refused_to_others_until_it_is_closed(tmp_path: Path) -> None:
    storage = InFile(tmp_path / "cell1.sqlite")
    first = database(storage)
    with pytest.raises(UnusableDatabase, match="another process has it open"):
        database(storage)
    add(first, "a")
    first.close()
    second = database(storage)
    assert found(second) == ["a"]
    with pytest.raises(UnusableDatabase, match="another process has it open"):
        database(storage)


def test_what_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "cell1.sqlite"
    path.write_text("somebody's thesis " * 1000)
    with pytest.raises(UnusableDatabase, match="not a database"):
        database(InFile(path))
    assert path.read_text() == "somebody's thesis " * 1000


def test_somebody_elses_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "cell1.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE thesis (chapter)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(UnusableDatabase, match="not one that Cellrig has made"):
        database(InFile(path))
    assert path.read_bytes() == before


def test_tables_of_another_version_or_service_are_refused_with_what_to_do(tmp_path: Path) -> None:
    def refused(schema: Schema, needed: Schema) -> str:
        path = tmp_path / f"{schema.version}.sqlite"
        database(InFile(path), schema.image).close()
        before = path.read_bytes()
        with pytest.raises(UnusableDatabase) as caught:
            database(InFile(path), needed.image)
        assert path.read_bytes() == before
        return str(caught.value)

    older, newer = Schema("cell", 1, CELL_SCHEMA.metadata), Schema("cell", 2, CELL_SCHEMA.metadata)
    assert "of version cell_1, and this Cellrig needs cell_2: cellrig upgrade" in refused(
        older, newer
    )
    assert "of version cell_2, and this Cellrig knows cell_1 at most" in refused(newer, older)
    assert "that of another service: api" in refused(API_SCHEMA, CELL_SCHEMA)


def test_the_stamp_says_of_what_version_the_tables_are() -> None:
    assert stamp_in(cell_image()) == Stamp(True, CELL_SCHEMA.version)
    assert not Stamp.saying("1a2b3c4d5e6f").is_ours
    assert not Stamp.saying(None).is_ours


def test_a_file_that_was_begun_and_never_filled_is_filled(tmp_path: Path) -> None:
    path = tmp_path / "cell1.sqlite"
    path.touch()
    assert found(database(InFile(path))) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
@pytest.mark.parametrize("has_file", [False, True])
def test_what_cannot_be_written_is_told(tmp_path: Path, has_file: bool) -> None:
    path = tmp_path / "cell1.sqlite"
    if has_file:
        database(InFile(path)).close()
        path.chmod(0o444)
    tmp_path.chmod(0o555)
    with pytest.raises(UnusableDatabase, match="it cannot be written"):
        database(InFile(path))
    tmp_path.chmod(0o755)


def test_a_directory_is_named_by_its_path_or_a_url(tmp_path: Path) -> None:
    for number, place in enumerate((f"{tmp_path}/a/b", f"sqlite:///{tmp_path}/c")):
        where = database(lasting(place, CELL_SCHEMA))
        add(where, str(number))
        where.close()
    assert (tmp_path / "a" / "b" / "cell.sqlite").exists()
    assert (tmp_path / "c" / "cell.sqlite").exists()


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(UnusableDatabase, match="a directory is needed"):
        lasting(str(file), CELL_SCHEMA)
    with pytest.raises(UnusableDatabase, match="Not a directory"):
        lasting(str(file / "below"), CELL_SCHEMA)
    for place in ("", "sqlite:///", "sqlite://", "oracle://me:secret@host/rig"):
        for take in (place_of, lambda place: lasting(place, CELL_SCHEMA)):
            with pytest.raises(Invalid, match="directory") as caught:
                take(place)
            assert "secret" not in str(caught.value)


def test_files_of_a_rig_end_with_it(tmp_path: Path) -> None:
    with Rig(Topology(database=f"sqlite:///{tmp_path}")) as rig:
        assert rig.servers.show(rig.servers.create()).status == "ACTIVE"
        assert len(list(tmp_path.glob("*/*.sqlite"))) == len(rig.databases)
    assert list(tmp_path.iterdir()) == []


def test_a_rig_in_files_goes_back_to_a_snapshot(tmp_path: Path) -> None:
    with Rig(Topology(database=str(tmp_path))) as rig:
        first = rig.servers.create()
        snapshot = rig.snapshot()
        rig.servers.create()
        rig.restore(snapshot)
        assert [server.id for server in rig.servers.list()] == [first.id]
