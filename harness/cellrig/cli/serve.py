"""``cellrig serve``: a rig, or one service of it alone, for clients of any language."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click
import msgspec

from cellrig.db.database import Database
from cellrig.db.places import lasting
from cellrig.db.sqlite import InMemory
from cellrig.http.control import StartState, with_control
from cellrig.http.placement import placement_application
from cellrig.http.serving import Application, HttpServer
from cellrig.placement import Placement, placement_image
from cellrig.placement.tables import PLACEMENT_SCHEMA
from cellrig.runtime.live import LiveRuntime


class _Stop(BaseException):
    """Somebody wants the server to stop: no error, so nothing may catch it by the way."""


def serve_rig(
    topology: Path | None, host: str, port: int, database: str | None = None, *, control: bool
) -> None:
    """Serve a rig on the wall clock until a signal comes; each face is below its own name.

    Raises:
        InvalidTopology: of the file.
        CannotServe: the address cannot be listened on.
    """
    from cellrig.http.front_door import front_door
    from cellrig.rig import Rig
    from cellrig.topology import Topology

    with _signals_stop():
        built = Topology() if topology is None else Topology.from_file(topology)
        if database is not None:
            built = msgspec.structs.replace(built, database=database)
        # What clients leave behind is not the rig's fault: there is nothing to audit.
        with Rig(built, live=True, audit=False) as rig:
            application: Application = front_door(rig)
            if control:
                start = StartState({each: each.dump() for each in rig.databases.values()})
                application = with_control(application, start.restore)
            _serve(application, host, port)


def serve_placement(host: str, port: int, place: str | None = None) -> None:
    """Serve placement alone, at ``/``, until a signal comes.

    Args:
        host, port: where to listen.
        place: the directory where its database stays, also as a URL; None for memory.

    Raises:
        CannotServe: as `serve_rig`.
        Invalid: `place` is no directory and no URL of one.
        UnusableDatabase: the database there cannot be had.
    """
    with _signals_stop():
        storage = InMemory() if place is None else lasting(place, PLACEMENT_SCHEMA)
        runtime = LiveRuntime()
        try:
            database = Database("placement", placement_image(), runtime, storage)
            try:
                application = placement_application(Placement(database), "", now=runtime.now)
                start = StartState({database: placement_image()})
                _serve(with_control(application, start.restore), host, port)
            finally:
                database.close()
        finally:
            runtime.close()


def _serve(application: Application, host: str, port: int) -> None:
    with HttpServer(application, host, port) as server:
        ready = {"ready": True, "url": server.url, "pid": os.getpid()}
        click.echo(msgspec.json.encode(ready))  # flushes: whoever started us waits for the line
        server.wait()


@contextmanager
def _signals_stop() -> Iterator[None]:
    """Let SIGTERM and SIGINT end the block, once: what they began is then not disturbed."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        for number in before:
            signal.signal(number, signal.SIG_IGN)
        raise _Stop

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    for number in before:
        signal.signal(number, stop)
    try:
        yield
    except _Stop:
        return
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
