"""Rigs that do not meet, and one that goes back to what it was."""

from __future__ import annotations

import sqlite3
import threading

import pytest
from msgspec.structs import replace

from cellrig import Cell, Rig, Topology
from cellrig.errors import CellrigError, Conflict, NotFound
from cellrig.runtime.errors import Deadlock, OpenTransaction, WrongThread

TWO_CELLS = Topology(cells=[Cell("cell1", 2), Cell("cell2", 1)])


def make_a_mess(rig: Rig) -> None:
    """Change everything that a rig has."""
    servers = rig.servers.create(count=3, tags=["t"], metadata={"k": "v"})
    rig.servers.delete(servers[0])
    rig.servers.stop(servers[1])
    rig.servers.create_image(servers[2], "golden")
    rig.flavors.create("new", extra_specs={"hw:cpu_policy": "shared"})
    group = rig.server_groups.create("apart", "anti-affinity")
    rig.servers.create(group=group.uuid)
    rig.aggregates.create("east", zone="east", hosts=["cell1-host1"])
    rig.services.disable("cell1-host2", "broken")
    rig.flavors.create("giant", memory_mb=10**9)
    rig.servers.create(flavor="giant")
    rig.advance(700)


def rows_of(image: bytes) -> list[str]:
    """All rows of a database, as SQL."""
    connection = sqlite3.connect(":memory:")
    try:
        connection.deserialize(image)
        return list(connection.iterdump())
    finally:
        connection.close()


def test_two_rigs_in_one_process_never_meet() -> None:
    with Rig(TWO_CELLS) as first, Rig(TWO_CELLS) as second:
        mine = first.servers.create(name="mine")
        his = second.servers.create(name="his")
        # The same seed gives both the same uuids; they are two servers all the same.
        assert mine.id == his.id
        first.servers.delete(mine)
        assert len(first.servers.list()) == 0
        assert second.servers.show(his).name == "his"
        assert second.guest(his).uuid == his.id
        first.advance(1000)
        assert second.runtime.now() < first.runtime.now()
        first.crash("cell1-host1")
        assert second.servers.create(host="cell1-host1").status == "ACTIVE"


def test_two_rigs_that_take_turns_give_what_each_gives_alone() -> None:
    def told(rig: Rig) -> list[str]:
        lines: list[str] = rig.timeline.lines(None)
        return lines

    with Rig(TWO_CELLS, seed=3) as alone:
        alone.servers.create(count=2)
        alone.servers.create()
        wanted = told(alone)
    with Rig(TWO_CELLS, seed=3) as first, Rig(TWO_CELLS, seed=4) as second:
        first.servers.create(count=2)
        second.servers.create(count=3)
        first.servers.create()
        assert told(first) == wanted


