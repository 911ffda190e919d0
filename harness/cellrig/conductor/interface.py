"""What the conductors answer over the bus.

A cell conductor also serves its cell's stores (`cellrig.db.instances.InstanceStore` and the
others) as they are: the compute managers of the cell have no other way to a database.
"""

from __future__ import annotations

from typing import Protocol

from cellrig.bus import cast
from cellrig.context import RequestContext
from cellrig.model import Build, BuildRequest, Flavor, Move, RequestSpec


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

    @cast
    def migrate_server(
        self,
        context: RequestContext,
        instance_uuid: str,
        flavor: Flavor | None,
        host: str | None,
    ) -> None:
        """Find a destination for a cold migration, or for a resize, and tell it.

        Args:
            context: who asks.
            instance_uuid: the server; its task is ``resize_prep``.
            flavor: its new one; None for a cold migration.
            host: the only destination to be tried; None for any.
        """

    @cast
    def go_on_across_cells(self, context: RequestContext, instance_uuid: str) -> None:
        """Confirm or revert a server's move from another cell, as its record asks for."""

    @cast
    def end_deleted_across_cells(self, context: RequestContext, instance_uuid: str) -> None:
        """Erase what another cell has kept of a server whose host has been told to delete it."""

    @cast
    def live_migrate_server(
        self,
        context: RequestContext,
        instance_uuid: str,
        host: str | None,
        force: bool,
        block_migration: bool | None,
    ) -> None:
        """Find a destination for a live migration that both drivers accept, and tell the source.

        Args:
            context: who asks.
            instance_uuid: the server; its task is ``migrating``.
            host: the only destination to be tried; None for any.
            force: go to `host` past the filters.
            block_migration: copy local disks; None: where the hosts do not share them.
        """

    @cast
    def evacuate_server(
        self, context: RequestContext, instance_uuid: str, host: str | None, stopped: bool
    ) -> None:
        """Find a host for a server whose own is dead; its task is ``rebuilding``.

        Args:
            context, instance_uuid: who asks, for which server.
            host: the only one to be tried; None for any.
            stopped: the server is off when it has been built, whatever it was before.
        """

    @cast
    def unshelve_server(
        self, context: RequestContext, instance_uuid: str, zone: str | None, host: str | None
    ) -> None:
        """Find a host for an offloaded server; its task is ``unshelving``.

        Args:
            context, instance_uuid: who asks, for which server.
            zone: the availability zone to come back in; None for the one it was asked for in.
            host: the only host to be tried; None for any.
        """


class CellConductorService(Protocol):
    """A cell's conductor: what can be done without leaving the cell."""

    @cast
    def build_instances(self, context: RequestContext, build: Build) -> None:
        """Try the next alternate after `build.selection` has failed (it is in `build.failures`).

        A claim that is refused costs that alternate. With none left the server is in ERROR with a
        fault that names every host and what it said.
        """

    @cast
    def migrate_server(self, context: RequestContext, move: Move) -> None:
        """Try the next alternate of a move after `move.selection` has failed.

        A claim that is refused costs that alternate. With none left the server is in ERROR, where
        it was, with a fault that names every host and what it said.
        """
