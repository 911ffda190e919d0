"""The errors that a driver may raise, and those that say a driver or its options are wrong.

All keep their positional arguments, so that they can cross the bus. Whatever else a driver raises
is reported as the driver's bug.
"""

from __future__ import annotations

from cellrig.errors import CellrigError, InvalidTopology


class DriverError(CellrigError):
    """Base of what a driver may raise.

    A build that fails with it is tried again on the next host, unless it is a `BuildAbort`.
    """


class GuestNotFound(DriverError):
    """The hypervisor knows no such guest. Args: the guest's uuid."""

    template = "the hypervisor has no guest {0}"


class GuestExists(DriverError):
    """The hypervisor has such a guest already. Args: the guest's uuid."""

    template = "the hypervisor already has a guest {0}"


class GuestBusy(DriverError):
    """The guest cannot do that in the power state it is in.

    Args: the guest's uuid, its power state, what was asked, the power states that allow it.
    """

    template = "guest {0} is {1}; to {2} it must be {3}"


class DiskNotFound(DriverError):
    """The guest has no such disk; the core takes it as detached. Args: guest's uuid, serial."""

    template = "guest {0} has no disk with serial {1}"


class DeviceNotFound(DriverError):
    """The guest has no such device. Args: guest's uuid, what was looked for."""

    template = "guest {0} has no device {1}"


class ComputeResourcesUnavailable(DriverError):
    """The host has too little left. The build is tried on the next host.

    Args: what (``memory``, ``disk``, ``device ...``), what was asked, what is free, each with unit.
    """

    template = "not enough {0}: {1} asked, {2} free"


class BuildAbort(DriverError):
    """The build cannot work on any host: it is not tried again. Args: the reason."""

    template = "the build is given up: {0}"


class ImageUnacceptable(BuildAbort):
    """The image can never boot here. Args: the image's id, the reason."""

    template = "image {0} is unacceptable: {1}"


class MigrationError(DriverError):
    """A move of a guest failed or cannot be made. Args: the guest's uuid, the reason."""

    template = "guest {0} cannot move: {1}"


class MigrationPreCheckError(MigrationError):
    """The checks before a live migration refuse it; nothing has been changed."""


class HypervisorError(DriverError):
    """The hypervisor refused, in its own words. Args: the words."""

    template = "the hypervisor refused: {0}"


class HypervisorUnavailable(DriverError):
    """The hypervisor does not answer. Args: the host, the reason."""

    template = "the hypervisor of {0} does not answer: {1}"


class CapabilityNotSupported(DriverError):
    """The driver cannot do that. Args: the driver's name, the method, the capability it needs."""

    template = "driver {0!r} does not support {1}: it has no capability {2!r}"


class ReshapeNeeded(DriverError):
    """The provider tree must change in a way that moves allocations; they must be handed over.

    Raised by `update_provider_tree` when it was called without allocations. Args: the reason.
    """

    template = "allocations must move with the provider tree: {0}"


class ProviderTreeError(CellrigError):
    """A driver told its provider tree something that cannot be.

    Args: the provider's name, the reason.
    """

    template = "provider {0!r}: {1}"


class InvalidDriver(CellrigError):
    """A driver does not fit the interface. Args: the driver's name, a sentence for each misfit."""

    template = "driver {0!r} cannot be used: {1}"

    def __str__(self) -> str:
        return self.template.format(self.args[0], "; ".join(self.args[1]))


class UnknownDriver(InvalidTopology):
    """No such driver is installed. Args: the name, the names that are there."""

    template = "there is no driver {0!r}; installed are: {1}"


class InvalidDriverOption(InvalidTopology):
    """A driver got a wrong option.

    Args: the driver's name, the option, what it got, what it takes.
    """

    template = "driver {0!r}, option {1!r}: got {2}, takes {3}"
