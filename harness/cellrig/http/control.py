"""``POST /rig/reset``: back to the start state, for whoever tests against a served rig."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any

import msgspec

from cellrig.db.database import Database
from cellrig.http.auth import TOKEN_HEADER, by_name

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

RESET_PATH = "/rig/reset"

_TOKEN_VARIABLE = f"HTTP_{TOKEN_HEADER.upper().replace('-', '_')}"


class StartState:
    """What databases are brought back to.

    Args:
        images: what each database shall be.
    """

    def __init__(self, images: Mapping[Database, bytes]) -> None:
        self._images = dict(images)

    def restore(self) -> None:
        """Let every database be what it shall, and accept connections."""
        for database, image in self._images.items():
            database.load(image)
            database.bring_back()


def with_control(application: Application, reset: Callable[[], None]) -> Application:
    """Return `application` with the reset in front of it, which administrators may ask for.

    Args:
        application: answers everything else.
        reset: what ``POST /rig/reset`` calls before it answers 204.
    """

    def controlled(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] != RESET_PATH:
            return application(environ, start_response)
        caller = by_name(environ.get(_TOKEN_VARIABLE))
        if caller is None:
            told = f"a token is needed, in the header {TOKEN_HEADER}"
            return _refuse(start_response, HTTPStatus.UNAUTHORIZED, told)
        if not caller.is_admin:
            told = f"a reset is not allowed to {caller.user_id}"
            return _refuse(start_response, HTTPStatus.FORBIDDEN, told)
        if environ["REQUEST_METHOD"] != "POST":
            told = f"{environ['REQUEST_METHOD']} is not a method of {RESET_PATH}"
            return _refuse(start_response, HTTPStatus.METHOD_NOT_ALLOWED, told, ("Allow", "POST"))
        reset()
        start_response("204 No Content", [])
        return []

    return controlled


def _refuse(
    start_response: Callable[..., Any], status: HTTPStatus, detail: str, *headers: tuple[str, str]
) -> Iterable[bytes]:
    told = {"status": status.value, "title": status.phrase, "detail": detail}
    body = msgspec.json.encode({"errors": [told]})
    own = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    start_response(f"{status.value} {status.phrase}", [*own, *headers])
    return [body]
