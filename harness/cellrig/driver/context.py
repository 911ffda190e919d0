"""What a driver is given beside its options: its place in the world, and nothing more."""

from __future__ import annotations

import random
from collections.abc import Callable
from logging import Logger
from pathlib import Path

from cellrig.driver.fabric import Fabric
from cellrig.driver.reports import GuestEvent
from cellrig.runtime import Runtime

EventSink = Callable[[GuestEvent], None]


def drop_event(event: GuestEvent) -> None:
    """Take an event that nobody listens to."""


def no_data(_image_id: str) -> Path | None:
    """Know of no image's data."""
    return None


class DriverContext:
    """The surroundings of one driver object.

    Args:
        host: the name of the compute host that the driver serves.
        runtime: tasks, locks, events and the clock. A driver sleeps and waits here only.
        make_state_directory: makes the directory that belongs to this driver alone and returns
            it; called once, when the driver first needs it.
        logger: where the driver writes what a person may want to read.
        new_uuid: the rig's source of uuids.
        rng: the rig's seeded source of randomness.
        event_sink: takes guest events while no listener is registered.
        fabric: what this rig's hypervisors reach without the control plane.
        image_file: returns a file with the data of the image of an id, to be read at once and
            never changed; None where the image service keeps no data of it.
    """

    __slots__ = (
        "_make_state_directory",
        "_state_directory",
        "event_sink",
        "fabric",
        "host",
        "image_file",
        "logger",
        "new_uuid",
        "rng",
        "runtime",
    )

    def __init__(
        self,
        *,
        host: str,
        runtime: Runtime,
        make_state_directory: Callable[[], Path],
        logger: Logger,
        new_uuid: Callable[[], str],
        rng: random.Random,
        event_sink: EventSink = drop_event,
        fabric: Fabric | None = None,
        image_file: Callable[[str], Path | None] = no_data,
    ) -> None:
        self.host = host
        self.runtime = runtime
        self._make_state_directory = make_state_directory
        self._state_directory: Path | None = None
        self.logger = logger
        self.new_uuid = new_uuid
        self.rng = rng
        self.event_sink = event_sink
        self.fabric = Fabric() if fabric is None else fabric
        self.image_file = image_file

    @property
    def state_directory(self) -> Path:
        """A directory that the driver owns. It is made when it is first asked for."""
        if self._state_directory is None:
            self._state_directory = self._make_state_directory()
        return self._state_directory
