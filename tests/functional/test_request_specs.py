"""What is remembered of a request, and what is not."""

from __future__ import annotations

import pytest

from cellrig import Cell, Rig, Topology
from cellrig.db.requests import RequestStore


@pytest.mark.topology(Topology(cells=[Cell("cell1", 3)]))
def test_25_1797580_a_host_asked_for_at_boot_is_taken_and_not_remembered(rig: Rig) -> None:
    server = rig.servers.create(host="cell1-host3")
    assert server.host == "cell1-host3"
    spec = RequestStore(rig.databases["api"]).spec_get(server.id)
    assert (spec.requested_host, spec.instance_uuid) == (None, server.id)


@pytest.mark.topology(Topology(cells=[Cell("cell1", 3)]))
def test_24_1718455_each_server_of_one_request_remembers_only_itself(rig: Rig) -> None:
    for server in rig.servers.create(count=3):
        spec = RequestStore(rig.databases["api"]).spec_get(server.id)
        assert (spec.instance_uuid, spec.flavor) == (server.id, server.flavor)
