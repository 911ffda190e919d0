"""Which argument of a call says what server it is about: looked up once for each seam."""

from __future__ import annotations

import sys

from cellrig.seams import Passage


class ServerOf:
    """Reads the server's uuid from a call, in a fraction of the time `Passage.server` takes."""

    def __init__(self) -> None:
        self._places: dict[str, tuple[int, str] | None] = {}

    def read(self, passage: Passage) -> str | None:
        """Return the uuid of the server that `passage` is about, where it is about one."""
        try:
            place = self._places[passage.seam]
        except KeyError:
            return self._look(passage)
        if place is None:
            return None
        index, name = place
        args = passage.args
        value = args[index] if index < len(args) else passage.kwargs.get(name)
        if type(value) is str:
            return value
        return passage.server if value is None else str(getattr(value, "uuid", value))

    def _look(self, passage: Passage) -> str | None:
        server = passage.server
        place = None
        if server is not None:
            for index, (name, value) in enumerate(passage.arguments.items()):
                if str(getattr(value, "uuid", value)) == server:
                    # Passed by name, its position among the parameters is not known.
                    place = (index if index < len(passage.args) else sys.maxsize, name)
                    break
        self._places[passage.seam] = place
        return server
