"""Tasks, locks, events and the clock: one interface, a virtual and a live implementation."""

from cellrig.runtime.errors import (
    DeadlineExceeded,
    Deadlock,
    OpenTransaction,
    TaskKilled,
    WrongThread,
)
from cellrig.runtime.interface import Event, Lock, Owner, Periodic, Runtime, Task

__all__ = [
    "DeadlineExceeded",
    "Deadlock",
    "Event",
    "Lock",
    "OpenTransaction",
    "Owner",
    "Periodic",
    "Runtime",
    "Task",
    "TaskKilled",
    "WrongThread",
]
