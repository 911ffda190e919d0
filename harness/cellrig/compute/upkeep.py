"""What a compute service does again and again: agree with the hypervisor and with placement."""

from __future__ import annotations

from collections.abc import Container, Iterable

from cellrig.compute.guests import guest_of
from cellrig.compute.healing import lost_allocations
from cellrig.compute.host import ComputeHost
from cellrig.compute.recovery import STATE_OF_POWER, holds_nothing
from cellrig.driver.reports import GuestInfo
from cellrig.driver.values import Guest
from cellrig.errors import CellrigError
from cellrig.model import Instance, InstanceChanges, PowerState, TaskState, VmState
from cellrig.placement.types import AllocationsWrite

#: Seconds after which a build that has not moved is stuck (the field's instance_build_timeout).
BUILD_TIMEOUT = 1800.0

#: States whose guest's power may change behind our back and is then followed.
_FOLLOWED = (VmState.ACTIVE, VmState.STOPPED, VmState.PAUSED, VmState.SUSPENDED)


class BuildStuck(CellrigError):
    """A build has not moved for too long."""

    template = "the build did not move for {0:g} s on host {1}"


class Upkeep:
    """The periodic work on one host's servers.

    Args:
        host: whose.
    """

    def __init__(self, host: ComputeHost) -> None:
        self._host = host

    def sync_power_states(self) -> None:
        """Let every server that no task works on be what its guest is.

        A server that was stopped and whose guest runs is stopped again: nobody asked for it.
        """
        guests = {info.uuid: info for info in self._host.driver.list_guests()}
        for instance in self._host.instances.all_on_host(self._host.name):
            if instance.task_state is None and instance.vm_state in _FOLLOWED:
                self.sync_one(instance.uuid, guests.get(instance.uuid))

    def sync_one(self, instance_uuid: str, info: GuestInfo | None) -> None:
        """Let one server be what its guest is.

        Args:
            instance_uuid: the server.
            info: its guest; None where the hypervisor has none.
        """
        host = self._host
        power = PowerState.NOSTATE if info is None else info.power_state
        with host.lock(instance_uuid):
            try:
                instance = host.instances.get(instance_uuid)
                if instance.host != host.name or instance.task_state is not None:
                    return
                state = STATE_OF_POWER[power]
                as_recorded = (instance.vm_state, instance.power_state) == (state, power)
                if instance.vm_state not in _FOLLOWED or as_recorded:
                    return
                if instance.vm_state == VmState.STOPPED and state == VmState.ACTIVE:
                    host.driver.power_off(guest_of(instance))
                    return
                host.instances.update(
                    instance_uuid,
                    InstanceChanges(vm_state=state, power_state=power),
                    expected_task_states=(None,),
                    expected_host=host.name,
                )
            except CellrigError as error:
                # Most often it is being worked on. It must not keep the others from their turn.
                host.seams.handled(error, "the next round sees the server again")

    def remove_orphans(self) -> None:
        """Destroy guests whose servers are deleted, in ERROR without a host, or elsewhere."""
        host = self._host
        guests = host.driver.list_guests()
        known = {
            instance.uuid: instance
            for instance in host.instances.all_by_uuid([info.uuid for info in guests])
        }
        for info in guests:
            instance = known.get(info.uuid)
            if instance is not None and _is_elsewhere(instance, host.name):
                self._remove(info, instance)

    def _remove(self, info: GuestInfo, instance: Instance) -> None:
        driver = self._host.driver
        with self._host.lock(info.uuid):
            try:
                # Where storage is shared, the disks are those that the server has elsewhere.
                keeps = instance.host is not None and not instance.deleted
                shared = keeps and driver.get_host_state(info.node).shared_storage
                driver.destroy(_as_guest(info), (), destroy_disks=not shared)
            except CellrigError as error:
                self._host.seams.handled(error, "the guest stays until the next round")

    def heal_allocations(self, here: Iterable[Instance], held: Container[str]) -> None:
        """Claim again what servers of this host have lost.

        Args:
            here: the servers that the database places on this host.
            held: the consumers that hold something here.
        """
        for instance in here:
            if instance.uuid not in held and instance.task_state is None:
                self._claim_again(instance)

    def _claim_again(self, instance: Instance) -> None:
        host = self._host
        if instance.vm_state == VmState.ERROR and instance.node is None:
            return
        node = next(
            node
            for node in host.hosts.nodes_of_host(host.name)
            if node.hypervisor_hostname == instance.node
        )
        with host.lock(instance.uuid):
            if host.instances.get(instance.uuid) != instance:
                return  # it is being worked on, or deleted: the next round sees it
            try:
                write = AllocationsWrite(
                    allocations=lost_allocations(instance, node, host.placement, host.driver),
                    project_id=instance.project_id,
                    user_id=instance.user_id,
                    consumer_generation=None,
                )
                host.placement.put_allocations(instance.uuid, write)
            except CellrigError as error:
                host.seams.handled(error, "the allocation stays missing until the next round")

    def end_stuck_builds(self, here: Iterable[Instance]) -> None:
        """Let builds that have not moved for `BUILD_TIMEOUT` end in ERROR.

        What they hold stays with them until the hypervisor answers: it may still make the guest.

        Args:
            here: the servers that the database places on this host.
        """
        host = self._host
        limit = host.runtime.now() - BUILD_TIMEOUT
        for instance in here:
            if instance.vm_state == VmState.BUILDING and instance.updated_at < limit:
                host.fail(
                    instance.uuid,
                    BuildStuck(BUILD_TIMEOUT, host.name),
                    InstanceChanges(vm_state=VmState.ERROR, task_state=None),
                    "the build is given up, the server is in ERROR",
                    expected_task_states=(TaskState.SPAWNING,),
                )


def _is_elsewhere(instance: Instance, host: str) -> bool:
    if holds_nothing(instance):
        return True
    return instance.host not in (None, host) and instance.task_state is None


def _as_guest(info: GuestInfo) -> Guest:
    return Guest(
        uuid=info.uuid,
        name=info.name,
        node=info.node,
        memory_mb=info.memory_mb,
        vcpus=info.vcpus,
    )
