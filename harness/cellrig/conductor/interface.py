"""What the conductors answer over the bus.

A cell conductor also serves its cell's stores (`cellrig.db.instances.InstanceStore` and the
others) as they are: the compute managers of the cell have no other way to a database.
"""

from __future__ import annotations

from typing import Protocol

from cellrig.bus import cast
from cellrig.context import RequestContext
from cellrig.model import Build, BuildRequest, RequestSpec


class SuperConductorService(Protocol):
    """The super-conductor: what needs the API database and the scheduler."""

    @cast
    def schedule_and_build_instances(
        self,
        context: RequestContext,
        requests: tuple[BuildRequest, ...],
        specs: tuple[RequestSpec, ...],
    ) -> None:
        """Place the servers of one request in cells and have them built.

        A server that no host can take ends in cell0, in ERROR with the reason.

        Args:
            context: who asks.
            requests: the build requests, in the order of their launch index.
            specs: the request spec of each.
        """


class CellConductorService(Protocol):
    """A cell's conductor: what can be done without leaving the cell."""

    @cast
    def build_instances(self, context: RequestContext, build: Build) -> None:
        """Try the next alternate after `build.selection` has failed (it is in `build.failures`).

        A claim that is refused costs that alternate. With none left the server is in ERROR with a
        fault that names every host and what it said.
        """
