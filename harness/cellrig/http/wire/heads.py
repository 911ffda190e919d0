"""The head of a request: its first line and its headers, as WSGI wants them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

from cellrig.http.wire.errors import NotHttp

#: The most bytes that a head has, its path and query among them.
MAX_HEAD = 64 * 1024

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_METHOD = re.compile(r"[A-Z]+(?:-[A-Z]+)*")
_PROTOCOL = re.compile(r"HTTP/[0-9]+\.[0-9]+")
_SLASH = re.compile(r"%2F", re.IGNORECASE)
#: What stands in an environment without the prefix of headers (PEP 3333).
_BARE = {"CONTENT-TYPE": "CONTENT_TYPE", "CONTENT-LENGTH": "CONTENT_LENGTH"}


class Head(NamedTuple):
    """A request, as far as its body.

    Attributes:
        environ: of WSGI, what the head says of it.
        length: bytes of the body; None where it comes in chunks.
        keeps: whether the client wants to go on with the connection.
        is_newest: whether the client speaks HTTP/1.1, so that it knows of chunks.
    """

    environ: dict[str, Any]
    length: int | None
    keeps: bool
    is_newest: bool


def read_head(block: bytes, environ: dict[str, Any]) -> Head:
    """Read a head.

    Args:
        block: the bytes before the empty line.
        environ: what is known before; changed.

    Raises:
        NotHttp: it is none, or asks for what there is not.
    """
    text = block.decode("latin-1")
    lines = text.split("\r\n")
    ends = len(lines) - 1
    # A line's end that only some take for one is how a request is hidden in another.
    if text.count("\n") != ends or text.count("\r") != ends or "\0" in text:
        raise NotHttp(400, "HTTP ends lines with CR and LF")
    is_newest = _read_first_line(lines[0], environ)
    for line in lines[1:]:
        name, _, value = line.partition(":")
        key = _key(name)
        if key is None:
            continue
        value = value.strip(" \t")
        if key in environ:
            value = _joined(key, environ[key], value)
        environ[key] = value
    return Head(environ, _length(environ, is_newest), _keeps(environ, is_newest), is_newest)


def _read_first_line(line: str, environ: dict[str, Any]) -> bool:
    words = line.split(" ")
    if len(words) != 3:
        raise NotHttp(400, "a request begins with a method, a path and HTTP/1.1")
    method, target, protocol = words
    if protocol not in ("HTTP/1.1", "HTTP/1.0"):
        if _PROTOCOL.fullmatch(protocol) is None:
            raise NotHttp(400, f"{protocol[:20]!r} is no version of HTTP")
        raise NotHttp(505, "HTTP/1.1 is spoken here")
    if _METHOD.fullmatch(method) is None:
        raise NotHttp(400, "a method is a word in capitals")
    path, _, query = target.partition("?")
    if not (path.startswith("/") or (path == "*" and method == "OPTIONS")) or "#" in target:
        raise NotHttp(400, "a path begins with a slash and has no fragment")
    environ["REQUEST_METHOD"] = method
    environ["REQUEST_URI"] = target
    environ["PATH_INFO"] = _unquoted(path) if "%" in path else path
    environ["QUERY_STRING"] = query
    environ["SERVER_PROTOCOL"] = protocol
    return protocol == "HTTP/1.1"


def _unquoted(path: str) -> str:
    """Unquote a path; a quoted slash stays, because it separates nothing."""
    segments = (unquote_to_bytes(each.encode("latin-1")) for each in _SLASH.split(path))
    return b"%2F".join(segments).decode("latin-1")


@lru_cache(maxsize=1024)
def _key(name: str) -> str | None:
    """Return the key of a header; None for one that could be taken for another."""
    if _TOKEN.fullmatch(name) is None:
        raise NotHttp(400, f"{name[:40]!r} is no name of a header")
    if "_" in name:
        return None
    upper = name.upper()
    return _BARE.get(upper) or f"HTTP_{upper.replace('-', '_')}"


def _joined(key: str, known: str, value: str) -> str:
    """Return one value for a header that came again."""
    if key in ("CONTENT_LENGTH", "HTTP_HOST"):
        if value != known:
            raise NotHttp(400, "a request has one length and one host")
        return value
    return f"{known}; {value}" if key == "HTTP_COOKIE" else f"{known}, {value}"


def _length(environ: dict[str, Any], is_newest: bool) -> int | None:
    coding = environ.get("HTTP_TRANSFER_ENCODING")
    given = environ.get("CONTENT_LENGTH")
    if coding is not None:
        # Where both are given, two servers could see two ends of one request.
        if given is not None or not is_newest:
            raise NotHttp(400, "a body has a length or, in HTTP/1.1, comes in chunks")
        if coding.lower() != "chunked":
            raise NotHttp(501, "chunked is the only transfer coding here")
        return None
    if not given:
        return 0
    if not (given.isascii() and given.isdecimal() and len(given) < 20):
        raise NotHttp(400, "the length of a body is a number")
    return int(given)


def _keeps(environ: dict[str, Any], is_newest: bool) -> bool:
    wish = environ.get("HTTP_CONNECTION")
    if wish is None:
        return is_newest
    wishes = {each.strip() for each in wish.lower().split(",")}
    return "close" not in wishes if is_newest else "keep-alive" in wishes
