"""The cloud of one case: what it makes there, what happens to its hosts, and how it ends."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from types import TracebackType
from typing import Any

from cellrig.compute.options import ComputeOptions
from cellrig.driver import Guest, GuestEvent
from cellrig.errors import NotFound
from cellrig.image import StoredImage
from cellrig.model import BlockDevice, Server, SourceType
from cellrig.rig import RigNotClean
from cellrig.testing.conformance.checking import Unmet, check
from cellrig.testing.conformance.direct import TIMES, DirectCalls
from cellrig.testing.conformance.hosts import LARGE, SMALL
from cellrig.testing.conformance.leaks import Beginning, look, what_is_left
from cellrig.testing.conformance.limit import DidNotEnd, limit
from cellrig.testing.conformance.setup import Options, Setup
from cellrig.testing.ending import end
from cellrig.volume.types import Volume

__all__ = ["CASE_SECONDS", "LARGE", "SMALL", "TIMES", "Lab", "LeftBehind"]

#: How long a case may take by the wall clock, unless it is said otherwise.
CASE_SECONDS = 120.0

#: How long it may take at most to give back what a case has made that did not end.
_GRACE = 20.0


def no_more(_setup: Setup, _host: str) -> Options:
    """Give hosts their own options and nothing besides."""
    return {}


class LeftBehind(Unmet):
    """Something is left when a case has ended, or could not be given back."""


class Lab(DirectCalls):
    """Two hosts with the driver under test, a whole control plane above them, and block storage.

    Whatever a case makes here is given back when it ends, last made first; then it is looked what
    is left.

    Args:
        setup: the hosts.
        compute: how compute services work.
        more_options: what hosts get beside their own options.
        seed: draws the order of tasks; None runs them first-in first-out.
        seconds: how long the case may take by the wall clock, and then its end; 0 for ever.
        storage: whose block storage it is; None for the set-up's own.

    Attributes:
        rig: the cloud. Everything can be asked of it.
        calls: what was asked of drivers.
        is_varied: whether a fault beside its own keeps the case from going as it is written; then
            a fault of its own need not act.
    """

    def __init__(
        self,
        setup: Setup,
        compute: ComputeOptions | None = None,
        *,
        more_options: Callable[[Setup, str], Options] = no_more,
        seed: int | None = None,
        seconds: float = CASE_SECONDS,
        storage: Setup | None = None,
    ) -> None:
        super().__init__(setup, compute or ComputeOptions(), more_options, seed, storage)
        self._seconds = seconds
        self._did_not_end = False
        self.is_varied = False
        self._given_back = ExitStack()
        self._storage_given_back = ExitStack()
        self._refused: list[str] = []
        self._beginning: dict[str, Beginning] = {}

    def __enter__(self) -> Lab:
        with self.limited():
            self.reach(self.rig.start)
            self._beginning = {host: look(self, host) for host in self.hosts}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave what the case has made for `end` to give back."""

    @contextmanager
    def limited(self) -> Iterator[None]:
        """Bound the block by the time that a case may take.

        Raises:
            Unmet: it was interrupted; says in which calls of drivers it was.
        """
        try:
            with limit(self._seconds, self._where):
                yield
        except DidNotEnd as error:
            self._did_not_end = True
            raise Unmet(str(error)) from None

    def _where(self) -> str:
        waits = self.calls.waits() or "; ".join(self.rig.runtime.unfinished()[:3])
        return waits or "no driver is called, and no task of the cloud is left"

    def end(self) -> None:
        """Give everything back and stop the cloud.

        Raises:
            LeftBehind: with what could not be given back, and what is left.
        """
        if self._did_not_end:
            self._begin_anew_and_end()
            return
        try:
            with self.limited():
                self._give_everything_back()
                findings = [*self._refused, *what_is_left(self, self._beginning)]
                findings += self.reach(self._stop)
        except Unmet as error:
            try:
                self._begin_anew_and_end()
            except LeftBehind as left:
                error.add_note(str(left))
            raise
        if findings:
            raise LeftBehind("; ".join(dict.fromkeys(findings)))

    def _stop(self) -> list[str]:
        try:
            end(self.rig)
        except RigNotClean as error:
            # What others have on the hypervisors is no database's, and no case's either.
            return [each for each in error.args[0] if not self._is_excused(each)]
        return []

    def _is_excused(self, finding: str) -> bool:
        return self.is_about_strangers(finding) or (self.is_varied and " never fired: " in finding)

    def _give_everything_back(self) -> None:
        self._given_back.close()
        self._storage_given_back.close()

    def _begin_anew_and_end(self) -> None:
        """End what does not end: its services die, new ones give back what they can in time.

        Nothing is audited: what is wrong is known.

        Raises:
            LeftBehind: that does not end either.
        """
        try:
            with limit(min(self._seconds, _GRACE), self._where):
                self.rig.faults.clear()
                for host in self.hosts:
                    self.rig.crash(host)
                for host in self.hosts:
                    self.setup.start_hypervisor(self.driver(host))
                    self.restart(host)
                self._give_everything_back()
        except DidNotEnd as error:
            raise LeftBehind(f"giving back what it has made {error}") from None
        finally:
            self.close()

    def close(self) -> None:
        """Stop the cloud as it is, and look at nothing; what does not end is left."""
        self.rig.audited = False
        with suppress(DidNotEnd), limit(_GRACE, self._where):
            self.reach(self.rig.stop)

    def is_about_strangers(self, finding: str) -> bool:
        """Whether what the audit finds is about what others have on the hypervisors."""
        if any(each in finding for each in self.ours):
            return False
        strangers = {uuid_ for before in self._beginning.values() for uuid_ in before.guests}
        return any(each in finding for each in strangers) or (
            not self.setup.exact and "that no database knows" in finding
        )

    def last(self, what: str, action: Callable[[], object]) -> None:
        """Do something when the case ends; if it fails, that fails the case."""
        self._given_back.callback(self._give_back, what, action)

    def _give_back(self, what: str, action: Callable[[], object]) -> None:
        try:
            action()
        except NotFound:
            return  # the case did it itself
        except Exception as error:  # noqa: BLE001 - a driver may raise anything, and all is told
            self._refused.append(f"{what} failed: {type(error).__name__}: {error}")

    # -- what cases make -------------------------------------------------------------------------

    def server(
        self,
        host: str | None = None,
        *,
        flavor: str = SMALL.id,
        volumes: Sequence[Volume] = (),
        block_devices: Sequence[BlockDevice] = (),
        image: str | None = None,
    ) -> Server:
        """Make a server on a host, the first one where none is named, that is ACTIVE.

        Raises:
            Unmet: it did not become so; with its fault.
        """
        server = self.try_server(
            host, flavor=flavor, volumes=volumes, block_devices=block_devices, image=image
        )
        if server.status != "ACTIVE":
            fault = "no fault" if server.fault is None else server.fault.message
            raise Unmet(f"a server is {server.status} and not ACTIVE: {fault}")
        return server

    def try_server(self, host: str | None = None, **wanted: Any) -> Server:
        """Make a server, whatever becomes of it."""
        name = f"conformance-{uuid.uuid4().hex[:12]}"
        server: Server = self.rig.servers.create(name=name, host=host or self.first, **wanted)
        self.ours.append(server.id)
        self.last(f"deleting server {server.id}", lambda: self._delete(server))
        return server

    def _delete(self, server: Server) -> None:
        self.rig.servers.delete(server)
        with suppress(NotFound):
            left = self.rig.servers.show(server)
            fault = "" if left.fault is None else f": {left.fault.message}"
            raise Unmet(f"it is {left.status} after that{fault}")

    def volume(self, *, size: int = 1, multiattach: bool = False, **more: Any) -> Volume:
        """Make a volume."""
        kind = "shared" if multiattach else "plain"
        volume = self.rig.volumes.create(
            size=size, type=kind, name=f"conformance-{uuid.uuid4().hex[:12]}", **more
        )
        self.ours.append(volume.id)
        # Servers may have it until they are gone, however late they were made.
        self._storage_given_back.callback(
            self._give_back,
            f"deleting volume {volume.id}",
            lambda: self.rig.volumes.delete(volume),
        )
        return volume

    def root_volume(self) -> BlockDevice:
        """Make a volume to boot from."""
        volume = self.volume(image=self.rig.images.list()[0].id)
        return BlockDevice(source_type=SourceType.VOLUME, uuid=volume.id, boot_index=0)

    def image(self, disk_format: str, **properties: str) -> StoredImage:
        """Make an image."""
        uuid_ = self.rig.new_uuid()
        return self.rig.images.create(
            f"conformance-{uuid_}", id=uuid_, disk_format=disk_format, properties=properties
        )

    def attach(self, server: Server, *volumes: Volume, tag: str | None = None) -> None:
        """Give volumes to a server, and see that it has them."""
        for volume in volumes:
            self.rig.servers.attach_volume(server, volume, tag=tag)
            check(
                volume.id in self.serials(server),
                f"the guest has no disk with serial {volume.id} after it was attached",
            )

    # -- time ------------------------------------------------------------------------------------

    def eventually(self, holds: Callable[[], bool], sentence: str, seconds: float = 30.0) -> None:
        """Wait until something holds, and check that it does.

        Args:
            holds: whether it does.
            sentence: what is wrong while it does not.
            seconds: how long to wait, on the rig's clock.
        """
        step = 0.1 if self.setup.live else 1.0
        until = self.rig.runtime.now() + seconds
        while not holds() and self.rig.runtime.now() < until:
            self.setup.breathe()
            self.rig.advance(step)
        check(holds(), sentence)

    def restart(self, host: str) -> None:
        """Let a host's compute service die, and start it again."""
        self.reach(lambda: self.rig.restart(host))

    def lose(self, host: str, *guests: Guest) -> None:
        """Let a host lose its power, and have everybody know: its service is dead, guests are off.

        Args:
            host: which.
            guests: those that it has.
        """
        self.rig.crash(host)
        self.unwatched(host)
        for guest in guests:
            self.call(host, "power_off", guest)
        self.rig.services.force_down(host)
        self.last(f"bringing {host} back", lambda: self.bring_back(host))

    def unwatched(self, host: str) -> None:
        """Keep a host's events from its service, which would put right what is done beside it."""
        self.driver(host).register_event_listener(lambda _event: None)

    def listen(self, host: str) -> list[GuestEvent]:
        """Return a list that a host's driver fills with its events, until its service restarts."""
        events: list[GuestEvent] = []
        self.driver(host).register_event_listener(events.append)
        return events

    def bring_back(self, host: str) -> None:
        """Let a host that was lost be there again. Twice is harmless."""
        if self.rig.services.show(host).forced_down:
            self.rig.services.force_down(host, False)
            self.restart(host)
