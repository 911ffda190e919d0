"""What ends a request, or a connection, before an application has answered."""

from __future__ import annotations

from http import HTTPStatus

from cellrig.errors import CellrigError


class NotHttp(CellrigError):
    """What came is no request that can be answered; the connection ends.

    Args: the status that says so, what is wrong.
    """

    template = "{1}"

    @property
    def status(self) -> str:
        """The status as an answer begins with it."""
        found = HTTPStatus(self.args[0])
        return f"{found.value} {found.phrase}"


class ClientGone(ConnectionError):
    """The client has closed the connection, or for too long neither sends nor takes anything."""
