"""Invariant g: a server that moves holds its destination, its migration the source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from cellrig import Cell, Rig, Topology
from cellrig.compute.options import ComputeOptions
from cellrig.db import Statement, cell_tables
from cellrig.db.migrations import MigrationStore
from cellrig.driver.errors import HypervisorError
from cellrig.model import (
    InstanceChanges,
    Migration,
    MigrationChanges,
    MigrationStatus,
    MigrationType,
    Server,
    TaskState,
    VmState,
)

if TYPE_CHECKING:
    from tests.audit.conftest import BrokenCloud

TINY = {"VCPU": 1, "MEMORY_MB": 512, "DISK_GB": 1}
SOURCE, DESTINATION = "cell1-host1", "cell1-host2"


def store(broken: BrokenCloud) -> MigrationStore:
    return MigrationStore(broken.rig.databases["cell1"], broken.rig.runtime.now)


def moved(broken: BrokenCloud) -> tuple[Server, Migration]:
    """A server that waits to be confirmed, and its move."""
    server = broken.rig.servers.migrate(broken.boot(SOURCE))
    assert server.status == "VERIFY_RESIZE"
    assert broken.findings() == []
    return server, store(broken).of_instance(server.id)[0]


def noted(
    broken: BrokenCloud,
    server: Server,
    status: MigrationStatus = MigrationStatus.RUNNING,
    **more: object,
) -> Migration:
    """A move that is only written down."""
    return store(broken).create(
        Migration(
            uuid=broken.rig.new_uuid(),
            instance_uuid=server.id,
            type=MigrationType.LIVE_MIGRATION,
            status=status,
            source_compute=SOURCE,
            source_node=SOURCE,
            dest_compute=DESTINATION,
            dest_node=DESTINATION,
            user_id="admin",
            project_id="admin",
            old_vm_state=VmState.ACTIVE,
            old_flavor=server.flavor,
            new_flavor=server.flavor,
            **more,  # type: ignore[arg-type]
        )
    )


def name(migration: Migration) -> str:
    return (
        f"{migration.type} {migration.uuid} of server {migration.instance_uuid} from "
        f"{SOURCE} to {DESTINATION}"
    )


# -- what is right ---------------------------------------------------------------------------------


def test_moves_of_every_kind_and_in_every_state_are_clean(broken: BrokenCloud) -> None:
    rig = broken.rig
    waiting, confirmed, reverted, live, shelved, failed, volume = (
        rig.servers.create(host=SOURCE) for _each in range(7)
    )
    rig.servers.attach_volume(volume, rig.volumes.create())
    rig.servers.resize(waiting, "m1.small")
    rig.servers.confirm_resize(rig.servers.migrate(confirmed))
    rig.servers.revert_resize(rig.servers.migrate(reverted))
    rig.servers.live_migrate(live)
    rig.servers.live_migrate(volume)
    rig.servers.shelve(shelved)
    rig.faults.fail("driver.live_migration", HypervisorError("no"), times=1)
    rig.servers.live_migrate(failed)
    assert broken.findings() == []


@pytest.mark.parametrize("seam", ["driver.live_migration", "driver.pre_live_migration"])
def test_second_attachments_of_a_move_under_way_are_right(broken: BrokenCloud, seam: str) -> None:
    rig = broken.rig
    server, volume = broken.boot(SOURCE), rig.volumes.create()
    rig.servers.attach_volume(server, volume)
    hold = rig.faults.hold(seam)
    with rig.holding():
        rig.servers.live_migrate(server)
        rig.settle()
        assert len(rig.volumes.attachments(volume)) == 2
        assert not any("attachment" in finding for finding in broken.findings())
        # Nor are they wrong because somebody has ended the task of the server meanwhile.
        rig.servers.reset_state(server, "active")
        assert not any(f"volume {volume.id} is" in finding for finding in broken.findings())
        hold.release()
        rig.settle()
    assert broken.findings() == []


def test_a_rollback_that_waits_for_its_destination_is_right(broken: BrokenCloud) -> None:
    rig = broken.rig
    server = broken.boot(SOURCE)
    rig.servers.attach_volume(server, rig.volumes.create())
    hold = rig.faults.hold("driver.live_migration")
    with rig.holding():
        rig.servers.live_migrate(server)
        rig.settle()
        rig.crash(DESTINATION)
        rig.faults.fail("driver.live_migration", HypervisorError("gone"))
        rig.crash(SOURCE)
        hold.release()
        rig.restart(SOURCE)
        rig.settle()
    (migration,) = store(broken).of_instance(server.id)
    assert migration.status == MigrationStatus.REVERTING
    assert rig.servers.show(server).task_state is None
    assert broken.findings() == []
    rig.restart(DESTINATION)
    rig.settle()
    assert store(broken).of_instance(server.id)[0].status.is_over
    assert broken.findings() == []


# -- what is wrong ---------------------------------------------------------------------------------


def test_a_move_that_is_over_and_holds_something_is_found(broken: BrokenCloud) -> None:
    server, migration = moved(broken)
    broken.rig.servers.confirm_resize(server)
    assert broken.findings() == []
    broken.hold(migration.uuid, SOURCE, TINY, "MIGRATION")
    (finding,) = broken.findings()
    assert finding == (
        f"{name(migration)} is over (confirmed), and holds 1 DISK_GB, 512 MEMORY_MB, 1 VCPU of "
        f"provider {SOURCE} ({broken.node_uuid(SOURCE)}); expected nothing"
    )


def test_two_moves_of_one_server_are_found(broken: BrokenCloud) -> None:
    server, migration = moved(broken)
    other = noted(broken, server)
    assert (
        f"server {server.id} has 2 moves under way: {migration.uuid} and {other.uuid}"
    ) in broken.findings()


def test_a_move_of_a_server_that_does_not_exist_is_found(broken: BrokenCloud) -> None:
    server = broken.boot(SOURCE)
    migration = noted(broken, server)
    with broken.rig.databases["cell1"].transaction() as transaction:
        transaction.run(Statement(update(cell_tables.migrations).values(instance_uuid="nobody")))
    found = name(migration).replace(server.id, "nobody")
    assert f"{found} is of a server that no cell has" in broken.findings()


def test_a_move_that_outlives_its_server_is_found(broken: BrokenCloud) -> None:
    server = broken.boot(SOURCE)
    broken.rig.servers.delete(server)
    migration = noted(broken, server)
    assert f"{name(migration)} is running, and its server is deleted" in broken.findings()


@pytest.mark.parametrize(
    "status", [status for status in MigrationStatus if not status.is_over and status != "finished"]
)
def test_a_move_on_which_nobody_works_is_found(
    broken: BrokenCloud, status: MigrationStatus
) -> None:
    server, migration = moved(broken)
    store(broken).update(migration.uuid, MigrationChanges(status=status))
    assert f"{name(migration)} is {status}, and nobody is working on it" in broken.findings()
    assert broken.rig.servers.show(server).task_state is None


@pytest.mark.parametrize(
    ("side", "owner"), [("source", "its migration"), ("destination", "the server")]
)
def test_a_side_that_nobody_holds_is_found(broken: BrokenCloud, side: str, owner: str) -> None:
    server, migration = moved(broken)
    consumer, host = {
        "source": (migration.uuid, SOURCE),
        "destination": (server.id, DESTINATION),
    }[side]
    broken.rig.placement.delete_allocations(consumer)
    assert broken.findings() == [f"{name(migration)}: {owner} holds nothing of its {side} {host}"]


@pytest.mark.parametrize(
    ("side", "owner"), [("source", "its migration"), ("destination", "the server")]
)
def test_a_side_that_is_held_of_another_host_is_found(
    broken: BrokenCloud, side: str, owner: str
) -> None:
    server, migration = moved(broken)
    consumer, host = {
        "source": (migration.uuid, SOURCE),
        "destination": (server.id, DESTINATION),
    }[side]
    broken.hold(consumer, "cell2-host1", TINY, "MIGRATION" if side == "source" else "INSTANCE")
    (finding,) = broken.findings()
    assert finding == (
        f"{name(migration)}: {owner} holds 1 DISK_GB, 512 MEMORY_MB, 1 VCPU of provider "
        f"cell2-host1 ({broken.node_uuid('cell2-host1')}), which is not of its {side} {host}"
    )


@pytest.mark.parametrize(
    ("side", "owner"), [("source", "its migration"), ("destination", "the server")]
)
def test_a_side_that_is_held_in_another_size_is_found(
    broken: BrokenCloud, side: str, owner: str
) -> None:
    server, migration = moved(broken)
    consumer, host = {
        "source": (migration.uuid, SOURCE),
        "destination": (server.id, DESTINATION),
    }[side]
    more = {**TINY, "VCPU": 2}
    broken.hold(consumer, host, more, "MIGRATION" if side == "source" else "INSTANCE")
    (finding,) = broken.findings()
    assert finding == (
        f"{name(migration)}: {owner} holds 1 DISK_GB, 512 MEMORY_MB, 2 VCPU of its {side} {host}; "
        "flavor m1.tiny takes 1 DISK_GB, 512 MEMORY_MB, 1 VCPU"
    )


def test_a_resize_in_place_that_holds_too_much_is_found() -> None:
    tight = Topology(
        cells=[Cell("cell1", 1)],
        compute=ComputeOptions(allow_resize_to_same_host=True),
        options={"memory_mb": 2048, "ram_allocation_ratio": 1},
    )
    rig = Rig(tight, audit=False).start()
    try:
        server = rig.servers.resize(rig.servers.create(), "m1.small")
        assert server.status == "VERIFY_RESIZE"
        assert rig.audit.findings() == []
        migration = rig.migrations.list(server=server)[0]
        more = MigrationChanges(
            old_allocations={
                uuid: {**amounts, "VCPU": 5} for uuid, amounts in migration.old_allocations.items()
            }
        )
        MigrationStore(rig.databases["cell1"], rig.runtime.now).update(migration.uuid, more)
        (finding,) = rig.audit.findings()
        assert "in place: its migration holds nothing; the old size is more than" in finding
        assert "4 VCPU of provider" in finding
    finally:
        rig.stop()


@pytest.mark.parametrize(
    "status", [MigrationStatus.ERROR, MigrationStatus.CANCELLED, MigrationStatus.COMPLETED]
)
def test_a_second_attachment_that_a_move_has_left_behind_is_found(
    broken: BrokenCloud, status: MigrationStatus
) -> None:
    rig = broken.rig
    server, volume = broken.boot(SOURCE), rig.volumes.create()
    rig.servers.attach_volume(server, volume)
    context = rig.new_context("admin", "admin", True)
    made = rig.request(lambda: rig.cloud.volumes.attachment_create(context, volume.id, server.id))
    migration = noted(broken, server, status, attachments={volume.id: made.id})
    (finding,) = broken.findings()
    assert finding == (
        f"volume {volume.id} is reserved by attachment {made.id} of server {server.id}, which its "
        f"live-migration {migration.uuid} has made and, being over ({status}), left behind"
    )


def test_a_server_that_is_in_the_middle_of_a_move_is_left_to_that(broken: BrokenCloud) -> None:
    server = broken.boot(SOURCE)
    broken.instances("cell1").update(server.id, InstanceChanges(task_state=TaskState.MIGRATING))
    (finding,) = broken.findings()
    assert "is left in the middle of something (vm_state active, task_state migrating)" in finding
