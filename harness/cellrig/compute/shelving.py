"""Shelving: a server is put away as an image, leaves its host, and comes back to any other."""

from __future__ import annotations

from msgspec.structs import replace

from cellrig.compute.arrivals import Arrivals
from cellrig.compute.disks import disks_of
from cellrig.compute.guests import guest_of, image_of, source_of
from cellrig.compute.host import ComputeHost, power_state_of, state_after
from cellrig.compute.interfaces import unbind_ports
from cellrig.compute.leftovers import Leftovers
from cellrig.context import RequestContext
from cellrig.errors import CellrigError, Conflict, GroupPolicyViolated, NotFound
from cellrig.model import (
    Instance,
    InstanceChanges,
    PowerState,
    Selection,
    ServerGroup,
    TaskState,
    VmState,
)

#: Keys of a shelved server's system metadata, the field's own.
SHELVED_AT = "shelved_at"
SHELVED_IMAGE = "shelved_image_id"
SHELVED_HOST = "shelved_host"
_KEYS = (SHELVED_AT, SHELVED_IMAGE, SHELVED_HOST)


class Shelving:
    """Shelves and unshelves servers on one host.

    Args:
        host: which.
        arrivals: brings guests up here, and lets go of their volumes.
        leftovers: of servers that have left the host.
    """

    def __init__(self, host: ComputeHost, arrivals: Arrivals, leftovers: Leftovers) -> None:
        self._host = host
        self._arrivals = arrivals
        self._leftovers = leftovers

    def shelve_instance(
        self, context: RequestContext, instance_uuid: str, image_id: str | None
    ) -> None:
        """Shut a server down and make an image of its disk; then let it go where that is wanted.

        Args:
            context, instance_uuid: who asks, which server.
            image_id: the image to fill; None of a server that boots from a volume.
        """
        host = self._host
        with host.lock(instance_uuid):
            instance = self._wanted(instance_uuid, TaskState.SHELVING)
            if instance is None:
                return
            try:
                with host.event(context, instance_uuid, "compute_shelve_instance"):
                    self._shelve(instance, image_id)
            except Exception as error:  # noqa: BLE001 - ends as the server's fault
                self._not_shelved(instance, image_id, error)
                return
            if host.options.shelved_offload_time == 0:
                self._offload(context, instance_uuid)

    def _shelve(self, instance: Instance, image_id: str | None) -> None:
        host = self._host
        host.driver.power_off(guest_of(instance))
        if image_id is not None:
            made = host.driver.snapshot(guest_of(instance), image_id)
            host.images.fill(image_id, source_of(made))
        told = {SHELVED_AT: f"{host.runtime.now():.0f}", SHELVED_HOST: host.name}
        if image_id is not None:
            told[SHELVED_IMAGE] = image_id
        at_once = host.options.shelved_offload_time == 0
        then = TaskState.SHELVING_OFFLOADING if at_once else None
        shelved = InstanceChanges(
            vm_state=VmState.SHELVED,
            task_state=then,
            power_state=PowerState.SHUTDOWN,
            system_metadata={**instance.system_metadata, **told},
        )
        host.seams.insist(
            lambda: host.instances.update(instance.uuid, shelved, (TaskState.SHELVING, then)),
            "shelve a server",
        )

    def _not_shelved(self, instance: Instance, image_id: str | None, error: Exception) -> None:
        host = self._host
        if image_id is not None:
            try:
                host.seams.insist(
                    lambda: host.images.finish(image_id, "killed", 0), "give up an image"
                )
            except CellrigError as lost:
                host.seams.handled(lost, "the image stays queued")
        power = power_state_of(host, instance)
        was = state_after(error, instance.vm_state)
        stopped = was == VmState.ACTIVE and power == PowerState.SHUTDOWN
        host.fail(
            instance.uuid,
            error,
            InstanceChanges(
                vm_state=VmState.STOPPED if stopped else was, task_state=None, power_state=power
            ),
            "the server is not shelved",
            (TaskState.SHELVING,),
        )

    def shelve_offload_instance(self, context: RequestContext, instance_uuid: str) -> None:
        """Let a shelved server leave this host."""
        with self._host.lock(instance_uuid):
            self._offload(context, instance_uuid)

    def _offload(self, context: RequestContext, instance_uuid: str) -> None:
        instance = self._wanted(instance_uuid, TaskState.SHELVING_OFFLOADING)
        if instance is not None:
            self.offload_taken(context, instance)

    def offload_taken(self, context: RequestContext, instance: Instance) -> None:
        """Offload a server whose task that is; what fails ends as its fault."""
        host = self._host
        try:
            with host.event(context, instance.uuid, "compute_shelve_offload_instance"):
                self.offload(context, instance)
        except Exception as error:  # noqa: BLE001 - ends as the server's fault
            host.fail(
                instance.uuid,
                error,
                InstanceChanges(task_state=None),
                "the shelved server stays on its host",
                (TaskState.SHELVING_OFFLOADING,),
            )

    def offload(self, context: RequestContext, instance: Instance) -> None:
        """Destroy a shelved server's guest and give back what it holds; twice is harmless."""
        host, insist = self._host, self._host.seams.insist
        uuid = instance.uuid
        mappings = insist(lambda: host.block_devices.of_instance(uuid), "see its volumes")
        with self._arrivals.section(context, mappings):
            host.undo(
                lambda: host.driver.destroy(guest_of(instance), disks_of(mappings)),
                "destroy a guest",
            )
            try:
                self._arrivals.let_go(context, instance, mappings)
                unbind_ports(host, context, instance)
                host.release(uuid)
            except CellrigError as error:
                host.seams.handled(error, "its guest is gone: the periodic work goes on")
                return
        changes = InstanceChanges(
            vm_state=VmState.SHELVED_OFFLOADED,
            task_state=None,
            power_state=PowerState.NOSTATE,
            host=None,
            node=None,
        )
        try:
            insist(
                lambda: host.instances.update(uuid, changes, (TaskState.SHELVING_OFFLOADING, None)),
                "let a server go",
            )
        except (Conflict, NotFound) as error:
            host.seams.handled(error, "the user deletes the server")

    def _wanted(self, instance_uuid: str, task: TaskState) -> Instance | None:
        """Return a server that is in `task`; None where the message is out of date."""
        host = self._host
        try:
            instance = host.seams.insist(
                lambda: host.instances.get(instance_uuid), "see what is asked"
            )
        except CellrigError as error:
            host.seams.handled(error, "the server is left to the periodic work")
            return None
        return None if instance.deleted or instance.task_state != task else instance

    # -- back again ------------------------------------------------------------------------------

    def unshelve_instance(
        self,
        context: RequestContext,
        instance_uuid: str,
        selection: Selection,
        group: ServerGroup | None,
    ) -> None:
        """Bring an offloaded server up here; its resources are claimed."""
        host = self._host
        with host.lock(instance_uuid):
            instance = self._wanted(instance_uuid, TaskState.UNSHELVING)
            if instance is None:
                self._drop_of_deleted(instance_uuid)
            if instance is None or instance.host is not None:
                return
            try:
                taken = host.instances.take_shelved(
                    instance_uuid,
                    host.name,
                    selection.node,
                    selection.availability_zone,
                    group,
                )
                if taken.host is None and group is not None:
                    raise GroupPolicyViolated(instance_uuid, host.name, group.policy, group.uuid)
                with host.event(context, instance_uuid, "compute_unshelve_instance"):
                    self._leftovers.clean_up_before(instance_uuid)
                    self._unshelve(context, taken)
            except Exception as error:  # noqa: BLE001 - the server stays shelved
                self.give_up(context, instance_uuid, error)

    def _drop_of_deleted(self, instance_uuid: str) -> None:
        """Drop what was claimed for a server after its deletion had given everything back."""
        host = self._host
        try:
            instance = host.seams.insist(
                lambda: host.instances.get(instance_uuid), "see what became of the server"
            )
            if instance.deleted:
                host.release(instance_uuid)
        except CellrigError as error:
            host.seams.handled(error, "the periodic work gives it back")

    def unshelve_here(self, context: RequestContext, instance_uuid: str) -> None:
        """Power a shelved server on that has not left this host; it was shut down, no more."""
        host = self._host
        with host.lock(instance_uuid):
            instance = self._wanted(instance_uuid, TaskState.UNSHELVING)
            if instance is None or instance.host != host.name:
                return
            try:
                with host.event(context, instance_uuid, "compute_unshelve_instance"):
                    host.driver.power_on(guest_of(instance))
                    self._back(instance)
            except Exception as error:  # noqa: BLE001 - ends as the server's fault
                host.fail(
                    instance_uuid,
                    error,
                    InstanceChanges(task_state=None, power_state=power_state_of(host, instance)),
                    "the server stays shelved",
                    (TaskState.UNSHELVING,),
                )

    def _unshelve(self, context: RequestContext, instance: Instance) -> None:
        host = self._host
        image_id = instance.system_metadata.get(SHELVED_IMAGE)
        image = None if image_id is None else image_of(host.images.get(image_id))

        def define(arrival: Arrivals.Arrival) -> None:
            host.driver.spawn(guest_of(instance), image, arrival.disks, arrival.devices)

        mappings = host.block_devices.of_instance(instance.uuid)
        self._arrivals.bring_up(context, instance, mappings, define)
        self._back(instance)

    def _back(self, instance: Instance) -> None:
        """Record that a server is no more shelved, and delete its image."""
        host = self._host
        image_id = instance.system_metadata.get(SHELVED_IMAGE)
        kept = {key: v for key, v in instance.system_metadata.items() if key not in _KEYS}
        back = InstanceChanges(
            vm_state=VmState.ACTIVE,
            task_state=None,
            power_state=host.driver.get_guest(instance.uuid).power_state,
            launched_at=host.runtime.now(),
            system_metadata=kept,
        )
        host.seams.insist(
            lambda: host.instances.update(instance.uuid, back, (TaskState.UNSHELVING, None)),
            "bring a server back",
        )
        if image_id is not None:
            self._delete_image(image_id)

    def _delete_image(self, image_id: str) -> None:
        host = self._host
        try:
            host.images.delete(image_id)
        except CellrigError as error:
            host.seams.handled(error, "the image of a server that is back stays")

    def give_up(self, context: RequestContext, instance_uuid: str, error: Exception) -> None:
        """Let a server be shelved again that could not be brought up here."""
        host, insist = self._host, self._host.seams.insist
        try:
            instance = insist(
                lambda: host.instances.get(instance_uuid), "see what became of the server"
            )
            if instance.vm_state == VmState.ACTIVE or instance.deleted:
                host.seams.handled(error, "the server is back all the same, or deleted")
                return
            if instance.host not in (None, host.name):
                host.seams.handled(error, "another host has taken the server")
                return
            here = replace(instance, host=host.name)
            mappings = insist(
                lambda: host.block_devices.of_instance(instance_uuid), "see its volumes"
            )
            with self._arrivals.section(context, mappings):
                try:
                    host.undo(
                        lambda: host.driver.destroy(guest_of(here), disks_of(mappings)),
                        "destroy a guest",
                    )
                except Exception as lost:  # noqa: BLE001 - the periodic clean-up finds the guest
                    host.seams.handled(lost, "the guest is left to the periodic clean-up")
                self._arrivals.let_go(context, instance, mappings)
            unbind_ports(host, context, instance)
            host.release(instance_uuid)
        except CellrigError as lost:
            host.seams.handled(lost, "the server is left to the periodic work")
            host.seams.handled(error, "the server is left to the periodic work")
            return
        host.fail(
            instance_uuid,
            error,
            InstanceChanges(host=None, node=None, task_state=None, power_state=PowerState.NOSTATE),
            "the server stays shelved",
            (TaskState.UNSHELVING,),
        )
