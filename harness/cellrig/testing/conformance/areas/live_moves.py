"""Moves of running guests."""

from __future__ import annotations

from typing import ClassVar

from msgspec.structs import replace

from cellrig.driver import (
    Guest,
    GuestInfo,
    MigrateData,
    MigrationError,
    MigrationFailure,
    MigrationPreCheckError,
    PowerState,
)
from cellrig.model import Server
from cellrig.testing.conformance.areas.capability import Refused
from cellrig.testing.conformance.case import Area, needs, undeclared
from cellrig.testing.conformance.checking import Unmet, check, equal
from cellrig.testing.conformance.lab import Lab
from cellrig.testing.conformance.refusal import refuses_the_user
from cellrig.testing.conformance.setup import Options, Setup


class LiveMigration(Refused):
    """A running guest moves to another host."""

    name: ClassVar[str] = "live_migration"
    capability: ClassVar[str | None] = "live_migration"

    def test_a_guest_with_a_local_disk_moves_while_it_runs(self, lab: Lab) -> None:
        """It is on one host afterwards, with what it had."""
        server = lab.server()
        before = lab.info(server)
        _moves(lab, server)
        equal(_what_it_has(lab.info(server)), _what_it_has(before), "what the guest has")
        equal(lab.info(server).power_state, PowerState.RUNNING, "the power state")

    def test_a_guest_moves_with_its_volumes(self, lab: Lab) -> None:
        """They are connected there and not here any more."""
        server, volume = lab.server(), lab.volume()
        lab.attach(server, volume)
        before = lab.info(server)
        _moves(lab, server)
        equal(_what_it_has(lab.info(server)), _what_it_has(before), "what the guest has")
        for host, wanted in ((lab.first, ()), (lab.second, (server.id,))):
            found = lab.connected_for(host, volume)
            check(found in (None, wanted), f"on {host} the volume is connected for {found}")

    def test_a_guest_of_a_volume_moves(self, lab: Lab) -> None:
        """There and back again."""
        server = lab.server(block_devices=[lab.root_volume()])
        before = lab.info(server)
        _moves(lab, server)
        back = lab.rig.servers.live_migrate(server, lab.first)
        equal((back.status, back.host), ("ACTIVE", lab.first), "the server's status and host")
        equal(_what_it_has(lab.info(server)), _what_it_has(before), "what the guest has")

    @needs("pause")
    def test_a_paused_guest_stays_paused(self, lab: Lab) -> None:
        """And goes on at the destination."""
        server = lab.server()
        lab.rig.servers.pause(server)
        moved = lab.rig.servers.live_migrate(server, lab.second)
        equal((moved.status, moved.host), ("PAUSED", lab.second), "the server's status and host")
        equal(lab.info(server).power_state, PowerState.PAUSED, "the power state")
        lab.rig.servers.unpause(server)
        equal(lab.info(server).power_state, PowerState.RUNNING, "the power state")

    def test_a_guest_that_moved_is_a_lasting_one(self, lab: Lab) -> None:
        """It stops, starts, gets volumes and is deleted like any other."""
        server, volume = lab.server(), lab.volume()
        _moves(lab, server)
        lab.rig.servers.stop(server)
        equal(lab.rig.servers.start(server).status, "ACTIVE", "the status")
        lab.attach(server, volume)
        lab.rig.servers.reboot(server, "HARD")
        equal(lab.serials(server), {volume.id}, "the guest's volumes")

    def test_a_guest_that_is_shut_down_is_refused_before_anything_changes(self, lab: Lab) -> None:
        """By the source's check."""
        server = lab.server()
        data = _checked(lab, server)
        lab.rig.servers.stop(server)
        before = lab.info(server)
        lab.refused(
            MigrationPreCheckError,
            lab.first,
            "check_can_live_migrate_source",
            lab.guest(server),
            (),
            data,
        )
        equal(lab.info(server), before, "the guest")

    def test_checks_change_nothing(self, lab: Lab) -> None:
        """Neither here nor there."""
        server = lab.server()
        before = lab.info(server)
        there = lab.state(lab.second)
        _checked(lab, server)
        equal(lab.info(server), before, "the guest")
        if lab.setup.exact:
            equal(lab.state(lab.second), there, "the destination")

    def test_preparing_and_rolling_back_are_harmless_ten_times(self, lab: Lab) -> None:
        """And leave the destination as it was."""
        server = lab.server()
        there, guest = lab.state(lab.second), _at(lab, server)
        data = _checked(lab, server)
        lab.ten_times(lab.second, "pre_live_migration", guest, (), (), data)
        lab.ten_times(lab.second, "rollback_live_migration_at_destination", guest, (), data)
        equal(lab.whereabouts(server.id), (lab.first,), "the hosts that have the guest")
        if lab.setup.exact:
            equal(lab.state(lab.second), there, "the destination")

    def test_post_is_called_once_when_the_guest_has_left(self, lab: Lab) -> None:
        """And recover is not."""
        server = lab.server()
        guest, there = lab.guest(server), _at(lab, server)
        data = lab.call(lab.second, "pre_live_migration", there, (), (), _checked(lab, server))
        lab.last("removing the guest", lambda: lab.call(lab.second, "destroy", there, ()))
        _ends(lab, guest, data, posts=1, recovers=0)
        equal(lab.whereabouts(server.id), (lab.second,), "the hosts that have the guest")
        for method, host, arguments in (
            ("post_live_migration_at_source", lab.first, (guest, (), data)),
            ("post_live_migration_at_destination", lab.second, (there, (), (), data)),
        ):
            lab.ten_times(host, method, *arguments)
        equal(
            lab.call(lab.second, "get_guest", server.id).power_state,
            PowerState.RUNNING,
            "the power state at the destination",
        )

    def test_recover_is_called_once_when_nobody_expects_the_guest(self, lab: Lab) -> None:
        """And post is not; the guest runs here."""
        server = lab.server()
        before = lab.info(server)
        _ends(lab, lab.guest(server), _checked(lab, server), posts=0, recovers=1)
        equal(lab.info(server), before, "the guest")
        equal(lab.whereabouts(server.id), (lab.first,), "the hosts that have the guest")

    def test_recover_is_called_once_when_there_is_no_such_guest(self, lab: Lab) -> None:
        """A driver that fails inside says so there."""
        server = lab.server()
        _ends(lab, lab.stranger(), _checked(lab, server), posts=0, recovers=1)

    def test_recover_is_called_once_when_the_hypervisor_is_gone(self, lab: Lab) -> None:
        """When it is back, the guest runs here as before."""
        server, driver = lab.server(), lab.driver(lab.first)
        before, guest, there = lab.info(server), lab.guest(server), _at(lab, server)
        data = lab.call(lab.second, "pre_live_migration", there, (), (), _checked(lab, server))
        undo = "rollback_live_migration_at_destination"
        lab.last("rolling it back", lambda: lab.call(lab.second, undo, there, (), data))
        lab.last("starting the hypervisor", lambda: lab.setup.start_hypervisor(driver))
        lab.setup.stop_hypervisor(driver)
        _ends(lab, guest, data, posts=0, recovers=1)
        lab.setup.start_hypervisor(driver)
        lab.restart(lab.first)
        equal(lab.info(server), before, "the guest when the hypervisor is back")
        equal(lab.whereabouts(server.id), (lab.first,), "the hosts that have the guest")

    def test_without_a_migration_abort_is_harmless_and_force_is_refused(self, lab: Lab) -> None:
        """Ten times."""
        server = lab.server()
        guest = lab.guest(server)
        lab.ten_times(lab.first, "live_migration_abort", guest)
        for _time in range(10):
            lab.refused(MigrationError, lab.first, "live_migration_force_complete", guest)

    @undeclared
    def test_moving_live_is_refused_while_undeclared(self, lab: Lab) -> None:
        """The user is told, and the guest runs where it was."""
        refuses_the_user(lab, lambda each: lab.rig.servers.live_migrate(each, lab.second))


