"""The control face put beside what it controls."""

from __future__ import annotations

import hmac
import time
import uuid
from typing import TYPE_CHECKING

from cellrig.db.database import Database
from cellrig.http.auth import Authenticate, Caller, by_name
from cellrig.http.front_door import Application, behind
from cellrig.http.gate import Gate
from cellrig.http.rig import PREFIX, control_application
from cellrig.http.rig.control import Control
from cellrig.http.rig.table import RESET, ROUTES
from cellrig.http.sign_in import by_token
from cellrig.placement import placement_image

if TYPE_CHECKING:
    from cellrig.rig import Rig


class Emptied:
    """Placement served alone, to be reset.

    Args:
        database: which a reset empties.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def reset(self) -> None:
        """Let the database be as it is in the beginning, and accept connections."""
        self._database.load(placement_image())
        self._database.bring_back()


def with_reset(application: Application, emptied: Emptied) -> Application:
    """Return `application` with ``POST /rig/reset`` beside it, where names are tokens."""
    control = control_application(
        (RESET,), emptied, now=time.time, new_uuid=_new_uuid, authenticate=by_name
    )
    return behind({PREFIX.lstrip("/"): control}, otherwise=application)


def with_control(rig: Rig, application: Application, token: str | None) -> Application:
    """Return `application`, which has all other faces of a rig, with its control face beside it.

    Args:
        rig: which has been started; its state now is the one of a reset.
        application: passes the gate that the control face can shut.
        token: opens the control face, besides the tokens of administrators; None for those alone.
    """
    gate = Gate(application)
    routes = [route for told in rig.plugins.hook.cellrig_control_routes() for route in told]
    control = control_application(
        (*ROUTES, *routes),
        Control(rig, gate),
        now=rig.runtime.now,
        new_uuid=_new_uuid,
        authenticate=_by_control_token(token, by_token(rig.identity)),
    )
    return behind({PREFIX.lstrip("/"): control}, otherwise=gate)


def _by_control_token(token: str | None, check: Authenticate) -> Authenticate:
    """Return what takes the control token for an administrator's, and asks `check` of others."""

    def authenticate(secret: str | None) -> Caller | None:
        if token is not None and secret is not None and _same(token, secret):
            return Caller("control", "", frozenset({"admin"}))
        return check(secret)

    return authenticate


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _new_uuid() -> str:
    return str(uuid.uuid4())
