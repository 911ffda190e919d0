"""What a compute service does again and again: agree with the hypervisor and with placement."""

from __future__ import annotations

from cellrig.compute.guests import guest_of
from cellrig.compute.host import ComputeHost
from cellrig.compute.recovery import STATE_OF_POWER
from cellrig.driver.reports import GuestInfo
from cellrig.driver.values import Guest
from cellrig.errors import CellrigError, Conflict, NotFound
from cellrig.model import Instance, InstanceChanges, InstanceFault, PowerState, VmState
from cellrig.placement.types import AllocationsWrite, ConsumerAllocations
from cellrig.scheduler.resource_request import resources_of

#: Seconds after which a build that has not moved is stuck (the field's instance_build_timeout).
BUILD_TIMEOUT = 1800.0

#: States whose guest's power may change behind our back and is then followed.
_FOLLOWED = (VmState.ACTIVE, VmState.STOPPED, VmState.PAUSED, VmState.SUSPENDED)


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
                if instance.vm_state not in _FOLLOWED or instance.power_state == power:
                    return
                state = STATE_OF_POWER[power]
                if instance.vm_state == VmState.STOPPED and state == VmState.ACTIVE:
                    host.driver.power_off(guest_of(instance))
                    return
                host.instances.update(
                    instance_uuid,
                    InstanceChanges(vm_state=state, power_state=power),
                    expected_task_states=(None,),
                    expected_host=host.name,
                )
            except (Conflict, NotFound) as error:
                host.seams.handled(error, "the server is being worked on: the next round sees it")

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
                with host.lock(info.uuid):
                    host.driver.destroy(_as_guest(info), ())

    def heal_allocations(self) -> None:
        """Give back what servers hold here that are gone, and claim again what is missing."""
        host = self._host
        here = {i.uuid: i for i in host.instances.all_on_host(host.name)}
        held: dict[str, ConsumerAllocations] = {}
        for node in host.hosts.nodes_of_host(host.name):
            for consumer in host.placement.get_provider_allocations(node.uuid):
                held[consumer.consumer_uuid] = consumer
        strangers = {i.uuid: i for i in host.instances.all_by_uuid(sorted(set(held) - set(here)))}
        for uuid, instance in strangers.items():
            if _holds_nothing(instance):
                with host.lock(uuid):
                    host.release(uuid)
        for uuid, instance in here.items():
            if uuid not in held and instance.task_state is None and not instance.deleted:
                self._claim_again(instance)

    def _claim_again(self, instance: Instance) -> None:
        host = self._host
        node = next(
            node
            for node in host.hosts.nodes_of_host(host.name)
            if node.hypervisor_hostname == instance.node
        )
        write = AllocationsWrite(
            allocations={node.uuid: resources_of(instance.flavor)},
            project_id=instance.project_id,
            user_id=instance.user_id,
            consumer_generation=None,
        )
        with host.lock(instance.uuid):
            try:
                host.placement.put_allocations(instance.uuid, write)
            except CellrigError as error:
                host.seams.handled(error, "the allocation stays missing until the next round")

    def end_stuck_builds(self) -> None:
        """Let builds that have not moved for `BUILD_TIMEOUT` end in ERROR."""
        host = self._host
        limit = host.runtime.now() - BUILD_TIMEOUT
        for instance in host.instances.all_on_host(host.name):
            if instance.vm_state == VmState.BUILDING and instance.updated_at < limit:
                fault = InstanceFault(
                    instance.uuid,
                    500,
                    f"the build did not move for {BUILD_TIMEOUT:g} s on host {host.name}",
                    "",
                    host.name,
                    host.runtime.now(),
                )
                host.instances.update(
                    instance.uuid, InstanceChanges(vm_state=VmState.ERROR, task_state=None)
                )
                host.instances.add_fault(fault)


def _is_elsewhere(instance: Instance, host: str) -> bool:
    if instance.deleted or _holds_nothing(instance):
        return True
    return instance.host not in (None, host) and instance.task_state is None


def _holds_nothing(instance: Instance) -> bool:
    return instance.deleted or (
        instance.host is None and instance.vm_state == VmState.ERROR and instance.task_state is None
    )


def _as_guest(info: GuestInfo) -> Guest:
    return Guest(
        uuid=info.uuid,
        name=info.name,
        node=info.node,
        memory_mb=info.memory_mb,
        vcpus=info.vcpus,
    )
