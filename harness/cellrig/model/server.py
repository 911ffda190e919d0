"""Servers: what the compute API shows of an instance, wherever it is."""

from __future__ import annotations

import msgspec

from cellrig.model.flavor import Flavor
from cellrig.model.instance import Instance, InstanceFault
from cellrig.model.network import NetworkInterface
from cellrig.model.states import PowerState, TaskState, VmState


# Frozen and plain, so no cycle can go through one: the collector need not look at lists of them.
# A list makes thousands, and by names each would take ten times as long.
class Server(msgspec.Struct, frozen=True, gc=False):
    """A server as a user sees it.

    Args:
        id: its uuid.
        status: the API's word: BUILD, ACTIVE, SHUTOFF, ERROR, ...
        cell: the cell that it is in; None while it is only a build request.
        host: the host that it is on, for administrators.
        fault: why it is in ERROR, or what went wrong last.
    """

    id: str
    name: str
    status: str
    vm_state: VmState
    task_state: TaskState | None
    power_state: PowerState
    cell: str | None
    host: str | None
    node: str | None
    availability_zone: str | None
    project_id: str
    user_id: str
    flavor: Flavor
    image_id: str | None
    server_group: str | None
    locked: bool
    locked_reason: str | None
    created_at: float
    updated_at: float
    launched_at: float | None
    launch_index: int
    metadata: dict[str, str]
    tags: tuple[str, ...]
    fault: InstanceFault | None
    key_name: str | None = None
    hostname: str | None = None
    reservation_id: str = ""
    deleted_at: float | None = None
    network_info: tuple[NetworkInterface, ...] = ()

    @property
    def boots_from_volume(self) -> bool:
        """Whether its root disk is a volume: then it has no image of its own."""
        return self.image_id is None

    @property
    def hosted_flavor(self) -> Flavor:
        """The flavor as far as a host gives it, with the virtual functions of its ports.

        A root disk that is a volume takes none of it.
        """
        hosted = self.flavor.without_root_disk() if self.boots_from_volume else self.flavor
        return hosted.with_functions(self.network_info) if self.network_info else hosted

    @property
    def uuid(self) -> str:
        """The same as `id`: the instance's uuid."""
        return self.id


def server_of(
    instance: Instance,
    cell: str | None,
    tags: tuple[str, ...] = (),
    fault: InstanceFault | None = None,
) -> Server:
    """Return what the API shows of an instance."""
    return Server(
        id=instance.uuid,
        name=instance.name,
        status=instance.status,
        vm_state=instance.vm_state,
        task_state=instance.task_state,
        power_state=instance.power_state,
        cell=cell,
        host=instance.host,
        node=instance.node,
        availability_zone=instance.availability_zone,
        project_id=instance.project_id,
        user_id=instance.user_id,
        flavor=instance.flavor,
        image_id=instance.image_id,
        server_group=instance.server_group,
        locked=instance.locked,
        locked_reason=instance.locked_reason,
        created_at=instance.created_at,
        updated_at=instance.updated_at,
        launched_at=instance.launched_at,
        launch_index=instance.launch_index,
        metadata=instance.metadata,
        tags=tags,
        fault=fault,
        key_name=instance.key_name,
        hostname=instance.hostname,
        reservation_id=instance.reservation_id,
        deleted_at=instance.deleted_at,
        network_info=instance.network_info,
    )
