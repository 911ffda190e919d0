"""Errors that a test knows of: swallowed ones and failed tasks that are as they should be."""

from __future__ import annotations

from fnmatch import fnmatchcase

from cellrig_faults.errors import InvalidFault


class Expectation:
    """Accepts errors that would be reported at the end.

    Args:
        error: of this type.
        where: that left a seam whose name matches this glob, or ended a task so named.
        required: whether it is wrong if there is none.

    Attributes:
        met: how many errors it has accepted.
    """

    def __init__(self, error: type[Exception], where: str, required: bool) -> None:
        self.error = error
        self.where = where
        self.required = required
        self.met = 0

    def accept(self, error: BaseException, where: str) -> bool:
        """Whether `error`, which was seen at `where`, is one of these; counts it if so."""
        if isinstance(error, self.error) and fnmatchcase(where, self.where):
            self.met += 1
            return True
        return False

    def __str__(self) -> str:
        return f"{self.error.__name__} at {self.where}"


def check_expected(error: object) -> None:
    """Refuse what is no type of error."""
    if not (isinstance(error, type) and issubclass(error, Exception)):
        raise InvalidFault(f"{error!r} was given as the error expected, takes a class of Exception")
