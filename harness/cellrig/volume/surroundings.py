"""What the operations of block storage work with, and how they ask a backend."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

import msgspec

from cellrig.db.database import Database
from cellrig.errors import CellrigError
from cellrig.image import ImageClient
from cellrig.runtime import Runtime
from cellrig.runtime.interface import Lock
from cellrig.seams import Process, Seams
from cellrig.volume.backends.interface import VolumeBackend
from cellrig.volume.client import ComputeNotifications
from cellrig.volume.errors import BackendFailed, BackendNotFound

T = TypeVar("T")


class Backend(msgspec.Struct, frozen=True):
    """A backend, by its name.

    Args:
        name: as in the topology.
        uuid: of the backend's service, by which hosts lock the targets that it shares.
        driver: does the work.
    """

    name: str
    uuid: str
    driver: VolumeBackend


class Turns:
    """A lock for each name that somebody holds or waits for: one after the other, by name."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._guard = threading.Lock()
        self._locks: dict[str, tuple[Lock, int]] = {}

    def is_taken(self, name: str) -> bool:
        """Whether somebody has `name`, or waits for it."""
        return name in self._locks

    @contextmanager
    def take(self, name: str) -> Iterator[None]:
        """Wait until nobody else has `name`."""
        lock = self._count(name, 1)
        try:
            with lock:
                yield
        finally:
            self._count(name, -1)

    def _count(self, name: str, more: int) -> Lock:
        """Note that so many more tasks have or want `name`; return its lock."""
        with self._guard:
            known = self._locks.get(name)
            lock, users = known or (self._runtime.lock(f"volume {name}"), 0)
            if users + more:
                self._locks[name] = (lock, users + more)
            else:
                del self._locks[name]
            return lock


class Announcements:
    """Whom block storage tells of what compute must do; nobody until compute is there."""

    def __init__(self) -> None:
        self.notify: ComputeNotifications | None = None


class Surroundings:
    """What one caller's operations of block storage work with.

    Args:
        database: block storage's own.
        backends: by name, in the topology's order.
        images: what volumes can be made from.
        runtime, seams, new_uuid: the rig's.
        default_type: name of the volume type of a volume that names none.
        turns, announcements: shared by all callers of one service.
        process: the caller's. Block storage runs in its caller's task, so that process is the one
            that asks backends, and what dies with it.
    """

    def __init__(
        self,
        database: Database,
        backends: Mapping[str, Backend],
        images: ImageClient,
        runtime: Runtime,
        seams: Seams,
        new_uuid: Callable[[], str],
        default_type: str,
        turns: Turns,
        announcements: Announcements,
        process: Process,
    ) -> None:
        self.database = database
        self.backends = backends
        self._images = images
        self.images = seams.wrap("image.", images, process)
        self.runtime = runtime
        self.seams = seams
        self.new_uuid = new_uuid
        self.default_type = default_type
        self.turns = turns
        self.announcements = announcements
        self.process = process
        self._wrapped = {
            name: seams.wrap("volume_backend.", backend.driver, process, to=name)
            for name, backend in backends.items()
        }

    def serving(self, process: Process) -> Surroundings:
        """Return the same for another caller."""
        return Surroundings(
            self.database,
            self.backends,
            self._images,
            self.runtime,
            self.seams,
            self.new_uuid,
            self.default_type,
            self.turns,
            self.announcements,
            process,
        )

    def backend(self, name: str) -> Backend:
        """Return a backend.

        Raises:
            BackendNotFound: there is none of this name.
        """
        if name not in self.backends:
            raise BackendNotFound(name)
        return self.backends[name]

    def ask(self, backend: str, what: str, call: Callable[[VolumeBackend], T]) -> T:
        """Let a backend do something, through its seam.

        Args:
            backend: its name.
            what: for the error, in a few words.
            call: makes the call.

        Raises:
            BackendFailed: whatever it raised that is not Cellrig's own.
        """
        try:
            return call(self._wrapped[backend])
        except CellrigError:
            raise
        except Exception as error:
            raise BackendFailed(backend, what, f"{type(error).__name__}: {error}") from error
