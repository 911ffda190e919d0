"""Instances: the record of a server in its cell, and what is recorded beside it."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from cellrig.model.flavor import Flavor
from cellrig.model.network import NetworkInterface
from cellrig.model.states import PowerState, TaskState, VmState, status_of


class Instance(msgspec.Struct, frozen=True, kw_only=True):
    """A server, as its cell's database has it.

    Times are seconds since the epoch. `host` is None until a host has taken the server.

    Args:
        leaving: it is being carried to another cell, and nobody may change it here any more.
        hidden: it has been written by who carries it here, and is not the server's record yet.
    """

    uuid: str
    name: str
    project_id: str
    user_id: str
    vm_state: VmState = VmState.BUILDING
    task_state: TaskState | None = None
    power_state: PowerState = PowerState.NOSTATE
    host: str | None = None
    node: str | None = None
    availability_zone: str | None = None
    flavor_id: str
    image_id: str | None = None
    key_name: str | None = None
    hostname: str | None = None
    server_group: str | None = None
    reservation_id: str = ""
    launch_index: int = 0
    locked: bool = False
    locked_reason: str | None = None
    created_at: float = 0.0
    updated_at: float = 0.0
    launched_at: float | None = None
    deleted_at: float | None = None
    deleted: bool = False
    flavor: Flavor
    metadata: dict[str, str] = {}
    system_metadata: dict[str, str] = {}
    leaving: bool = False
    hidden: bool = False
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
    def status(self) -> str:
        """The status that the compute API shows."""
        return "DELETED" if self.deleted else status_of(self.vm_state, self.task_state)


class InstanceChanges(msgspec.Struct, frozen=True, kw_only=True):
    """New values for some columns of an instance; what is not given stays as it is."""

    name: str | UnsetType = UNSET
    vm_state: VmState | UnsetType = UNSET
    task_state: TaskState | UnsetType | None = UNSET
    power_state: PowerState | UnsetType = UNSET
    host: str | UnsetType | None = UNSET
    node: str | UnsetType | None = UNSET
    availability_zone: str | UnsetType | None = UNSET
    image_id: str | UnsetType | None = UNSET
    key_name: str | UnsetType | None = UNSET
    hostname: str | UnsetType | None = UNSET
    locked: bool | UnsetType = UNSET
    locked_reason: str | UnsetType | None = UNSET
    launched_at: float | UnsetType | None = UNSET
    flavor_id: str | UnsetType = UNSET
    flavor: Flavor | UnsetType = UNSET
    metadata: dict[str, str] | UnsetType = UNSET
    system_metadata: dict[str, str] | UnsetType = UNSET
    network_info: tuple[NetworkInterface, ...] | UnsetType = UNSET

    def given(self) -> dict[str, Any]:
        """Return what is given, by column."""
        return {
            name: value
            for name in self.__struct_fields__
            if (value := getattr(self, name)) is not UNSET
        }


class InstanceFault(msgspec.Struct, frozen=True):
    """Why a server is in ERROR, or what went wrong on the way.

    Args:
        code: the field's HTTP-like code, 500 for what the user cannot help.
        message: one sentence; for a build, it says what each host said.
        details: the traceback, for administrators.
    """

    instance_uuid: str
    code: int
    message: str
    details: str
    host: str | None
    created_at: float


class ActionEvent(msgspec.Struct, frozen=True):
    """One step of an action, on one host."""

    name: str
    host: str | None
    start_time: float
    finish_time: float | None
    result: str | None
    traceback: str | None


class InstanceAction(msgspec.Struct, frozen=True):
    """What was asked of a server, by whom, and how each step went."""

    action: str
    instance_uuid: str
    request_id: str
    project_id: str
    user_id: str
    start_time: float
    finish_time: float | None
    message: str | None
    events: tuple[ActionEvent, ...] = ()