class SlowLiveMigration(Area):
    """Live migrations that do not end by themselves."""

    name: ClassVar[str] = "live_migration"
    capability: ClassVar[str | None] = "live_migration"

    @staticmethod
    def more_options(setup: Setup, host: str) -> Options:
        """Keep migrations running."""
        return setup.slow_migrations(host)

    def test_an_aborted_migration_leaves_the_guest_where_it_was(self, lab: Lab) -> None:
        """And nothing of it at the destination."""
        server, volume = lab.server(), lab.volume()
        lab.attach(server, volume)
        before = lab.info(server)
        self._ended_by(lab, server, lab.rig.servers.abort_live_migration)
        equal(lab.rig.servers.show(server).status, "ACTIVE", "the status")
        equal(lab.whereabouts(server.id), (lab.first,), "the hosts that have the guest")
        equal(lab.info(server), before, "the guest")
        equal(str(lab.rig.migrations.list(server=server)[0].status), "cancelled", "the migration")
        check(
            lab.connected_for(lab.second, volume) in (None, ()),
            "the destination is still connected to the volume",
        )

    def test_a_migration_that_is_forced_to_end_ends(self, lab: Lab) -> None:
        """At the destination; on its way it has told how far it is."""
        server = lab.server()
        self._ended_by(lab, server, lab.rig.servers.force_complete_live_migration)
        moved = lab.rig.servers.show(server)
        equal((moved.status, moved.host), ("ACTIVE", lab.second), "the server's status and host")
        equal(lab.whereabouts(server.id), (lab.second,), "the hosts that have the guest")
        migration = lab.rig.migrations.list(server=server)[0]
        check(migration.memory_total > 0, "the migration has not told how much memory there is")

    def _ended_by(self, lab: Lab, server: Server, end: object) -> None:
        rig = lab.rig
        with rig.holding():
            rig.servers.live_migrate(server, lab.second)
            lab.eventually(
                lambda: any(
                    str(each.status) == "running" for each in rig.migrations.in_progress(server)
                ),
                "the live migration does not run",
            )
            for migration in rig.migrations.in_progress(server):
                end(server, migration.uuid)  # type: ignore[operator]


