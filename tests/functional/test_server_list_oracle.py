"""Any list of servers, page by page, is what one sort of all of them in memory says it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cmp_to_key
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from server_rows import Row, instance, write

from cellrig import Cell, Rig, Topology
from cellrig.db.instances import InstanceStore
from cellrig.model import Flavor, Instance, PowerState, Server, TaskState, VmState
from cellrig_pytest.options import SETTINGS

CELLS = ("cell0", "cell1", "cell2", "cell3")
NOT_NULL = ("name", "project_id", "vm_state", "power_state", "created_at", "updated_at", "locked")
NULLABLE = ("task_state", "host", "availability_zone", "image", "key_name", "launched_at")
MORE = ("id", "launch_index", "reservation_id", "user_id", "flavor", "node", "hostname")
SORT_KEYS = (*NOT_NULL, *NULLABLE, *MORE, "deleted_at")
CHANGED_BY_DELETION = ("vm_state", "task_state", "power_state", "updated_at", "deleted_at")
COLUMN_OF = {"id": "uuid", "image": "image_id", "flavor": "flavor_id"}
TAGS = ("amber", "beige", "coral")
NAMES = ("web", "web-1", "Web", "db.1", "db-1", "é", "z%", "z_", "")

VM_STATES = (VmState.ACTIVE, VmState.STOPPED, VmState.ERROR)
TASK_STATES = (None, TaskState.REBOOTING, TaskState.RESIZE_PREP)

moments = st.integers(0, 4).map(float)


def some_instance(random: Random, number: int) -> Instance:
    """An instance with few different values, so that many are equal."""
    pick = random.choice
    deleted = random.random() < 0.2
    flavor = pick(["1", "2"])

    def moment() -> float:
        return float(random.randrange(5))

    return instance(
        f"{random.randrange(10)}{number:03}",
        name=pick(NAMES),
        project_id=pick(["blue", "red"]),
        user_id=pick(["ann", "bob"]),
        vm_state=VmState.DELETED if deleted else pick(VM_STATES),
        task_state=None if deleted else pick(TASK_STATES),
        power_state=PowerState.NOSTATE if deleted else pick(list(PowerState)),
        host=pick([None, "h1", "h2"]),
        node=pick([None, "n1", "n2"]),
        hostname=pick([None, "web", "db"]),
        availability_zone=pick([None, "north", "South"]),
        image_id=pick([None, "i1", "i2"]),
        key_name=pick([None, "k"]),
        reservation_id=pick(["r1", "r2"]),
        launch_index=random.randrange(2),
        locked=pick([True, False]),
        created_at=moment(),
        updated_at=moment(),
        launched_at=pick([None, moment()]),
        deleted=deleted,
        deleted_at=1.0 if deleted else None,
        flavor_id=flavor,
        flavor=Flavor(flavor, "tiny"),
    )


def some_cloud(random: Random, count: int) -> list[Row]:
    """Servers over all cells, some in none yet."""
    rows = []
    for number in range(count):
        written = some_instance(random, number)
        cell = random.choice(CELLS if written.deleted else (*CELLS, None))
        tags = random.sample(TAGS, random.randrange(4))
        rows.append(Row(written, cell, tuple(sorted(tags))))
    return rows


#: Hypothesis chooses how many; what they are is drawn from a number, which is ten times faster.
clouds = st.builds(
    lambda seed, count: some_cloud(Random(seed), count), st.integers(0), st.integers(0, 25)
)
some_ids = st.lists(
    st.builds("{}{:03}".format, st.integers(0, 9), st.integers(0, 9)), min_size=1, unique=True
)
some_tags = st.lists(st.sampled_from(TAGS), min_size=1, max_size=3, unique=True)
filters = st.fixed_dictionaries(
    {},
    optional={
        "project": st.sampled_from(["blue", "red", "none"]),
        "user": st.sampled_from(["ann", "bob"]),
        "name": st.sampled_from(["web", "^web$", "^web", "1$", "w.b", "^$", "é", "%", "_", "b[.]"]),
        "status": st.sampled_from(
            ["ACTIVE", "SHUTOFF", "REBOOT", "RESIZE", "DELETED", ["ERROR", "ACTIVE"]]
        ),
        "vm_state": st.sampled_from([VmState.ACTIVE, [VmState.ERROR, VmState.STOPPED]]),
        "task_state": st.sampled_from([TaskState.REBOOTING, [None], [None, TaskState.RESIZE_PREP]]),
        "power_state": st.sampled_from([PowerState.RUNNING, [PowerState.NOSTATE]]),
        "ids": some_ids,
        "host": st.sampled_from(["h1", "h3"]),
        "node": st.just("n1"),
        "hostname": st.just("web"),
        "flavor": st.sampled_from(["1", ["2", "3"]]),
        "zone": st.sampled_from(["north", "South", "south"]),
        "image": st.sampled_from(["i1", ["i1", "i2"]]),
        "key_name": st.just("k"),
        "reservation_id": st.just("r1"),
        "launch_index": st.integers(0, 1),
        "locked": st.booleans(),
        "created_at": moments,
        "changes_since": moments,
        "changes_before": moments,
        "deleted": st.booleans(),
        "tags": some_tags,
        "tags_any": some_tags,
        "not_tags": some_tags,
        "not_tags_any": some_tags,
    },
).filter(lambda chosen: len(chosen) <= 4)
orders = st.lists(
    st.tuples(st.sampled_from(SORT_KEYS), st.sampled_from(["asc", "desc"])),
    max_size=3,
    unique_by=lambda pair: pair[0],
)


def several(given_: object) -> tuple[object, ...]:
    return tuple(given_) if isinstance(given_, list) else (given_,)


def is_wanted(row: Row, chosen: Mapping[str, Any]) -> bool:
    """The documented rules, one filter after the other."""
    server, tags = row.instance, set(row.tags)
    rules: dict[str, Callable[[Any], bool]] = {
        "project": lambda value: server.project_id == value,
        "user": lambda value: server.user_id == value,
        "name": lambda value: bool(re.search(value, server.name)),
        "status": lambda value: server.status in several(value),
        "vm_state": lambda value: server.vm_state in several(value),
        "task_state": lambda value: server.task_state in several(value),
        "power_state": lambda value: server.power_state in several(value),
        "ids": lambda value: server.uuid in value,
        "host": lambda value: server.host == value,
        "node": lambda value: server.node == value,
        "hostname": lambda value: server.hostname == value,
        "flavor": lambda value: server.flavor_id in several(value),
        "zone": lambda value: server.availability_zone == value,
        "image": lambda value: server.image_id in several(value),
        "key_name": lambda value: server.key_name == value,
        "reservation_id": lambda value: server.reservation_id == value,
        "launch_index": lambda value: server.launch_index == value,
        "locked": lambda value: server.locked == value,
        "created_at": lambda value: server.created_at == value,
        "changes_since": lambda value: server.updated_at >= value,
        "changes_before": lambda value: server.updated_at <= value,
        "deleted": lambda value: server.deleted == value,
        "tags": lambda value: tags >= set(value),
        "tags_any": lambda value: bool(tags & set(value)),
        "not_tags": lambda value: not tags >= set(value),
        "not_tags_any": lambda value: not tags & set(value),
    }
    shows_deleted = "deleted" in chosen or "changes_since" in chosen
    if server.deleted and not shows_deleted and "DELETED" not in several(chosen.get("status")):
        return False
    return all(rules[name](value) for name, value in chosen.items())


def compare(left: Any, right: Any) -> int:
    """A null is smaller than every value."""
    if left == right:
        return 0
    if left is None or right is None:
        return -1 if left is None else 1
    return -1 if left < right else 1


def expected(rows: Sequence[Row], order: Sequence[tuple[str, str]], chosen: Any) -> list[str]:
    keys = list(order) or [("created_at", "desc")]
    keys.append(("id", keys[0][1]))

    def by_all_keys(left: Row, right: Row) -> int:
        if (left.cell is None) != (right.cell is None):
            return -1 if left.cell is None else 1
        for key, direction in keys:
            column = COLUMN_OF.get(key, key)
            found = compare(getattr(left.instance, column), getattr(right.instance, column))
            if found:
                return -found if direction == "desc" else found
        return 0

    wanted = [row for row in rows if is_wanted(row, chosen)]
    return [row.instance.uuid for row in sorted(wanted, key=cmp_to_key(by_all_keys))]


@pytest.fixture(scope="module")
def empty(pytestconfig: pytest.Config) -> Iterator[Rig]:
    topology = Topology(
        cells=[Cell(name, 1) for name in CELLS[1:]], database=pytestconfig.stash[SETTINGS].database
    )
    with Rig(topology, audit=False, plugins=()) as rig:
        yield rig


class Emptied:
    """The rig, without servers at the beginning of each example."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._snapshot = rig.snapshot()

    def __call__(self, rows: Sequence[Row]) -> Rig:
        self._rig.restore(self._snapshot)
        write(self._rig, rows)
        return self._rig


