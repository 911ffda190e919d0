"""Hosts' connectors as requests carry them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cellrig.driver.reports import Connector
from cellrig.http.compute.schemas.parts import true
from cellrig.http.errors import Refusal


def connector_of(given: Mapping[str, Any] | None) -> Connector | None:
    """Return a connector; None where there is nothing in it.

    Raises:
        Refusal: 400 for one that names no host.
    """
    if not given:
        return None
    if not given.get("host"):
        raise Refusal(400, "a connector names its host")
    told: dict[str, Any] = {
        name: given[name]
        for name in ("host", "ip", "initiator", "platform", "os_type", "mountpoint")
        if given.get(name) is not None
    }
    return Connector(**told, multipath=true(given.get("multipath") or False))


def flat_connection(info: Mapping[str, Any], attachment_id: str) -> dict[str, Any]:
    """Return how a host reaches a volume in the form that attachments have, without levels."""
    if not info:
        return {}
    flat = {name: value for name, value in info.items() if name != "data"}
    return {**flat, **info.get("data", {}), "attachment_id": attachment_id}