def _moves(lab: Lab, server: Server) -> None:
    moved = lab.rig.servers.live_migrate(server, lab.second)
    fault = "" if moved.fault is None else f": {moved.fault.message}"
    check(moved.status == "ACTIVE", f"the server is {moved.status} after its move{fault}")
    equal(moved.host, lab.second, "the host of the server")
    equal(lab.whereabouts(server.id), (lab.second,), "the hosts that have the guest")


def _at(lab: Lab, server: Server) -> Guest:
    """Return a server's guest as it will be at the other host."""
    return replace(lab.guest(server), node=lab.node(lab.second))


def _checked(lab: Lab, server: Server) -> MigrateData:
    """Take a guest with a local disk through both checks, and return what they say."""
    guest, there, state = lab.guest(server), _at(lab, server), lab.state(lab.first)
    try:
        return _check(lab, guest, there, state, True)
    except MigrationPreCheckError:
        return _check(lab, guest, there, state, False)  # the disk is on shared storage


def _check(lab: Lab, guest: Guest, there: Guest, state: object, block: bool) -> MigrateData:
    data: MigrateData = lab.call(
        lab.second, "check_can_live_migrate_destination", there, state, block_migration=block
    )
    checked: MigrateData = lab.call(lab.first, "check_can_live_migrate_source", guest, (), data)
    return checked


def _ends(lab: Lab, guest: Guest, data: MigrateData, *, posts: int, recovers: int) -> None:
    """Migrate a guest directly, and see which continuations are called, and how often."""
    called: list[str] = []

    def post() -> None:
        called.append("post")

    def recover(_failure: MigrationFailure) -> None:
        called.append("recover")

    try:
        lab.call(lab.first, "live_migration", guest, lab.second, post, recover, data)
    except Exception as error:
        raise Unmet(
            f"live_migration raised {type(error).__name__} ({error}); it ought to call recover"
        ) from error
    equal(
        (called.count("post"), called.count("recover")),
        (posts, recovers),
        "how often post and recover were called",
    )


def _what_it_has(info: GuestInfo) -> list[tuple[object, ...]]:
    """Return what does not change with the host."""
    return [
        (disk.target, disk.serial, disk.bus, disk.boot_order, disk.shareable, disk.read_only)
        for disk in info.disks
    ]
