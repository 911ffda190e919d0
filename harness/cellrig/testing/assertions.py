"""Assertions as functions, for any test runner; each raises `AssertionError` with one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cellrig.testing.resources import (
    allocation_difference,
    flavor_difference,
    needed_by,
    usage_difference,
)

if TYPE_CHECKING:
    from cellrig.client.server_requests import ServerRef
    from cellrig.model import Flavor, Server
    from cellrig.rig import Rig


def assert_flavor_matches_allocation(rig: Rig, server: Server) -> None:
    """Check that a server holds exactly its flavor's resources, all of them on its own host."""
    _check(flavor_difference(rig, server))


def assert_holds_nothing(rig: Rig, server: ServerRef) -> None:
    """Check that a server, or any other consumer, holds nothing."""
    _check(allocation_difference(rig, server, {}))


def assert_hypervisor_usage(rig: Rig, host: str, *flavors: Flavor) -> None:
    """Check that a host has given exactly what servers of these flavors take together.

    Args:
        rig: where.
        host: its name.
        flavors: one for each server that is meant to be there; none: the host is empty.
    """
    _check(usage_difference(rig, host, needed_by(*flavors)))


def _check(difference: str | None) -> None:
    if difference is not None:
        raise AssertionError(difference)
