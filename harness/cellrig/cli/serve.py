"""``cellrig serve``: a rig, or one service of it alone, for clients of any language."""

from __future__ import annotations

import gc
import ipaddress
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click
import msgspec

from cellrig.cli.served_accounts import (
    accounts,
    check_known,
    check_users,
    keep_passwords,
    kept_passwords,
    open_accounts,
)
from cellrig.cli.served_cloud import add_second_image, served_topology
from cellrig.cli.sign_in_files import clouds_yaml, openrc, write_secret
from cellrig.db.database import Database
from cellrig.db.places import lasting
from cellrig.db.sqlite import InMemory
from cellrig.errors import Invalid
from cellrig.http.placement import placement_application
from cellrig.http.rig.doors import Emptied, with_control, with_reset
from cellrig.http.serving import HttpServer
from cellrig.http.sign_in import by_token
from cellrig.identity.accounts import Account
from cellrig.placement import Placement, placement_image
from cellrig.placement.tables import PLACEMENT_SCHEMA
from cellrig.runtime.live import LiveRuntime
from cellrig.topology import Topology


class _Stop(BaseException):
    """Somebody wants the server to stop: no error, so nothing may catch it by the way."""


class Serving(msgspec.Struct, frozen=True, kw_only=True):
    """How a cloud is served.

    Args:
        host, port: where to listen; port 0 takes a free one.
        topology: of the cloud; None for one of `served_topology`.
        database: where the cloud stays; None for memory.
        state: the directory for what of it is in files; None for one in `database`.
        control: whether ``/rig`` is there.
        control_token: what opens ``/rig``, besides an administrator's token.
        openrc, clouds_yaml: files to write for clients; None for none.
        passwords: of users; those of the others are made up.
    """

    host: str
    port: int
    topology: Path | None = None
    database: str | None = None
    state: Path | None = None
    control: bool = False
    control_token: str | None = None
    openrc: Path | None = None
    clouds_yaml: Path | None = None
    passwords: Mapping[str, str] = {}


def serve_rig(wanted: Serving) -> None:
    """Serve a cloud on the wall clock until a signal comes; each face is below its own name.

    Raises:
        Invalid: nobody of that name can have a password; the control face would be open to others.
        InvalidTopology: of the file.
        CannotServe: the address cannot be listened on.
        CannotWrite: a file for clients cannot be written.
    """
    from cellrig.http.front_door import front_door
    from cellrig.http.page import with_page
    from cellrig.lasting import LastingCloud
    from cellrig.rig import Rig

    _check_control(wanted)
    check_users(wanted.passwords)
    with _signals_stop():
        topology = _topology(wanted.topology)
        lasting = None if wanted.database is None else LastingCloud(wanted.database, wanted.state)
        kept = {} if lasting is None else kept_passwords(lasting.directory)
        # What clients leave behind is not the rig's fault: there is nothing to audit.
        with Rig(topology, live=True, audit=False, lasting=lasting) as rig:
            if wanted.topology is None and rig.is_new:
                add_second_image(rig)
            identity = rig.identity
            people = accounts(wanted.passwords, kept)
            if lasting is not None:
                keep_passwords(lasting.directory, people)
            check = by_token(identity)
            with ThreadPoolExecutor(1) as beside:
                # Most of it is to hash passwords, during which another thread runs.
                opening = beside.submit(open_accounts, identity, people, wanted.passwords)
                application = with_page(rig, front_door(rig, check), check)
            people = opening.result()
            if wanted.control:
                application = with_control(rig, application, wanted.control_token)
            with HttpServer(application, wanted.host, wanted.port) as server:
                _write_files(wanted, f"{server.url}/identity/v3", people)
                _tell_ready(server)


def _topology(path: Path | None) -> Topology:
    return served_topology() if path is None else Topology.from_file(path)


def _check_control(wanted: Serving) -> None:
    if wanted.control_token is not None and not wanted.control:
        raise Invalid("--control-token opens /rig, which is not there without --control")
    if wanted.control and wanted.control_token is None and not is_loopback(wanted.host):
        raise Invalid(
            f"--control on {wanted.host}, which others can reach, takes a --control-token"
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address or a name."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _write_files(wanted: Serving, auth_url: str, people: Sequence[Account]) -> None:
    if wanted.openrc is not None or wanted.clouds_yaml is not None:
        check_known(people)
    if wanted.openrc is not None:
        write_secret(wanted.openrc, openrc(auth_url, people))
    if wanted.clouds_yaml is not None:
        write_secret(wanted.clouds_yaml, clouds_yaml(auth_url, people))


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
                with HttpServer(with_reset(application, Emptied(database)), host, port) as server:
                    _tell_ready(server)
            finally:
                database.close()
        finally:
            runtime.close()


def _tell_ready(server: HttpServer) -> None:
    """Say where the server is, to whoever started us and waits for the line; wait for its end."""
    # What there is now stays to the end: no look for garbage needs to go through it again.
    gc.freeze()
    gc.enable()
    ready = {"ready": True, "url": server.url, "pid": os.getpid()}
    click.echo(msgspec.json.encode(ready))  # flushes
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
