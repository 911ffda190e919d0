"""Reports about tasks that wait: who waits for whom, and where."""

from __future__ import annotations

import os
from collections.abc import Iterable
from types import FrameType
from typing import Any

_RUNTIME = os.path.dirname(__file__)


def describe(task: Any) -> str:
    """Return one line about a task: its name, owner, what it waits for, who holds that, where."""
    owner = f" of {task.owner.label}" if task.owner is not None else ""
    return f"{task.name}{owner} {_wait(task)}{_place(task)}"


def report(tasks: Iterable[Any]) -> str:
    """Return the deadlock report for tasks that wait."""
    lines = ["nothing can run and no timer is pending, but these tasks wait:"]
    lines.extend(f"  {describe(task)}" for task in tasks)
    return "\n".join(lines)


def _wait(task: Any) -> str:
    waiting_for = task.waiting_for
    if waiting_for is None:
        return "can run"
    holder = getattr(waiting_for, "holder", None)
    if holder is not None:
        return f"waits for lock {waiting_for.name!r}, held by {holder.name}{_place(holder)}"
    return f"waits for {waiting_for.name!r}"


def _place(task: Any) -> str:
    """Say where in service code the task stands: the innermost frame outside the runtime."""
    frame: FrameType | None = None if task.greenlet is None else task.greenlet.gr_frame
    while frame is not None and _is_plumbing(frame):
        frame = frame.f_back
    if frame is None:
        return ""
    code = frame.f_code
    return f" at {os.path.basename(code.co_filename)}:{frame.f_lineno} in {code.co_name}"


def _is_plumbing(frame: FrameType) -> bool:
    filename = frame.f_code.co_filename
    return filename.startswith(_RUNTIME) or filename.endswith("contextlib.py")
