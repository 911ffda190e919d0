"""The bytes of a request's body, of which there are only so many."""

from __future__ import annotations

import falcon

from cellrig.http.errors import Refusal

#: The most bytes that a body of JSON has. The field's services take 112 KiB (oslo.middleware's
#: ``max_request_body_size``), its placement any number: a tree of providers may be reshaped whole.
MAX_BODY = 1024 * 1024


def read_body(req: falcon.Request) -> bytes:
    """Return the whole body, which has a length or comes in chunks.

    Raises:
        Refusal: 413 where it is larger than `MAX_BODY`, 400 where its chunks are none.
    """
    length = req.content_length
    if length is not None and length > MAX_BODY:
        raise _too_large()
    if length is None and req.get_header("Transfer-Encoding"):
        return _in_chunks(req)
    return req.bounded_stream.read()


def _in_chunks(req: falcon.Request) -> bytes:
    try:
        body: bytes = req.stream.read(MAX_BODY + 1)
    except (OSError, ValueError) as error:  # as WSGI servers tell of a chunk that is none
        raise Refusal(400, f"the body comes in chunks that cannot be read: {error}") from error
    if len(body) > MAX_BODY:
        raise _too_large()
    return body


def _too_large() -> Refusal:
    return Refusal(413, f"a body has at most {MAX_BODY} bytes")
