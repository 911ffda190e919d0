"""Database servers for tests: one that runs on loopback, or a private one that ends with the tests.

``python tests/db/support/database_servers.py postgresql PYTEST-ARGUMENTS`` runs tests on one.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from cellrig.db.places import place_of
from cellrig.errors import CellrigError, ExtraMissing

KINDS = ("postgresql", "mariadb")

#: Where a server that anybody may use is, if there is one.
_LOOPBACK = {
    "postgresql": (
        "postgresql://postgres@127.0.0.1/test",
        "postgresql://postgres@127.0.0.1/postgres",
    ),
    "mariadb": ("mariadb://root@127.0.0.1",),
}
_START_SECONDS = 60.0
#: Files here are never on a disk; so much of it must be free.
_IN_MEMORY = Path("/dev/shm")  # noqa: S108 - what is made there is private
_ROOM = 2 << 30
_NOBODY = "nobody"


class NoServer(Exception):
    """There is no server of this kind, and none can be started: why."""


@contextmanager
def server(kind: str) -> Iterator[str]:
    """Find or start a server; yield the URL that rigs take.

    ``CELLRIG_TEST_POSTGRESQL`` and ``CELLRIG_TEST_MARIADB`` name another one.

    Raises:
        NoServer: there is none, and none can be started here.
    """
    try:
        place_of(_LOOPBACK[kind][0]).close()
    except ExtraMissing as error:
        raise NoServer(str(error)) from error
    except CellrigError:
        pass
    named = os.environ.get(f"CELLRIG_TEST_{kind.upper()}")
    for url in (named,) if named else _LOOPBACK[kind]:
        if not _refusal(url):
            yield url
            return
    if named:
        raise NoServer(f"{named}: {_refusal(named)}")
    with private_server(kind) as private:
        yield private.url


class PrivateServer:
    """A server of the tests alone.

    Args:
        command: what runs it.
        user: as whom; None for this user.
        url: where it will be, on a free port of loopback.
        socket: what the URL has behind it to name the server's socket among its files: a round
            trip takes a third less time there.
        ending: what lets it end at once, whoever is connected.
    """

    def __init__(
        self, command: list[str], user: str | None, url: str, socket: str, ending: signal.Signals
    ) -> None:
        self.url = url
        self.socket_url = f"{url}?{socket}"
        self._command = command
        self._user = user
        self._ending = ending
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Run it; return when it answers."""
        process = self._process = subprocess.Popen(  # noqa: S603 - what is installed
            self._command,
            user=self._user,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + _START_SECONDS
        while refusal := _refusal(self.url):
            if process.poll() is not None or time.monotonic() > end:
                raise NoServer(f"{Path(self._command[0]).name} does not start: {refusal}")
            time.sleep(0.2)

    def stop(self) -> None:
        """End it, and with it all connections; what is written stays."""
        if self._process is not None:
            self._process.send_signal(self._ending)
            self._process.wait(_START_SECONDS)
            self._process = None


@contextmanager
def private_server(kind: str, directory: Path | None = None) -> Iterator[PrivateServer]:
    """Start a server for the tests alone; it ends with the block.

    Args:
        kind: which.
        directory: where its files may be; a new one where none is given.

    Raises:
        NoServer: none can be started here.
    """
    with ExitStack() as stack:
        where = directory or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="cellrig-server-"))
        )
        private = _PRIVATE[kind](where)
        stack.callback(private.stop)
        private.start()
        yield private


@contextmanager
def quick_server(kind: str) -> Iterator[str]:
    """Find or start a server for a whole suite, whose every rig makes some ninety tables.

    On a disk that costs a rig seconds, most of all on MariaDB. So a private server in memory goes
    first, where there is room for one; else it is as `server`.

    Raises:
        NoServer: as `server`.
    """
    if f"CELLRIG_TEST_{kind.upper()}" in os.environ or not _has_room(_IN_MEMORY):
        with server(kind) as url:
            yield url
        return
    with ExitStack() as stack:
        directory = tempfile.mkdtemp(prefix="cellrig-server-", dir=_IN_MEMORY)
        stack.callback(shutil.rmtree, directory)
        try:
            url = stack.enter_context(private_server(kind, Path(directory))).socket_url
        except NoServer:
            url = stack.enter_context(server(kind))
        yield url


