"""No inventory is used beyond its capacity, and placement's sums are those of its allocations."""

from __future__ import annotations

from collections.abc import Iterator

from cellrig_audit.picture import Picture


def check(picture: Picture) -> Iterator[str]:
    """Find inventories that are used too much, or other than their consumers say."""
    held: dict[tuple[str, str], int] = {}
    for consumer in picture.consumers.values():
        for provider, amounts in consumer.allocations.items():
            for name, amount in amounts.items():
                held[provider, name] = held.get((provider, name), 0) + amount
    for given in picture.given:
        provider, name = picture.provider(given.provider_uuid), given.resource_class
        if given.used > given.capacity:
            yield f"{provider} has given {given.used} {name}; its capacity is {given.capacity}"
        consumed = held.pop((given.provider_uuid, name), 0)
        if consumed != given.used:
            yield f"{provider} counts {given.used} {name} as used; its consumers hold {consumed}"
    for (uuid, name), amount in sorted(held.items()):
        yield (f"{picture.provider(uuid)} counts no {name} as used; its consumers hold {amount}")
