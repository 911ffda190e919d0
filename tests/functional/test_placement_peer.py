"""The life of servers with OpenStack's own placement, in process through its WSGI application."""

from __future__ import annotations

from uuid import UUID

import pytest

from cellrig import Cell, Rig, Topology
from cellrig.errors import Invalid
from cellrig.http.session import FaceSession
from cellrig.placement import PlacementClient
from cellrig.placement.errors import ConcurrentUpdate
from cellrig.placement.rest import RestPlacement
from cellrig.placement.types import AllocationsWrite, Inventory

# What the peer warns of is its own business.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> PlacementClient:
    """OpenStack Placement over a new SQLite file; the token admin is an administrator."""
    reason = "openstack-placement is not installed (tox -e placement-peer does it)"
    deploy, conf, cfg = (
        pytest.importorskip(name, reason=reason)
        for name in ("placement.deploy", "placement.conf", "oslo_config.cfg")
    )
    config = cfg.ConfigOpts()
    conf.register_opts(config)
    path = tmp_path_factory.mktemp("peer") / "placement.sqlite"
    config.set_override("auth_strategy", "noauth2", group="api")
    config.set_override("connection", f"sqlite:///{path}", group="placement_database")
    config.set_override("sync_on_startup", True, group="placement_database")
    config([], project="placement", default_config_files=[], default_config_dirs=[])
    session = FaceSession(deploy.loadapp(config), "http://peer.test")
    return RestPlacement(session, "http://peer.test")


def test_a_claim_of_a_provider_that_does_not_exist_is_in_nobodys_way(
    peer: PlacementClient,
) -> None:
    host, nobody, consumer, other = (str(UUID(int=n, version=4)) for n in range(901, 905))
    peer.create_provider("claimed", uuid=host)
    peer.set_inventories(host, {"VCPU": Inventory(4)}, generation=0)
    wrong = AllocationsWrite({nobody: {"VCPU": 1}}, "project", "user")
    right = AllocationsWrite({host: {"VCPU": 1}}, "project", "user")
    for _ in range(2):
        with pytest.raises(Invalid):
            peer.put_allocations(consumer, wrong)
        with pytest.raises(Invalid):
            peer.post_allocations({other: wrong})
    peer.put_allocations(consumer, right)
    peer.post_allocations({other: right})
    with pytest.raises(ConcurrentUpdate):  # that it exists is told all the same
        peer.put_allocations(consumer, right)
    with pytest.raises(ConcurrentUpdate):
        peer.post_allocations({other: right})
    for uuid in (consumer, other):
        assert peer.delete_allocations(uuid)
    peer.delete_provider(host)


def test_servers_live_with_the_placement_of_openstack(peer: PlacementClient) -> None:
    topology = Topology(cells=[Cell("cell1", 3), Cell("cell2", 1)])
    with Rig(topology, audit=False, placement=lambda _own: peer) as rig:
        assert {each.name for each in peer.list_providers()} >= set(rig.host_names)
        rig.faults.fail("driver.spawn", times=1)
        servers = [rig.servers.create() for _ in range(4)]
        assert [server.status for server in servers] == ["ACTIVE"] * 4
        for server in servers:
            held = peer.get_allocations(server.id)
            assert held is not None
            assert held.consumer_type == "INSTANCE"
            assert [peer.get_provider(uuid).name for uuid in held.allocations] == [server.host]
        rig.advance(120)
        for server in servers:
            rig.servers.delete(server)
        assert peer.list_allocations() == ()
        rig.faults.fail("driver.spawn")
        assert rig.servers.create().status == "ERROR"
        assert peer.list_allocations() == ()
