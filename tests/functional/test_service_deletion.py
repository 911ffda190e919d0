"""Deleting the compute service of a host that leaves for good."""

from __future__ import annotations

import pytest

from cellrig import Rig
from cellrig.errors import Conflict, NotFound
from cellrig.topology import Cell, Host, Topology

CARD = {"address": "0000:81:00.0", "physical_network": "public", "vfs": 2}
TWO_HOSTS = Topology(cells=[Cell("cell1", [Host("one", options={"sriov": [CARD]}), Host("two")])])


def hosts_known(rig: Rig) -> set[str]:
    return {each.host for each in rig.services.list()}


def test_nothing_is_left_of_a_host_that_is_deleted() -> None:
    with Rig(TWO_HOSTS) as rig:
        aggregate = rig.aggregates.create("racks", zone="attic", hosts=["one", "two"])
        providers = {each.name for each in rig.placement.list_providers()}
        assert any(name != "one" and name.startswith("one") for name in providers)  # a tree
        rig.services.delete("one")
        assert hosts_known(rig) == {"two"}
        assert [each.host for each in rig.hypervisors.list()] == ["two"]
        assert [each.name for each in rig.placement.list_providers()] == ["two"]
        (aggregate,) = rig.aggregates.list()
        assert aggregate.hosts == ("two",)
        assert rig.aggregates.zones()["attic"] == ("two",)
        for _server in range(3):
            assert rig.servers.create(zone="attic").host == "two"


def test_a_deleted_service_that_runs_ends_and_describes_nothing() -> None:
    with Rig(TWO_HOSTS) as rig:
        rig.services.delete("one")
        rig.advance(200)
        assert hosts_known(rig) == {"two"}
        assert [each.name for each in rig.placement.list_providers()] == ["two"]


def test_a_deleted_host_that_starts_again_is_a_new_one() -> None:
    with Rig(TWO_HOSTS) as rig:
        before = rig.services.show("one").uuid
        rig.crash("one")
        rig.services.delete("one")
        rig.restart("one")
        assert rig.services.show("one").uuid != before
        assert rig.servers.create(host="one").host == "one"


def test_a_host_with_servers_stays() -> None:
    with Rig(TWO_HOSTS) as rig:
        server = rig.servers.create(host="one")
        with pytest.raises(Conflict, match="'one' has 1 servers"):
            rig.services.delete("one")
        assert hosts_known(rig) == {"one", "two"}
        rig.servers.migrate(server)
        with pytest.raises(Conflict, match="is finished"):
            rig.services.delete("one")
        rig.servers.confirm_resize(server)
        rig.services.delete("one")
        assert rig.servers.show(server).status == "ACTIVE"


def test_a_host_that_nobody_has_is_not_deleted() -> None:
    with Rig(TWO_HOSTS) as rig:
        with pytest.raises(NotFound):
            rig.services.delete("three")
        rig.services.delete("one")
        with pytest.raises(NotFound):
            rig.services.delete("one")
