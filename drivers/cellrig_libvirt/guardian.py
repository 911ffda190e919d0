"""The guardian of private libvirt daemons: a process of its own, so that nothing outlives a test.

It starts the daemons, adopts what they start, and ends all of it when its standard input ends: when
the test closes it, and when the test's process dies in whatever way. Run by path and with the
standard library alone, so that it starts fast and whatever the test has on its path.

It is told what to do by lines of JSON, ``{"do": "start", "host": 0}``, and answers each by one.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
#: How long a daemon may take until it listens, in seconds.
_PATIENCE = 30
#: Ports of a host for the migrations that come to it, and where the first host's are sought:
#: below those that the system gives out by itself.
_PORTS = 16
_PORT_RANGE = range(20000, 32000, _PORTS)


class Guardian:
    """Keeps the daemons of one fixture.

    Args:
        directory: with a directory ``0``, ``1``, ... for each host.
        user, group: numbers of whom the daemons run as.
        program: path of libvirtd.
    """

    def __init__(self, directory: Path, user: int, group: int, program: str) -> None:
        self._directory = directory
        self._user = user
        self._group = group
        self._program = program
        self._daemons: dict[int, subprocess.Popen[bytes]] = {}
        #: Abstract sockets, one for each block of ports that is ours as long as we live.
        self._reserved: dict[int, tuple[int, socket.socket]] = {}
        self._libc = ctypes.CDLL(None)
        self._libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def serve(self) -> None:
        """Do what is asked until nobody can ask any more, then end everything."""
        try:
            for line in sys.stdin:
                sys.stdout.write(json.dumps(self._answer(json.loads(line))) + "\n")
                sys.stdout.flush()
        finally:
            self.end()

    def end(self) -> None:
        """Kill all that was started, and all that it has started; remove the directory."""
        while children := list(_children(os.getpid())):
            for pid in children:
                _kill(pid, signal.SIGKILL)
            for _each in children:
                _reap(block=True)
        shutil.rmtree(self._directory, ignore_errors=True)

    def _answer(self, wish: dict[str, Any]) -> dict[str, Any]:
        host = int(wish.get("host", 0))
        _reap_all()
        try:
            match wish["do"]:
                case "start":
                    self._start(host)
                case "stop":
                    self._stop(host)
                case "kill":
                    self._stop(host)
                    self._kill_guests(host)
                    self._forget_run(host)
                case "guests":
                    return {"pids": self._guests(host)}
        except (OSError, RuntimeError) as error:
            return {"error": str(error)}
        return {}

    def _start(self, host: int) -> None:
        running = self._daemons.get(host)
        if running is not None and running.poll() is None:
            return
        home = self._directory / str(host)
        self._configure(host, home)
        environment = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": f"{home}/data",
            "XDG_RUNTIME_DIR": f"{home}/run",
            "XDG_CONFIG_HOME": f"{home}/config",
            "XDG_CACHE_HOME": f"{home}/cache",
            "XDG_DATA_HOME": f"{home}/data",
        }
        identity: dict[str, Any] = {}
        if os.geteuid() == 0:
            identity = {"user": self._user, "group": self._group, "extra_groups": []}
        with (home / "libvirtd.log").open("ab") as log:
            daemon = subprocess.Popen(  # noqa: S603 - the program is the fixture's to choose
                [self._program],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=self._die_with_the_guardian,  # noqa: PLW1509 - it has no threads
                **identity,
            )
        self._daemons[host] = daemon
        self._await(daemon, home / "run/libvirt/libvirt-sock", home / "libvirtd.log")

    def _configure(self, host: int, home: Path) -> None:
        if host not in self._reserved:
            self._reserved[host] = self._reserve()
        first, _socket = self._reserved[host]
        lines = (
            'stdio_handler = "file"',
            'security_driver = "none"',
            f"migration_port_min = {first}",
            f"migration_port_max = {first + _PORTS - 1}",
            # Else libvirt asks each guest's processor for its features one by one, which is most of
            # what starting a guest costs.
            'capability_filters = ["cpu-unavailable-features"]',
        )
        (home / "config/libvirt/qemu.conf").write_text("\n".join(lines) + "\n")

    def _reserve(self) -> tuple[int, socket.socket]:
        for first in _PORT_RANGE:
            reservation = socket.socket(socket.AF_UNIX)
            try:
                reservation.bind(f"\0cellrig-libvirt-ports-{first}")
            except OSError:
                reservation.close()
            else:
                return first, reservation
        raise RuntimeError("all ports for migrations are taken by other fixtures")

    def _die_with_the_guardian(self) -> None:
        # After the change of user, which would undo it.
        self._libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)

    def _await(self, daemon: subprocess.Popen[bytes], path: Path, log: Path) -> None:
        due = time.monotonic() + _PATIENCE
        while time.monotonic() < due:
            if daemon.poll() is not None:
                raise RuntimeError(f"libvirtd ended: {log.read_text()[-2000:]}")
            with socket.socket(socket.AF_UNIX) as probe:
                try:
                    probe.connect(str(path))
                except OSError:
                    time.sleep(0.005)
                else:
                    return
        raise RuntimeError(f"libvirtd does not listen on {path} after {_PATIENCE} s")

    def _stop(self, host: int) -> None:
        daemon = self._daemons.pop(host, None)
        if daemon is not None:
            daemon.kill()
            daemon.wait()

    def _kill_guests(self, host: int) -> None:
        for pid in self._guests(host):
            _kill(pid, signal.SIGKILL)
            while Path(f"/proc/{pid}").exists():
                _reap_all()
                time.sleep(0.005)

    def _forget_run(self, host: int) -> None:
        """Remove what a machine has in memory only, as its power cut does.

        Else the next daemon takes its guests for running until it has looked after each of them.
        """
        for path in (self._directory / str(host) / "run").iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()

    def _guests(self, host: int) -> list[int]:
        """The processes whose command line names something of the host's directory."""
        home = f"{self._directory / str(host)}/".encode()
        return [pid for pid in _children(os.getpid()) if home in _command_line(pid)]


def _children(pid: int) -> Iterator[int]:
    """The children of a process; of the guardian also those that were orphaned."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        yield from map(int, (task / "children").read_text().split())


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _kill(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _reap(*, block: bool) -> bool:
    """Reap one child that has ended; False where there is none."""
    try:
        pid, _status = os.waitpid(-1, 0 if block else os.WNOHANG)
    except ChildProcessError:
        return False
    return pid != 0


def _reap_all() -> None:
    while _reap(block=False):
        pass


def main(directory: str, user: str, group: str, program: str) -> None:
    """Serve until standard input ends."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    guardian = Guardian(Path(directory), int(user), int(group), program)
    # Orphans are reaped at once: libvirt waits for its probes to be gone.
    signal.signal(signal.SIGCHLD, lambda *_arguments: _reap_all())
    guardian.serve()


if __name__ == "__main__":
    main(*sys.argv[1:])
