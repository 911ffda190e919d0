"""Large answers put together from texts that differ in uuids alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from operator import itemgetter
from typing import Any

import msgspec

_encode = msgspec.json.Encoder().encode

#: What stands for a uuid; characters for private use, which no name of the API has.
_PLACEHOLDER = "\ue000{}\ue001"
_PLACEHOLDERS = re.compile("\ue000(\\d+)\ue001")


def placeholders(count: int) -> tuple[str, ...]:
    """Return what stands for the uuids at the places 0 to `count` - 1."""
    return tuple([_PLACEHOLDER.format(place) for place in range(count)])


class Template:
    """The members of a JSON array or object, uuids left open.

    Args:
        value: the array or object, with `placeholders` for uuids; encodes to one that is not empty.
    """

    __slots__ = ("_pick", "_text")

    def __init__(self, value: Any) -> None:
        literals = _PLACEHOLDERS.split(_encode(value)[1:-1].decode())
        self._text = "%s".join([text.replace("%", "%%") for text in literals[::2]])
        self._pick = itemgetter(*[int(place) for place in literals[1::2]])

    def fill(self, uuids: Sequence[str]) -> str:
        """Return the members' text with `uuids` in their places."""
        text: str = self._text % self._pick(uuids)
        return text
