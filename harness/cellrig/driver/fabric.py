"""The cables between hypervisors: what they share without the control plane knowing.

Real hosts meet on the storage network, where a volume's lock is kept beside its data, and on the
migration network, over which a guest's memory goes. A simulated hypervisor needs the same, and
may not hold another host's objects. So a rig has one `Fabric`, and its drivers leave values there.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

T = TypeVar("T")


class Fabric:
    """Places by name, each holding encoded values by key.

    Only frozen structs and JSON types go in; what comes out was encoded and decoded, so that
    nothing is shared by reference.
    """

    def __init__(self) -> None:
        self._places: dict[str, dict[str, bytes]] = {}

    def get(self, place: str, key: str, type_: type[T]) -> T | None:
        """Return what is at `key` of `place`, or None."""
        encoded = self._places.get(place, {}).get(key)
        return None if encoded is None else msgspec.json.decode(encoded, type=type_)

    def put(self, place: str, key: str, value: object) -> None:
        """Leave `value` at `key` of `place`, over what was there."""
        self._places.setdefault(place, {})[key] = msgspec.json.encode(value)

    def take(self, place: str, key: str, type_: type[T]) -> T | None:
        """Return what is at `key` of `place` and remove it; None where there is nothing."""
        value = self.get(place, key, type_)
        if value is not None:
            self.remove(place, key)
        return value

    def remove(self, place: str, key: str) -> None:
        """Remove what is at `key` of `place`. Twice is harmless."""
        values = self._places.get(place)
        if values is not None:
            values.pop(key, None)
            if not values:
                del self._places[place]

    def keys(self, place: str) -> tuple[str, ...]:
        """The keys of `place`, in the order in which they were left there."""
        return tuple(self._places.get(place, ()))

    def checkpoint(self) -> bytes:
        """Return all of it as one value."""
        return msgspec.json.encode(self._places)

    def restore(self, state: bytes) -> None:
        """Go back to what `checkpoint` returned."""
        self._places = msgspec.json.decode(state, type=dict[str, dict[str, bytes]])
