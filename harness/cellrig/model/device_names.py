"""Device names: what a server sees its disks as, ``sda`` or ``vda`` and on."""

from __future__ import annotations

import re
from collections.abc import Collection
from string import ascii_lowercase

from cellrig.errors import Conflict, Invalid
from cellrig.model.flavor import Flavor

#: What the device names of a bus begin with, as libvirt names them.
_PREFIXES = {"virtio": "vd", "ide": "hd", "fdc": "fd", "xen": "xvd"}
_SUFFIXES: tuple[str, ...] = (
    *ascii_lowercase,
    *(a + b for a in ascii_lowercase for b in ascii_lowercase),
)
_WELL_FORMED = re.compile(r"(/dev/)?((sd|vd|hd|xvd|fd)[a-z]{1,3})")


def next_device_name(bus: str, used: Collection[str]) -> str:
    """Return the first name on `bus` that is not used: sda, sdb, ... sdz, sdaa.

    Raises:
        Conflict: there is none left.
    """
    prefix = _PREFIXES.get(bus, "sd")
    for suffix in _SUFFIXES:
        if prefix + suffix not in used:
            return prefix + suffix
    raise Conflict(f"no device name {prefix}a to {prefix}zz is left")


def read_device_name(given: str) -> str:
    """Return a device name without ``/dev/``.

    Raises:
        Invalid: it is malformed.
    """
    found = _WELL_FORMED.fullmatch(given)
    if found is None:
        raise Invalid(
            f"device name {given!r} is malformed: it takes sda to sdzzz, or vd, hd, xvd or fd in "
            "place of sd, with or without /dev/ before it"
        )
    return str(found[2])


def local_device_names(
    flavor: Flavor, bus: str, *, boots_from_volume: bool, taken: Collection[str] = ()
) -> tuple[str, ...]:
    """Return what a server's local disks are named: its root, ephemeral and swap disks.

    Args:
        flavor: of the server.
        bus: the image's ``hw_disk_bus``.
        boots_from_volume: it has no local root disk.
        taken: names that volumes have asked for.
    """
    count = (not boots_from_volume) + bool(flavor.ephemeral_gb) + bool(flavor.swap_mb)
    names: list[str] = []
    for _disk in range(count):
        names.append(next_device_name(bus, {*taken, *names}))
    return tuple(names)
