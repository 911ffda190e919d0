"""novaclient."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from cloud_of_clients import Cloud, unique
from novaclient import client
from novaclient import exceptions as refused


@pytest.fixture(params=["2.1", "2.60", "2.96"])
def nova(request: pytest.FixtureRequest, cloud: Cloud) -> Any:
    return client.Client(request.param, session=cloud.session())


def boot(nova: Any, cloud: Cloud, **more: Any) -> Any:
    image = cloud.connection().image.find_image("cirros").id
    tiny = next(flavor for flavor in nova.flavors.list() if flavor.name == "m1.tiny")
    nics = [] if nova.api_version.get_string() == "2.1" else "none"
    server = nova.servers.create(unique(), image, tiny, nics=nics, **more)
    return settled(nova, server, "ACTIVE")


def settled(nova: Any, server: Any, status: str) -> Any:
    for _look in looks():
        found = nova.servers.get(server.id)
        if found.status == status:
            return found
    raise AssertionError(f"the server is {found.status}, not {status}")


def looks() -> Iterator[None]:
    """Yield every 50 ms for a minute: over HTTP a client has no event to wait for."""
    given_up = time.monotonic() + 60
    while time.monotonic() < given_up:
        yield
        time.sleep(0.05)


def test_a_server_is_booted_moved_and_deleted(nova: Any, cloud: Cloud) -> None:
    server = boot(nova, cloud, meta={"kind": "test"})
    assert server.metadata == {"kind": "test"}
    server.stop()
    settled(nova, server, "SHUTOFF")
    server.migrate()
    settled(nova, server, "VERIFY_RESIZE").confirm_resize()
    settled(nova, server, "SHUTOFF").delete()
    with pytest.raises(refused.NotFound):
        for _look in looks():
            nova.servers.get(server.id)


def test_things_are_made_and_listed(nova: Any) -> None:
    key = nova.keypairs.create(unique()) if nova.api_version.get_string() != "2.96" else None
    if key is not None:
        assert key.name in [each.name for each in nova.keypairs.list()]
    aggregate = nova.aggregates.create(unique(), None)
    aggregate.add_host("cell2-host3")
    assert nova.aggregates.get(aggregate.id).hosts == ["cell2-host3"]
    aggregate.remove_host("cell2-host3")
    aggregate.delete()
    assert {service.host for service in nova.services.list(binary="nova-compute")} >= {
        "cell1-host1",
        "cell2-host3",
    }
    assert len(nova.hypervisors.list()) == 6
    assert nova.limits.get().absolute
    assert nova.availability_zones.list()


def test_what_is_not_there_is_told(nova: Any) -> None:
    with pytest.raises(refused.NotFound, match="could not be found|does not exist"):
        nova.servers.get("3d9d7d1c-0000-4000-8000-000000000000")
