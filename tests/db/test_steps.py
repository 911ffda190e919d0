"""Steps of moves: the records of a server and of its move change together, or not at all."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from cellrig.db import cell_tables as tables
from cellrig.db.actions import ActionStore
from cellrig.db.cell_tables import cell_image
from cellrig.db.database import Database, Statement
from cellrig.db.instances import InstanceStore
from cellrig.db.migrations import MigrationStore
from cellrig.db.steps import StepStore
from cellrig.errors import Conflict, NotFound
from cellrig.model import (
    Event,
    Flavor,
    Instance,
    InstanceChanges,
    Migration,
    MigrationChanges,
    MigrationStatus,
    MigrationType,
    Step,
    TaskState,
    VmState,
)
from cellrig.runtime.virtual import VirtualRuntime

FLAVOR = Flavor("1", "tiny")
EVENTS = Statement(select(tables.action_events.c.name, tables.action_events.c.host))


class Cell:
    """A cell's database with one server, which begins to move."""

    def __init__(self) -> None:
        self.database = Database("cell1", cell_image(), VirtualRuntime())
        now = self.database.now
        self.instances = InstanceStore(self.database, now)
        self.migrations = MigrationStore(self.database, now)
        self.steps = StepStore(self.database)
        self.instances.create(
            Instance(
                uuid="s",
                name="server",
                project_id="p",
                user_id="u",
                flavor_id="1",
                flavor=FLAVOR,
                host="h1",
                vm_state=VmState.ACTIVE,
                task_state=TaskState.RESIZE_PREP,
            )
        )
        self.migrations.create(self.migration("m"))
        ActionStore(self.database, now).start("s", "migrate", "r", "p", "u")

    def migration(self, uuid: str) -> Migration:
        return Migration(
            uuid=uuid,
            instance_uuid="s",
            type=MigrationType.MIGRATION,
            status=MigrationStatus.PRE_MIGRATING,
            source_compute="h1",
            source_node="h1",
            user_id="u",
            project_id="p",
            old_vm_state=VmState.ACTIVE,
            old_flavor=FLAVOR,
            new_flavor=FLAVOR,
        )

    def events(self) -> list[tuple[str, str]]:
        return self.database.all(EVENTS)


def step(
    *, tasks: tuple[TaskState, ...], statuses: tuple[MigrationStatus, ...], on_host: str = "h1"
) -> Step:
    return Step(
        instance_uuid="s",
        instance=InstanceChanges(task_state=TaskState.RESIZE_MIGRATING),
        tasks=tasks,
        on_host=on_host,
        migration_uuid="m",
        migration=MigrationChanges(status=MigrationStatus.MIGRATING),
        statuses=statuses,
        event=Event("compute_resize_instance", "r", "h1"),
    )


def test_a_step_changes_both_records_and_begins_an_event() -> None:
    cell = Cell()
    taken = step(tasks=(TaskState.RESIZE_PREP,), statuses=(MigrationStatus.PRE_MIGRATING,))
    moving = cell.steps.take(taken)
    assert moving.instance == cell.instances.get("s")
    assert moving.migration == cell.migrations.get("m")
    assert moving.instance.task_state == TaskState.RESIZE_MIGRATING
    assert [status for status, _at in moving.migration.history] == ["pre-migrating", "migrating"]
    assert cell.events() == [("compute_resize_instance", "h1")]


@pytest.mark.parametrize(
    ("tasks", "statuses", "on_host", "told"),
    [
        (TaskState.RESIZE_FINISH, MigrationStatus.PRE_MIGRATING, "h1", "is in task_state"),
        (TaskState.RESIZE_PREP, MigrationStatus.FINISHED, "h1", "is pre-migrating; this takes"),
        (TaskState.RESIZE_PREP, MigrationStatus.PRE_MIGRATING, "h2", "is on host h1; this takes"),
    ],
)
def test_a_step_that_is_refused_changes_nothing(
    tasks: TaskState, statuses: MigrationStatus, on_host: str, told: str
) -> None:
    cell = Cell()
    before = cell.database.dump()
    for make in (cell.steps.take, cell.steps.note):
        with pytest.raises(Conflict, match=told):
            make(step(tasks=(tasks,), statuses=(statuses,), on_host=on_host))
    assert cell.database.dump() == before


def test_of_a_deleted_server_the_move_can_still_be_noted() -> None:
    cell = Cell()
    cell.instances.destroy("s")
    with pytest.raises(NotFound):
        cell.steps.note(step(tasks=(TaskState.RESIZE_PREP,), statuses=tuple(MigrationStatus)))
    gone = MigrationChanges(status=MigrationStatus.POST_MIGRATING)
    moving = cell.steps.take(Step(instance_uuid="s", migration_uuid="m", migration=gone))
    assert moving.instance.deleted
    assert moving.migration.status == MigrationStatus.POST_MIGRATING


def test_a_step_tells_which_hosts_have_still_to_clean_up() -> None:
    cell = Cell()
    seen = Step(instance_uuid="s", migration_uuid="m")
    assert cell.steps.take(seen).left_at == ()
    cell.migrations.create(cell.migration("earlier"))
    cell.migrations.update("earlier", MigrationChanges(left_at="h3"))
    assert cell.steps.take(seen).left_at == ("h3",)
