"""Failures of the domain: few, shallow, each with one sentence for the person who gets it.

Every error can cross the bus: it keeps its positional arguments, and the bus builds it anew from
them on the other side, with the remote traceback attached.
"""

from __future__ import annotations


class CellrigError(Exception):
    """Base of every failure that Cellrig itself reports.

    A subclass gives `template`, formatted with the error's positional arguments.
    """

    template = "{0}"

    def __str__(self) -> str:
        return self.template.format(*self.args)


class Invalid(CellrigError):
    """The request is wrong in itself (the field's 400)."""


class Forbidden(CellrigError):
    """The caller may not do this (the field's 403)."""


class OverLimit(CellrigError):
    """The project may not have so much (block storage's 413).

    Args: the resource, how much was asked for, how much is used, how much is allowed.
    """

    template = "Quota exceeded for {0}: Requested {1}, but already used {2} of {3} {0}"


class NotFound(CellrigError):
    """The thing that was named does not exist (the field's 404)."""

    template = "{0} {1!r} does not exist"

    @property
    def kind(self) -> str:
        """What sort of thing was looked for."""
        return str(self.args[0])

    @property
    def name(self) -> str:
        """The name or uuid that was given."""
        return str(self.args[1])


class MarkerNotFound(Invalid):
    """A page cannot begin after something that is not there (the field's 400).

    Args: what was named as the last of the page before.
    """

    template = "marker {0!r} could not be found"


class Conflict(CellrigError):
    """The request does not fit the state of the thing (the field's 409)."""


class ChangingCells(Conflict):
    """A server's record is between two cells: whoever asks again finds it in one (409)."""

    template = "server {0} is being carried to another cell: ask again in a moment"


class InvalidTopology(Invalid):
    """A topology cannot be built: names what was given and what is taken."""


class GroupPolicyViolated(CellrigError):
    """A server landed where its group's policy does not allow it; another host is tried.

    Args: the server, the host, the policy, the group's uuid.
    """

    template = "server {0} on host {1} breaks the {2} policy of group {3}"


class NoValidHost(CellrigError):
    """No host can take the server.

    Args:
        reason: one sentence.
        refusals: for each host that was looked at, the filter or resource that refused it.
    """

    template = "no valid host was found: {0}"

    @property
    def reason(self) -> str:
        """Why, in one sentence."""
        return str(self.args[0])

    @property
    def refusals(self) -> dict[str, str]:
        """Host name to the filter or resource that refused it."""
        return dict(self.args[1]) if len(self.args) > 1 else {}

    def __str__(self) -> str:
        told = "; ".join(f"{host}: {why}" for host, why in sorted(self.refusals.items()))
        return f"no valid host was found: {self.reason}" + (f" ({told})" if told else "")


class MaxRetriesExceeded(NoValidHost):
    """Every host that was chosen for the server has failed it."""


class CellUnavailable(CellrigError):
    """A cell did not answer. The subclasses tell how."""

    template = "cell {0!r} did not answer: {1}"

    @property
    def cell(self) -> str:
        """The cell's name."""
        return str(self.args[0])


class CellDown(CellUnavailable):
    """The cell's database refuses connections."""

    template = "cell {0!r} is down: {1}"


class CellLate(CellUnavailable):
    """The cell did not answer within its deadline."""

    template = "cell {0!r} is late: no answer within {1:g} s"


class CellBroken(CellUnavailable):
    """The cell answered with an error of its own."""

    template = "cell {0!r} is broken: {1}"


class DatabaseUnavailable(CellrigError):
    """A database refuses connections."""

    template = "database {0!r} refuses connections: {1}"


class MessagingTimeout(CellrigError):
    """A call over the bus was not answered in time."""

    template = "no reply to {0} from {1} within {2:g} s"


class RemoteError(CellrigError):
    """A service on the other side of the bus failed with an error that is not the field's.

    Args:
        type name, message: of the error on the other side.
    """

    template = "remote {0}: {1}"


class ExtraMissing(CellrigError):
    """Something needs a package that only an extra of Cellrig installs.

    Args: what needs it, the package, the extra.
    """

    template = (
        "{0} needs the package {1!r}, which is not installed: "
        "install Cellrig with its extra {2!r} (pip install 'cellrig[{2}]')"
    )
