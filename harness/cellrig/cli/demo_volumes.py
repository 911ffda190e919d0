"""The demo's volume: one that two guests have at the same time, in two cells where there are."""

from __future__ import annotations

from rich.markup import escape

from cellrig.cli.screen import Screen
from cellrig.errors import Conflict
from cellrig.model import Server
from cellrig.rig import Rig
from cellrig.volume.types import Volume


def show_shared_volume(screen: Screen, rig: Rig) -> bool:
    """Attach one volume to two servers, show both disks, and take it from one of them."""
    screen.section("One volume that two servers have at the same time")
    servers = _far_apart(rig)
    if len(servers) < 2:
        screen.show("there are no two servers that could share one")
        return True
    volume = rig.volumes.create(size=10, name="shared", multiattach=True)
    try:
        for server in servers:
            rig.servers.attach_volume(server, volume)
    except Conflict as error:
        screen.show(escape(f"not in this cloud: {error}"))
        return True
    disks = [rig.guest(server).disk(serial=volume.id) for server in servers]
    screen.table(
        ("server", "cell", "host", "device", "attachment", "shareable", "cache"),
        [
            (
                escape(server.name),
                escape(server.cell or ""),
                escape(server.host or ""),
                f"/dev/{disk.target}",
                _status(rig, server, volume),
                "yes" if disk.shareable else "[red]no[/]",
                disk.cache or "",
            )
            for server, disk in zip(servers, disks, strict=True)
        ],
    )
    shared = [disk for disk in disks if disk.shareable and disk.cache == "none"]
    users = rig.volumes.attachments(volume)
    held = screen.verdict(
        len(shared) == len(users) == len(servers),
        f"{len(shared)} guests have the volume as a disk that they may share",
    )
    return _show_detach(screen, rig, servers, volume) and held


def _show_detach(screen: Screen, rig: Rig, servers: list[Server], volume: Volume) -> bool:
    leaver, other = servers
    rig.servers.detach_volume(leaver, volume)
    users = [attachment.instance_uuid for attachment in rig.volumes.attachments(volume)]
    return screen.verdict(
        users == [other.id],
        f"{escape(leaver.name)} lets go of it, and {escape(other.name)} still has it",
    )


def _far_apart(rig: Rig) -> list[Server]:
    """Return two servers, of two cells or at least of two hosts where that can be."""
    active = [server for server in reversed(rig.servers.list()) if server.status == "ACTIVE"]
    if len(active) < 2:
        return active
    first, *others = active
    return [
        first,
        min(others, key=lambda other: (other.cell == first.cell, other.host == first.host)),
    ]


def _status(rig: Rig, server: Server, volume: Volume) -> str:
    (attachment,) = rig.volumes.attachments(volume, server=server)
    return str(attachment.status)
