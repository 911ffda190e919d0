"""A host's compute service: what answers on the bus, and its life from start to stop."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from cellrig.compute.builds import Builder
from cellrig.compute.host import ComputeHost
from cellrig.compute.operations import Operations
from cellrig.compute.recovery import ABANDONED_AFTER, Recovery
from cellrig.compute.resources import ResourceTracker
from cellrig.compute.upkeep import Upkeep
from cellrig.context import RequestContext
from cellrig.db.hosts import COMPUTE
from cellrig.driver.errors import GuestNotFound
from cellrig.driver.reports import GuestEvent
from cellrig.errors import CellrigError
from cellrig.model import Service

#: Seconds between rounds of periodic work, the field's defaults.
REPORT_INTERVAL = 10.0
UPDATE_INTERVAL = 60.0
POWER_SYNC_INTERVAL = 600.0
ORPHAN_INTERVAL = 1800.0

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
        self._operations = Operations(host)
        self._builder = Builder(host)
        self._tracker = ResourceTracker(host, new_uuid)
        self._upkeep = Upkeep(host)
        self._recovery = Recovery(host, self._operations)
        self._service_uuid = ""

        self.build_and_run_instance = self._builder.build
        self.terminate_instance = self._operations.terminate
        self.start_instance = self._operations.start
        self.stop_instance = self._operations.stop
        self.reboot_instance = self._operations.reboot
        self.pause_instance = self._operations.pause
        self.unpause_instance = self._operations.unpause
        self.suspend_instance = self._operations.suspend
        self.resume_instance = self._operations.resume
        self.rebuild_instance = self._operations.rebuild
        self.rescue_instance = self._operations.rescue
        self.unrescue_instance = self._operations.unrescue
        self.snapshot_instance = self._operations.snapshot

    def get_console_output(self, context: RequestContext, instance_uuid: str) -> str:
        """Return what the guest wrote to its console."""
        return self._operations.console_output(instance_uuid)

    def init_host(self) -> None:
        """Start: connect the driver, register, finish what a dead predecessor left undone.

        Runs before the service listens to the bus.
        """
        self._host.driver.init_host()
        self._host.driver.register_event_listener(self._guest_changed)
        is_new = self._register()
        if is_new:
            self._tracker.describe(())
        else:
            self._tracker.update_available_resource()
            self._recovery.finish_interrupted(self._context)

    def after_start(self) -> None:
        """Finish what can only be seen once the messages that waited are in other hands."""
        self._host.runtime.sleep(HANDING_OUT)
        self._recovery.end_untaken_builds()
        self._again("remove_orphans", self._upkeep.remove_orphans)

    def start_periodics(self) -> None:
        """Begin the periodic work, each host's at its own moment."""
        runtime, process = self._host.runtime, self._host.process
        for name, seconds, work in (
            ("report", REPORT_INTERVAL, self.report),
            ("update_available_resource", UPDATE_INTERVAL, self.update_available_resource),
            ("sync_power_states", POWER_SYNC_INTERVAL, self._upkeep.sync_power_states),
            ("remove_orphans", ORPHAN_INTERVAL, self._upkeep.remove_orphans),
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

    def report(self) -> None:
        """Say that the service is alive."""
        self._host.hosts.service_update(
            self._service_uuid, {"last_seen_up": self._host.runtime.now()}
        )

    def update_available_resource(self) -> None:
        """Describe the host's resources, heal allocations, end builds that are stuck."""
        self._tracker.update_available_resource()
        here = self._host.instances.all_on_host(self._host.name)
        held = self._host.held()
        elsewhere = sorted(set(held) - {instance.uuid for instance in here})
        self._upkeep.heal_allocations(here, held)
        self._upkeep.end_stuck_builds(here)
        self._recovery.finish_abandoned(self._context, here)
        if elsewhere:
            strangers = self._host.instances.all_by_uuid(elsewhere)
            self._recovery.end_untaken(strangers, ABANDONED_AFTER)

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
        self._upkeep.sync_one(instance_uuid, info)
