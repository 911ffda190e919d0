"""Live migrations: the way there, with storage and volumes."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from live_move_servers import HELD, SHARED, THREE, ZONES, create, ended
from move_looks import TINY, attached, fake, held, history, holders, is_as_before, move_of, told

from cellrig import Cell, Rig, Topology
from cellrig.db.migrations import MigrationStore
from cellrig.driver.errors import HypervisorError
from cellrig.driver.values import Disk
from cellrig.model import MigrationStatus, PowerState
from cellrig.seams import Passage
from cellrig_pytest.factory import RigFactory

pytestmark = pytest.mark.topology(THREE)


# -- there -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("from_volume", [True, False])
def test_a_running_server_goes_to_another_host_with_its_volumes(
    rig: Rig, from_volume: bool
) -> None:
    server = create(rig, from_volume=from_volume, volumes=2)
    boots = fake(rig, "cell1-host1").hypervisor.domain(server.id).boots
    before = {disk.serial: disk.target for disk in rig.guest(server).disks}
    server = rig.servers.live_migrate(server)
    assert (server.status, server.host) == ("ACTIVE", "cell1-host2")
    migration = ended(rig, server)
    assert history(migration) == ["accepted", "preparing", "running", "post-migrating", "completed"]
    assert {disk.serial: disk.target for disk in rig.guest(server).disks} == before
    # It has not been booted again.
    assert fake(rig, "cell1-host2").hypervisor.domain(server.id).boots <= boots
    assert fake(rig, "cell1-host1").volume_connections().volumes == ()


@pytest.mark.topology(HELD)
def test_41_while_it_runs_each_side_has_one_owner_and_one_attachment(rig: Rig) -> None:
    server = create(rig, volumes=1)
    with rig.holding():
        rig.servers.live_migrate(server)
        rig.settle()
        server, migration = rig.servers.show(server), move_of(rig, server)
        assert (server.status, server.host) == ("MIGRATING", "cell1-host1")
        assert migration.status == MigrationStatus.RUNNING
        assert held(rig, migration) == {"cell1-host1": TINY}
        assert held(rig, server) == {"cell1-host2": TINY}
        assert attached(rig, server) == [("cell1-host1", "attached"), ("cell1-host2", "attaching")]
        (mapping,) = rig.servers.volumes(server)
        assert list(migration.attachments) == [mapping.volume_id]
        assert mapping.attachment_id not in migration.attachments.values()
        rig.servers.force_complete_live_migration(server, migration.id)
        rig.settle()
    assert ended(rig, server).status == MigrationStatus.COMPLETED


def test_a_paused_server_stays_paused(rig: Rig) -> None:
    server = rig.servers.pause(create(rig, volumes=1))
    server = rig.servers.live_migrate(server)
    assert (server.status, server.host) == ("PAUSED", "cell1-host2")
    assert rig.guest(server).power_state == PowerState.PAUSED
    ended(rig, server)
    assert rig.servers.unpause(server).status == "ACTIVE"


@pytest.mark.topology(ZONES)
def test_a_server_is_in_the_zone_of_the_host_that_it_is_on(rig: Rig) -> None:
    server = rig.servers.live_migrate(create(rig))
    assert (server.host, server.availability_zone) == ("cell1-host2", "west")


@pytest.mark.parametrize("force", [False, True])
def test_a_server_goes_to_the_host_that_is_named(rig: Rig, force: bool) -> None:
    assert rig.servers.live_migrate(create(rig), "cell1-host3", force=force).host == "cell1-host3"


def test_41_force_goes_past_the_filters_and_not_past_placement(rig: Rig) -> None:
    server = create(rig)
    rig.services.disable("cell1-host3")
    assert rig.servers.live_migrate(server, "cell1-host3", force=True).host == "cell1-host3"
    assert held(rig, server) == {"cell1-host3": TINY}
    assert holders(rig) == 1


def test_41_force_does_not_overfill_a_host(rig_factory: RigFactory) -> None:
    options = {"vcpus": 1, "cpu_allocation_ratio": 1}
    rig = rig_factory(Topology(cells=[Cell("cell1", 2)], options=options))
    before = create(rig)
    rig.servers.create(host="cell1-host2")
    rig.servers.live_migrate(before, "cell1-host2", force=True)
    assert is_as_before(rig, before)
    assert move_of(rig, before).status == MigrationStatus.ERROR


# -- storage ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("topology", "asked", "block"),
    [(THREE, None, True), (THREE, True, True), (SHARED, None, False), (SHARED, False, False)],
    ids=["auto, local", "block, local", "auto, shared", "no block, shared"],
)
def test_local_disks_are_copied_where_the_hosts_do_not_share_them(
    rig_factory: RigFactory, topology: Topology, asked: bool | None, block: bool
) -> None:
    rig = rig_factory(topology)
    server = rig.servers.live_migrate(create(rig), block_migration=asked)
    assert server.host == "cell1-host2", told(server)
    data = ended(rig, server).data
    assert data["block_migration"] is block
    assert data["shared_storage"] is (topology is SHARED)


@pytest.mark.parametrize(
    ("topology", "asked", "words"),
    [
        (THREE, False, "local disks are not on shared storage"),
        (SHARED, True, "block migration cannot be used with shared storage"),
    ],
    ids=["no block, local", "block, shared"],
)
def test_storage_that_does_not_fit_what_was_asked_is_refused_by_the_source(
    rig_factory: RigFactory, topology: Topology, asked: bool, words: str
) -> None:
    rig = rig_factory(topology)
    before = create(rig)
    server = rig.servers.live_migrate(before, block_migration=asked)
    assert is_as_before(rig, before)
    assert words in told(server)


def test_a_server_without_local_disks_needs_no_copy(rig: Rig) -> None:
    server = rig.servers.live_migrate(create(rig, from_volume=True))
    assert ended(rig, server).data["block_migration"] is False


# -- 53, 54: attachments ---------------------------------------------------------------------------


def test_54_a_volume_is_connected_there_before_and_let_go_here_after(rig: Rig) -> None:
    server = create(rig, volumes=1)
    (mapping,) = rig.servers.volumes(server)
    passed = [
        each.seam
        for each in rig.faults.seams_passed(lambda: rig.servers.live_migrate(server))
        if each.seam
        in (
            "volume.attachment_create",
            "volume.attachment_update",
            "driver.pre_live_migration",
            "driver.live_migration",
            "driver.post_live_migration_at_source",
            "volume.attachment_delete",
            "volume.attachment_complete",
        )
    ]
    assert passed == [
        "volume.attachment_create",
        "volume.attachment_update",
        "driver.pre_live_migration",
        "driver.live_migration",
        "driver.post_live_migration_at_source",
        "volume.attachment_delete",
        "volume.attachment_complete",
    ]
    (after,) = rig.servers.volumes(server)
    assert after.attachment_id != mapping.attachment_id
    assert after.attachment_id == move_of(rig, server).attachments[str(mapping.volume_id)]


@pytest.mark.parametrize(
    ("seam", "nth"),
    [
        ("volume.attachment_create", 1),
        ("volume.attachment_create", 2),
        ("driver.get_volume_connector", 1),
        ("driver.get_volume_connector", 2),
        ("volume.attachment_update", 1),
        ("volume.attachment_update", 2),
        ("driver.pre_live_migration", 1),
    ],
)
def test_53_1778206_a_preparation_that_fails_takes_back_what_it_made_and_nothing_else(
    rig: Rig, seam: str, nth: int
) -> None:
    before = create(rig, volumes=2)
    mappings = rig.servers.volumes(before)
    rig.faults.fail(
        seam, HypervisorError("no slot"), service="compute", host="cell1-host2", nth=nth
    )
    passed = rig.faults.seams_passed(lambda: rig.servers.live_migrate(before))
    deleted = [each.seam for each in passed if each.seam == "volume.attachment_delete"]
    assert is_as_before(rig, before)
    assert "no slot" in told(rig.servers.show(before))
    assert rig.servers.volumes(before) == mappings
    assert attached(rig, before) == [("cell1-host1", "attached")] * 2
    assert len(deleted) <= 2
    assert ended(rig, before).status == MigrationStatus.ERROR
    assert fake(rig, "cell1-host2").volume_connections().volumes == ()
    assert rig.servers.live_migrate(before).host == "cell1-host2"


def test_53_1899835_the_destination_is_disconnected_with_its_own_connection_info(rig: Rig) -> None:
    server = create(rig, volumes=1)
    rig.faults.fail("driver.live_migration", HypervisorError("no"), times=1)
    seam = "driver.rollback_live_migration_at_destination"
    given: list[Sequence[Disk]] = []

    def note(passage: Passage) -> bool:
        given.append(passage.arguments["disks"])
        return True

    rig.faults.delay(seam, 0.001, when=note)
    hold = rig.faults.hold(seam)
    with rig.holding():
        rig.servers.live_migrate(server)
        rig.settle()
        (there,) = [each for each in rig.volumes.attachments() if each.host == "cell1-host2"]
        hold.release()
        rig.settle()
    ((disk,),) = given[:1]
    assert disk.connection_info == there.connection_info
    assert attached(rig, server) == [("cell1-host1", "attached")]
    assert fake(rig, "cell1-host2").volume_connections().volumes == ()


@pytest.mark.parametrize("way", ["there", "back"])
def test_54_an_attachment_that_cannot_be_deleted_stops_neither_the_others_nor_the_move(
    rig: Rig, way: str
) -> None:
    server = create(rig, volumes=3)
    old = [str(mapping.attachment_id) for mapping in rig.servers.volumes(server)]
    if way == "back":
        rig.faults.fail("driver.live_migration", HypervisorError("no"), times=1)

    moves = MigrationStore(rig.databases["cell1"], rig.runtime.now)

    def is_second(passage: Passage) -> bool:
        made = [*moves.all()[-1].attachments.values()]
        return str(passage.arguments["attachment_id"]) == (old if way == "there" else made)[1]

    rule = rig.faults.fail("volume.attachment_delete", service="compute", when=is_second)
    server = rig.servers.live_migrate(server)
    host = {"there": "cell1-host2", "back": "cell1-host1"}[way]
    assert (server.status, server.host, server.task_state) == ("ACTIVE", host, None)
    stray = {"there": ("cell1-host1", "attached"), "back": ("cell1-host2", "attaching")}[way]
    assert sorted(attached(rig, server)) == sorted([(host, "attached")] * 3 + [stray])
    rule.clear()
    rig.advance(1300)
    assert attached(rig, server) == [(host, "attached")] * 3
