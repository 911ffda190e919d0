"""Private hypervisors for tests: unprivileged libvirt daemons with QEMU, each a host of its own."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from cellrig.errors import CellrigError
from cellrig_libvirt import guardian
from cellrig_libvirt.library import missing_library

#: Where Debian keeps programs that only a system daemon is expected to need.
_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
#: Program to the Debian package that it is in.
_PROGRAMS = {
    "libvirtd": "libvirt-daemon",
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-img": "qemu-utils",
}
_SHARED = ("volumes", "images", "instances")
_DIRECTORIES = ("run", "config/libvirt", "cache", "data", "instances")


class HostsUnavailable(CellrigError):
    """Private hypervisors cannot be had here. Args: what is missing or went wrong."""

    template = "no private libvirt hosts: {0}"


def missing_programs() -> str | None:
    """Say in one sentence what this machine lacks for `LibvirtHosts`; None where it has all."""
    lacking = missing_library()
    if lacking is not None:
        return lacking
    packages = [package for name, package in _PROGRAMS.items() if not _program(name)]
    if packages:
        return f"install Debian's {' '.join(packages)}"
    return None


class PrivateHost(msgspec.Struct, frozen=True):
    """One private hypervisor.

    Args:
        number: from 0.
        directory: its own, with all that it writes.
        uri: what libvirt reaches it at.
    """

    number: int
    directory: Path
    uri: str

    @property
    def instances_path(self) -> Path:
        """Where the driver keeps local disks."""
        return self.directory / "instances"

    def options(self, **more: object) -> dict[str, object]:
        """Return options of the libvirt driver for this host.

        Guests without an operating system do not shut themselves down, so none is waited for.
        """
        return {
            "uri": self.uri,
            "instances_path": str(self.instances_path),
            "shutdown_wait": 0,
            **more,
        }


class LibvirtHosts:
    """Some private hypervisors, from entering the block to leaving it.

    Each has a daemon of its own with its own configuration, identity, guests and ports for
    migrations. Run as root, they belong to `user`. When the block is left, and when the process
    that entered it dies, all daemons and guests are killed, and the directory is removed.

    Args:
        count: how many.
        user: whom the daemons run as where the test runs as root.

    Raises:
        HostsUnavailable: a program is missing, or a daemon did not start.
    """

    def __init__(self, count: int = 2, *, user: str = "nobody") -> None:
        self._count = count
        self._user = user
        self._guardian: subprocess.Popen[str] | None = None
        self._hosts: tuple[PrivateHost, ...] = ()
        self._directory: Path | None = None

    def __enter__(self) -> Self:
        lacking = missing_programs()
        if lacking is not None:
            raise HostsUnavailable(lacking)
        # Sockets have short paths, so the directory is not within a test's own.
        self._directory = Path(tempfile.mkdtemp(prefix="cellrig-hosts-"))
        try:
            self._make_directories(self._directory)
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all of it. Twice is harmless."""
        process, self._guardian = self._guardian, None
        if process is not None:
            process.communicate()
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)
            self._directory = None

    def __getitem__(self, number: int) -> PrivateHost:
        return self._hosts[number]

    def __len__(self) -> int:
        return len(self._hosts)

    @property
    def directory(self) -> Path:
        """The directory of all hosts.

        Raises:
            HostsUnavailable: outside of the block.
        """
        if self._directory is None:
            raise HostsUnavailable("they have not been started, or have ended")
        return self._directory

    @property
    def volumes(self) -> Path:
        """A directory that all hosts can reach, for volumes in files."""
        return self.directory / "volumes"

    @property
    def images(self) -> Path:
        """A directory that all hosts can reach, for images."""
        return self.directory / "images"

    @property
    def shared_instances(self) -> Path:
        """A directory that all hosts can reach, for local disks: as their ``instances_path``."""
        return self.directory / "instances"

    # What a test may do to a host

    def stop_daemon(self, number: int) -> None:
        """Kill a host's daemon. Its guests run on. Twice is harmless."""
        self._ask("stop", number)

    def start_daemon(self, number: int) -> None:
        """Start a host's daemon again; it finds its guests. Of one that runs: harmless.

        Raises:
            HostsUnavailable: it does not start.
        """
        self._ask("start", number)

    def kill_host(self, number: int) -> None:
        """Kill a host's daemon and all its guests, as a power cut does."""
        self._ask("kill", number)

    def guest_processes(self, number: int) -> Sequence[int]:
        """Return the process ids of a host's guests."""
        found: list[int] = self._ask("guests", number)["pids"]
        return found

    # Inside

    def _make_directories(self, directory: Path) -> None:
        directory.chmod(0o755)
        for shared in _SHARED:
            (directory / shared).mkdir()
        for number in range(self._count):
            for name in _DIRECTORIES:
                (directory / str(number) / name).mkdir(parents=True)
        user, group = self._identity()
        for path in (directory, *directory.rglob("*")):
            os.chown(path, user, group)

    def _identity(self) -> tuple[int, int]:
        if os.geteuid() != 0:
            return os.geteuid(), os.getegid()
        try:
            entry = pwd.getpwnam(self._user)
        except KeyError as error:
            raise HostsUnavailable(f"there is no user {self._user!r}") from error
        return entry.pw_uid, entry.pw_gid

    def _start(self) -> None:
        user, group = self._identity()
        self._guardian = subprocess.Popen(  # noqa: S603 - our own module
            [
                sys.executable,
                guardian.__file__,
                str(self.directory),
                str(user),
                str(group),
                _program("libvirtd") or "",
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        hosts = []
        for number in range(self._count):
            home = self.directory / str(number)
            if number:
                self._share_findings(self.directory / "0", home)
            self._ask("start", number)
            socket = f"{home}/run/libvirt/libvirt-sock"
            hosts.append(PrivateHost(number, home, f"qemu+unix:///session?socket={socket}"))
            if not number:
                _ask_for_capabilities(hosts[0].uri)
        self._hosts = tuple(hosts)

    def _share_findings(self, source: Path, home: Path) -> None:
        """Give a host what the first one has found out about QEMU, which takes a second."""
        shutil.copytree(source / "cache", home / "cache", dirs_exist_ok=True)
        user, group = self._identity()
        for path in (home / "cache").rglob("*"):
            os.chown(path, user, group)

    def _ask(self, do: str, number: int) -> dict[str, Any]:
        process = self._guardian
        if process is None or process.stdin is None or process.stdout is None:
            raise HostsUnavailable("they have not been started, or have ended")
        process.stdin.write(json.dumps({"do": do, "host": number}) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if not line:
            raise HostsUnavailable("their guardian has died")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise HostsUnavailable(answer["error"])
        return answer


def _ask_for_capabilities(uri: str) -> None:
    import libvirt

    connection = libvirt.open(uri)
    try:
        connection.getCapabilities()
    finally:
        connection.close()


def _program(name: str) -> str | None:
    return shutil.which(name, path=_PATH)
