"""Deleting a server on its host: the guest, its volumes, what it holds, its record."""

from __future__ import annotations

from msgspec import UNSET

from cellrig.compute.connections import Connections
from cellrig.compute.disks import disks_of
from cellrig.compute.guests import guest_of
from cellrig.compute.host import ComputeHost, power_state_of
from cellrig.compute.interfaces import release_ports
from cellrig.compute.leftovers import Leftovers
from cellrig.compute.live_moves import LiveMoves
from cellrig.compute.volume_deletion import delete_volumes
from cellrig.context import RequestContext
from cellrig.errors import CellrigError
from cellrig.model import BlockDeviceMapping, Instance, InstanceChanges, VmState


class Deletion:
    """Deletes servers of one host.

    Args:
        host: where.
        connections, leftovers, live_moves: of the host.
    """

    def __init__(
        self,
        host: ComputeHost,
        connections: Connections,
        leftovers: Leftovers,
        live_moves: LiveMoves,
    ) -> None:
        self._host = host
        self._connections = connections
        self._leftovers = leftovers
        self._live_moves = live_moves

    def terminate(self, context: RequestContext, instance_uuid: str) -> None:
        """Destroy the guest, free its volumes, give back what it holds, mark the record deleted.

        In this order, so a crash in between leaves a record that says that it is being deleted, on
        this host, and the restarted service goes on from there. All of it may be done twice.
        """
        host = self._host
        self._live_moves.break_off(context, instance_uuid)
        with host.lock(instance_uuid):
            instance = None
            has_left = False
            try:
                instance = host.instances.get(instance_uuid)
                if instance.host not in (None, host.name):
                    self._follow(context, instance)
                elif not instance.deleted:
                    with host.event(context, instance_uuid, "compute_terminate_instance"):
                        mappings = host.block_devices.of_instance(instance_uuid)
                        self._destroy_guest(context, instance, mappings)
                        self._leftovers.end_moves(context, instance)
                        release_ports(host, context, instance)
                        host.release(instance_uuid)
                        has_left = True
                        delete_volumes(context, host.volumes, host.seams, mappings)
                        self._destroy_record(instance_uuid, mappings)
            except Exception as error:  # noqa: BLE001 - ends as the server's fault
                host.fail(
                    instance_uuid,
                    error,
                    InstanceChanges(
                        vm_state=VmState.ERROR,
                        task_state=None,
                        power_state=UNSET if instance is None else power_state_of(host, instance),
                        host=None if has_left else UNSET,
                        node=None if has_left else UNSET,
                    ),
                    "the deletion failed, the server is in ERROR",
                )

    def _follow(self, context: RequestContext, instance: Instance) -> None:
        """Let the host delete a server that has moved there since its user asked."""
        compute = self._host.compute(str(instance.host))
        self._host.seams.insist(
            lambda: compute.terminate_instance(context, instance.uuid), "follow a server"
        )

    def _destroy_guest(
        self, context: RequestContext, instance: Instance, mappings: list[BlockDeviceMapping]
    ) -> None:
        """Destroy the guest and end its attachments; one that fails does not keep the others."""
        failures: list[CellrigError] = []
        with self._connections.section(context, mappings):
            self._host.driver.destroy(guest_of(instance), disks_of(mappings))
            for mapping in mappings:
                try:
                    self._connections.release(context, mapping.attachment_id)
                except CellrigError as error:
                    self._host.seams.handled(error, "the other attachments are ended first")
                    failures.append(error)
        if failures:
            raise failures[0]

    def _destroy_record(self, instance_uuid: str, mappings: list[BlockDeviceMapping]) -> None:
        host = self._host
        if mappings:
            host.seams.insist(
                lambda: host.block_devices.destroy_all(instance_uuid), "forget its volumes"
            )
        host.seams.insist(lambda: host.instances.destroy(instance_uuid), "mark it deleted")