@pytest.fixture(scope="module")
def cloud_of(empty: Rig) -> Emptied:
    return Emptied(empty)


many_examples = settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def pages_of(
    rig: Rig, size: int, order: Sequence[tuple[str, str]], chosen: Any
) -> Iterator[Server]:
    last: str | None = None
    while True:
        page = rig.servers.list(
            sort_keys=[key for key, _direction in order],
            sort_dirs=[direction for _key, direction in order],
            limit=size,
            marker=last,
            **chosen,
        )
        assert page.missing == {}
        yield from page
        if len(page) < size:
            return
        last = page[-1].id


@many_examples
@given(rows=clouds, order=orders, chosen=filters, size=st.integers(1, 9))
def test_the_pages_one_after_the_other_are_one_sort_of_everything(
    cloud_of: Emptied, rows: list[Row], order: list[tuple[str, str]], chosen: Any, size: int
) -> None:
    rig = cloud_of(rows)
    wanted = expected(rows, order, chosen)
    assert [server.id for server in pages_of(rig, size, order, chosen)] == wanted
    keys: dict[str, Any] = {
        "sort_keys": [key for key, _way in order],
        "sort_dirs": [way for _key, way in order],
    }
    assert [server.id for server in rig.servers.list(**keys, **chosen)] == wanted
    assert [server.id for server in rig.servers.list_brief(**keys, **chosen)] == wanted
    assert [server.id for server in rig.servers.iterate(**keys, **chosen)] == wanted


