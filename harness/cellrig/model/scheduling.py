"""What is asked of the scheduler, and what it answers."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from cellrig.model.flavor import Flavor
from cellrig.model.network import NetworkInterface


class ImageProperties(msgspec.Struct, frozen=True):
    """What scheduling needs to know of an image.

    Args:
        min_disk: GiB, min_ram: MiB.
        properties: ``hw_*``, ``trait:...`` and the rest.
    """

    id: str
    min_disk: int = 0
    min_ram: int = 0
    properties: dict[str, str] = {}


class ServerGroup(msgspec.Struct, frozen=True):
    """A server group.

    Args:
        policy: affinity, anti-affinity, soft-affinity or soft-anti-affinity.
        rules: ``max_server_per_host`` for anti-affinity (microversion 2.64).
        members: uuids of its servers.
    """

    uuid: str
    name: str
    project_id: str
    user_id: str
    policy: str
    rules: dict[str, int] = {}
    members: tuple[str, ...] = ()

    def allows(self, host: str, others: Sequence[str]) -> bool:
        """Whether a member may be on `host` while the others are on `others`.

        The soft policies allow everything; the scheduler weighs them.
        """
        if self.policy == "affinity":
            return all(other == host for other in others)
        if self.policy == "anti-affinity":
            return others.count(host) < self.rules.get("max_server_per_host", 1)
        return True


class RequestSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What a server needs of a host. Kept for as long as the server lives.

    Only lasting wishes stand here. What is true for one attempt only (hosts to ignore, a host
    asked for by name in one operation, the number of servers in one request) travels beside it in
    `SchedulingRequest`, so it cannot be remembered by mistake.

    Args:
        force_host, force_node: an administrator's choice, past every filter; not remembered.
        requested_host: a host asked for at boot that the filters still judge; not remembered.
        boots_from_volume: its root disk takes no room on a host.
        scheduler_hints: the field's hints, each a list of strings.
        network_info: the interfaces that are virtual functions of its host.
    """

    instance_uuid: str
    project_id: str
    user_id: str
    flavor: Flavor
    image: ImageProperties | None
    availability_zone: str | None = None
    force_host: str | None = None
    force_node: str | None = None
    requested_host: str | None = None
    scheduler_hints: dict[str, tuple[str, ...]] = {}
    group_uuid: str | None = None
    boots_from_volume: bool = False
    network_info: tuple[NetworkInterface, ...] = ()

    @property
    def hosted_flavor(self) -> Flavor:
        """The flavor as far as a host gives it, with the virtual functions of its ports.

        A root disk that is a volume takes none of it.
        """
        hosted = self.flavor.without_root_disk() if self.boots_from_volume else self.flavor
        return hosted.with_functions(self.network_info) if self.network_info else hosted


class SchedulingRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One question to the scheduler: hosts for the servers of one request.

    Args:
        spec: what each of them needs.
        instance_uuids: the servers.
        alternates: how many alternates to add to each selection.
        ignore_hosts: hosts not to be taken this time.
        only_cell: take hosts of this cell only.
        multiattach: a volume of the servers is one that several servers may have.
    """

    spec: RequestSpec
    instance_uuids: tuple[str, ...]
    alternates: int
    ignore_hosts: tuple[str, ...] = ()
    only_cell: str | None = None
    multiattach: bool = False


class Selection(msgspec.Struct, frozen=True):
    """A host that can take a server (the field's Selection object).

    Args:
        allocations: what to put for the server there: provider uuid to class to amount.
        mappings: which provider serves which request group.
        availability_zone: the host's zone, so that nobody below has to ask for it.
    """

    host: str
    node: str
    node_uuid: str
    cell: str
    allocations: dict[str, dict[str, int]]
    mappings: dict[str, tuple[str, ...]] = {}
    availability_zone: str | None = None
