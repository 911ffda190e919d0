"""What a host keeps of its guests in files: local disks, consoles, and documents to go back to.

The driver runs on the machine of its hypervisor. What it makes belongs to whom the directory of the
instances belongs to, so that hypervisors of another user can open it.
"""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from pathlib import Path

_KEPT = "_kept"
_DOCUMENT = "domain.xml"
_OWN_DOCUMENT = "unrescue.xml"
_CONSOLE = "console.log"


class Instances:
    """The directories of one host's guests.

    Args:
        path: the directory above them.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def prepare(self) -> None:
        """Make the directory above all others, where it is not there."""
        self.path.mkdir(parents=True, exist_ok=True)

    @property
    def identity(self) -> str:
        """What the directory is known by, also under another name: two hosts may share it."""
        status = self.path.stat()
        return f"{platform.node()}:{status.st_dev}:{status.st_ino}"

    def total_gb(self) -> int:
        """GiB that the directory's file system has."""
        return shutil.disk_usage(self.path).total >> 30

    # A guest's directory

    def directory(self, uuid: str) -> Path:
        """Return the directory of a guest's files."""
        return self.path / uuid

    def make(self, uuid: str) -> Path:
        """Make a guest's directory, with an empty console; one that is there is harmless."""
        directory = self.directory(uuid)
        directory.mkdir(exist_ok=True)
        self.lend(directory)
        console = directory / _CONSOLE
        if not console.exists():
            console.touch()
            self.lend(console)
        return directory

    def remove(self, uuid: str) -> None:
        """Remove a guest's directory. Twice is harmless."""
        _remove(self.directory(uuid))

    def console(self, uuid: str) -> str:
        """Return what a guest has written to its serial console; nothing where there is none."""
        try:
            return (self.directory(uuid) / _CONSOLE).read_text(errors="replace")
        except FileNotFoundError:
            return ""

    def lend(self, path: Path) -> None:
        """Let a file belong to whom the hypervisor's processes run as, where that is ours to say.

        Libvirt's system daemon does the same with what its guests open.
        """
        owner = self.path.stat()
        if os.geteuid() == 0 and owner.st_uid != 0 and path.exists():
            os.chown(path, owner.st_uid, owner.st_gid)

    # A document to go back to after a rescue

    def own_document(self, uuid: str) -> str | None:
        """Return the document that a rescued guest goes back to; None of one not rescued."""
        return _read(self.directory(uuid) / _OWN_DOCUMENT)

    def keep_own_document(self, uuid: str, document: str) -> None:
        """Keep the document that a guest goes back to."""
        (self.directory(uuid) / _OWN_DOCUMENT).write_text(document)

    def forget_own_document(self, uuid: str) -> None:
        """Forget it. Twice is harmless."""
        (self.directory(uuid) / _OWN_DOCUMENT).unlink(missing_ok=True)

    # Guests that have moved and may come back

    def kept_directory(self, uuid: str) -> Path:
        """Return where a guest's files are while it may come back."""
        return self.path / f"{uuid}{_KEPT}"

    def keep(self, uuid: str, document: str) -> Path:
        """Put a guest's files aside with its document, and return where they are."""
        directory, kept = self.directory(uuid), self.kept_directory(uuid)
        directory.mkdir(exist_ok=True)
        (directory / _DOCUMENT).write_text(document)
        _remove(kept)
        directory.rename(kept)
        return kept

    def bring_back(self, uuid: str) -> None:
        """Put a guest's files where they were, in place of what is there."""
        kept = self.kept_directory(uuid)
        if kept.exists():
            self.remove(uuid)
            kept.rename(self.directory(uuid))

    def forget(self, uuid: str) -> None:
        """Remove what was kept. Twice is harmless."""
        _remove(self.kept_directory(uuid))

    def kept_document(self, uuid: str) -> str | None:
        """Return the document of a guest that may come back; None where nothing is kept."""
        return _read(self.kept_directory(uuid) / _DOCUMENT)

    def kept_guests(self) -> Iterator[str]:
        """The uuids of guests that may come back."""
        for path in sorted(self.path.glob(f"*{_KEPT}")):
            yield path.name.removesuffix(_KEPT)


def _read(path: Path) -> str | None:
    try:
        return path.read_text()
    except FileNotFoundError:
        return None


def _remove(path: Path) -> None:
    try:
        shutil.rmtree(path)
    except FileNotFoundError:
        return
