"""Pages of servers over cells: where a page begins, and what stands in for a server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from server_rows import Row, instance, write

from cellrig import Cell, Rig, Topology
from cellrig.db.instances import InstanceStore
from cellrig.errors import CellDown, CellLate, CellrigError, Forbidden, Invalid, MarkerNotFound
from cellrig.hooks import hookimpl
from cellrig.model import Instance, MissingCells, Server, VmState
from cellrig.seams import Passage
from cellrig_pytest.factory import RigFactory

TWO_CELLS = Topology(cells=[Cell("cell1", 1), Cell("cell2", 1)])
THREE_CELLS = Topology(cells=[Cell("cell1", 1), Cell("cell2", 1), Cell("cell3", 1)])


def by_pages(rig: Rig, size: int, **asked: object) -> list[str]:
    found: list[str] = []
    while True:
        marker = found[-1] if found else None
        page = rig.servers.list(limit=size, marker=marker, **asked)  # type: ignore[arg-type]
        found += [server.id for server in page]
        if len(page) < size:
            return found


@pytest.fixture
def written(rig_factory: RigFactory) -> Iterator[Rig]:
    """A cloud of two cells that takes rows which no service has written."""
    with Rig(TWO_CELLS, audit=False) as rig:
        yield rig


def boot(rig: Rig, user: str, project: str, host: str) -> Server:
    """A server of somebody, on a host that only an administrator may choose."""
    rig.advance(1)
    return rig.as_user(user, project, is_admin=True).servers.create(host=host)


def bury(rig: Rig) -> Server:
    """A server that no host can take: it ends in cell0."""
    rig.advance(1)
    rig.flavors.create("giant", memory_mb=10**9)
    return rig.servers.create(flavor="giant", tags=["amber"])


@pytest.mark.topology(TWO_CELLS)
@pytest.mark.parametrize("size", [1, 2, 3, 4, 9])
def test_1_1689692_a_marker_in_cell0_is_found_and_the_page_goes_on_in_the_other_cells(
    rig: Rig, size: int
) -> None:
    older = rig.servers.create(host="cell1-host1")
    buried = bury(rig)
    assert buried.cell == "cell0"
    rig.advance(1)
    newer = rig.servers.create(host="cell2-host1")
    page = rig.servers.list(marker=buried, limit=size)
    assert [server.id for server in page] == [older.id]
    assert by_pages(rig, size) == [newer.id, buried.id, older.id]


@pytest.mark.topology(TWO_CELLS)
def test_2_1682693_tags_are_looked_for_in_cell0_and_the_other_cells_alike(rig: Rig) -> None:
    buried = bury(rig)
    one = rig.servers.create(host="cell1-host1", tags=["amber", "beige"])
    two = rig.servers.create(host="cell2-host1", tags=["beige"])
    bare = rig.servers.create(host="cell2-host1")

    def found(**tags: object) -> set[str]:
        listed = [server.id for server in rig.servers.list(**tags)]  # type: ignore[arg-type]
        assert len(listed) == len(set(listed))
        return set(listed)

    assert found(tags=["amber"]) == {buried.id, one.id}
    assert found(tags=["amber", "beige"]) == {one.id}
    assert found(tags_any=["amber", "beige"]) == {buried.id, one.id, two.id}
    assert found(not_tags=["amber", "beige"]) == {buried.id, two.id, bare.id}
    assert found(not_tags_any=["amber", "beige"]) == {bare.id}
    assert found(tags=["beige"], not_tags_any=["amber"]) == {two.id}


@pytest.mark.topology(TWO_CELLS)
def test_3_1849409_deleted_servers_are_paged_by_a_marker_that_is_no_build_request(rig: Rig) -> None:
    servers = []
    for host in ("cell1-host1", "cell2-host1", "cell1-host1"):
        rig.advance(1)
        servers.append(rig.servers.create(host=host))
    for server in servers:
        rig.servers.delete(server)
    newest_first = [server.id for server in reversed(servers)]
    assert by_pages(rig, 1, deleted=True) == newest_first
    behind = rig.servers.list(deleted=True, marker=newest_first[0])
    assert [server.id for server in behind] == newest_first[1:]
    assert {server.status for server in rig.servers.list(deleted=True)} == {"DELETED"}
    assert len(rig.servers.list()) == 0


@pytest.mark.topology(TWO_CELLS)
def test_4_1737856_a_marker_that_is_in_no_build_request_is_looked_for_in_the_cells(
    rig: Rig,
) -> None:
    old = rig.servers.create(host="cell1-host1")
    rig.advance(1)
    new = rig.servers.create(host="cell2-host1")
    rig.advance(1)
    with rig.holding():
        asked_for = rig.servers.create()
        assert [server.id for server in rig.servers.list()] == [asked_for.id, new.id, old.id]
        assert [server.id for server in rig.servers.list(marker=new)] == [old.id]
        with pytest.raises(MarkerNotFound, match="marker 'nobody' could not be found"):
            rig.servers.list(marker="nobody")


def test_5_1808286_a_build_request_that_is_the_marker_is_not_returned_again(written: Rig) -> None:
    write(written, [Row(instance(f"r{n}", created_at=float(n)), None) for n in range(3)])
    write(written, [Row(instance("placed", created_at=9.0), "cell1")])
    listed = [server.id for server in written.servers.list()]
    assert listed == ["r2", "r1", "r0", "placed"], "what is in no cell yet comes first"
    for number, marker in enumerate(listed):
        page = written.servers.list(marker=marker)
        assert [server.id for server in page] == listed[number + 1 :]
    assert by_pages(written, 1) == by_pages(written, 2) == listed
    assert [s.id for s in written.servers.list(sort_dirs=["asc"], limit=2)] == ["r0", "r1"]


class Placing:
    """A plugin that lets a server arrive in cell1 while that is asked what it has."""

    def __init__(self, rig: Rig, arrives: Instance) -> None:
        self._rig = rig
        self._arriving = [arrives]

    @hookimpl
    def cellrig_seam_enter(self, passage: Passage) -> None:
        if passage.seam == "db.cell1.list_servers" and self._arriving:
            store = InstanceStore(self._rig.databases["cell1"], self._rig.runtime.now)
            store.create(self._arriving.pop())


@pytest.mark.parametrize("limit", [None, 1, 2, 3])
def test_a_server_that_arrives_in_its_cell_during_the_list_is_shown_once(
    written: Rig, limit: int | None
) -> None:
    arrives = instance("arrives", created_at=5.0)
    placed = [instance(f"p{n}", created_at=float(n)) for n in range(2)]
    write(written, [Row(arrives, None), *(Row(each, "cell1") for each in placed)])
    written.plugins.register(Placing(written, arrives))
    listed = [server.id for server in written.servers.list(limit=limit)]
    assert listed == ["arrives", "p1", "p0"][:limit]


@pytest.mark.topology(TWO_CELLS)
def test_5_1777458_a_marker_goes_with_any_filter(rig: Rig) -> None:
    servers = []
    for number in range(4):
        rig.advance(1)
        servers.append(rig.servers.create(name=f"{'web' if number % 2 else 'db'}-{number}"))
    page = rig.servers.list(marker=servers[3], name="^web")
    assert [server.name for server in page] == ["web-1"]


@pytest.mark.topology(TWO_CELLS)
def test_12_1806515_a_server_buried_in_cell0_shows_its_tags_and_its_create_action(rig: Rig) -> None:
    buried = bury(rig)
    (listed,) = rig.servers.list()
    assert (listed.cell, listed.status, listed.tags) == ("cell0", "ERROR", ("amber",))
    assert listed.fault is not None and "no valid host" in listed.fault.message
    assert [action.action for action in rig.servers.actions(buried)] == ["create"]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 20])
def test_13_servers_created_at_the_same_moment_keep_their_order_over_all_pages(
    written: Rig, size: int
) -> None:
    write(
        written,
        [Row(instance(f"{n:02}", created_at=5.0), f"cell{1 + n % 2}") for n in range(12)],
    )
    assert by_pages(written, size) == [f"{n:02}" for n in reversed(range(12))]
    assert by_pages(written, size, sort_dirs=["asc"]) == [f"{n:02}" for n in range(12)]


@pytest.mark.topology(TWO_CELLS)
def test_13_a_marker_that_the_filter_hides_is_not_returned_and_still_counts(rig: Rig) -> None:
    first = rig.servers.create(name="web-1")
    rig.advance(1)
    hidden = rig.servers.create(name="db-1")
    rig.advance(1)
    rig.servers.create(name="web-2")
    assert [s.id for s in rig.servers.list(marker=hidden, name="web")] == [first.id]


@pytest.mark.topology(TWO_CELLS)
def test_13_a_deleted_marker_still_says_where_the_page_begins(rig: Rig) -> None:
    first = rig.servers.create()
    rig.advance(1)
    gone = rig.servers.create()
    rig.advance(1)
    rig.servers.create()
    rig.servers.delete(gone)
    assert [server.id for server in rig.servers.list(marker=gone)] == [first.id]


def test_13_a_marker_that_was_purged_though_it_is_mapped_is_not_found(written: Rig) -> None:
    write(written, [Row(instance("a"), "cell1"), Row(instance("b"), "cell2")])
    InstanceStore(written.databases["cell1"], written.runtime.now).purge("a")
    with pytest.raises(MarkerNotFound, match="'a'"):
        written.servers.list(marker="a")


def test_13_faults_and_tags_are_kept_when_servers_are_paged_one_by_one(rig: Rig) -> None:
    rig.faults.fail("driver.spawn")
    failed = rig.servers.create(tags=["amber"])
    rig.faults.clear()
    rig.advance(1)
    rig.servers.create()
    (page,) = rig.servers.list(limit=1, marker=rig.servers.list(limit=1)[0])
    assert page == rig.servers.show(failed)
    assert page.fault is not None


@pytest.mark.topology(THREE_CELLS)
def test_13_only_the_cells_where_the_project_has_servers_are_asked(rig: Rig) -> None:
    ann = rig.as_user("ann", "blue").servers
    boot(rig, "ann", "blue", "cell2-host1")
    boot(rig, "bob", "red", "cell3-host1")
    with rig.faults.record() as passed:
        assert len(ann.list()) == 1
        assert len(rig.servers.list(host="cell3-host1")) == 1
        (server,) = rig.servers.list(host="cell2-host1")
        assert len(rig.servers.list(ids=server.id)) == 1
    asked = [each.seam for each in passed if ".list_" in each.seam]
    assert asked == [f"db.{c}.list_servers" for c in ("cell2", "cell3", "cell2", "cell2")]


@pytest.mark.topology(TWO_CELLS)
def test_a_marker_of_another_project_says_where_the_page_begins(rig: Rig) -> None:
    ann, bob = rig.as_user("ann", "blue").servers, rig.as_user("bob", "red").servers
    old = ann.create()
    rig.advance(1)
    his = bob.create()
    rig.advance(1)
    ann.create()
    assert [server.id for server in ann.list(marker=his)] == [old.id]
    with rig.holding():
        rig.advance(1)
        not_yet = bob.create()
        if rig.servers.show(not_yet).cell is None:
            with pytest.raises(MarkerNotFound):
                ann.list(marker=not_yet)


@pytest.mark.topology(TWO_CELLS)
def test_a_marker_in_a_cell_that_does_not_answer_is_an_error(rig: Rig) -> None:
    away = rig.servers.create(host="cell2-host1")
    rig.servers.create(host="cell1-host1")
    rig.databases["cell2"].take_down("fire")
    with pytest.raises(CellDown, match="'cell2' is down: .*fire"):
        rig.servers.list(marker=away)
    rig.databases["cell2"].bring_back()
    rig.faults.delay("db.cell2.list_server_position", 500)
    with pytest.raises(CellLate):
        rig.servers.list(marker=away)


@pytest.mark.parametrize("key", ["launched_at", "host", "image", "task_state", "deleted_at"])
def test_11_1825034_a_half_empty_marker_breaks_no_listing_of_deleted_servers(
    written: Rig, key: str
) -> None:
    full = {
        "host": "h1",
        "image_id": "i",
        "launched_at": 3.0,
        "deleted": True,
        "vm_state": VmState.DELETED,
    }
    write(
        written,
        [
            Row(instance("a", **{**full, "deleted_at": 5.0}), "cell1"),
            Row(instance("half", deleted=True, vm_state=VmState.DELETED), "cell2"),
            Row(instance("c", **full), "cell0"),
        ],
    )
    for direction in ("asc", "desc"):
        listed = written.servers.list(deleted=True, sort_keys=[key], sort_dirs=[direction])
        whole = [server.id for server in listed]
        assert sorted(whole) == ["a", "c", "half"]
        behind = written.servers.list(
            deleted=True, sort_keys=[key], sort_dirs=[direction], marker="half"
        )
        assert [s.id for s in behind] == whole[whole.index("half") + 1 :]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"sort_keys": ["colour"]}, "'colour' is no sort key"),
        ({"sort_dirs": ["up"]}, "'up' is no sort direction"),
        ({"sort_keys": ["name"], "sort_dirs": ["asc", "asc"]}, "2 sort directions"),
        ({"limit": -1}, "0 or more"),
        ({"status": "SLEEPY"}, "'SLEEPY' is no status"),
        ({"name": "("}, "no regular expression"),
    ],
)
def test_what_no_list_can_be_is_refused(rig: Rig, asked: dict[str, object], told: str) -> None:
    with pytest.raises(Invalid, match=told):
        rig.servers.list(**asked)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "asked",
    [{"deleted": True}, {"status": "DELETED"}, {"host": "h"}, {"node": "n"}, {"project": "red"}],
)
def test_what_only_administrators_may_ask_is_refused_to_others(
    rig: Rig, asked: dict[str, object]
) -> None:
    with pytest.raises(Forbidden, match="administrator"):
        rig.as_user("ann", "blue").servers.list(**asked)  # type: ignore[arg-type]
    rig.servers.list(**asked)  # type: ignore[arg-type]


@pytest.mark.topology(THREE_CELLS)
def test_8_servers_of_a_cell_that_is_down_are_shown_from_their_mappings(rig: Rig) -> None:
    """Microversion 2.69."""
    ann = rig.as_user("ann", "blue").servers
    here = boot(rig, "ann", "blue", "cell1-host1")
    away = [boot(rig, "ann", "blue", "cell2-host1") for _ in range(2)]
    ann.delete(boot(rig, "ann", "blue", "cell2-host1"))
    boot(rig, "bob", "red", "cell2-host1")
    rig.databases["cell2"].take_down("fire")
    listed = ann.list(missing_cells=MissingCells.RECORDS)
    assert [server.id for server in listed] == [here.id]
    assert [server.id for server in listed.unknown] == [server.id for server in reversed(away)]
    for shown, server in zip(listed.unknown, reversed(away), strict=True):
        assert (shown.status, shown.cell) == ("UNKNOWN", "cell2")
        assert (shown.project_id, shown.user_id) == ("blue", "ann")
        assert shown.created_at == server.created_at
    assert ann.list().unknown == ()
    assert len(rig.servers.list(missing_cells=MissingCells.RECORDS).unknown) == 3


@pytest.mark.topology(THREE_CELLS)
def test_8_records_of_a_missing_cell_fill_the_rest_of_the_page_and_heed_what_filters_can_tell(
    rig: Rig,
) -> None:
    here = rig.servers.create(host="cell1-host1", count=2)
    away = rig.servers.create(host="cell2-host1", count=3)
    rig.databases["cell2"].take_down("fire")

    def unknown(**asked: object) -> list[str]:
        listed = rig.servers.list(missing_cells=MissingCells.RECORDS, **asked)  # type: ignore[arg-type]
        return [server.id for server in listed.unknown]

    assert len(unknown(limit=4)) == 2
    assert unknown(limit=2) == []
    assert unknown(ids=[away[1].id, here[0].id]) == [away[1].id]
    assert len(unknown(project="admin", user="admin")) == 3
    assert unknown(project="nobody") == []
    assert unknown(name="server") == [], "only the cell could tell its name"
    assert unknown(deleted=True) == []
    assert len(unknown(sort_keys=["host"], sort_dirs=["asc"])) == 3


@pytest.mark.topology(THREE_CELLS)
def test_a_missing_cell_fails_the_call_where_that_is_asked(rig: Rig) -> None:
    rig.servers.create(host="cell1-host1")
    rig.databases["cell2"].take_down("fire")
    with pytest.raises(CellDown, match="fire"):
        rig.servers.list(missing_cells=MissingCells.FAIL)
    with pytest.raises(CellDown, match="fire"):
        list(rig.servers.iterate(missing_cells=MissingCells.FAIL))


@pytest.mark.topology(THREE_CELLS)
def test_7_1726301_a_cell_of_a_broken_schema_is_named_and_the_rest_is_listed(rig: Rig) -> None:
    here = rig.servers.create(host="cell1-host1")
    rig.faults.fail("db.cell3.list_servers", CellrigError("no such column: tags"))
    listed = rig.servers.list()
    assert [server.id for server in listed] == [here.id]
    assert "no such column" in str(listed.missing["cell3"])


@pytest.mark.topology(THREE_CELLS)
def test_a_cell_that_hangs_costs_a_walk_one_deadline(written: Rig) -> None:
    write(written, [Row(instance(f"{n:05}"), "cell1") for n in range(3000)])
    written.faults.delay("db.cell2.list_servers", 500)
    before = written.runtime.now()
    walk = written.servers.iterate()
    assert sum(1 for _server in walk) == 3000
    assert isinstance(walk.missing["cell2"], CellLate)
    assert written.runtime.now() - before == pytest.approx(60)


@pytest.mark.topology(TWO_CELLS)
def test_10_1746509_listing_writes_nothing(rig: Rig) -> None:
    rig.servers.create(count=3, tags=["amber"])
    rig.services.disable("cell1-host1")
    before = {name: database.dump() for name, database in rig.databases.items()}
    rig.servers.list()
    rig.servers.list(deleted=True)
    rig.servers.list(changes_since=0.0, tags=["amber"])
    list(rig.servers.iterate(sort_keys=["name"]))
    rig.services.list()
    rig.migrations.list()
    after = {name: database.dump() for name, database in rig.databases.items()}
    assert before == after


def test_9_1722404_lists_and_writes_go_on_at_the_same_time_on_threads() -> None:
    with Rig(TWO_CELLS, live=True) as rig:
        outcomes = rig.concurrently(
            *[lambda: rig.servers.create(count=2)] * 2, *[lambda: list(rig.servers.list())] * 6
        )
        for outcome in outcomes:
            assert not isinstance(outcome, Exception)
        assert len(rig.servers.list()) == 4


def test_a_list_without_details_has_ids_and_names(rig: Rig) -> None:
    servers = rig.servers.create(count=2, name="web")
    listed = rig.servers.list_brief(sort_keys=["name"], sort_dirs=["asc"])
    assert [(s.id, s.name) for s in listed] == [(s.id, s.name) for s in servers]
