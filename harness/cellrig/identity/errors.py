"""Failures of the identity service; the statuses are the Identity API's."""

from __future__ import annotations

from cellrig.errors import CellrigError, Conflict, Forbidden


class Unauthorized(CellrigError):
    """Whoever asks could not be told apart from a stranger (the field's 401). No reason is told."""

    template = "The request you have made requires authentication."


class NameTaken(Conflict):
    """A name is unique where it is. Args: what it is of, the name."""

    template = "a {0} with the name {1!r} exists already"


class Immutable(Forbidden):
    """What everything else relies on is not changed. Args: what, its name."""

    template = "{0} {1!r} is needed by the cloud itself: it cannot be changed"
