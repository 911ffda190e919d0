"""The smallest guest with something to say: a boot sector that writes a line to the console."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

LINE = "written by the boot sector"


def boot_sector() -> bytes:
    """Return 512 bytes that write `LINE` to the first serial port, by the BIOS, and halt."""
    code = bytes.fromhex(
        "31c08ed8"  # xor ax,ax; mov ds,ax
        "be177c"  # mov si,0x7c17: the text
        "ac"  # next: lodsb
        "84c0"  # test al,al
        "7409"  # jz halt
        "b401"  # mov ah,1: send a character
        "31d2"  # xor dx,dx: to the first port
        "cd14"  # int 0x14
        "ebf3"  # jmp next
        "90"
        "faf4"  # halt: cli; hlt
    )
    return (code + LINE.encode() + b"\r\n\0").ljust(510, b"\0") + b"\x55\xaa"


def write_image(path: Path, form: str) -> None:
    """Write an image of 1 MiB that boots."""
    raw = path.with_suffix(".raw")
    raw.write_bytes(boot_sector().ljust(1 << 20, b"\0"))
    _qemu_img("convert", "-O", form, str(raw), str(path))
    raw.unlink()


def backing_file(path: Path) -> str | None:
    """Return what a disk is based on."""
    told = json.loads(_qemu_img("info", "-U", "--output=json", str(path)))
    found: str | None = told.get("backing-filename")
    return found


def _qemu_img(*arguments: str) -> bytes:
    return subprocess.run(  # noqa: S603 - the arguments are ours
        ["qemu-img", *arguments],  # noqa: S607 - wherever it is installed
        check=True,
        capture_output=True,
    ).stdout
