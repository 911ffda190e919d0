"""What a host's compute service answers over the bus."""

from __future__ import annotations

from typing import Protocol

from cellrig.bus import cast
from cellrig.context import RequestContext
from cellrig.driver.reports import HostState
from cellrig.driver.values import MigrateData
from cellrig.model import (
    BlockDeviceMapping,
    Build,
    Instance,
    Migration,
    Move,
    NetworkInterface,
    Selection,
    ServerGroup,
)


class ComputeService(Protocol):
    """A compute manager. The API waits for none of its hosts but for a console's output.

    The super-conductor does where it needs what comes of it: of a live migration before it begins,
    and of each step of a move between cells, whose hosts do not know of each other.
    """

    @cast
    def build_and_run_instance(self, context: RequestContext, build: Build) -> None:
        """Build a server here, or hand it back to the cell's conductor."""

    @cast
    def terminate_instance(self, context: RequestContext, instance_uuid: str) -> None:
        """Destroy a server's guest, give back its resources, mark it deleted."""

    @cast
    def start_instance(self, context: RequestContext, instance_uuid: str) -> None:
        """Power a stopped server on."""

    @cast
    def stop_instance(self, context: RequestContext, instance_uuid: str) -> None:
        """Power a server off."""

    @cast
    def reboot_instance(self, context: RequestContext, instance_uuid: str, kind: str) -> None:
        """Reboot a server; kind is SOFT or HARD."""

    @cast
    def pause_instance(self, context: RequestContext, instance_uuid: str) -> None:
        """Pause a server in memory."""

    @cast
    def unpause_instance(self, context: RequestContext, instance_uuid: str) -> None:
        """Let a paused server go on."""

    @cast
    def suspend_instance(self, context: RequestContext, instance_uuid: str) -> None:
        """Suspend a server to disk."""

    @cast
    def resume_instance(self, context: RequestContext, instance_uuid: str) -> None:
        """Bring a suspended server back."""

    @cast
    def rebuild_instance(self, context: RequestContext, instance_uuid: str, image_id: str) -> None:
        """Build a server anew from an image, on the host where it is."""

    @cast
    def rescue_instance(self, context: RequestContext, instance_uuid: str, image_id: str) -> None:
        """Boot a server from a rescue image."""

    @cast
    def unrescue_instance(self, context: RequestContext, instance_uuid: str) -> None:
        """Boot a rescued server from its own disk again."""

    @cast
    def snapshot_instance(self, context: RequestContext, instance_uuid: str, image_id: str) -> None:
        """Fill an image, which exists and is queued, from a server's disk."""

    @cast
    def attach_volume(self, context: RequestContext, instance_uuid: str, mapping_uuid: str) -> None:
        """Give a server the volume of a block device mapping, which is reserved for it."""

    @cast
    def detach_volume(self, context: RequestContext, instance_uuid: str, mapping_uuid: str) -> None:
        """Take the volume of a block device mapping, which is detaching, from a server."""

    def attach_interface(
        self, context: RequestContext, instance_uuid: str, interface: NetworkInterface
    ) -> None:
        """Give a server an interface whose port has been taken for it.

        Raises:
            CellrigError: it has not got it, and the port has been given back.
        """

    @cast
    def detach_interface(self, context: RequestContext, instance_uuid: str, port_id: str) -> None:
        """Take an interface from a server, and give its port back."""

    @cast
    def swap_volume(
        self,
        context: RequestContext,
        instance_uuid: str,
        mapping_uuid: str,
        new_volume_id: str,
        new_attachment_id: str,
    ) -> None:
        """Copy the volume of a mapping onto another, reserved one; the server goes on with that."""

    @cast
    def extend_volume(
        self, context: RequestContext, instance_uuid: str, mapping_uuid: str, size: int
    ) -> None:
        """Let a server see that the volume of a mapping has grown to `size` GiB."""

    @cast
    def prep_resize(self, context: RequestContext, move: Move) -> None:
        """At a destination: take a server that moves here, or let the conductor try the next."""

    @cast
    def resize_instance(self, context: RequestContext, move: Move) -> None:
        """At the source: shut a server's guest down and send it to `move.selection`."""

    @cast
    def finish_resize(
        self, context: RequestContext, instance_uuid: str, migration_uuid: str
    ) -> None:
        """At the destination: bring up the guest that its source has sent."""

    @cast
    def confirm_resize(
        self, context: RequestContext, instance_uuid: str, migration_uuid: str
    ) -> None:
        """At the source: erase what was kept of a server that has moved."""

    @cast
    def revert_resize(
        self, context: RequestContext, instance_uuid: str, migration_uuid: str
    ) -> None:
        """At the destination: send a server back to its source."""

    @cast
    def finish_revert_resize(
        self, context: RequestContext, instance_uuid: str, migration_uuid: str, reason: str | None
    ) -> None:
        """At the source: bring up again a server that was sent back; None: the user asked."""

    @cast
    def forget_moved(
        self, context: RequestContext, instance_uuid: str, migration_uuid: str
    ) -> None:
        """Clean up after a move of a server that another host deletes.

        A source erases what it has kept of it, the destination of a live migration gives back what
        it has prepared.
        """

    def prep_arrival(self, context: RequestContext, move: Move) -> None:
        """At a destination in another cell: see whether a server may come.

        Raises:
            MigrationError: the driver cannot take it.
            GroupPolicyViolated: it may not be beside its group's members.
        """

    def leave_cell(self, context: RequestContext, move: Move) -> None:
        """At the source: shut a guest down for a move to another cell, its disk in an image.

        What comes of it stands in the move's record: a move that fails is taken back here.
        """

    def arrive_from_cell(
        self, context: RequestContext, instance_uuid: str, migration_uuid: str
    ) -> str | None:
        """At the destination in another cell: bring up a guest that has been carried here.

        Returns:
            Why it is sent back; None where it is not.
        """

    def leave_cell_again(
        self, context: RequestContext, instance_uuid: str, migration_uuid: str
    ) -> None:
        """At the destination in another cell: let a server go that is brought back."""

    def erase_departed(
        self, context: RequestContext, instance: Instance, migration: Migration
    ) -> bool:
        """At the source: erase what was kept of a server that is in another cell for good.

        False where the hypervisor fails to. The move's record is in that other cell, out of the
        host's reach: the caller notes there that it has to be tried again.
        """

    @cast
    def live_migration(
        self, context: RequestContext, instance_uuid: str, migration_uuid: str
    ) -> None:
        """At the source: move a running server to its destination, which has been checked."""

    @cast
    def live_migration_abort(
        self, context: RequestContext, instance_uuid: str, migration_uuid: str
    ) -> None:
        """At the source: end a live migration; the server stays."""

    @cast
    def live_migration_force_complete(
        self, context: RequestContext, instance_uuid: str, migration_uuid: str
    ) -> None:
        """At the source: let a live migration end now, though the guest stops for it."""

    @cast
    def post_live_migration_at_destination(
        self, context: RequestContext, instance_uuid: str, migration_uuid: str
    ) -> None:
        """At the destination: end the move of a guest that has arrived."""

    @cast
    def rollback_live_migration(
        self, context: RequestContext, instance_uuid: str, migration_uuid: str, cancelled: bool
    ) -> None:
        """At the destination: give back what was prepared for a guest that stays."""

    @cast
    def evacuate_instance(self, context: RequestContext, move: Move) -> None:
        """Build a server here whose host is dead."""

    @cast
    def clean_up_evacuated(self, context: RequestContext) -> None:
        """Destroy what this host still runs of servers that have been evacuated from it."""

    @cast
    def shelve_instance(
        self, context: RequestContext, instance_uuid: str, image_id: str | None
    ) -> None:
        """Shut a server down and fill an image from its disk; None: it boots from a volume."""

    @cast
    def shelve_offload_instance(self, context: RequestContext, instance_uuid: str) -> None:
        """Let a shelved server leave its host."""

    @cast
    def unshelve_here(self, context: RequestContext, instance_uuid: str) -> None:
        """Power a shelved server on that has not left this host."""

    @cast
    def unshelve_instance(
        self,
        context: RequestContext,
        instance_uuid: str,
        selection: Selection,
        group: ServerGroup | None,
    ) -> None:
        """Bring an offloaded server up here; its resources are claimed.

        Args:
            context, instance_uuid: under which, which server.
            selection: this host, as it was chosen.
            group: the server's, as it was then.
        """

    def get_host_state(self, context: RequestContext, node: str) -> HostState:
        """Return what the hypervisor says of a node."""

    def check_can_live_migrate_destination(
        self,
        context: RequestContext,
        instance: Instance,
        mappings: tuple[BlockDeviceMapping, ...],
        node: str,
        source_state: HostState,
        block_migration: bool | None,
    ) -> MigrateData:
        """At the destination: ask both drivers whether a guest can come."""

    def check_can_live_migrate_source(
        self,
        context: RequestContext,
        instance: Instance,
        mappings: tuple[BlockDeviceMapping, ...],
        data: MigrateData,
    ) -> MigrateData:
        """At the source: ask the driver whether a guest can go."""

    def pre_live_migration(
        self, context: RequestContext, instance_uuid: str, migration_uuid: str
    ) -> MigrateData:
        """At the destination: set aside all that a guest will need there."""

    def get_console_output(self, context: RequestContext, instance_uuid: str) -> str:
        """Return what the guest wrote to its console."""
