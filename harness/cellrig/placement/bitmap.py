"""Sets of small whole numbers as one big integer: all trees are tested by one machine operation."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_NONZERO = re.compile(rb"[^\x00]")
_BITS = tuple(tuple(bit for bit in range(8) if byte >> bit & 1) for byte in range(256))


def bitmap_of(numbers: Iterable[int], size: int) -> int:
    """Return the bitmap of `numbers`, all of them below `size`."""
    data = bytearray((size >> 3) + 1)
    for number in numbers:
        data[number >> 3] |= 1 << (number & 7)
    return int.from_bytes(data, "little")


def numbers_in(bitmap: int) -> Iterator[int]:
    """Return the numbers in a bitmap, ascending; gaps are skipped at the speed of memory."""
    data = bitmap.to_bytes((bitmap.bit_length() >> 3) + 1, "little")
    for match in _NONZERO.finditer(data):
        place = match.start()
        base = place << 3
        for bit in _BITS[data[place]]:
            yield base + bit
