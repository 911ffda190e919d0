"""What a host's compute service answers over the bus."""

from __future__ import annotations

from typing import Protocol

from cellrig.bus import cast
from cellrig.context import RequestContext
from cellrig.model import Build


class ComputeService(Protocol):
    """A compute manager. All but one of its methods are casts: the API does not wait for hosts."""

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

    def get_console_output(self, context: RequestContext, instance_uuid: str) -> str:
        """Return what the guest wrote to its console."""
