"""What a fault can do: one small value for each."""

from __future__ import annotations

import copy
import sys
from typing import TYPE_CHECKING, ClassVar

import msgspec

from cellrig.bus import RESPONSE_TIMEOUT
from cellrig.errors import MessagingTimeout
from cellrig.runtime import TaskKilled
from cellrig.seams import Passage
from cellrig_faults.errors import InjectedFault
from cellrig_faults.interface import Rig

if TYPE_CHECKING:
    from cellrig_faults.hold import Hold

#: What to raise: an object (each passage gets a copy), a class that needs no arguments, or None.
ErrorLike = Exception | type[Exception] | None


def make_error(error: ErrorLike, passage: Passage) -> Exception:
    """Return an error for `passage` alone: errors collect tracebacks, none is used twice."""
    if error is None:
        return InjectedFault(passage.seam, passage.process.label)
    return error() if isinstance(error, type) else copy.copy(error)


def _name(error: ErrorLike) -> str:
    if error is None:
        return InjectedFault.__name__
    return error.__name__ if isinstance(error, type) else repr(error)


class Fail(msgspec.Struct, frozen=True):
    """Raise `error` and do not make the call."""

    after: ClassVar[bool] = False
    error: ErrorLike = None

    def act(self, passage: Passage, rig: Rig, entered: float) -> BaseException | None:
        """See `Action`."""
        return make_error(self.error, passage)

    def __str__(self) -> str:
        return f"fail with {_name(self.error)}"


class FailAfter(msgspec.Struct, frozen=True):
    """Make the call and then raise `error`, so that the caller does not know it was made."""

    after: ClassVar[bool] = True
    error: ErrorLike = None

    def act(self, passage: Passage, rig: Rig, entered: float) -> BaseException | None:
        """See `Action`."""
        return make_error(self.error, passage)

    def __str__(self) -> str:
        return f"fail afterwards with {_name(self.error)}"


class Delay(msgspec.Struct, frozen=True):
    """Let `seconds` of the rig's time pass before the call is made."""

    after: ClassVar[bool] = False
    seconds: float

    def act(self, passage: Passage, rig: Rig, entered: float) -> BaseException | None:
        """See `Action`."""
        rig.runtime.sleep(self.seconds)
        return None

    def __str__(self) -> str:
        return f"delay by {self.seconds:g} s"


class HoldUntilReleased(msgspec.Struct, frozen=True, eq=False):
    """Keep the call waiting until the test releases `hold`."""

    after: ClassVar[bool] = False
    hold: Hold

    def act(self, passage: Passage, rig: Rig, entered: float) -> BaseException | None:
        """See `Action`."""
        self.hold.wait()
        return None

    def __str__(self) -> str:
        return "hold"


class DropReply(msgspec.Struct, frozen=True):
    """Make the call over the bus and lose its reply: the caller waits in vain and times out."""

    after: ClassVar[bool] = True

    def act(self, passage: Passage, rig: Rig, entered: float) -> BaseException | None:
        """See `Action`."""
        rest = entered + RESPONSE_TIMEOUT - rig.runtime.now()
        if rest > 0:
            rig.runtime.sleep(rest)
        _bus, service, method = passage.seam.split(".", 2)
        topic = f"{service}.{passage.to}" if passage.to else service
        return MessagingTimeout(method, topic, RESPONSE_TIMEOUT)

    def __str__(self) -> str:
        return "drop the reply"


class DeliverTwice(msgspec.Struct, frozen=True):
    """Make the call two times, as a bus does that lost an acknowledgement."""

    after: ClassVar[bool] = False

    def act(self, passage: Passage, rig: Rig, entered: float) -> BaseException | None:
        """See `Action`."""
        passage.times = 2
        return None

    def __str__(self) -> str:
        return "deliver twice"


class CrashBefore(msgspec.Struct, frozen=True):
    """Let the service that makes the call die before it is made."""

    after: ClassVar[bool] = False

    def act(self, passage: Passage, rig: Rig, entered: float) -> BaseException | None:
        """See `Action`."""
        passage.process.crash()
        return TaskKilled()

    def __str__(self) -> str:
        return "crash before"


class CrashAfter(msgspec.Struct, frozen=True):
    """Let the service that makes the call die when it has been made, before it learns that."""

    after: ClassVar[bool] = True

    def act(self, passage: Passage, rig: Rig, entered: float) -> BaseException | None:
        """See `Action`."""
        passage.process.crash()
        killed = TaskKilled()
        killed.__context__ = sys.exc_info()[1]  # what the caller was dealing with dies with it
        return killed

    def __str__(self) -> str:
        return "crash after"


class TakeDown(msgspec.Struct, frozen=True):
    """Take a database away (a cell's is called as the cell) before the call is made."""

    after: ClassVar[bool] = False
    name: str
    reason: str = "taken down by a fault"

    def act(self, passage: Passage, rig: Rig, entered: float) -> BaseException | None:
        """See `Action`."""
        rig.databases[self.name].take_down(self.reason)
        return None

    def __str__(self) -> str:
        return f"take down {self.name}"


class BringBack(msgspec.Struct, frozen=True):
    """Bring a database back before the call is made."""

    after: ClassVar[bool] = False
    name: str

    def act(self, passage: Passage, rig: Rig, entered: float) -> BaseException | None:
        """See `Action`."""
        rig.databases[self.name].bring_back()
        return None

    def __str__(self) -> str:
        return f"bring back {self.name}"
