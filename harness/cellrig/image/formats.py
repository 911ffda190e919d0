"""What the first bytes of an image's data say of it."""

from __future__ import annotations

import struct

from cellrig.image.errors import UnsafeImage

#: As many bytes as are looked at.
HEAD = 104

_QCOW2 = b"QFI\xfb"
_EXTERNAL_DATA = 1 << 2

#: The formats whose data are what a guest sees.
_PLAIN = frozenset({"raw", "iso", "ami"})


def check_head(head: bytes) -> None:
    """Refuse data that a hypervisor would fill up from other files of its machine.

    Raises:
        UnsafeImage: a QCOW2 file with a backing file, or with its data elsewhere.
    """
    if len(head) < HEAD or head[:4] != _QCOW2:
        return
    version, backing = struct.unpack_from(">IQ", head, 4)
    if backing:
        raise UnsafeImage("name a backing file")
    (incompatible,) = struct.unpack_from(">Q", head, 72)
    if version > 2 and incompatible & _EXTERNAL_DATA:
        raise UnsafeImage("are kept in another file")


def virtual_size(disk_format: str, head: bytes, size: int) -> int | None:
    """Return how many bytes a guest sees of the data; None where that is not known.

    Args:
        disk_format: as the image says.
        head: the first bytes.
        size: bytes of all data.
    """
    if disk_format in _PLAIN:
        return size
    if disk_format == "qcow2" and len(head) >= HEAD and head[:4] == _QCOW2:
        (told,) = struct.unpack_from(">Q", head, 24)
        return int(told)
    return None
