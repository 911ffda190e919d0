"""cinderclient."""

from __future__ import annotations

from typing import Any

import pytest
from cinderclient import client
from cinderclient import exceptions as refused
from cloud_of_clients import Cloud, boot, unique


@pytest.fixture(params=["3.0", "3.50", "3.71"])
def cinder(request: pytest.FixtureRequest, cloud: Cloud) -> Any:
    return client.Client(request.param, session=cloud.session())


def settled(cinder: Any, volume: Any, status: str) -> Any:
    for _look in range(600):
        found = cinder.volumes.get(volume.id)
        if found.status == status:
            return found
    raise AssertionError(f"the volume is {found.status}, not {status}")


def gone(look: Any) -> None:
    with pytest.raises(refused.NotFound):
        for _look in range(600):
            look()


def test_a_volume_and_its_snapshot(cinder: Any) -> None:
    volume = settled(cinder, cinder.volumes.create(1, name=unique()), "available")
    snapshot = cinder.volume_snapshots.create(volume.id, name=unique())
    assert snapshot.id in [each.id for each in cinder.volume_snapshots.list()]
    copy = cinder.volumes.create(1, snapshot_id=snapshot.id, name=unique())
    settled(cinder, copy, "available").delete()
    gone(lambda: cinder.volumes.get(copy.id))
    cinder.volume_snapshots.delete(snapshot.id)
    gone(lambda: cinder.volume_snapshots.get(snapshot.id))
    cinder.volumes.extend(volume, 3)
    assert settled(cinder, volume, "available").size == 3
    cinder.volumes.set_metadata(volume, {"kind": "test"})
    assert cinder.volumes.get(volume.id).metadata == {"kind": "test"}
    volume.delete()
    gone(lambda: cinder.volumes.get(volume.id))


def test_types_with_extra_specs(cinder: Any) -> None:
    made = cinder.volume_types.create(unique())
    made.set_keys({"kind": "test"})
    assert cinder.volume_types.get(made.id).get_keys() == {"kind": "test"}
    cinder.volume_types.delete(made.id)


def test_an_attachment_is_made_told_its_host_and_completed(cloud: Cloud) -> None:
    cinder = client.Client("3.54", session=cloud.session())
    connection = cloud.connection()
    server = boot(connection, unique())
    volume = settled(cinder, cinder.volumes.create(1, name=unique()), "available")
    made = cinder.attachments.create(volume.id, {}, server.id, mode="rw")
    id_ = made["id"] if isinstance(made, dict) else made.id
    assert cinder.volumes.get(volume.id).status == "reserved"
    connector = {"host": "cell1-host1", "ip": "192.0.2.1", "initiator": "iqn.test", "os_type": "x"}
    cinder.attachments.update(id_, connector)
    cinder.attachments.complete(id_)
    assert cinder.volumes.get(volume.id).status == "in-use"
    cinder.attachments.delete(id_)
    settled(cinder, volume, "available").delete()


def test_services_pools_limits_and_quotas(cinder: Any, cloud: Cloud) -> None:
    assert {service.binary for service in cinder.services.list()} >= {"cinder-volume"}
    assert cinder.pools.list()
    assert cinder.limits.get().absolute
    project = cloud.session().get_project_id()
    assert cinder.quotas.get(project).volumes is not None


def test_what_is_not_there_is_told(cinder: Any) -> None:
    with pytest.raises(refused.NotFound, match="could not be found|does not exist"):
        cinder.volumes.get("3d9d7d1c-0000-4000-8000-000000000000")
