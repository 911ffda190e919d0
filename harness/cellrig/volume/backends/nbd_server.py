"""A qemu-nbd process that serves one file, and ends with whoever started it.

The port is bound here and handed over as a socket that listens (the LISTEN_FDS protocol of
systemd), so nobody else can take it in between. A shell waits on a pipe whose other end only this
process holds: when that closes, on purpose or because this process died, the server is ended.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

from cellrig.errors import CellrigError
from cellrig.volume.errors import ToolMissing

#: Seconds of real time that a server may take to answer, or to end.
_PATIENCE = 20.0
_MAGIC = b"NBDMAGIC"
_KEEPER = """
exec 3<&0 </dev/null
life=$1; shift
sh -c 'LISTEN_PID=$$ LISTEN_FDS=1; export LISTEN_PID LISTEN_FDS; exec "$@"' sh "$@" &
served=$!
exec 3<&-
read -r _ < "/dev/fd/$life"
kill "$served" 2>/dev/null
wait "$served"
"""


class ServerFailed(CellrigError):
    """A server did not come up. Args: the file, what it said."""

    template = "qemu-nbd does not serve {0}: {1}"


def server_program() -> str:
    """Return the path of qemu-nbd.

    Raises:
        ToolMissing: it is not installed.
    """
    program = shutil.which("qemu-nbd")
    if program is None:
        raise ToolMissing("nbd", "qemu-nbd", "qemu-utils")
    return program


class NbdServer:
    """One file on one port, for any number of clients.

    Args:
        file: what is served, raw.
        export: the name that clients ask for.
        address: IPv4 address to listen on.
        read_only: clients cannot write.

    Attributes:
        port: where it listens.

    Raises:
        ServerFailed: it ended before it answered.
    """

    def __init__(self, file: Path, export: str, address: str, *, read_only: bool) -> None:
        self._told = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        life, self._life = os.pipe()
        with socket.create_server((address, 0)) as listening:
            self.port: int = listening.getsockname()[1]
            command = [*_KEEPER_COMMAND, str(life), server_program(), *_arguments(file, export)]
            self._keeper = subprocess.Popen(  # noqa: S603 - a list; what is given are arguments
                [*command, "--read-only"] if read_only else command,
                stdin=listening.fileno(),
                stdout=self._told,
                stderr=subprocess.STDOUT,
                pass_fds=(life,),
                start_new_session=True,
            )
        os.close(life)
        try:
            self._greet(address)
        except OSError as error:
            self.stop()
            told = self._words() or str(error)
            self.close()
            raise ServerFailed(file, told) from error

    def _greet(self, address: str) -> None:
        with socket.create_connection((address, self.port), timeout=_PATIENCE) as client:
            answer = client.recv(len(_MAGIC))
        if answer != _MAGIC:
            raise ConnectionError(f"it answered {answer!r}")

    def _words(self) -> str:
        self._told.seek(0)
        return self._told.read().decode(errors="replace").strip()

    def stop(self) -> None:
        """End it. Twice is harmless."""
        if self._life < 0:
            return
        os.close(self._life)
        self._life = -1
        try:
            self._keeper.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(self._keeper.pid, 9)
            self._keeper.wait()

    def close(self) -> None:
        """End it, and forget what it said."""
        self.stop()
        self._told.close()


_KEEPER_COMMAND = ("/bin/sh", "-c", _KEEPER, "sh")


def _arguments(file: Path, export: str) -> list[str]:
    # Two servers can have one file: one that lets clients write, and one that does not. QEMU's
    # locks would forbid that, so they are off. A comma is doubled where QEMU reads options.
    name = str(file).replace(",", ",,")
    return [
        "--persistent",
        "--shared=0",
        f"--export-name={export}",
        "--image-opts",
        f"driver=raw,file.driver=file,file.locking=off,file.filename={name}",
    ]
