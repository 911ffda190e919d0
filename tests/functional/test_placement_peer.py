"""The life of servers with OpenStack's own placement, in process through its WSGI application."""

from __future__ import annotations

import pytest

from cellrig import Cell, Rig, Topology
from cellrig.http.session import FaceSession
from cellrig.placement import PlacementClient
from cellrig.placement.rest import RestPlacement

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
