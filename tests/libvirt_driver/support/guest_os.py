"""A guest with an operating system: Debian's cloud kernel, and an initramfs made here.

Its init does what the kernel's command line says with the volume that ``serial=`` names:
``role=writer`` writes a number to it again and again, and ``role=reader`` reads that. Both tell it
on the serial console.
"""

from __future__ import annotations

import gzip
import os
import re
from collections.abc import Iterator
from pathlib import Path

#: Where tox puts the unpacked packages.
WANTED = "CELLRIG_GUEST_OS"
_MODULES = ("virtio_pci", "virtio_scsi", "sd_mod")
_INIT = """#!/bin/busybox sh
/bin/busybox mkdir -p /proc /dev /sys
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t devtmpfs dev /dev
for module in $(/bin/busybox cat /modules/order); do /bin/busybox insmod /modules/$module; done
for word in $(/bin/busybox cat /proc/cmdline); do
    case $word in role=*) role=${word#role=} ;; serial=*) serial=${word#serial=} ;; esac
done
# Disks are named in the order in which they answer: only the serial says which is which.
until page=$(/bin/busybox grep -l $serial /sys/block/sd*/device/vpd_pg80); do
    /bin/busybox sleep 0.1
done
disk=/dev/$(echo $page | /bin/busybox cut -d / -f 4)
until [ -b $disk ]; do /bin/busybox sleep 0.1; done
echo "$role is up" > /dev/ttyS0
number=0
while true; do
    if [ $role = writer ]; then
        number=$((number + 1))
        printf '%-512s' $number | /bin/busybox dd of=$disk bs=512 count=1 conv=fsync 2>/dev/null
    else
        /bin/busybox blockdev --flushbufs $disk
        number=$(/bin/busybox dd if=$disk bs=512 count=1 2>/dev/null | /bin/busybox tr -dc 0-9)
    fi
    echo "$role $number" > /dev/ttyS0
    /bin/busybox sleep 0.2
done
"""


def missing_guest_os() -> str | None:
    """Say in one sentence what is missing for such a guest; None where all is there."""
    if not os.environ.get(WANTED):
        return f"a guest's kernel is fetched by tox's environment 'libvirt' ({WANTED} is not set)"
    try:
        kernel()
    except StopIteration:
        return f"there is no kernel in {os.environ[WANTED]}"
    return None


def kernel() -> Path:
    """Return the kernel's file."""
    return next((Path(os.environ[WANTED]) / "boot").glob("vmlinuz-*"))


def initramfs() -> bytes:
    """Return an initramfs for that kernel."""
    root = Path(os.environ[WANTED])
    modules = {path.stem: path for path in (root / "lib/modules").rglob("*.ko")}
    order: list[str] = []
    for name in _MODULES:
        _add_with_needs(name, modules, order)
    files = {
        "init": _INIT.encode(),
        "bin/busybox": (root / "bin/busybox").read_bytes(),
        "modules/order": "\n".join(f"{name}.ko" for name in order).encode(),
        **{f"modules/{name}.ko": modules[name].read_bytes() for name in order},
    }
    return gzip.compress(b"".join(_archive(files)), compresslevel=1)


def numbers(console: str, role: str) -> list[int]:
    """Return the numbers that a guest has told."""
    return [int(number) for number in re.findall(rf"{role} (\d+)", console)]


def _add_with_needs(name: str, modules: dict[str, Path], order: list[str]) -> None:
    """Add a module behind those that it needs; one that is not there is part of the kernel."""
    path = modules.get(name) or modules.get(name.replace("_", "-"))
    if path is None or path.stem in order:
        return
    found = re.search(rb"\0depends=([^\0]*)\0", path.read_bytes())
    for need in found[1].decode().split(",") if found else ():
        _add_with_needs(need, modules, order)
    order.append(path.stem)


def _archive(files: dict[str, bytes]) -> Iterator[bytes]:
    """Write files as a ``newc`` archive of cpio, as the kernel takes it."""
    directories = {str(parent) for name in files for parent in Path(name).parents} - {"."}
    for number, name in enumerate([*sorted(directories), *files], start=1):
        is_file = name in files
        yield from _entry(name, files.get(name, b""), 0o100755 if is_file else 0o40755, number)
    yield from _entry("TRAILER!!!", b"", 0, 0)


def _entry(name: str, data: bytes, mode: int, number: int) -> Iterator[bytes]:
    encoded = name.encode() + b"\0"
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(encoded), 0)
    header = b"070701" + "".join(f"{field:08x}" for field in fields).encode() + encoded
    for part in (header, data):
        yield part + b"\0" * (-len(part) % 4)
