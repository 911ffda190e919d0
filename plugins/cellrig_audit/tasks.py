"""No task and no message outlives what it belongs to."""

from __future__ import annotations

from collections.abc import Iterator

from cellrig.bus import Message
from cellrig_audit.picture import Picture


def check(picture: Picture) -> Iterator[str]:
    """Find tasks that have not ended, and messages that nobody will ever take."""
    for task in picture.unfinished:
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
