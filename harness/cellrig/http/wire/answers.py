"""Asking a WSGI application, and sending what it answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from email.utils import formatdate
from functools import lru_cache
from types import TracebackType
from typing import Any

from cellrig.http.wire.heads import Head

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
_Fields = list[tuple[str, str]]
_ExcInfo = tuple[type[BaseException], BaseException, TracebackType]

#: Up to here what is sent is put together, which costs less than to send it piece by piece.
_SMALL = 64 * 1024
_TOO_LONG = "an answer is longer than it says"
_CLOSE = "\r\nConnection: close"


class Exchange:
    """One request and its answer.

    Args:
        head: of the request.
        send: sends bytes to the client.
        goes_on: whether the connection may go on, asked when the answer begins.

    Attributes:
        keeps: whether the connection goes on after the answer.
        has_begun: whether anything of the answer was sent.
    """

    def __init__(
        self, head: Head, send: Callable[[bytes], None], goes_on: Callable[[], bool]
    ) -> None:
        self._head = head
        self._send = send
        self._goes_on = goes_on
        self.keeps = head.keeps
        self.has_begun = False
        self._status = ""
        self._fields: _Fields = []
        self._in_chunks = False
        self._left: int | None = None

    def run(self, application: Application) -> None:
        """Let an application answer.

        Raises:
            ClientGone: nobody takes the answer.
            Exception: of the application, whatever it is; if `has_begun`, half of an answer has
                been sent.
        """
        answer = application(self._head.environ, self._start)
        try:
            if type(answer) is list and len(answer) == 1:
                self._send_whole(answer[0])
                return
            for part in answer:
                if part:
                    self._write(part)
            self._end()
        finally:
            close = getattr(answer, "close", None)
            if close is not None:
                close()

    def _start(
        self, status: str, fields: _Fields, failure: _ExcInfo | None = None
    ) -> Callable[[bytes], None]:
        if self._status and failure is None:
            raise RuntimeError("an answer was begun twice")
        if self.has_begun and failure is not None:
            raise failure[1]
        self._status, self._fields = status, fields
        return self._write

    def _send_whole(self, body: bytes) -> None:
        if self.has_begun:  # the application has called what `_start` returns
            self._write(body)
            self._end()
            return
        head = self._begun(len(body))
        if self._is_bodiless():
            self._send(head)
            return
        left = self._left or 0
        self._send(head + body[:left])
        if len(body) > left:
            raise ValueError(_TOO_LONG)
        self._left = left - len(body)
        self._note_rest()

    def _write(self, part: bytes) -> None:
        head = b"" if self.has_begun else self._begun(None)
        if self._is_bodiless():
            if head:
                self._send(head)
            return
        size = len(part)
        is_too_long = self._left is not None and size > self._left
        if self._left is not None:
            part = part[: self._left]
            self._left -= len(part)
        elif self._in_chunks:
            part = b"%x\r\n%b\r\n" % (size, part)
        if len(part) < _SMALL:
            self._send(head + part)
        else:
            if head:
                self._send(head)
            self._send(part)
        if is_too_long:
            raise ValueError(_TOO_LONG)

    def _end(self) -> None:
        if not self.has_begun:
            self._send(self._begun(0))
        if self._in_chunks:
            self._send(b"0\r\n\r\n")
        self._note_rest()

    def _note_rest(self) -> None:
        if self._left and not self._is_bodiless():
            self.keeps = False  # the client waits for more, which does not come

    def _is_bodiless(self) -> bool:
        return self._head.environ["REQUEST_METHOD"] == "HEAD" or self._status[:3] in ("204", "304")

    def _begun(self, size: int | None) -> bytes:
        """Return the head of the answer, to be sent now.

        Args:
            size: bytes of the body; None where they are not known.
        """
        if not self._status:
            raise RuntimeError("the application has begun no answer")
        self.has_begun = True
        self.keeps = self.keeps and self._goes_on()
        fields, known = self._fields, None
        for name, value in fields:
            if name.lower() == "content-length":
                known = int(value)
        framing = self._framing(known, size)
        lines = [f"{name}: {value}\r\n" for name, value in fields]
        now = _date(int(time.time()))
        text = f"HTTP/1.1 {self._status}\r\n{''.join(lines)}{framing}Server: cellrig\r\nDate: {now}"
        if text.count("\n") != len(fields) + framing.count("\n") + 2:
            raise ValueError("a header of an answer has more than one line")
        end = "" if self._head.is_newest else "\r\nConnection: keep-alive"
        return f"{text}{end if self.keeps else _CLOSE}\r\n\r\n".encode("latin-1")

    def _framing(self, known: int | None, size: int | None) -> str:
        """Return the header that says where the body ends, where the application does not."""
        if self._is_bodiless():
            return ""
        self._left = size if known is None else known
        if known is not None:
            return ""
        if size is not None:
            return f"Content-Length: {size}\r\n"
        if self._head.is_newest:
            self._in_chunks = True
            return "Transfer-Encoding: chunked\r\n"
        self.keeps = False
        return ""


@lru_cache(maxsize=2)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)
