"""No task and no message outlives what it belongs to."""

from __future__ import annotations

from collections.abc import Iterator

from cellrig.bus import Message
from cellrig_audit.picture import Picture


def check(picture: Picture) -> Iterator[str]:
    """Find tasks that have not ended, and messages that nobody will ever take."""
    for task in picture.unfinished:
        if not _waits_for_dead_service(task, picture):
            yield f"a task has not ended: {task}"
    for message in picture.queued:
        if not _is_awaited(message, picture):
            yield (
                f"message {message.method} waits in the queue {message.topic}, "
                "and no service that is down will come back for it"
            )


def _is_awaited(message: Message, picture: Picture) -> bool:
    return any(
        message.topic == topic or message.topic.startswith(f"{topic}.") for topic in picture.awaited
    )


def _waits_for_dead_service(task: str, picture: Picture) -> bool:
    """Whether a task waits for the reply of a service that is down, as periodic work may at rest.

    A rig does not let time pass for such a wait alone: the work would be due again before its end.
    """
    return any(f" waits for 'reply to {topic}." in task for topic in picture.awaited)
