"""A host's compute service: what answers on the bus, and its life from start to stop."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from cellrig.compute.host import ComputeHost
from cellrig.compute.parts import Parts
from cellrig.compute.recovery import ABANDONED_AFTER
from cellrig.context import RequestContext
from cellrig.db.hosts import COMPUTE
from cellrig.driver.errors import GuestNotFound
from cellrig.driver.reports import GuestEvent
from cellrig.errors import CellrigError, NotFound
from cellrig.model import Service

#: Seconds between rounds of periodic work, the field's defaults.
REPORT_INTERVAL = 10.0
UPDATE_INTERVAL = 60.0
POWER_SYNC_INTERVAL = 600.0
ORPHAN_INTERVAL = 1800.0
ATTACHMENT_INTERVAL = 600.0
CONFIRM_INTERVAL = 60.0
OFFLOAD_INTERVAL = 3600.0

#: Seconds that a service gives the messages that waited for it to come into its hands.
HANDING_OUT = 1.0


class ComputeManager:
    """Serves `ComputeService` for one host.

    Args:
        host: what it works with.
        context: under which it does what nobody asked for.
        new_uuid: the rig's source of uuids.
    """

    def __init__(
        self, host: ComputeHost, context: RequestContext, new_uuid: Callable[[], str]
    ) -> None:
        self._host = host
        self._context = context
        self._new_uuid = new_uuid
        self._parts = parts = Parts(host, new_uuid)
        self._service_uuid = ""

        self.build_and_run_instance = parts.builder.build
        self.terminate_instance = parts.deletion.terminate
        self.start_instance = parts.operations.start
        self.stop_instance = parts.operations.stop
        self.reboot_instance = parts.operations.reboot
        self.pause_instance = parts.operations.pause
        self.unpause_instance = parts.operations.unpause
        self.suspend_instance = parts.operations.suspend
        self.resume_instance = parts.operations.resume
        self.rebuild_instance = parts.operations.rebuild
        self.rescue_instance = parts.operations.rescue
        self.unrescue_instance = parts.operations.unrescue
        self.snapshot_instance = parts.operations.snapshot
        self.prep_resize = parts.cold_arrivals.prep_resize
        self.resize_instance = parts.cold_moves.resize_instance
        self.finish_resize = parts.cold_arrivals.finish_resize
        self.confirm_resize = parts.cold_moves.confirm_resize
        self.revert_resize = parts.cold_arrivals.revert_resize
        self.finish_revert_resize = parts.cold_moves.finish_revert_resize
        self.prep_arrival = parts.cross_cell_moves.prep_arrival
        self.leave_cell = parts.cross_cell_moves.leave_cell
        self.arrive_from_cell = parts.cross_cell_moves.arrive_from_cell
        self.leave_cell_again = parts.cross_cell_moves.leave_cell_again
        self.erase_departed = parts.cross_cell_moves.erase_departed
        self.live_migration = parts.live_moves.live_migration
        self.live_migration_abort = parts.live_moves.abort
        self.live_migration_force_complete = parts.live_moves.force_complete
        self.get_host_state = parts.live_arrivals.host_state
        self.check_can_live_migrate_destination = parts.live_arrivals.check_destination
        self.check_can_live_migrate_source = parts.live_arrivals.check_source
        self.pre_live_migration = parts.live_arrivals.prepare
        self.post_live_migration_at_destination = parts.live_arrivals.finish
        self.rollback_live_migration = parts.live_arrivals.roll_back
        self.forget_moved = parts.leftovers.forget_moved
        self.attach_volume = parts.volumes.attach
        self.detach_volume = parts.volumes.detach
        (self.attach_interface, self.detach_interface) = (
            parts.interfaces.attach,
            parts.interfaces.detach,
        )
        self.swap_volume = parts.volumes.swap
        self.extend_volume = parts.volumes.extend
        self.evacuate_instance = parts.evacuations.evacuate_instance
        self.clean_up_evacuated = parts.evacuations.clean_up_evacuated
        self.shelve_instance = parts.shelving.shelve_instance
        self.shelve_offload_instance = parts.shelving.shelve_offload_instance
        self.unshelve_here = parts.shelving.unshelve_here
        self.unshelve_instance = parts.shelving.unshelve_instance

    def get_console_output(self, context: RequestContext, instance_uuid: str) -> str:
        """Return what the guest wrote to its console."""
        return self._parts.operations.console_output(instance_uuid)

    def init_host(self) -> None:
        """Start: connect the driver, register, finish what a dead predecessor left undone.

        Runs before the service listens to the bus.
        """
        self._host.driver.init_host()
        self._host.driver.register_event_listener(self._guest_changed)
        is_new = self._register()
        if is_new:
            self._parts.tracker.describe(())
        else:
            self._parts.tracker.update_available_resource()
            self._parts.evacuations.come_back(self._context)
            self._parts.recovery.finish_interrupted(self._context)

    def after_start(self) -> None:
        """Finish what can only be seen once the messages that waited are in other hands."""
        self._host.runtime.sleep(HANDING_OUT)
        self._again(
            "end untaken builds", partial(self._parts.recovery.end_untaken_builds, self._context)
        )
        self._again("recover moves", partial(self._parts.move_recovery.recover, self._context, 0.0))
        self._again(
            "clean up after moves", partial(self._parts.move_recovery.clean_up, self._context, 0.0)
        )
        self._again("reconcile attachments", self._reconcile_at_start)
        self._again("remove_orphans", self._parts.upkeep.remove_orphans)

    def start_periodics(self) -> None:
        """Begin the periodic work, each host's at its own moment."""
        runtime, process = self._host.runtime, self._host.process
        for name, seconds, work in (
            ("report", REPORT_INTERVAL, self.report),
            ("update_available_resource", UPDATE_INTERVAL, self.update_available_resource),
            ("sync_power_states", POWER_SYNC_INTERVAL, self._parts.upkeep.sync_power_states),
            ("remove_orphans", ORPHAN_INTERVAL, self._parts.upkeep.remove_orphans),
            ("reconcile attachments", ATTACHMENT_INTERVAL, self._reconcile),
            ("confirm_resizes", CONFIRM_INTERVAL, self._confirm_resizes),
            ("offload_shelved", OFFLOAD_INTERVAL, self._offload_shelved),
        ):
            runtime.every(
                seconds,
                partial(self._again, name, work),
                name=f"{self._host.name} {name}",
                owner=process,
            )

    def _again(self, name: str, work: Callable[[], None]) -> None:
        """Do periodic work; what is out of reach now may be there in the next round."""
        try:
            work()
        except CellrigError as error:
            self._host.seams.handled(error, f"{name} waits for its next round")

    def _reconcile(self) -> None:
        self._parts.attachments.reconcile(self._context, ABANDONED_AFTER)

    def _confirm_resizes(self) -> None:
        self._parts.overdue.confirm_resizes(self._context)

    def _offload_shelved(self) -> None:
        self._parts.overdue.offload_shelved(self._context)

    def _reconcile_at_start(self) -> None:
        self._parts.attachments.reconcile(self._context, HANDING_OUT, starting=True)

    def report(self) -> None:
        """Say that the service is alive; it ends where administrators have deleted it."""
        seen = {"last_seen_up": self._host.runtime.now()}
        try:
            self._host.hosts.service_update(self._service_uuid, seen)
        except NotFound as error:
            self._host.seams.handled(error, "the service has been deleted, and ends")
            self._host.process.crash()

    def update_available_resource(self) -> None:
        """Describe the host's resources, heal allocations, end builds that are stuck."""
        self.report()  # before anything is written of a host that has been deleted
        self._parts.tracker.update_available_resource()
        here = self._host.instances.all_on_host(self._host.name)
        held = self._host.held()
        elsewhere = sorted(set(held) - {instance.uuid for instance in here})
        self._parts.upkeep.heal_allocations(here, held)
        self._parts.upkeep.end_stuck_builds(here)
        self._parts.recovery.finish_abandoned(self._context, here)
        self._parts.move_recovery.recover(self._context, ABANDONED_AFTER)
        self._parts.move_recovery.clean_up(self._context, ABANDONED_AFTER)
        if elsewhere:
            strangers = self._host.instances.all_by_uuid(elsewhere)
            self._parts.recovery.end_untaken(self._context, strangers, ABANDONED_AFTER)

    def _register(self) -> bool:
        """Note that the service is up; return whether it has never been up before."""
        host = self._host
        service = Service(self._new_uuid(), host.name, COMPUTE, last_seen_up=host.runtime.now())
        self._service_uuid = host.hosts.service_register(service).uuid
        return self._service_uuid == service.uuid

    def _guest_changed(self, event: GuestEvent) -> None:
        """Follow what the hypervisor tells of a guest, in a task of its own.

        A task that works on the server asks for the guest's state itself when it is done.
        """
        if self._host.is_locked(event.uuid):
            return
        self._host.runtime.spawn(
            lambda: self._follow(event.uuid),
            name=f"{self._host.name} follows guest {event.uuid}",
            owner=self._host.process,
        )

    def _follow(self, instance_uuid: str) -> None:
        try:
            info = self._host.driver.get_guest(instance_uuid)
        except GuestNotFound as error:
            self._host.seams.handled(error, "the guest is gone")
            info = None
        except CellrigError as error:
            self._host.seams.handled(error, "the periodic work looks at the guest again")
            return
        self._parts.upkeep.sync_one(instance_uuid, info)
