"""Flavors as clients see them, by microversion."""

from __future__ import annotations

from typing import Any

from cellrig.http.compute.links import links
from cellrig.http.compute.service import ComputeCall
from cellrig.model import Flavor


def brief_flavor(call: ComputeCall, flavor: Flavor) -> dict[str, Any]:
    """Return a flavor as a list without details has it."""
    told: dict[str, Any] = {
        "id": flavor.id,
        "name": flavor.name,
        "links": links(call, "flavors", flavor.id),
    }
    if call.version >= (2, 55):
        told["description"] = flavor.description
    return told


def whole_flavor(call: ComputeCall, flavor: Flavor) -> dict[str, Any]:
    """Return a flavor with all that there is of it."""
    version = call.version
    told = {
        **brief_flavor(call, flavor),
        "ram": flavor.memory_mb,
        "vcpus": flavor.vcpus,
        "disk": flavor.root_gb,
        "swap": flavor.swap_mb or (0 if version >= (2, 75) else ""),
        "OS-FLV-EXT-DATA:ephemeral": flavor.ephemeral_gb,
        "os-flavor-access:is_public": flavor.is_public,
    }
    if version < (2, 102):
        told["OS-FLV-DISABLED:disabled"] = flavor.disabled
        told["rxtx_factor"] = flavor.rxtx_factor
    if version >= (2, 61):
        told["extra_specs"] = flavor.extra_specs
    return told


def embedded_flavor(flavor: Flavor) -> dict[str, Any]:
    """Return what a server was made of, as it shows it from 2.47 on."""
    return {
        "original_name": flavor.name,
        "vcpus": flavor.vcpus,
        "ram": flavor.memory_mb,
        "disk": flavor.root_gb,
        "ephemeral": flavor.ephemeral_gb,
        "swap": flavor.swap_mb,
        "extra_specs": flavor.extra_specs,
    }
