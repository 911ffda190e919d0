"""One thing that happened. Written at every seam, so it is small and says nothing by itself yet."""

from __future__ import annotations

import msgspec

from cellrig.seams import Passage, Process


class Entry(msgspec.Struct, eq=False):
    """A call through a seam, or a word said between two of them.

    Args:
        began: when, on the rig's clock.
        process: who made the call.
        to: the host or cell that it goes to.
        seam: its name; for a word, what is said.
        server: the uuid of the server that it is about.
        depth: inside how many other calls of the same task.
        passage: the call itself, while it is under way; None afterwards, so that nothing that was
            passed is kept alive.
        ended: when the call returned; None while it has not, and for a word.
        outcome: what became of it in a few words, where it did not simply return.
    """

    began: float
    process: Process | None
    to: str | None
    seam: str
    server: str | None
    depth: int
    passage: Passage | None
    ended: float | None = None
    outcome: str = ""

    def line(self, start: float) -> str:
        """Return the entry as a line, its time counted from `start`."""
        who = "" if self.process is None else self.process.label
        server = f" {self.server}" if self.server else ""
        goes_to = (
            f" -> {self.to}" if self.to and self.process and self.to != self.process.host else ""
        )
        took = ""
        if self.ended is not None and self.ended != self.began:
            took = f" after {self.ended - self.began:.3f} s"
        outcome = "has not returned" if self.passage is not None else self.outcome
        told = f" | {outcome}" if outcome else ""
        what = "  " * self.depth + self.seam
        return f"{self.began - start:+10.3f} {who:<24} {what}{server}{goes_to}{told}{took}"
