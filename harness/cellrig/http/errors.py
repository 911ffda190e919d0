"""What a face refuses, and which status each failure of a service has."""

from __future__ import annotations

from http import HTTPStatus

import falcon

from cellrig.errors import (
    CellrigError,
    CellUnavailable,
    Conflict,
    DatabaseUnavailable,
    Forbidden,
    Invalid,
    MessagingTimeout,
    NotFound,
    OverLimit,
)

_STATUS: tuple[tuple[type[CellrigError], int], ...] = (
    (Invalid, 400),
    (Forbidden, 403),
    (NotFound, 404),
    (Conflict, 409),
    (OverLimit, 413),
    (CellUnavailable, 503),
    (DatabaseUnavailable, 503),
    (MessagingTimeout, 503),
)


class Refusal(falcon.HTTPError):
    """A request that a face itself refuses.

    Args:
        status: the HTTP status, 400 or more.
        detail: one sentence for the person who sent the request.
        stable_code: the API's code for the error; None where it has none of its own.
        more: further fields of the body.
    """

    def __init__(
        self, status: int, detail: str, *, stable_code: str | None = None, **more: str
    ) -> None:
        super().__init__(status, title=HTTPStatus(status).phrase, description=detail)
        self.stable_code = stable_code
        self.more = more


def refusal_of(error: CellrigError) -> Refusal | None:
    """Return how a failure of a service is told to clients; None for one that is our own fault.

    What the path names and is not there has no code of its own: the status says it all.
    """
    for kind, status in _STATUS:
        if isinstance(error, kind):
            code = None if status == 404 else getattr(error, "code", None)
            return Refusal(status, str(error), stable_code=code)
    return None
