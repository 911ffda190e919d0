"""Failures of block storage. The statuses are the Block Storage API's: 400, 404 or 409."""

from __future__ import annotations

from typing import ClassVar

from cellrig.errors import (
    CellrigError,
    Conflict,
    Invalid,
    InvalidTopology,
    NotFound,
    OverLimit,
)


class _Missing(NotFound):
    """Something that was named by its id alone. Args: what was given."""

    thing: ClassVar[str]

    @property
    def kind(self) -> str:
        """What sort of thing was looked for."""
        return self.thing

    @property
    def name(self) -> str:
        """The id or name that was given."""
        return str(self.args[0])


class VolumeNotFound(_Missing):
    """No volume that the caller may see has this id."""

    template = "volume {0} does not exist"
    thing = "volume"


class SnapshotNotFound(_Missing):
    """No snapshot that the caller may see has this id."""

    template = "volume snapshot {0} does not exist"
    thing = "volume snapshot"


class AttachmentNotFound(_Missing):
    """No attachment that the caller may see has this id (any more)."""

    template = "attachment {0} does not exist"
    thing = "attachment"


class VolumeTypeNotFound(_Missing):
    """No volume type has this name or id."""

    template = "volume type {0} does not exist"
    thing = "volume type"


class BackendNotFound(_Missing):
    """No backend has this name."""

    template = "volume backend {0} does not exist"
    thing = "volume backend"


class TransferNotFound(_Missing):
    """No transfer that the caller may see has this id."""

    template = "transfer {0} does not exist"
    thing = "transfer"


class ServiceNotFound(_Missing):
    """No service of block storage runs there. Args: the host and its binary."""

    template = "service {0} does not exist"
    thing = "service"


class OverQuota(OverLimit):
    """The project has as much of block storage as it may (the field's 413)."""


class AttachmentInUse(Conflict):
    """Compute has the volume by this attachment: it is ended there (CVE-2023-2088).

    Args: the attachment's id, the server's.
    """

    template = "attachment {0} is in use by server {1}: detach the volume from the server"


class WrongTransferKey(Invalid):
    """A volume is not handed over without the key. Args: the transfer's id."""

    template = "transfer {0} is not accepted with this key"


class InvalidVolume(Invalid):
    """A volume cannot do that in the state it is in (the field's 400).

    Args: the volume's id, why, naming the state and what is taken.
    """

    template = "volume {0} {1}"


class InvalidSnapshot(Invalid):
    """A snapshot cannot do that in the state it is in. Args: its id, why."""

    template = "volume snapshot {0} {1}"


class InvalidAttachment(Invalid):
    """An attachment cannot do that in the state it is in. Args: its id, why."""

    template = "attachment {0} {1}"


class InvalidAttachMode(Invalid):
    """A volume that is read-only is attached read-only. Args: the mode, the volume's id."""

    template = "mode {0!r} does not fit volume {1}, which is read-only: it takes 'ro'"


class AttachmentExists(Conflict):
    """The id is that of another attachment. Args: the id, the volume and server it is of."""

    template = "attachment {0} is of volume {1} and server {2} already"


class VolumeTypeExists(Conflict):
    """Another volume type has the name. Args: the name."""

    template = "a volume type with the name {0!r} exists already"


class VolumeTypeInUse(Invalid):
    """A volume type that volumes have cannot go (the field's 400). Args: the name."""

    template = "volume type {0!r} is the type of volumes, so it must stay"


class NoBackend(Conflict):
    """No backend takes the volume. Args: the size in GiB, why each was refused."""

    template = "no volume backend takes a volume of {0} GiB: {1}"


class BackendFailed(CellrigError):
    """A backend has failed. Args: its name, what was asked of it, what it said."""

    template = "volume backend {0!r} failed to {1}: {2}"


class ToolMissing(CellrigError):
    """A backend needs a program that is not installed.

    Args: the backend's driver, the program, the package of Debian that has it.
    """

    template = "volume backend driver {0!r} needs the program {1!r}: install the package {2!r}"


class UnknownBackendDriver(InvalidTopology):
    """No such driver of volume backends is installed. Args: its name, those that are."""

    template = "there is no volume backend driver {0!r}; installed are: {1}"


class InvalidBackendDriver(InvalidTopology):
    """A driver of volume backends does not fit the interface. Args: its name, why."""

    template = "volume backend driver {0!r} cannot be used: {1}"