@many_examples
@given(
    rows=clouds.filter(bool),
    order=orders,
    chosen=filters,
    limit=st.integers(0, 9),
    data=st.data(),
)
def test_a_page_begins_behind_its_marker_also_where_no_filter_would_show_that(
    cloud_of: Emptied,
    rows: list[Row],
    order: list[tuple[str, str]],
    chosen: Any,
    limit: int,
    data: st.DataObject,
) -> None:
    rig = cloud_of(rows)
    marker = data.draw(st.sampled_from(rows))
    whole = expected(rows, order, {"changes_since": -1.0})
    wanted = set(expected(rows, order, chosen))
    behind = whole[whole.index(marker.instance.uuid) + 1 :]
    page = rig.servers.list(
        sort_keys=[key for key, _direction in order],
        sort_dirs=[direction for _key, direction in order],
        limit=limit,
        marker=marker.instance.uuid,
        **chosen,
    )
    assert [server.id for server in page] == [uuid for uuid in behind if uuid in wanted][:limit]


@many_examples
@given(
    rows=clouds,
    order=orders,
    seed=st.integers(0),
    size=st.integers(1, 5),
)
def test_what_stays_is_shown_once_while_servers_come_and_go_between_the_pages(
    cloud_of: Emptied,
    rows: list[Row],
    order: list[tuple[str, str]],
    seed: int,
    size: int,
) -> None:
    # A marker stands where its sort keys are, and deleting a server changes its states.
    order = [pair for pair in order if pair[0] not in CHANGED_BY_DELETION]
    random = Random(seed)
    rows = [row for row in rows if not row.instance.deleted and row.cell is not None]
    rig = cloud_of(rows)
    alive = {row.instance.uuid: row for row in rows}
    shown: list[str] = []
    for number, server in enumerate(pages_of(rig, size, order, {}), start=500):
        shown.append(server.id)
        if number < 515 and random.random() < 0.5:
            write(rig, [Row(some_instance(random, number), random.choice(CELLS))])
        if alive and random.random() < 0.5:
            gone = alive.pop(random.choice(sorted(alive)))
            assert gone.cell is not None
            InstanceStore(rig.databases[gone.cell], rig.runtime.now).destroy(gone.instance.uuid)
    assert len(shown) == len(set(shown))
    assert set(alive) <= set(shown)
