"""Paths of what placement has, and the links in its answers."""

from __future__ import annotations

from typing import Any

from cellrig.http.calls import Call
from cellrig.placement import PlacementClient

#: The parts of a provider, by the microversion that they came with.
_PARTS = (
    ((1, 0), "inventories"),
    ((1, 0), "usages"),
    ((1, 1), "aggregates"),
    ((1, 6), "traits"),
    ((1, 11), "allocations"),
)


def provider_path(call: Call[PlacementClient], uuid: str) -> str:
    """Return the path of a resource provider."""
    return f"{call.base}/resource_providers/{uuid}"


def provider_links(call: Call[PlacementClient], uuid: str) -> list[dict[str, str]]:
    """Return the links of a resource provider: itself and its parts."""
    path = provider_path(call, uuid)
    return [
        {"rel": "self", "href": path},
        *(
            {"rel": part, "href": f"{path}/{part}"}
            for since, part in _PARTS
            if call.version >= since
        ),
    ]


def named(call: Call[PlacementClient], noun: str, name: str) -> str:
    """Return the path of a trait or resource class."""
    return f"{call.base}/{noun}/{name}"


def resource_class(call: Call[PlacementClient], name: str) -> dict[str, Any]:
    """Return a resource class as clients see it."""
    href = named(call, "resource_classes", name)
    return {"name": name, "links": [{"rel": "self", "href": href}]}
