"""What users say of their servers for others to read: descriptions, addresses, security groups."""

from __future__ import annotations

from collections.abc import Callable

from cellrig.compute.api.policy import check_unlocked
from cellrig.compute.api.servers import Servers
from cellrig.compute.api.surroundings import Surroundings
from cellrig.context import RequestContext
from cellrig.model import Presentation


class Presentations:
    """Changes what is shown of servers.

    Args:
        around: the compute API's surroundings.
        servers: to find servers with.
    """

    def __init__(self, around: Surroundings, servers: Servers) -> None:
        self._around = around
        self._servers = servers

    def change(
        self,
        context: RequestContext,
        server_id: str,
        change: Callable[[Presentation], Presentation],
    ) -> None:
        """Change what is shown of a server.

        Raises:
            NotFound: there is no such server.
            Conflict: it is locked, and the caller is no administrator.
        """
        _cell, instance = self._servers.find(context, server_id)
        check_unlocked(context, instance)
        store = self._around.api.presentations
        known = store.of_servers([server_id]).get(server_id, Presentation())
        wanted = change(known)
        if wanted != known:
            store.save([server_id], wanted)
