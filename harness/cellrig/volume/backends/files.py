"""Raw, sparse files in one directory: what the backends with data keep volumes in.

A file is made under a name of its own and gets its true name when it is whole, so that whoever
dies in between leaves no half of a volume.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from cellrig.errors import CellrigError
from cellrig.image import StoredImage
from cellrig.volume.errors import ToolMissing

GIB = 1024**3
_PARTIAL = ".partial"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_CHUNK = 1024 * 1024


class NameRefused(CellrigError):
    """A location is no plain name, and could lie outside of the directory. Args: it, where."""

    template = "{0!r} is no name of a file in {1}: it takes letters, digits, '_' and '-'"


class VolumeFiles:
    """The files of one backend.

    Args:
        directory: gives the directory, when it is first needed.
    """

    def __init__(self, directory: Callable[[], Path]) -> None:
        self._directory = directory

    def path(self, name: str) -> Path:
        """Return where a file is.

        Raises:
            NameRefused: `name` has something that leads elsewhere.
        """
        directory = self._directory()
        if not _NAME.fullmatch(name):
            raise NameRefused(name, directory)
        return directory / name

    def create(self, name: str, size: int, fill: Callable[[Path], None] | None = None) -> str:
        """Make a file of `size` GiB, blank behind what `fill` writes; return its name."""
        whole = self.path(name)
        partial = whole.with_name(name + _PARTIAL)
        try:
            partial.write_bytes(b"")
            if fill is not None:
                fill(partial)
            grow(partial, size * GIB)
            partial.replace(whole)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        return name

    def delete(self, name: str) -> None:
        """Delete a file, whole or half made; harmless where there is none."""
        whole = self.path(name)
        whole.with_name(name + _PARTIAL).unlink(missing_ok=True)
        whole.unlink(missing_ok=True)

    def extend(self, name: str, size: int) -> None:
        """Let a file be `size` GiB; one that is larger stays as it is."""
        grow(self.path(name), size * GIB)


def grow(path: Path, size: int) -> None:
    """Let a file have at least `size` bytes; what is added takes no room."""
    if path.stat().st_size < size:
        os.truncate(path, size)


def copy_sparse(source: Path, target: Path) -> None:
    """Let `target` begin with what `source` holds; holes stay holes where the system knows them."""
    with source.open("rb") as reading, target.open("r+b") as writing:
        size = source.stat().st_size
        if target.stat().st_size < size:
            writing.truncate(size)
        position = 0
        while position < size:
            try:
                start = os.lseek(reading.fileno(), position, os.SEEK_DATA)
            except OSError:  # what is left is a hole
                break
            position = os.lseek(reading.fileno(), start, os.SEEK_HOLE)
            _copy_range(reading.fileno(), writing.fileno(), start, position)


def _copy_range(source: int, target: int, start: int, end: int) -> None:
    """Copy bytes; the system shares them between the files where it can."""
    while start < end:
        copied = 0
        with suppress(OSError):  # two file systems, or one that cannot
            copied = os.copy_file_range(source, target, end - start, start, start)
        if not copied:
            copied = os.pwrite(target, os.pread(source, min(_CHUNK, end - start), start), start)
        start += copied


def write_image(image: StoredImage, data: Path, target: Path, driver: str) -> None:
    """Write an image's data to a file, as a raw disk.

    Raises:
        ToolMissing: the image is not raw, and there is nothing to convert it with.
    """
    if image.disk_format in ("raw", "iso"):
        copy_sparse(data, target)
        return
    converter = shutil.which("qemu-img")
    if converter is None:
        raise ToolMissing(driver, "qemu-img", "qemu-utils")
    subprocess.run(  # noqa: S603 - a list, without a shell
        [converter, "convert", "-f", image.disk_format, "-O", "raw", str(data), str(target)],
        check=True,
        capture_output=True,
    )
