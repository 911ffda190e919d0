"""The plugin: `rig.timeline`."""

from __future__ import annotations

import hashlib
import re
from collections import deque
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakKeyDictionary

import greenlet

from cellrig.errors import Invalid
from cellrig.hooks import hookimpl
from cellrig.runtime import Runtime, Task, TaskKilled
from cellrig.seams import Passage, Process
from cellrig_timeline.entry import Entry

if TYPE_CHECKING:
    from cellrig.http.routes import Route

#: How many of the latest entries are kept, unless `Timeline.keep_all` is called.
KEPT = 2000
#: How much of an error's message a line shows, in characters.
_MESSAGE = 200
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


#: Who passes a seam: a task, or what stands for a thread outside.
Caller = Task | greenlet.greenlet


class Rig(Protocol):
    """The part of a rig that the timeline needs."""

    @property
    def runtime(self) -> Runtime:
        """Where its services run; owns the clock."""


class Timeline:
    """What happened in one rig, in order: every call through a seam, and how errors ended.

    A call is one line, at the place where it began, indented inside the call of the same task that
    made it. Nothing that was passed or returned is kept.

    Args:
        rig: the rig that this plugin belongs to.
    """

    def __init__(self, rig: Rig) -> None:
        self._now = rig.runtime.now
        self._start = rig.runtime.now()
        self._entries: deque[Entry] = deque(maxlen=KEPT)
        self._count = 0
        self._task = rig.runtime.current
        self._under_way: dict[Caller, list[Entry]] = {}
        self._met_errors: WeakKeyDictionary[Caller, Process] = WeakKeyDictionary()

    def keep_all(self) -> None:
        """Keep every entry from now on."""
        self._entries = deque(self._entries)

    def lines(
        self,
        last: int | None = 200,
        *,
        server: str | None = None,
        seam: str = "*",
        host: str | None = None,
    ) -> list[str]:
        """Return what happened, one line each, oldest first.

        A first line says how many are missing, if some are.

        Args:
            last: at most so many lines, the latest; None for all that are kept.
            server: only what was about the server with this uuid.
            seam: only at seams that match this glob.
            host: only what was called on this host, or by it.

        Raises:
            Invalid: `last` is no number of lines.
        """
        if last is not None and (type(last) is not int or last < 1):
            raise Invalid(f"last was given as {last!r}, takes a number of lines from 1, or None")
        chosen = [
            entry
            for entry in list(self._entries)
            if (server is None or entry.server == server)
            and (host is None or host in (entry.to, entry.process and entry.process.host))
            and fnmatchcase(entry.seam, seam)
        ]
        shown = chosen if last is None else chosen[-last:]
        return [
            *_missing(len(chosen) - len(shown), self._count - len(self._entries)),
            *(entry.line(self._start) for entry in shown),
        ]

    def text(
        self,
        last: int | None = 200,
        *,
        server: str | None = None,
        seam: str = "*",
        host: str | None = None,
    ) -> str:
        """Return the lines as one text; the arguments are those of `lines`."""
        return "\n".join(self.lines(last, server=server, seam=seam, host=host))

    def fingerprint(self) -> str:
        """Return the SHA-256 of all that is kept: the same seed gives the same one."""
        digest = hashlib.sha256()
        for line in self.lines(None):
            digest.update(line.encode())
            digest.update(b"\n")
        return digest.hexdigest()

    # -- hooks ---------------------------------------------------------------------------------

    @hookimpl(tryfirst=True)
    def cellrig_seam_enter(self, passage: Passage) -> None:
        """Write the call down."""
        task = self._task() or greenlet.getcurrent()
        inside = self._under_way.get(task)
        if inside is None:
            inside = self._under_way[task] = []
        entry = Entry(
            self._now(),
            passage.process,
            passage.to,
            passage.seam,
            passage.server,
            len(inside),
            passage,
        )
        inside.append(entry)
        self._entries.append(entry)
        self._count += 1

    @hookimpl(tryfirst=True)
    def cellrig_seam_exit(self, passage: Passage) -> None:
        """Write down what became of it."""
        task = self._task() or greenlet.getcurrent()
        inside = self._under_way.get(task)
        if inside is None or inside[-1].passage is not passage:
            return  # it began before this plugin listened
        entry = inside.pop()
        if not inside:
            del self._under_way[task]
        entry.ended = self._now()
        entry.passage = None
        if passage.error is not None:
            entry.outcome = _told(passage.error)
            self._met_errors[task] = passage.process
        elif passage.times != 1:
            entry.outcome = f"made {passage.times} times"

    @hookimpl
    def cellrig_control_routes(self) -> Sequence[Route[Any]]:
        """Return the call ``/rig/timeline``."""
        from cellrig_timeline.control import routes

        return routes(self)

    @hookimpl
    def cellrig_error_handled(self, error: BaseException, because: str) -> None:
        """Write down how an error ended."""
        self._say(f"{_told(error)} was handled: {because}")

    @hookimpl
    def cellrig_task_failed(self, task: Task, error: BaseException) -> None:
        """Write down that a task ended with an error."""
        if not isinstance(error, TaskKilled):
            self._say(f"task {task.name} failed: {_told(error)}")

    @hookimpl
    def cellrig_rig_stopping(self) -> None:
        """Let go of what is still under way."""
        for entry in self._entries:
            if entry.passage is not None:
                entry.passage = None
                entry.outcome = "had not returned when the rig stopped"
        self._under_way.clear()

    def _say(self, words: str) -> None:
        task = self._task() or greenlet.getcurrent()
        process = self._met_errors.get(task)
        depth = len(self._under_way.get(task, ()))
        entry = Entry(self._now(), process, None, words, None, depth, None)
        self._entries.append(entry)
        self._count += 1


def _told(error: BaseException) -> str:
    if isinstance(error, TaskKilled):
        return "the caller died"
    message = " ".join(_ADDRESS.sub("", str(error)).split())
    short = message if len(message) <= _MESSAGE else message[: _MESSAGE - 3] + "..."
    return f"{type(error).__name__}: {short}" if short else type(error).__name__


def _missing(not_shown: int, not_kept: int) -> Iterable[str]:
    if not_shown or not_kept:
        yield (
            f"... {not_shown} earlier lines are not shown (last=None shows them), "
            f"{not_kept} are not kept (timeline.keep_all() keeps them)"
        )
