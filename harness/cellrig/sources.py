"""The rig's sources of what must not come from anywhere else: the same seed gives the same."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path
from random import Random

from cellrig.context import RequestContext

#: Who asks where nobody is named, and under whom services do what nobody has asked for.
ADMIN = ("admin", "admin", True)


class Sources:
    """Random numbers, uuids, request contexts and directories of one rig.

    Args:
        seed: of the random numbers, and so of the uuids.
        lasting_directory: makes directories that stay when the rig ends; None: they go with it.

    Attributes:
        randoms: the sources of random numbers so far, by name.
        directory: the one that has all others that go with the rig; None before the first of them.
    """

    def __init__(self, seed: int, lasting_directory: Callable[[str], Path] | None = None) -> None:
        self.randoms: dict[str, Random] = {}
        self._seed = seed
        self._lasting_directory = lasting_directory
        self.directory: Path | None = None
        self._temporary: tempfile.TemporaryDirectory[str] | None = None

    def random(self, name: str) -> Random:
        """Return the source of random numbers for `name`."""
        known = self.randoms.get(name)
        if known is None:
            known = self.randoms[name] = Random(f"{self._seed}/{name}")
        return known

    def new_uuid(self) -> str:
        """Return the next uuid."""
        return str(uuid.UUID(int=self.random("uuids").getrandbits(128), version=4))

    def new_context(self, user_id: str, project_id: str, is_admin: bool) -> RequestContext:
        """Return the context of a new request."""
        return RequestContext(f"req-{self.new_uuid()}", user_id, project_id, is_admin)

    def service_context(self) -> RequestContext:
        """Return the context of what a service does on its own."""
        return self.new_context(*ADMIN)

    def state_directory(self, name: str) -> Path:
        """Return the directory of a part of the rig, which is made; asked for once."""
        if self._lasting_directory is not None:
            return self._lasting_directory(name)
        if self.directory is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="cellrig-")
            self.directory = Path(self._temporary.name)
        path = self.directory / name
        path.mkdir()
        return path

    def close(self) -> None:
        """Delete the directories, but for those that last."""
        if self._temporary is not None:
            self._temporary.cleanup()
