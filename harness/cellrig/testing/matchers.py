"""Matchers for testtools' `assertThat`: of servers, of what they hold, of hosts, of a rig."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

# Documented as public, and left out of the module's __all__.
from testtools.matchers import Matcher, Mismatch  # type: ignore[attr-defined]

from cellrig.model import Server
from cellrig.testing.resources import (
    allocation_difference,
    flavor_difference,
    told,
    usage_difference,
)

if TYPE_CHECKING:
    from cellrig.client.server_requests import ServerRef
    from cellrig.rig import Rig


class HasStatus(Matcher[Server]):
    """A server whose status is this one.

    Args:
        status: the API's word: ``ACTIVE``, ``SHUTOFF``, ...
    """

    def __init__(self, status: str) -> None:
        self._status = status

    def match(self, server: Server) -> Mismatch | None:
        """Compare; a mismatch tells the server's fault as well."""
        if server.status == self._status:
            return None
        return Mismatch(f"{_status_of(server)}; expected {self._status}")

    def __str__(self) -> str:
        return f"HasStatus({self._status!r})"


class IsActive(HasStatus):
    """A server that is ACTIVE."""

    def __init__(self) -> None:
        super().__init__("ACTIVE")

    def __str__(self) -> str:
        return "IsActive()"


class IsInError(Matcher[Server]):
    """A server that is in ERROR.

    Args:
        containing: what the message of its fault must contain.
    """

    def __init__(self, containing: str = "") -> None:
        self._containing = containing

    def match(self, server: Server) -> Mismatch | None:
        """Compare status and fault."""
        message = "" if server.fault is None else server.fault.message
        if server.status == "ERROR" and self._containing in message:
            return None
        wanted = f" with a fault that contains {self._containing!r}" if self._containing else ""
        return Mismatch(f"{_status_of(server)}; expected ERROR{wanted}")

    def __str__(self) -> str:
        return f"IsInError(containing={self._containing!r})"


class IsOnHost(Matcher[Server]):
    """A server that is on this host.

    Args:
        host: the host's name; None: on no host.
    """

    def __init__(self, host: str | None) -> None:
        self._host = host

    def match(self, server: Server) -> Mismatch | None:
        """Compare."""
        if server.host == self._host:
            return None
        return Mismatch(
            f"{_status_of(server)} is on host {server.host}; expected host {self._host}"
        )

    def __str__(self) -> str:
        return f"IsOnHost({self._host!r})"


class IsInCell(Matcher[Server]):
    """A server that is in this cell.

    Args:
        cell: the cell's name; None: in none yet.
    """

    def __init__(self, cell: str | None) -> None:
        self._cell = cell

    def match(self, server: Server) -> Mismatch | None:
        """Compare."""
        if server.cell == self._cell:
            return None
        return Mismatch(
            f"{_status_of(server)} is in cell {server.cell}; expected cell {self._cell}"
        )

    def __str__(self) -> str:
        return f"IsInCell({self._cell!r})"


class HasTags(Matcher[Server]):
    """A server that has exactly these tags, in any order."""

    def __init__(self, *tags: str) -> None:
        self._tags = tuple(sorted(tags))

    def match(self, server: Server) -> Mismatch | None:
        """Compare."""
        tags = tuple(sorted(server.tags))
        if tags == self._tags:
            return None
        return Mismatch(f"server {server.id} has the tags {tags}; expected {self._tags}")

    def __str__(self) -> str:
        return f"HasTags{self._tags}"


class HasMetadata(Matcher[Server]):
    """A server that has at least these key-value pairs."""

    def __init__(self, **metadata: str) -> None:
        self._metadata = metadata

    def match(self, server: Server) -> Mismatch | None:
        """Compare."""
        if self._metadata.items() <= server.metadata.items():
            return None
        return Mismatch(
            f"server {server.id} has the metadata {server.metadata}; expected {self._metadata}"
        )

    def __str__(self) -> str:
        return f"HasMetadata({self._metadata})"


class HasAllocations(Matcher["ServerRef"]):
    """A server that holds exactly these amounts in placement.

    Args:
        rig: where the server is.
        amounts: by resource class, over all providers.
        host: the host that all of it must come from; None: any.
    """

    def __init__(self, rig: Rig, amounts: Mapping[str, int], host: str | None = None) -> None:
        self._rig = rig
        self._amounts = amounts
        self._host = host

    def match(self, server: ServerRef) -> Mismatch | None:
        """Compare with what placement says now."""
        return _mismatch(allocation_difference(self._rig, server, self._amounts, self._host))

    def __str__(self) -> str:
        return f"HasAllocations({told(self._amounts)})"


class HoldsNothing(HasAllocations):
    """A server that holds nothing in placement.

    Args:
        rig: where the server is, or was.
    """

    def __init__(self, rig: Rig) -> None:
        super().__init__(rig, {})

    def __str__(self) -> str:
        return "HoldsNothing()"


class HoldsItsFlavor(Matcher[Server]):
    """A server that holds exactly its flavor's resources, all of them on its own host.

    Args:
        rig: where the server is.
    """

    def __init__(self, rig: Rig) -> None:
        self._rig = rig

    def match(self, server: Server) -> Mismatch | None:
        """Compare with what placement says now."""
        return _mismatch(flavor_difference(self._rig, server))

    def __str__(self) -> str:
        return "HoldsItsFlavor()"


class HasUsage(Matcher[str]):
    """A host, by name, that has given exactly these amounts.

    Args:
        rig: where the host is.
        amounts: by resource class, over all its providers.
    """

    def __init__(self, rig: Rig, amounts: Mapping[str, int]) -> None:
        self._rig = rig
        self._amounts = amounts

    def match(self, host: str) -> Mismatch | None:
        """Compare with what placement says now."""
        return _mismatch(usage_difference(self._rig, host, self._amounts))

    def __str__(self) -> str:
        return f"HasUsage({told(self._amounts)})"


class HasNoLeaks(Matcher["Rig"]):
    """A rig in which the audit finds nothing."""

    def match(self, rig: Rig) -> Mismatch | None:
        """Audit it now."""
        audit: Any = rig.audit
        findings: list[str] = audit.findings()
        return Mismatch("\n".join(findings)) if findings else None

    def __str__(self) -> str:
        return "HasNoLeaks()"


def _mismatch(difference: str | None) -> Mismatch | None:
    return None if difference is None else Mismatch(difference)


def _status_of(server: Server) -> str:
    fault = "" if server.fault is None else f" ({server.fault.message})"
    return f"server {server.id} is {server.status}{fault}"
