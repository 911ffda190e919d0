"""The change log: how a reader's copy of the forest follows the database, also backwards.

Every write adds one row for each tree that it changed: a number and a token. The token is a hash
of the token before it and of what was written, so it names a whole history, as a commit does.
A database may be replaced by an older image at any moment (`rig.restore`) and go on from there,
with the same numbers for other changes. A reader that remembers the tokens it has taken in finds
the last change that it has in common with the database; all trees changed since then, on either
side, are what it must read again. No clock, no process and no random number is involved.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

from sqlalchemy import bindparam, delete, insert, select

from cellrig.db.database import Statement, Transaction
from cellrig.placement.tables import changes

#: How many of the latest changes the log keeps. A reader further behind reads everything.
KEPT = 1024

_columns = changes.c

_LAST = Statement(select(_columns.number, _columns.token).order_by(_columns.number.desc()).limit(1))
_FROM = Statement(
    select(_columns.number, _columns.token, _columns.root_id)
    .where(_columns.number >= bindparam("start"))
    .order_by(_columns.number)
)
_APPEND = Statement(insert(changes))
_FORGET = Statement(delete(changes).where(_columns.number <= bindparam("last")))

Change = tuple[int, str, int]


def record(transaction: Transaction, root_ids: Iterable[int], what: object) -> None:
    """Note in the log that trees were changed by the transaction.

    Args:
        root_ids: ids of the trees' root providers.
        what: all that was written, with a `repr` that is the same in every process.
    """
    number, token = transaction.one(_LAST) or (0, "")
    before = number
    for root_id in sorted(set(root_ids)):
        number += 1
        token = blake2b(f"{token} {root_id} {what!r}".encode(), digest_size=8).hexdigest()
        transaction.run(_APPEND, number=number, token=token, root_id=root_id)
    if before // KEPT != number // KEPT:
        transaction.run(_FORGET, last=number - KEPT)


class Follower:
    """What one reader has taken in of the log."""

    def __init__(self) -> None:
        self._taken: list[Change] = []

    def catch_up(self, transaction: Transaction) -> set[int] | None:
        """Return the roots of the trees that the reader must read again, in this transaction.

        None stands for all of them. The changes count as taken in from now on.
        """
        last = self._taken[-1] if self._taken else None
        if last is not None:
            if transaction.one(_LAST) == last[:2]:
                return set()
            rows: list[Change] = transaction.all(_FROM, start=last[0])
            if rows and rows[0] == last:
                self._take(rows[1:])
                return {root_id for _number, _token, root_id in rows[1:]}
        log: list[Change] = transaction.all(_FROM, start=0)
        return self._go_back(log)

    def forget(self) -> None:
        """Have nothing taken in: the next time everything is to be read."""
        self._taken = []

    def _take(self, rows: list[Change]) -> None:
        self._taken += rows
        if len(self._taken) > 4 * KEPT:
            del self._taken[: -2 * KEPT]

    def _go_back(self, log: list[Change]) -> set[int] | None:
        """Take in `log`, which goes on from somewhere in the reader's past, or from nowhere."""
        ours, self._taken = self._taken, log
        known = {number: place for place, (number, _token, _root) in enumerate(ours)}
        for place in range(len(log) - 1, -1, -1):
            mine = known.get(log[place][0])
            if mine is not None and ours[mine] == log[place]:
                self._taken = ours[:mine] + log[place:]
                return {change[2] for change in (*ours[mine + 1 :], *log[place + 1 :])}
        return None
