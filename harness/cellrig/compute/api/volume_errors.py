"""What the compute API says of volumes that cannot be attached, detached or swapped.

The classes are the field's, and so is the status that each stands for (Compute API, "Servers with
volume attachments").
"""

from __future__ import annotations

from cellrig.errors import Conflict, Forbidden, Invalid


class VolumeIsAttached(Invalid):
    """400. Args: the volume, the server."""

    template = "volume {0} is already attached to server {1}"


class DevicePathInUse(Conflict):
    """409. Args: the device name, the server, the volume that has it."""

    template = "device name {0!r} of server {1} is in use by volume {2}"


class RootVolume(Forbidden):
    """403. Args: the volume, the server."""

    template = "volume {0} is the root disk of server {1}: it cannot be detached"


class MultiattachToShelved(Invalid):
    """400. Args: the volume, the server."""

    template = (
        "volume {0} is multiattach and server {1} is shelved and offloaded: nobody can say yet "
        "whether its next host can share a volume"
    )


class MultiattachNotSupportedByHost(Conflict):
    """409. Args: the volume, the host, the server."""

    template = "volume {0} is multiattach, and the driver of host {1} of server {2} cannot share it"


class TagNotSupportedByHost(Invalid):
    """400. Args: the tag, the volume, the host, the server."""

    template = (
        "tag {0!r} of volume {1}: the driver of host {2} of server {3} cannot tell a guest of tags"
    )


class SwapOfSharedVolume(Invalid):
    """400: copying would lose what the other writers write. Args: the volume, how many write."""

    template = (
        "volume {0} has {1} read/write attachments: only a volume with one of them can be swapped"
    )


class SwapTargetInUse(Invalid):
    """400. Args: the new volume, its status, the old volume."""

    template = "volume {0} is {1}: to take the place of volume {2} it must be available"


class SwapTargetTooSmall(Invalid):
    """400. Args: the new volume, its size, the old volume, its size."""

    template = "volume {0} of {1} GiB is too small for what is on volume {2} of {3} GiB"


class HostDown(Conflict):
    """409. Args: the host, the server."""

    template = "host {0} of server {1} is down: its volumes cannot be changed until it is back"
