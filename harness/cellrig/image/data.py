"""Images' data: what is small is kept in the database, the rest in files that never change.

A file's name has the image's id and the beginning of what its data hash to. So a rig that goes
back to a snapshot finds the data of then under the name of then, whatever has come since; and a
file that a snapshot may want is kept until the rig ends.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from cellrig.errors import Invalid
from cellrig.image.errors import ImageTooLarge
from cellrig.image.formats import HEAD, check_head

#: The most bytes that are kept in the database.
SMALL = 32 * 1024

#: How much is read and written at once.
CHUNK = 1024 * 1024

_PARTIAL = "incoming-"
_DIGITS = 16


class Received(msgspec.Struct, frozen=True):
    """Data that have come, and are not an image's yet.

    Args:
        head: the first bytes.
        size: bytes of all of it.
        checksum, hash_value: the MD5 and the SHA-512, in hexadecimal digits.
        content: all of it, where it is small; else None.
        path: the file that has it, where it is not small; else None.
    """

    head: bytes
    size: int
    checksum: str
    hash_value: str
    content: bytes | None
    path: Path | None


class Chunks:
    """A part of an image's data, a chunk at a time. It is to be closed, read or not.

    Args:
        source: where the data are read.
        start: the first byte.
        length: how many bytes.
    """

    def __init__(self, source: BinaryIO, start: int, length: int) -> None:
        self._source = source
        self._left = length
        source.seek(start)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        chunk = self._source.read(min(CHUNK, self._left)) if self._left else b""
        if not chunk:
            self.close()
            raise StopIteration
        self._left -= len(chunk)
        return chunk

    def close(self) -> None:
        """Let go of the data. Twice is harmless."""
        self._source.close()


class ImageFiles:
    """The files of one rig's images.

    Args:
        make_directory: makes the directory that they are in and returns it; called once, when
            the first file is needed.
    """

    def __init__(self, make_directory: Callable[[], Path]) -> None:
        self._make_directory = make_directory
        self._directory: Path | None = None
        self._making = threading.Lock()
        self._kept: frozenset[str] = frozenset()

    def receive(
        self, image_id: str, chunks: Iterable[bytes], size: int | None, most: int
    ) -> Received:
        """Take data in, a chunk at a time.

        Args:
            image_id: for errors.
            chunks: the data.
            size: how many bytes there must be; None where nobody has said.
            most: how many bytes there may be.

        Raises:
            ImageTooLarge: there are more, or are said to be.
            Invalid: there are others than `size`.
            UnsafeImage: the data refer to other files.
        """
        if size is not None and size > most:
            raise ImageTooLarge(image_id, most)
        incoming = _Incoming(self._new_file)
        try:
            for chunk in chunks:
                incoming.add(chunk)
                if incoming.size > most:
                    raise ImageTooLarge(image_id, most)
            if size is not None and incoming.size != size:
                raise Invalid(
                    f"image {image_id} got {incoming.size} bytes of data, {size} were announced"
                )
            return incoming.end()
        except BaseException:
            incoming.abandon()
            raise

    def keep(self, received: Received, image_id: str) -> None:
        """Let a file that has come be an image's; what is small has none."""
        if received.path is not None:
            received.path.replace(self._place() / name_of(image_id, received.hash_value))

    def abandon(self, received: Received) -> None:
        """Delete what has come."""
        if received.path is not None:
            received.path.unlink(missing_ok=True)

    def find(self, image_id: str, hash_value: str) -> Path | None:
        """Return the file of an image's data; None where there is none."""
        if self._directory is None:
            return None
        path = self._directory / name_of(image_id, hash_value)
        return path if path.exists() else None

    def write(self, image_id: str, hash_value: str, content: bytes) -> Path:
        """Make a file of small data, for those who can read only files."""
        handle, path = self._new_file()
        with handle:
            handle.write(content)
        return path.replace(self._place() / name_of(image_id, hash_value))

    def delete(self, image_id: str, hash_value: str) -> None:
        """Delete an image's file, unless a snapshot of the rig may want it again."""
        name = name_of(image_id, hash_value)
        if self._directory is not None and name not in self._kept:
            (self._directory / name).unlink(missing_ok=True)

    def find_all(self) -> None:
        """Take over the files of an earlier process; what was on its way in is deleted."""
        for incoming in self._place().glob(f"{_PARTIAL}*"):
            incoming.unlink()

    def keep_all(self) -> None:
        """Keep all files that there are until the rig ends: a snapshot is being taken."""
        self._kept |= self._names()

    def delete_others(self) -> None:
        """Delete the files that no snapshot has: one is being restored."""
        for name in self._names() - self._kept:
            (self._place() / name).unlink(missing_ok=True)

    def _names(self) -> frozenset[str]:
        if self._directory is None:
            return frozenset()
        return frozenset(
            name for name in os.listdir(self._directory) if not name.startswith(_PARTIAL)
        )

    def _place(self) -> Path:
        with self._making:
            if self._directory is None:
                self._directory = self._make_directory()
            return self._directory

    def _new_file(self) -> tuple[BinaryIO, Path]:
        number, name = tempfile.mkstemp(prefix=_PARTIAL, dir=self._place())
        return os.fdopen(number, "wb"), Path(name)


class _Incoming:
    """Data on their way in: in memory while they are few, then in a file.

    Args:
        new_file: makes the file.
    """

    def __init__(self, new_file: Callable[[], tuple[BinaryIO, Path]]) -> None:
        self.size = 0
        self._new_file = new_file
        self._first = bytearray()
        self._head: bytes | None = None
        self._file: BinaryIO | None = None
        self._path: Path | None = None
        # It is the field's checksum, and keeps nobody from anything.
        self._checksum = hashlib.md5(usedforsecurity=False)
        self._hash = hashlib.sha512()

    def add(self, chunk: bytes) -> None:
        """Take a chunk."""
        self.size += len(chunk)
        self._checksum.update(chunk)
        self._hash.update(chunk)
        if self._file is not None:
            _write(self._file, chunk)
            return
        self._first += chunk
        if self._head is None and len(self._first) >= HEAD:
            self._look()
        if self.size > SMALL:
            self._file, self._path = self._new_file()
            _write(self._file, self._first)
            self._first.clear()

    def end(self) -> Received:
        """Say what has come."""
        if self._head is None:
            self._look()
        if self._file is not None:
            self._file.truncate(self.size)  # it may end with a hole
            self._file.close()
        return Received(
            head=self._head or b"",
            size=self.size,
            checksum=self._checksum.hexdigest(),
            hash_value=self._hash.hexdigest(),
            content=bytes(self._first) if self._path is None else None,
            path=self._path,
        )

    def abandon(self) -> None:
        """Delete what has come."""
        if self._file is not None:
            self._file.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def _look(self) -> None:
        self._head = bytes(self._first[:HEAD])
        check_head(self._head)


def _write(file: BinaryIO, chunk: bytes | bytearray) -> None:
    """Write a chunk; of one that is all zeros the file gets a hole, which takes no room."""
    if chunk.count(0) == len(chunk):
        file.seek(len(chunk), os.SEEK_CUR)
    else:
        file.write(chunk)


def name_of(image_id: str, hash_value: str) -> str:
    """Return the name of the file with an image's data."""
    return f"{image_id}-{hash_value[:_DIGITS]}"


def chunks_of(path: Path) -> Iterator[bytes]:
    """Return what a file holds, a chunk at a time."""
    with path.open("rb") as source:
        while chunk := source.read(CHUNK):
            yield chunk