def test_a_rig_in_each_of_four_threads() -> None:
    outcomes: dict[int, list[str]] = {}
    errors: list[BaseException] = []

    def use(number: int) -> None:
        try:
            with Rig(TWO_CELLS, seed=number) as rig:
                servers = rig.servers.create(count=5)
                rig.servers.delete(servers[0])
                outcomes[number] = sorted(server.status for server in rig.servers.list())
        except BaseException as error:  # noqa: BLE001 - told to the test below
            errors.append(error)

    threads = [threading.Thread(target=use, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert outcomes == dict.fromkeys(range(4), ["ACTIVE"] * 4)


def test_a_rig_is_used_in_the_thread_that_made_it(rig: Rig) -> None:
    errors: list[BaseException] = []

    def use() -> None:
        try:
            rig.servers.create()
        except BaseException as error:  # noqa: BLE001 - told to the test below
            errors.append(error)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert [type(error) for error in errors] == [WrongThread]
    assert len(rig.servers.list()) == 0


@pytest.mark.topology(TWO_CELLS, seed=11)
def test_a_snapshot_brings_back_byte_for_byte_what_was_there(rig: Rig) -> None:
    server = rig.servers.create(tags=["old"])
    before = rig.snapshot()
    make_a_mess(rig)
    after = rig.snapshot()
    assert after != before
    rig.restore(before)
    assert rig.snapshot() == before
    assert [each.id for each in rig.servers.list()] == [server.id]
    assert rig.servers.show(server) == server
    assert rig.guest(server).uuid == server.id
    rig.restore(after)
    assert rig.snapshot() == after
    assert rig.servers.create().status == "ACTIVE"


@pytest.mark.topology(TWO_CELLS, seed=11)
def test_what_is_done_twice_from_one_snapshot_ends_the_same_way(rig: Rig) -> None:
    def all_rows() -> dict[str, list[str]]:
        return {name: rows_of(database.dump()) for name, database in rig.databases.items()}

    before = rig.snapshot()
    make_a_mess(rig)
    first, first_rows = rig.snapshot(), all_rows()
    rig.restore(before)
    make_a_mess(rig)
    assert all_rows() == first_rows
    # The same rows may lie on other pages.
    assert replace(rig.snapshot(), databases=first.databases) == first


@pytest.mark.topology(TWO_CELLS)
def test_a_snapshot_knows_what_was_down(rig: Rig) -> None:
    server = rig.servers.create(host="cell1-host1")
    rig.crash("cell1-host1")
    rig.servers.delete(server)
    rig.databases["cell2"].take_down("fire")
    before = rig.snapshot()
    rig.databases["cell2"].bring_back()
    rig.restart("cell1-host1")
    with pytest.raises(NotFound):
        rig.servers.show(server)
    rig.restore(before)
    assert rig.snapshot() == before
    assert rig.servers.show(server).task_state == "deleting"
    assert list(rig.servers.list().missing) == ["cell2"]
    rig.restart("cell1-host1")
    rig.databases["cell2"].bring_back()
    assert len(rig.servers.list()) == 0


@pytest.mark.topology(TWO_CELLS)
def test_a_snapshot_is_refused_while_something_goes_on(rig: Rig) -> None:
    hold = rig.faults.hold("driver.spawn")
    rig.servers.create()
    with pytest.raises(Conflict, match=r"no snapshot can be taken.*build_and_run_instance"):
        rig.snapshot()
    hold.release()
    rig.settle()
    rig.snapshot()


def test_a_deadlock_is_told_with_who_waits_for_whom_and_where(rig: Rig) -> None:
    left, right = rig.runtime.lock("left"), rig.runtime.lock("right")
    met = rig.runtime.event("both are there")

    def first() -> None:
        with left:
            met.wait()
            with right:
                raise AssertionError("this cannot be reached")

    def second() -> None:
        with right:
            met.set()
            with left:
                raise AssertionError("this cannot be reached")

    rig.spawn(first, name="the first")
    rig.spawn(second, name="the second")
    with pytest.raises(Deadlock) as told:
        rig.settle()
    message = str(told.value)
    assert "the first" in message
    assert "waits for lock 'right', held by the second" in message
    assert "waits for lock 'left', held by the first" in message
    assert "test_rigs_apart.py" in message
    for task in list(rig.runtime.tasks.values()):  # type: ignore[attr-defined]
        task.killed = True
        rig.runtime.wake(task)  # type: ignore[attr-defined]
    rig.settle()


def test_no_seam_is_passed_with_a_transaction_open(rig: Rig) -> None:
    def wrong() -> None:
        with rig.databases["cell1"].transaction():
            rig.servers.list()

    with pytest.raises(OpenTransaction, match="cell1"):
        rig.request(wrong, "wrong")
    assert rig.servers.create().status == "ACTIVE"


def test_a_rig_that_was_not_stopped_by_its_error_is_stopped_all_the_same() -> None:
    with pytest.raises(CellrigError, match="no-flavor"), Rig() as rig:
        rig.servers.create(flavor="no-flavor")
    assert rig.runtime.unfinished() == []
