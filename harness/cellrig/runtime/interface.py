"""What service code may ask of the runtime: tasks, locks, events, deadlines and one clock.

Services are written once, as plain blocking Python, against these classes. The virtual runtime
(`cellrig.runtime.virtual`) runs them as greenlets on a clock that it moves itself; the live one
(`cellrig.runtime.live`) as threads on the wall clock.
"""

from __future__ import annotations

import abc
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Owner(Protocol):
    """Whom a task belongs to: one running process of a service.

    Killing an owner ends all its tasks, as the death of a process does.
    """

    @property
    def label(self) -> str:
        """How reports call it, for example ``compute@cell1-host1``."""

    @property
    def crashed(self) -> bool:
        """Whether the process has died."""


class Task(abc.ABC):
    """One unit of concurrent work, with a name for reports and an owner that can be killed."""

    name: str
    owner: Owner | None

    @property
    @abc.abstractmethod
    def done(self) -> bool:
        """Whether it has ended, in whatever way."""

    @abc.abstractmethod
    def result(self) -> Any:
        """Wait for the end; return what the function returned, or raise what it raised."""


class Event(abc.ABC):
    """Something that happens once; whoever waits is woken when it has."""

    name: str

    @abc.abstractmethod
    def set(self) -> None:
        """Let it have happened. Setting it again changes nothing."""

    @property
    @abc.abstractmethod
    def is_set(self) -> bool:
        """Whether it has happened."""

    @abc.abstractmethod
    def wait(self) -> None:
        """Wait until it has happened.

        Raises:
            DeadlineExceeded: the enclosing `Runtime.deadline` passed first.
        """


class Lock(abc.ABC):
    """Mutual exclusion between tasks, first come first served. Not reentrant."""

    name: str

    @abc.abstractmethod
    def __enter__(self) -> None: ...

    @abc.abstractmethod
    def __exit__(self, *exc: object) -> None: ...


class Periodic(abc.ABC):
    """Work that is started again and again, each run a task of its own."""

    name: str

    @abc.abstractmethod
    def cancel(self) -> None:
        """Start no further run. Cancelling twice is harmless."""


class Runtime(abc.ABC):
    """Where services run. One for each rig; nothing in it is shared with another rig."""

    @abc.abstractmethod
    def now(self) -> float:
        """Seconds since the epoch, on the rig's one clock."""

    @abc.abstractmethod
    def spawn(self, function: Callable[[], Any], *, name: str, owner: Owner | None = None) -> Task:
        """Start `function` as a task that runs beside the caller."""

    @abc.abstractmethod
    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass for the calling task."""

    @abc.abstractmethod
    def event(self, name: str, *, external: bool = False) -> Event:
        """Make an event.

        Args:
            name: what reports call it.
            external: True when only the test can set it. A task that waits for one is held, not
                deadlocked, and while it is held the virtual clock does not run into deadlines.
        """

    @abc.abstractmethod
    def lock(self, name: str) -> Lock:
        """Make a lock that reports call `name`."""

    @abc.abstractmethod
    def deadline(self, seconds: float, what: str) -> AbstractContextManager[None]:
        """Bound every wait inside the block: `DeadlineExceeded` naming `what` after `seconds`."""

    @abc.abstractmethod
    def every(
        self,
        seconds: float,
        function: Callable[[], Any],
        *,
        name: str,
        owner: Owner | None = None,
        first: float | None = None,
    ) -> Periodic:
        """Start `function` as a task every `seconds`; the first time after `first`, if given."""

    @abc.abstractmethod
    def switch(self, where: str) -> None:
        """Let another task run here, if the order of tasks wants one to.

        Called at each seam. Refuses with `OpenTransaction` while a database transaction of the
        calling task is open.
        """

    @abc.abstractmethod
    def let_others(self) -> None:
        """Let the tasks that can go on do so, while another process works for the caller.

        Nothing that the caller holds may be what they wait for. Time does not pass meanwhile.
        """

    @abc.abstractmethod
    def transaction_opened(self, database: str) -> None:
        """Note that the calling task has a transaction open on `database`."""

    @abc.abstractmethod
    def transaction_closed(self, database: str) -> None:
        """Note that the calling task's transaction on `database` has ended."""

    @abc.abstractmethod
    def run(self, function: Callable[[], T], *, name: str) -> T:
        """Run `function` as a task to its end, from outside (the test), and return its result.

        Called from inside a task it just calls `function`.
        """

    @abc.abstractmethod
    def is_inside(self) -> bool:
        """Whether the caller is a task of this runtime."""

    @abc.abstractmethod
    def current(self) -> Task | None:
        """Return the task that calls; None from outside."""

    @abc.abstractmethod
    def checkpoint(self) -> object:
        """Return the order of tasks and the clock as one value.

        A clock that cannot be turned back is not in it.
        """

    @abc.abstractmethod
    def restore(self, state: object) -> None:
        """Go back to what `checkpoint` returned, when no task is going on."""

    @abc.abstractmethod
    def settle(self) -> None:
        """From outside: run everything that was started until nothing is left to do.

        Periodic work that is not due does not count as something to do.

        Raises:
            Deadlock: tasks wait for each other and nothing can wake them.
        """

    @abc.abstractmethod
    def advance(self, seconds: float) -> None:
        """From outside: let `seconds` pass, running all that falls due on the way, in order."""

    @abc.abstractmethod
    def leap(self, seconds: float) -> None:
        """From outside: as `advance`, without waiting for `seconds` to pass on the wall."""

    @abc.abstractmethod
    def still(self) -> AbstractContextManager[None]:
        """From outside: let nothing begin by itself in the block, such as periodic work."""

    @abc.abstractmethod
    def kill(self, owner: Owner) -> None:
        """End all tasks and periodic work of `owner` where they stand, as a death does."""

    @abc.abstractmethod
    def unfinished(self) -> list[str]:
        """Describe every task that has not ended: name, owner, what it waits for and where."""

    @abc.abstractmethod
    def close(self) -> None:
        """End everything. The runtime cannot be used afterwards."""
