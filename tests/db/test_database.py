"""One database: transactions, lists in statements, images."""

from __future__ import annotations

import pytest
from sqlalchemy import bindparam, select

from cellrig.db.cell_tables import cell_image, instances
from cellrig.db.database import Database, Statement
from cellrig.db.instances import InstanceStore
from cellrig.db.sqlite import SQLITE
from cellrig.errors import Conflict, DatabaseUnavailable, NotFound
from cellrig.model import Flavor, Instance, InstanceChanges, TaskState, VmState
from cellrig.runtime import OpenTransaction
from cellrig.runtime.virtual import VirtualRuntime

FLAVOR = Flavor("1", "tiny", extra_specs={"trait:HW_CPU_X86_AVX": "required"})


def database(runtime: VirtualRuntime | None = None) -> Database:
    return Database("cell1", cell_image(), runtime or VirtualRuntime())


def store(where: Database | None = None) -> InstanceStore:
    return InstanceStore(where or database(), lambda: 5.0)


def instance(uuid: str, **values: object) -> Instance:
    return Instance(
        uuid=uuid,
        name=f"name of {uuid}",
        project_id="p",
        user_id="u",
        flavor_id="1",
        flavor=FLAVOR,
        **values,  # type: ignore[arg-type]
    )


def test_what_is_written_is_read_back_the_same() -> None:
    instances_ = store()
    written = instance(
        "a", metadata={"k": "v"}, locked=True, task_state=TaskState.SPAWNING, launched_at=1.25
    )
    instances_.create(written, ["red", "blue", "red"])
    assert instances_.get("a") == written
    assert instances_.tags("a") == ("blue", "red")


def test_a_transaction_that_raises_changes_nothing() -> None:
    where = database()
    instances_ = store(where)
    instances_.create(instance("a"))
    with pytest.raises(Conflict, match="database cell1: "):
        instances_.create(instance("a"), ["tag"])
    assert instances_.tags("a") == ()


def test_an_update_is_refused_when_the_state_is_another() -> None:
    instances_ = store()
    instances_.create(instance("a", task_state=TaskState.SPAWNING, host="h1"))
    change = InstanceChanges(vm_state=VmState.ACTIVE, task_state=None)
    with pytest.raises(Conflict, match="is in task_state spawning; this takes scheduling"):
        instances_.update("a", change, expected_task_states=(TaskState.SCHEDULING,))
    with pytest.raises(Conflict, match="is on host h1; this takes host h2"):
        instances_.update("a", change, expected_host="h2")
    changed = instances_.update("a", change, expected_task_states=(TaskState.SPAWNING,))
    assert changed == instances_.get("a")
    assert (changed.vm_state, changed.task_state, changed.updated_at) == ("active", None, 5.0)


def test_a_deleted_instance_is_kept_but_takes_no_changes() -> None:
    instances_ = store()
    instances_.create(instance("a"), ["tag"])
    gone = instances_.destroy("a")
    assert (gone.deleted, gone.status, instances_.tags("a")) == (True, "DELETED", ())
    assert instances_.destroy("a").deleted_at == 5.0
    with pytest.raises(NotFound):
        instances_.update("a", InstanceChanges(name="new"))


@pytest.mark.parametrize("size", [0, 1, 2, 3, 5, 100])
def test_a_statement_takes_lists_of_any_length(size: int) -> None:
    instances_ = store()
    for number in range(size):
        instances_.create(instance(f"u{number:03}", host=f"h{number % 2}"))
    keys = [f"u{number:03}" for number in range(size)]
    assert [i.uuid for i in instances_.all_by_uuid([*keys, "unknown"])] == keys
    assert sum(instances_.count_by_host(["h0", "h1", "h2"]).values()) == size


def test_a_transaction_inside_another_is_refused() -> None:
    runtime = VirtualRuntime()
    where = database(runtime)

    def nested() -> None:
        with where.transaction(), where.transaction():
            pass

    with pytest.raises(OpenTransaction, match="database 'cell1' is open"):
        runtime.run(nested, name="nested")
    with where.transaction() as transaction:  # and nothing is left open
        assert transaction.one(Statement(select(instances).where(instances.c.uuid == "x"))) is None


def test_a_database_that_was_taken_away_says_so_until_it_is_back() -> None:
    where = database()
    where.take_down("maintenance")
    with pytest.raises(DatabaseUnavailable, match="'cell1' refuses connections: maintenance"):
        store(where).get("a")
    where.bring_back()
    with pytest.raises(NotFound):
        store(where).get("a")


def test_loading_an_image_brings_back_every_byte() -> None:
    where = database()
    instances_ = store(where)
    instances_.create(instance("a"))
    image = where.dump()
    instances_.create(instance("b"))
    where.load(image)
    assert where.dump() == image
    assert [i.uuid for i in instances_.all()] == ["a"]


def test_values_are_bound_and_never_written_into_sql() -> None:
    instances_ = store()
    evil = "x'; DROP TABLE instances; --"
    instances_.create(instance("a", host=evil))
    assert instances_.count_by_host([evil]) == {evil: 1}
    statement = Statement(select(instances.c.uuid).where(instances.c.host == bindparam("host")))
    text, values = statement.bind(SQLITE, {"host": evil})
    assert evil not in text
    assert values["host"] == evil
