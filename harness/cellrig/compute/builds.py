"""Building a server on a host: take it, spawn its guest, or hand it back with nothing left."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from cellrig.compute.boot_volumes import BootVolumes
from cellrig.compute.connections import Connections
from cellrig.compute.disks import disks_of
from cellrig.compute.guests import guest_of, image_of
from cellrig.compute.host import ComputeHost, explain
from cellrig.compute.interfaces import bind_ports, devices_for, note_functions, unbind_ports
from cellrig.context import RequestContext
from cellrig.driver.errors import BuildAbort
from cellrig.driver.values import Device, Image
from cellrig.errors import CellrigError, Conflict, GroupPolicyViolated, NotFound
from cellrig.model import (
    Build,
    Instance,
    InstanceChanges,
    PowerState,
    ServerGroup,
    TaskState,
    VmState,
)
from cellrig.placement.types import ConsumerAllocations

EVENT = "compute__do_build_and_run_instance"


class Builder:
    """Builds servers on one host.

    Args:
        host: where.
        connections: of the host.
        boot_volumes: the volumes that servers begin with.
    """

    def __init__(
        self, host: ComputeHost, connections: Connections, boot_volumes: BootVolumes
    ) -> None:
        self._host = host
        self._connections = connections
        self._boot_volumes = boot_volumes

    def build(self, context: RequestContext, build: Build) -> None:
        """Build a server; see `ComputeService.build_and_run_instance`."""
        with self._host.lock(build.instance_uuid):
            try:
                held = self._held(build)
                instance = self._take(build) if held is not None else None
                if instance is None or held is None:
                    return
                with self._host.event(context, build.instance_uuid, EVENT):
                    self._check_group(instance, build.group)
                    self._spawn(context, build, instance, held)
            except Exception as error:  # noqa: BLE001 - each ends in another host or in ERROR
                self._end(context, build, error)

    def _held(self, build: Build) -> ConsumerAllocations | None:
        """Return the claim that the build comes with; None when the message is out of date."""
        held = self._host.placement.get_allocations(build.instance_uuid)
        if held is None or not set(build.selection.allocations) <= set(held.allocations):
            return None
        return held

    def _take(self, build: Build) -> Instance | None:
        """Let the server be on this host; None when the user has deleted it, or it is taken."""
        host = self._host
        try:
            return host.instances.take(
                build.instance_uuid,
                host.name,
                build.selection.node,
                build.selection.availability_zone,
                build.group,
            )
        except NotFound as error:
            host.seams.handled(error, "the user has deleted the server")
            host.release(build.instance_uuid)
        except Conflict as error:
            host.seams.handled(error, "somebody else goes on with the server, or it is ours")
            return self._taken_already(build.instance_uuid)
        return None

    def _taken_already(self, instance_uuid: str) -> Instance | None:
        """Return a server that this host has taken, where the answer to that was lost.

        The claim is given back where the server has ended before: in ERROR, or by the user.
        """
        instance = self._host.instances.get(instance_uuid)
        if instance.host == self._host.name and instance.task_state == TaskState.SPAWNING:
            return instance
        ended = instance.vm_state == VmState.ERROR or instance.task_state == TaskState.DELETING
        if instance.host is None and ended:
            self._host.release(instance_uuid)
        return None

    def _check_group(self, instance: Instance, group: ServerGroup | None) -> None:
        """Refuse a server that landed where its group's policy does not allow it.

        Members may have landed since the scheduler looked; `InstanceStore.take` has looked again.
        """
        if instance.node is None and group is not None:
            raise GroupPolicyViolated(instance.uuid, self._host.name, group.policy, group.uuid)

    def _spawn(
        self, context: RequestContext, build: Build, instance: Instance, held: ConsumerAllocations
    ) -> None:
        host = self._host
        found = host.images.get(instance.image_id) if instance.image_id else None
        image = image_of(found) if found else None
        devices = devices_for(instance, held, host.placement.get_provider_tree)
        bind_ports(host, context, instance)
        if build.has_volumes:
            self._spawn_with_volumes(context, instance, image, devices)
        else:
            host.driver.spawn(guest_of(instance), image, (), devices)
        note_functions(host, context, instance)
        self._finish(context, instance)

    def _spawn_with_volumes(
        self,
        context: RequestContext,
        instance: Instance,
        image: Image | None,
        devices: Sequence[Device],
    ) -> None:
        host, volumes = self._host, self._boot_volumes
        mappings = [
            volumes.reserve(context, instance, mapping)
            for mapping in host.block_devices.of_instance(instance.uuid)
        ]
        with self._connections.section(context, mappings):
            disks = [volumes.connect(context, instance, mapping) for mapping in mappings]
            host.driver.spawn(guest_of(instance), image, disks, devices)
            for mapping in mappings:
                self._connections.complete(context, mapping)

    def _finish(self, context: RequestContext, instance: Instance) -> None:
        """Record that the server is built, unless it has ended meanwhile."""
        host = self._host
        info = host.driver.get_guest(instance.uuid)
        try:
            host.instances.update(
                instance.uuid,
                InstanceChanges(
                    vm_state=VmState.ACTIVE,
                    task_state=None,
                    power_state=info.power_state,
                    launched_at=host.runtime.now(),
                ),
                expected_task_states=(TaskState.SPAWNING,),
                expected_host=host.name,
            )
        except (Conflict, NotFound) as error:
            host.seams.handled(error, "the server has ended meanwhile, or the user deletes it")
            self._unwanted(context, instance.uuid)
            return
        host.hosts.build_succeeded(host.name)

    def _unwanted(self, context: RequestContext, instance_uuid: str) -> None:
        """Let nothing be left of a server that has ended while it was being built.

        Where the user deletes it, the order to do so waits for this host's lock on it.
        """
        instance = self._host.instances.get(instance_uuid)
        if instance.deleted or instance.vm_state == VmState.ERROR:
            self._remove_guest(context, instance)
            self._leave(context, instance)

    def _leave(self, context: RequestContext, instance: Instance) -> None:
        """Give back what the server holds here; one in ERROR is on no host from now on."""
        host = self._host
        unbind_ports(host, context, instance)
        host.release(instance.uuid)
        if instance.deleted or instance.vm_state != VmState.ERROR:
            return
        nowhere = InstanceChanges(host=None, node=None, power_state=PowerState.NOSTATE)
        try:
            host.instances.update(instance.uuid, nowhere, expected_host=host.name)
        except (Conflict, NotFound) as error:
            host.seams.handled(error, "the server has left already")

    def _end(self, context: RequestContext, build: Build, error: Exception) -> None:
        """End a failed build; where even that fails, the periodic work ends it later."""
        try:
            self._failed(context, build, error)
        except CellrigError as lost:
            self._host.seams.handled(lost, "the failed build is left to the periodic work")
            self._host.seams.handled(error, "the failed build is left to the periodic work")

    def _failed(self, context: RequestContext, build: Build, error: Exception) -> None:
        """Leave nothing of the server on this host, and let it go on or end."""
        host = self._host
        instance = host.seams.insist(
            lambda: host.instances.get(build.instance_uuid), "see what became of the server"
        )
        if instance.vm_state == VmState.ACTIVE and instance.task_state is None:
            host.seams.handled(error, "the server was built all the same")
            return
        if instance.host != host.name:
            self._failed_before_taking(context, build, instance, error)
            return
        self._remove_guest(context, instance)
        self._leave(context, instance)
        if instance.task_state != TaskState.SPAWNING:
            host.seams.handled(error, "the server has ended meanwhile, or the user deletes it")
            return
        try:
            host.hosts.build_failed(host.name)
        except CellrigError as uncounted:
            host.seams.handled(uncounted, "the failed build is not counted")
        if isinstance(error, CellrigError) and not isinstance(error, BuildAbort):
            self._hand_back(context, build, error)
        else:
            self._give_up(build, error)

    def _failed_before_taking(
        self, context: RequestContext, build: Build, instance: Instance, error: Exception
    ) -> None:
        """End a build that failed before the server's record named this host."""
        if instance.vm_state == VmState.BUILDING and instance.host is None:
            self._host.release(instance.uuid)
            self._give_up(build, error)
        else:
            self._host.seams.handled(error, "somebody else goes on with the server")

    def _remove_guest(self, context: RequestContext, instance: Instance) -> None:
        host = self._host
        mappings = host.seams.insist(
            lambda: host.block_devices.of_instance(instance.uuid), "see its volumes"
        )
        with self._connections.section(context, mappings):
            try:
                host.driver.destroy(guest_of(instance), disks_of(mappings))
            except Exception as error:  # noqa: BLE001 - the periodic clean-up finds the guest
                host.seams.handled(error, "the guest is left to the periodic clean-up")
            if not instance.deleted:
                self._boot_volumes.give_up_here(context, instance, mappings)

    def _hand_back(self, context: RequestContext, build: Build, error: CellrigError) -> None:
        host = self._host
        failed = msgspec.structs.replace(
            build, failures={**build.failures, host.name: explain(error)}
        )
        host.seams.insist(
            lambda: host.conductor.build_instances(context, failed), "hand the build back"
        )
        host.seams.handled(error, "the cell's conductor tries the next host")

    def _give_up(self, build: Build, error: Exception) -> None:
        self._host.fail(
            build.instance_uuid,
            error,
            InstanceChanges(vm_state=VmState.ERROR, task_state=None, host=None, node=None),
            "the build is given up, the server is in ERROR",
        )
