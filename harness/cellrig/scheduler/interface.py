"""What the scheduler answers over the bus."""

from __future__ import annotations

from typing import Protocol

from cellrig.context import RequestContext
from cellrig.model import SchedulingRequest, Selection


class SchedulerService(Protocol):
    """The scheduler, as the super-conductor calls it."""

    def select_destinations(
        self, context: RequestContext, request: SchedulingRequest
    ) -> tuple[tuple[Selection, ...], ...]:
        """Choose and claim a host for each server of the request, and add alternates.

        Returns:
            For each server, in the request's order: the selection that has been claimed for it,
            then up to `request.alternates` unclaimed ones in the same cell, best first.

        Raises:
            NoValidHost: not all of the servers can be placed; nothing is claimed for any.
        """

    def select_in_place(
        self,
        context: RequestContext,
        request: SchedulingRequest,
        node_uuid: str,
        held: dict[str, dict[str, int]],
    ) -> Selection:
        """See whether a server can have another size where it is, in the place of the old one.

        Args:
            context: who asks.
            request: for the new size.
            node_uuid: the node where it is.
            held: what it holds there, by provider uuid.

        Returns:
            The new size on the same providers, unclaimed.

        Raises:
            NoValidHost: it cannot.
        """
