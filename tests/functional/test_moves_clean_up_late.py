"""What a hypervisor fails to clean up after a move is cleaned up later, by whom it concerns."""

from __future__ import annotations

import pytest
from cold_move_servers import SAME_HOST, THREE, create
from move_looks import TINY, fake, guests, held, holders, kept, move_of, told

from cellrig import Cell, ComputeOptions, Rig, Topology
from cellrig.driver.errors import HypervisorError
from cellrig.errors import NotFound
from cellrig.model import MigrationStatus

pytestmark = pytest.mark.topology(THREE)

BUSY = HypervisorError("busy")
#: Each cell has one host.
BETWEEN_CELLS = Topology(
    cells=[Cell("cell1", 1), Cell("cell2", 1)],
    compute=ComputeOptions(allow_cross_cell_moves=True),
)
#: Attempts of whoever insists.
ATTEMPTS = 4


def connected(rig: Rig, host: str) -> set[str]:
    """The volumes that a host is connected to."""
    return {each.volume_id for each in fake(rig, host).volume_connections().volumes}


# -- what a source has kept ----------------------------------------------------------------------


@pytest.mark.parametrize("error", [BUSY, RuntimeError("a bug")])
def test_what_a_confirmation_could_not_erase_is_erased_later(rig: Rig, error: Exception) -> None:
    server = rig.servers.migrate(create(rig))
    rig.faults.fail("driver.confirm_migration", error, times=1)
    server = rig.servers.confirm_resize(server)
    assert move_of(rig, server).left_at == "cell1-host1"
    assert kept(rig, "cell1-host1") == {server.id}
    rig.advance(700)
    assert kept(rig, "cell1-host1") == set()
    assert move_of(rig, server).left_at is None
    assert guests(rig, server) == ["cell1-host2"]


@pytest.mark.topology(SAME_HOST)
def test_the_old_size_of_a_server_is_erased_later_and_the_new_one_stays(rig: Rig) -> None:
    server = rig.servers.resize(create(rig, volumes=1), "2")
    rig.faults.fail("driver.confirm_migration", BUSY, times=1)
    server = rig.servers.confirm_resize(server)
    rig.restart("cell1-host1")
    rig.advance(1)
    assert kept(rig, "cell1-host1") == set()
    assert rig.guest(server).memory_mb == 2048
    assert len(connected(rig, "cell1-host1")) == 1


def test_a_server_that_is_deleted_leaves_nothing_at_a_source_that_could_not_erase(rig: Rig) -> None:
    server = rig.servers.migrate(create(rig))
    rig.faults.fail("driver.confirm_migration", BUSY, times=2)
    rig.servers.delete(rig.servers.confirm_resize(server))
    assert kept(rig, "cell1-host1") == {server.id}
    rig.advance(1300)  # it is busy once more
    assert kept(rig, "cell1-host1") == set()


def test_a_server_that_is_deleted_before_it_is_confirmed_is_erased_later(rig: Rig) -> None:
    server = rig.servers.migrate(create(rig))
    rig.faults.fail("driver.confirm_migration", BUSY, times=1)
    rig.servers.delete(server)
    assert holders(rig) == 0
    assert kept(rig, "cell1-host1") == {server.id}
    rig.advance(700)
    assert kept(rig, "cell1-host1") == set()


def test_a_server_that_comes_back_finds_nothing_of_its_old_self(rig: Rig) -> None:
    server = rig.servers.migrate(create(rig), "cell1-host2")
    rig.faults.fail("driver.confirm_migration", BUSY, times=1)
    server = rig.servers.confirm_resize(server)
    server = rig.servers.migrate(server, "cell1-host1")
    assert (server.status, kept(rig, "cell1-host1")) == ("VERIFY_RESIZE", set())
    rig.servers.confirm_resize(server)
    assert rig.servers.migrate(server, "cell1-host3").status == "VERIFY_RESIZE"
    rig.advance(700)
    assert kept(rig, "cell1-host1") == {server.id}  # of the last move, which may be reverted
    assert rig.servers.revert_resize(server).status == "ACTIVE"


def test_a_host_that_still_cannot_clean_up_is_passed_over(rig: Rig) -> None:
    rig.services.disable("cell1-host3")
    server = rig.servers.migrate(create(rig))
    rig.faults.fail("driver.confirm_migration", BUSY, host="cell1-host1", times=2)
    server = rig.servers.confirm_resize(server)
    rig.services.enable("cell1-host3")
    rig.servers.create(host="cell1-host3")  # so that the first host is the best
    server = rig.servers.migrate(server)
    assert (server.status, server.host) == ("VERIFY_RESIZE", "cell1-host3")


@pytest.mark.topology(SAME_HOST)
def test_the_size_before_the_last_is_erased_before_a_server_is_resized_again(rig: Rig) -> None:
    server = rig.servers.resize(create(rig), "2")
    rig.faults.fail("driver.confirm_migration", BUSY, times=1)
    server = rig.servers.resize(rig.servers.confirm_resize(server), "3")
    assert server.status == "VERIFY_RESIZE"
    server = rig.servers.revert_resize(server)
    assert (server.status, rig.guest(server).memory_mb) == ("ACTIVE", 2048)
    assert kept(rig, "cell1-host1") == set()