def _has_room(directory: Path) -> bool:
    return directory.is_dir() and shutil.disk_usage(directory).free >= _ROOM


def _refusal(url: str) -> str | None:
    try:
        place_of(url).close()
    except CellrigError as error:
        return str(error)
    return None


def _postgresql(directory: Path) -> PrivateServer:
    # It runs for nobody who may do everything.
    user = _NOBODY if os.geteuid() == 0 else None
    if user is not None:
        shutil.chown(directory, user)
    data, port = directory / "data", _free_port()
    initdb = _program("initdb", "/usr/lib/postgresql/*/bin")
    _run([initdb, "-D", str(data), "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8"], user)
    postgres = _program("postgres", "/usr/lib/postgresql/*/bin")
    options = {"fsync": "off", "listen_addresses": "127.0.0.1", "port": str(port)}
    options |= {"unix_socket_directories": str(directory)}
    told = [text for name, value in options.items() for text in ("-c", f"{name}={value}")]
    return PrivateServer(
        [postgres, "-D", str(data), *told],
        user,
        f"postgresql://postgres@127.0.0.1:{port}/postgres",
        f"host={directory}",
        signal.SIGINT,
    )


def _mariadb(directory: Path) -> PrivateServer:
    data, port = directory / "data", _free_port()
    user = ["--user=root"] if os.geteuid() == 0 else []
    install = _program("mariadb-install-db", "/usr/bin")
    # A server that starts removes the temporary files of every other one in the same directory,
    # and that one may crash for it.
    ours = ["--no-defaults", f"--datadir={data}", f"--tmpdir={directory}", *user]
    _run([install, *ours, "--auth-root-authentication-method=normal"], None)
    told = [f"--socket={directory / 'socket'}", f"--port={port}", "--bind-address=127.0.0.1"]
    told += ["--innodb-flush-log-at-trx-commit=0", "--skip-name-resolve", "--skip-log-bin"]
    daemon = _program("mariadbd", "/usr/sbin")
    url, where = f"mariadb://root@127.0.0.1:{port}", f"unix_socket={directory / 'socket'}"
    return PrivateServer([daemon, *ours, *told], None, url, where, signal.SIGTERM)


_PRIVATE: Mapping[str, Callable[[Path], PrivateServer]] = {
    "postgresql": _postgresql,
    "mariadb": _mariadb,
}


def _run(command: list[str], user: str | None) -> None:
    done = subprocess.run(  # noqa: S603 - what is installed
        command, user=user, capture_output=True, text=True, check=False, cwd="/"
    )
    if done.returncode:
        raise NoServer(f"{Path(command[0]).name} fails: {done.stderr or done.stdout}")


def _program(name: str, places: str) -> str:
    # A link to a server's program is not always beside the files that it needs.
    found = [*sorted(map(str, Path("/").glob(f"{places[1:]}/{name}"))), shutil.which(name)]
    for program in found[-2::-1] + found[-1:]:
        if program is not None:
            return program
    raise NoServer(f"no server is on loopback, and {name} is not installed")


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def main(kind: str, *arguments: str) -> int:
    """Run pytest on a server; where there is none, say why and call it a success."""
    try:
        with quick_server(kind) as url:
            command = [sys.executable, "-m", "pytest", f"--cellrig-database={url}", *arguments]
            return subprocess.run(command, check=False).returncode  # noqa: S603 - ourselves
    except NoServer as error:
        sys.stdout.write(f"SKIPPED: no tests on {kind}: {error}\n")
        return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
