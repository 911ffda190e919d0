"""A hypervisor that others use as well."""

from __future__ import annotations

from typing import Any

from cellrig.driver import Guest
from cellrig_fake import FakeDriver


class DirtyDriver(FakeDriver):
    """A fake driver on whose hypervisor somebody else has a guest."""

    def __init__(self, options: Any, context: Any) -> None:
        super().__init__(options, context)
        uuid = "c0ffee00-0000-4000-8000-00000000000" + context.host[-1]
        node = self.nodes[0]
        guest = Guest(uuid=uuid, name="somebody", node=node, memory_mb=64, vcpus=1)
        self.spawn(guest, None, [], [])