@pytest.mark.parametrize("seam", ["driver.confirm_migration", "bus.conductor.migration_get"])
def test_a_source_that_dies_when_it_is_told_of_a_deletion_erases_later(rig: Rig, seam: str) -> None:
    server = rig.servers.migrate(create(rig))
    rig.faults.crash_before(seam, host="cell1-host1", times=1)
    rig.servers.delete(server)
    assert kept(rig, "cell1-host1") == {server.id}
    rig.restart("cell1-host1")
    rig.advance(1)
    assert kept(rig, "cell1-host1") == set()


@pytest.mark.parametrize("seam", ["driver.attach_volume", "driver.detach_volume"])
def test_a_volume_of_a_server_that_waits_for_its_user_is_attached_or_free(
    rig: Rig, seam: str
) -> None:
    server = rig.servers.migrate(create(rig))
    volume = rig.volumes.create()
    rig.faults.crash_before(seam, times=1)
    rig.servers.attach_volume(server, volume)
    if seam == "driver.detach_volume":
        rig.servers.detach_volume(server, volume)
    rig.restart("cell1-host2")
    rig.advance(700)
    assert rig.volumes.show(volume).status == "available"
    rig.servers.attach_volume(server, volume)
    assert connected(rig, "cell1-host2") == {volume.id}


# -- a way back that was not open ------------------------------------------------------------------


def test_a_server_that_could_not_be_brought_back_is_later(rig: Rig) -> None:
    server = rig.servers.migrate(create(rig, volumes=1))
    rig.faults.fail("driver.finish_revert_migration", BUSY, times=ATTEMPTS)
    server = rig.servers.revert_resize(server)
    assert (server.status, server.host) == ("ERROR", "cell1-host1")
    assert "busy" in told(server)
    rig.advance(700)
    server = rig.servers.show(server)
    assert (server.status, server.task_state) == ("ACTIVE", None)
    assert guests(rig, server) == ["cell1-host1"]
    assert held(rig, server) == {"cell1-host1": TINY}
    assert move_of(rig, server).status == MigrationStatus.REVERTED
    assert len(connected(rig, "cell1-host1")) == 1


def test_a_server_that_could_not_be_brought_back_is_deleted_whole(rig: Rig) -> None:
    server = rig.servers.migrate(create(rig, volumes=1))
    rig.faults.fail("driver.finish_revert_migration", BUSY, times=ATTEMPTS)
    rig.servers.delete(rig.servers.revert_resize(server))
    with pytest.raises(NotFound):
        rig.servers.show(server)
    assert kept(rig, "cell1-host1") == set()
    assert holders(rig) == 0


@pytest.mark.topology(SAME_HOST)
def test_a_resize_in_place_whose_hypervisor_goes_away_ends_when_it_is_back(rig: Rig) -> None:
    server = create(rig, volumes=1)
    rig.faults.fail("driver.finish_migration", BUSY, times=1)
    rig.faults.fail("driver.destroy", BUSY, times=ATTEMPTS)
    rig.servers.resize(server, "2")
    rig.restart("cell1-host1")
    rig.advance(1)
    server = rig.servers.show(server)
    assert (server.status, server.task_state) == ("ACTIVE", None)
    assert (rig.guest(server).memory_mb, kept(rig, "cell1-host1")) == (512, set())
    assert held(rig, server) == {"cell1-host1": TINY}
    assert holders(rig) == 1


# -- live ------------------------------------------------------------------------------------------


def test_a_source_lets_go_of_volumes_later_whose_hypervisor_could_not(rig: Rig) -> None:
    server = create(rig, volumes=1)
    (volume,) = (each.volume_id for each in rig.servers.volumes(server))
    rig.faults.fail("driver.post_live_migration_at_source", BUSY, times=ATTEMPTS)
    rig.faults.fail("driver.cleanup", BUSY, times=1)
    server = rig.servers.live_migrate(server, "cell1-host2")
    assert (server.status, server.host) == ("ACTIVE", "cell1-host2")
    assert connected(rig, "cell1-host1") == {volume}
    assert [disk["serial"] for disk in move_of(rig, server).left_disks] == [volume]
    rig.advance(700)
    assert connected(rig, "cell1-host1") == set()
    assert connected(rig, "cell1-host2") == {volume}
    assert (move_of(rig, server).left_at, move_of(rig, server).left_disks) == (None, [])


