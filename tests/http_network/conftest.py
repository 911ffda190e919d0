"""A rig's network API over its REST face, in process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from cellrig import Cell, Host, Rig, Topology
from cellrig.network.starting import NetworkTopology


class Face:
    """A client of one face of a rig."""

    def __init__(self, rig: Rig, name: str) -> None:
        self.rig = rig
        self._session = rig.session(name)

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        who: str | None = "admin",
        expect: int | None = None,
        version: str | None = None,
    ) -> requests.Response:
        """Send one request; fail the test where the status is another."""
        told: dict[str, str | None] = {"X-Auth-Token": who}
        if version is not None:
            told["OpenStack-API-Version"] = f"compute {version}"
        sent = {} if body is None else {"json": body}
        response: requests.Response = self._session.request(method, path, headers=told, **sent)
        if expect is not None:
            assert response.status_code == expect, response.text
        return response

    def get(self, path: str, **how: Any) -> Any:
        return self("GET", path, expect=200, **how).json()

    def make(self, kind: str, **given: Any) -> Any:
        """Create one of something, and return it."""
        who = given.pop("who", "admin")
        path = f"/v2.0/{kind.replace('_', '-')}s"
        return self("POST", path, {kind: given}, expect=201, who=who).json()[kind]


@pytest.fixture
def served() -> Iterator[Rig]:
    """One host with functions, a network for all and one with a physical network."""
    sriov = [{"address": "0000:81:00.0", "physical_network": "physnet1", "vfs": 2}]
    networks = [
        NetworkTopology("private", subnets=["10.0.0.0/24"]),
        NetworkTopology(
            "wired", shared=False, subnets=["10.1.0.0/24"], physical_network="physnet1"
        ),
    ]
    cell = Cell("cell1", [Host("host1", options={"sriov": sriov}), Host("host2")])
    with Rig(Topology(cells=[cell], networks=networks)) as rig:
        yield rig


@pytest.fixture
def face(served: Rig) -> Face:
    """The network face."""
    return Face(served, "network")


@pytest.fixture
def compute(served: Rig) -> Face:
    """The compute face."""
    return Face(served, "compute")
