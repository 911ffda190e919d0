"""Microversions: which one a request asks for (API-SIG, "Microversion Specification")."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple, TypeVar

import microversion_parse

from cellrig.http.errors import Refusal

#: The header that carries it, both ways, in all services.
HEADER = "openstack-api-version"

T = TypeVar("T")


class Version(NamedTuple):
    """A microversion; compares as a pair of numbers does."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


class VersionRange(NamedTuple):
    """What one service speaks.

    Args:
        service_type: as in the header and in the catalog, for example ``placement``.
        lowest: also what a request without the header gets.
        highest: also what ``latest`` means.
    """

    service_type: str
    lowest: Version
    highest: Version


@lru_cache(maxsize=256)
def negotiate(versions: VersionRange, header: str | None) -> Version:
    """Return the microversion that a request is answered in.

    Args:
        versions: what the service speaks.
        header: value of ``OpenStack-API-Version``; may name several services, or not this one.

    Raises:
        Refusal: 400 for a malformed version, 406 for one that the service does not speak.
    """
    found = microversion_parse.get_version({HEADER: header or ""}, versions.service_type)
    if found is None:
        return versions.lowest
    if found == "latest":
        return versions.highest
    try:
        version = Version(*microversion_parse.parse_version_string(found))
    except TypeError as error:
        raise Refusal(400, f"Invalid microversion: {error}") from error
    if not versions.lowest <= version <= versions.highest:
        raise Refusal(
            406,
            f"Invalid microversion: {version} is not from {versions.lowest} to {versions.highest}",
            max_version=str(versions.highest),
            min_version=str(versions.lowest),
        )
    return version


def pick(table: Mapping[tuple[int, int], T], version: Version) -> T | None:
    """Return the entry of a table by microversion that holds at `version`.

    Args:
        table: from the microversion that an entry came with to the entry, in ascending order.
        version: what the request asks for.

    Returns:
        None where the first entry came later.
    """
    found = None
    for since, entry in table.items():
        if since > version:
            break
        found = entry
    return found
