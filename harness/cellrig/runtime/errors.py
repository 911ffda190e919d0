"""What can go wrong with tasks and time."""

from __future__ import annotations

from cellrig.errors import CellrigError


class Deadlock(CellrigError):
    """Tasks wait, nothing can run and no timer is pending; the report says who waits for whom."""


class DeadlineExceeded(CellrigError):
    """A wait lasted longer than the deadline around it allows."""

    template = "{0} did not happen within {1:g} s"


class OpenTransaction(CellrigError):
    """A task wanted to pass a seam, or to wait, with a database transaction open."""

    template = (
        "task {0!r} may not {1} while its transaction on database {2!r} is open: "
        "end the transaction first"
    )


class WrongThread(CellrigError):
    """A virtual runtime was used from a second thread."""

    template = (
        "this rig runs on the virtual runtime of thread {0!r} and was used from thread {1!r}: "
        "a rig belongs to one thread (use the live runtime for threads)"
    )


class TaskKilled(BaseException):
    """Ends a task whose owner died. Not an `Exception`: a dead process handles nothing."""