@pytest.mark.parametrize("comes_again", [False, True])
def test_a_destination_gives_back_later_what_it_has_prepared(rig: Rig, comes_again: bool) -> None:
    server = create(rig, volumes=1)
    rig.faults.fail("driver.live_migration", BUSY, times=1)
    rig.faults.fail("driver.rollback_live_migration_at_destination", BUSY, times=ATTEMPTS)
    server = rig.servers.live_migrate(server, "cell1-host2")
    assert (server.status, server.host) == ("ACTIVE", "cell1-host1")
    assert len(connected(rig, "cell1-host2")) == 1
    if comes_again:
        assert rig.servers.live_migrate(server, "cell1-host2").host == "cell1-host2"
    rig.advance(700)
    assert guests(rig, server) == [rig.servers.show(server).host]
    assert len(connected(rig, "cell1-host2")) == comes_again
    assert not fake(rig, "cell1-host2").hypervisor.state.incoming


# -- what the source in another cell has kept ------------------------------------------------------


@pytest.mark.topology(BETWEEN_CELLS)
@pytest.mark.parametrize("error", [BUSY, RuntimeError("a bug")])
def test_what_a_source_in_another_cell_could_not_erase_is_erased_later(
    rig: Rig, error: Exception
) -> None:
    server = rig.servers.migrate(rig.servers.create(host="cell1-host1"))
    assert server.host == "cell2-host1"
    rig.faults.fail("driver.confirm_migration", error, times=2)
    server = rig.servers.confirm_resize(server)
    assert (server.status, holders(rig)) == ("ACTIVE", 1)
    assert move_of(rig, server).left_at == "cell1-host1"
    rig.advance(61)  # it fails once more
    assert kept(rig, "cell1-host1") == {server.id}
    rig.advance(60)
    assert kept(rig, "cell1-host1") == set()
    assert move_of(rig, server).left_at is None
    assert guests(rig, server) == ["cell2-host1"]


@pytest.mark.topology(BETWEEN_CELLS)
def test_a_server_that_comes_back_to_its_cell_finds_nothing_of_its_old_self(rig: Rig) -> None:
    server = rig.servers.migrate(rig.servers.create(host="cell1-host1"))
    rig.faults.fail("driver.confirm_migration", BUSY, times=1)
    server = rig.servers.migrate(rig.servers.confirm_resize(server))
    assert (server.status, server.host, kept(rig, "cell1-host1")) == (
        "VERIFY_RESIZE",
        "cell1-host1",
        set(),
    )
    server = rig.servers.confirm_resize(server)
    rig.advance(700)
    assert guests(rig, server) == ["cell1-host1"]
    assert kept(rig, "cell2-host1") == set()


@pytest.mark.topology(
    Topology(cells=[Cell("cell1", 2), Cell("cell2", 1)], compute=BETWEEN_CELLS.compute)
)
def test_a_source_erases_by_itself_once_the_record_is_in_its_own_cell_again(rig: Rig) -> None:
    server = rig.servers.migrate(rig.servers.create(host="cell1-host1"), "cell2-host1")
    rig.faults.fail("driver.confirm_migration", BUSY, times=1)
    server = rig.servers.migrate(rig.servers.confirm_resize(server), "cell1-host2")
    assert (server.host, kept(rig, "cell1-host1")) == ("cell1-host2", {server.id})
    rig.servers.confirm_resize(server)
    rig.advance(700)
    assert kept(rig, "cell1-host1") == set()
    assert guests(rig, server) == ["cell1-host2"]


@pytest.mark.topology(BETWEEN_CELLS)
def test_a_host_that_still_cannot_clean_up_does_not_get_its_server_back(rig: Rig) -> None:
    server = rig.servers.migrate(rig.servers.create(host="cell1-host1"))
    rig.faults.fail("driver.confirm_migration", BUSY, times=2)
    server = rig.servers.migrate(rig.servers.confirm_resize(server))
    assert (server.status, server.host) == ("ACTIVE", "cell2-host1")
    assert "has kept server" in told(rig.servers.show(server))
    assert holders(rig) == 1
    rig.advance(61)
    assert rig.servers.migrate(server).host == "cell1-host1"


@pytest.mark.topology(BETWEEN_CELLS)
@pytest.mark.parametrize("confirmed", [True, False])
def test_a_server_deleted_in_another_cell_is_erased_later(rig: Rig, confirmed: bool) -> None:
    server = rig.servers.migrate(rig.servers.create(host="cell1-host1"))
    rig.faults.fail("driver.confirm_migration", BUSY, times=1)
    if confirmed:
        server = rig.servers.confirm_resize(server)
    rig.servers.delete(server)
    assert (kept(rig, "cell1-host1"), holders(rig)) == ({server.id}, 0)
    rig.advance(121)
    assert kept(rig, "cell1-host1") == set()


@pytest.mark.topology(BETWEEN_CELLS)
def test_what_is_left_in_another_cell_waits_for_a_host_that_is_down(rig: Rig) -> None:
    server = rig.servers.migrate(rig.servers.create(host="cell1-host1"))
    rig.faults.fail("driver.confirm_migration", BUSY, times=1)
    server = rig.servers.confirm_resize(server)
    rig.crash("cell1-host1")
    rig.advance(200)
    assert move_of(rig, server).left_at == "cell1-host1"
    rig.restart("cell1-host1")
    rig.advance(61)
    assert (kept(rig, "cell1-host1"), move_of(rig, server).left_at) == (set(), None)
