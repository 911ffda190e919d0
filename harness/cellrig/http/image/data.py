"""The data of images, which pass through in both directions and are never held as a whole."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cellrig.http.calls import Answer
from cellrig.http.errors import Refusal
from cellrig.http.image.face import ImageCall, context_of
from cellrig.image.data import CHUNK

_STREAM = "application/octet-stream"
_SIZE = "X-OPENSTACK-IMAGE-SIZE"
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def upload(call: ImageCall) -> Answer:
    """Bring an image's data."""
    call.service.upload(context_of(call), call.parameters["image_id"], _chunks(call), _size(call))
    return Answer(204)


def stage(call: ImageCall) -> Answer:
    """Bring data that are to be imported into an image."""
    call.service.stage(context_of(call), call.parameters["image_id"], _chunks(call), _size(call))
    return Answer(204)


def import_image(call: ImageCall) -> Answer:
    """Import the data that have been brought."""
    call.service.import_staged(context_of(call), call.parameters["image_id"])
    return Answer(202)


def download(call: ImageCall) -> Answer:
    """Get an image's data, or a part of them (RFC 9110, "Range")."""
    context, image_id = context_of(call), call.parameters["image_id"]
    image = call.service.show(context, image_id)
    part = _part(call, image.size)
    start, length = (0, image.size) if part is None else part
    found = call.service.data(context, image_id, start, length)
    if found is None:
        return Answer(204)
    headers = {"Accept-Ranges": "bytes"}
    if image.checksum is not None and part is None:
        headers["Content-MD5"] = image.checksum
    if part is not None:
        headers["Content-Range"] = f"bytes {start}-{start + length - 1}/{image.size}"
    return Answer(
        200 if part is None else 206,
        stream=found,
        length=length,
        media_type=_STREAM,
        headers=headers,
    )


def _chunks(call: ImageCall) -> Iterator[bytes]:
    while chunk := call.body.read(CHUNK):
        yield chunk


def _size(call: ImageCall) -> int | None:
    """Return how many bytes a client has announced.

    Raises:
        Refusal: 400 for what is no number, or for two that differ.
    """
    told = {call.headers.get(name) for name in ("CONTENT-LENGTH", _SIZE)} - {None, ""}
    if len(told) > 1 or not all(str(size).isdigit() and len(str(size)) < 19 for size in told):
        raise Refusal(
            400,
            f"Content-Length and {_SIZE} take one number of bytes, not {sorted(map(str, told))}",
        )
    return int(str(told.pop())) if told else None


def _part(call: ImageCall, size: int) -> tuple[int, int] | None:
    """Return the first byte and the length of the part that is asked for; None for all."""
    asked = call.headers.get("RANGE")
    match = None if asked is None else _RANGE.fullmatch(asked.strip())
    if match is None or not (match[1] or match[2]):
        return None  # what is not understood is not heeded
    first, last = match[1], match[2]
    start = int(first) if first else max(size - int(last), 0)
    end = min(int(last), size - 1) if first and last else size - 1
    if start > end:
        refusal = Refusal(416, f"the image has {size} bytes; {asked} is not among them")
        refusal.headers = {"Content-Range": f"bytes */{size}"}
        raise refusal
    return start, end - start + 1
