"""Events that other services tell of servers (Compute API, "Create external events")."""

from __future__ import annotations

from cellrig.compute.api.policy import check_admin
from cellrig.compute.api.servers import Servers
from cellrig.compute.api.surroundings import Surroundings
from cellrig.compute.api.volume_events import VolumeEvents
from cellrig.context import RequestContext
from cellrig.errors import NotFound

VOLUME_EXTENDED = "volume-extended"

TAKEN = 200
NO_SUCH_SERVER = 404
ON_NO_HOST = 422


class ExternalEvents:
    """Takes events.

    A volume that has grown is told to its server's host. All others say what nobody here waits
    for: they are taken where their server could have waited.

    Args:
        around: the compute API's surroundings.
        servers: to find servers with.
        volumes: takes what is told of volumes.
    """

    def __init__(self, around: Surroundings, servers: Servers, volumes: VolumeEvents) -> None:
        self._around = around
        self._servers = servers
        self._volumes = volumes

    def take(self, context: RequestContext, server_id: str, name: str, tag: str | None) -> int:
        """Take one event (administrators).

        Args:
            context: who tells it.
            server_id: of which server.
            name: what has happened.
            tag: to what: of a volume its id.

        Returns:
            The field's code for it: 200, 404 without such a server, 422 where it is on no host.
        """
        check_admin(context, "tell events of servers")
        try:
            cell, instance = self._servers.find(context, server_id)
        except NotFound as error:
            self._around.seams.handled(error, "the event is answered with 404")
            return NO_SUCH_SERVER
        if cell is None or instance.host is None:
            return ON_NO_HOST
        if name == VOLUME_EXTENDED:
            try:
                self._volumes.volume_extended(context, server_id, tag or "")
            except NotFound as error:
                self._around.seams.handled(error, "the event is answered with 404")
                return NO_SUCH_SERVER
        return TAKEN
