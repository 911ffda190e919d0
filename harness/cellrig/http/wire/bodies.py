"""The bodies of requests, as streams that end where the body ends."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

#: The most bytes of a line that says how long a chunk is, and of what follows the last chunk.
_MAX_LINE = 4096
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,12})[ \t]*(?:;.*)?")


class Incoming:
    """What has come over a connection and was not taken yet.

    Args:
        receive: waits for more and returns it; nothing where the client has ended.
    """

    def __init__(self, receive: Callable[[], bytes]) -> None:
        self._receive = receive
        self.data = bytearray()

    def take(self, most: int) -> bytes:
        """Return up to so many bytes; none at the client's end."""
        if not self.data:
            self.data += self._receive()
        taken = bytes(self.data[:most])
        del self.data[:most]
        return taken

    def take_line(self) -> bytes:
        """Return the next line, without its end.

        Raises:
            ValueError: it is too long, or does not end.
        """
        while (end := self.data.find(b"\r\n")) < 0:
            if len(self.data) > _MAX_LINE:
                raise ValueError("a line between chunks is too long")
            more = self._receive()
            if not more:
                raise ValueError("the body ends before its last chunk")
            self.data += more
        if end > _MAX_LINE:
            raise ValueError("a line between chunks is too long")
        line = bytes(self.data[:end])
        del self.data[: end + 2]
        return line


class Body(io.RawIOBase):
    """A body.

    Attributes:
        is_over: whether all of it has been read.
        left: bytes that have not been read; None where nobody knows.
    """

    is_over = False
    left: int | None = None

    def __init__(self, incoming: Incoming) -> None:
        super().__init__()
        self._incoming = incoming

    def readable(self) -> bool:
        """Whether it can be read."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill a buffer with what comes next; nothing at the end."""
        view = memoryview(buffer).cast("B")
        data = b"" if self.is_over else self._next(len(view))
        view[: len(data)] = data
        return len(data)

    def _next(self, most: int) -> bytes:
        raise NotImplementedError


class LongBody(Body):
    """A body with a length, of which not all has come; short where the client ends before."""

    def __init__(self, incoming: Incoming, length: int) -> None:
        super().__init__(incoming)
        self.left: int = length

    def _next(self, most: int) -> bytes:
        data = self._incoming.take(min(most, self.left))
        self.left -= len(data)
        self.is_over = not self.left
        return data


class ChunkedBody(Body):
    """A body in chunks; reading it raises ValueError where they are none."""

    def __init__(self, incoming: Incoming) -> None:
        super().__init__(incoming)
        self._of_chunk = 0

    def _next(self, most: int) -> bytes:
        if not self._of_chunk:
            self._begin_chunk()
            if self.is_over:
                return b""
        data = self._incoming.take(min(most, self._of_chunk))
        if not data:
            raise ValueError("the body ends before its last chunk")
        self._of_chunk -= len(data)
        if not self._of_chunk and self._incoming.take_line():
            raise ValueError("a chunk is longer than it says")
        return data

    def _begin_chunk(self) -> None:
        line = self._incoming.take_line()
        found = _SIZE.fullmatch(line)
        if found is None:
            raise ValueError(f"{line[:20]!r} is no length of a chunk")
        self._of_chunk = int(found[1], 16)
        if not self._of_chunk:
            self._pass_trailers()
            self.is_over = True

    def _pass_trailers(self) -> None:
        passed = 0
        while line := self._incoming.take_line():
            passed += len(line)
            if passed > _MAX_LINE:
                raise ValueError("too much follows the last chunk")
