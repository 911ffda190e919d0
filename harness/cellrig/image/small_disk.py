"""The data of the image that a rig begins with: a QCOW2 file of a few KiB, made here.

It is a disk of 1 MiB with a boot sector that halts the processor. A hypervisor boots from it, and
its guest then does nothing: enough for what a control plane is asked to do with guests.
"""

from __future__ import annotations

import struct
from functools import lru_cache

_CLUSTER_BITS = 9
_CLUSTER = 1 << _CLUSTER_BITS
_SIZE = 1024**2
_COPIED = 1 << 63
#: Clear the interrupt flag, halt, and halt again should anything wake it.
_HALT = b"\xfa\xf4\xeb\xfd"
_SIGNATURE = b"\x55\xaa"
#: Which cluster has what.
_REFCOUNT_TABLE, _REFCOUNTS, _L1, _L2, _BOOT_SECTOR = range(1, 6)
_CLUSTERS = 6


@lru_cache(maxsize=1)
def small_disk() -> bytes:
    """Return the file (QCOW2, version 2)."""
    l1_entries = _SIZE // (_CLUSTER * (_CLUSTER // 8))
    header = struct.pack(
        ">4sIQIIQIIQQIIQ",
        b"QFI\xfb",
        2,
        0,  # no backing file
        0,
        _CLUSTER_BITS,
        _SIZE,
        0,  # not encrypted
        l1_entries,
        _L1 * _CLUSTER,
        _REFCOUNT_TABLE * _CLUSTER,
        1,  # cluster of references
        0,  # no snapshots
        0,
    )
    clusters = (
        header,
        struct.pack(">Q", _REFCOUNTS * _CLUSTER),
        struct.pack(f">{_CLUSTERS}H", *[1] * _CLUSTERS),
        struct.pack(">Q", _COPIED | _L2 * _CLUSTER),
        struct.pack(">Q", _COPIED | _BOOT_SECTOR * _CLUSTER),
        _HALT.ljust(_CLUSTER - len(_SIGNATURE), b"\0") + _SIGNATURE,
    )
    return b"".join(cluster.ljust(_CLUSTER, b"\0") for cluster in clusters)
