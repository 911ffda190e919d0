"""Clouds that last: what one rig leaves, the next one goes on with, wherever the databases are."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from database_servers import KINDS
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.engine import URL, make_url

from cellrig import Cell, Host, Rig, Topology, cloud
from cellrig.db import upgrade as upgrading
from cellrig.db.cell_tables import CELL_SCHEMA
from cellrig.db.names import SpaceNames
from cellrig.db.schema import Schema
from cellrig.db.storage import UnusableDatabase
from cellrig.driver import PowerState
from cellrig.errors import CellrigError, Invalid, InvalidTopology
from cellrig.lasting import LastingCloud
from cellrig.lasting.fitting import check_fits
from cellrig.model import Flavor
from cellrig.network.starting import NetworkTopology

SMALL = Topology(
    cells=[Cell("cell1", 2)],
    zones={"north": ["cell1-host1"], "south": ["cell1-host2"]},
    networks=[NetworkTopology("private", ["10.0.0.0/24"])],
)
_DRIVERS = {"postgresql": "postgresql+psycopg", "mariadb": "mariadb+pymysql"}


@pytest.fixture(params=["file", *KINDS])
def place(
    request: pytest.FixtureRequest, find_server: Callable[[str], str], tmp_path: Path
) -> Iterator[str]:
    """Where a cloud can stay: a directory, or a name on each server that nobody else has."""
    if request.param == "file":
        yield str(tmp_path / "place")
        return
    url = make_url(find_server(request.param))
    name = SpaceNames().name("lasting", 1_800_000_000.0)
    _do(request.param, url, lambda _names: [f"CREATE DATABASE {name}"])
    try:
        yield url.set(database=name).render_as_string(hide_password=False)
    finally:
        _do(request.param, url, lambda names: [_dropping(each) for each in names if name in each])
        if request.param == "postgresql":
            _do(request.param, url, lambda _names: [_dropping(name)])


def _dropping(name: str) -> str:
    return f"DROP DATABASE {name}"


def _do(kind: str, url: URL, texts: Callable[[list[str]], list[str]]) -> None:
    engine = create_engine(url.set(drivername=_DRIVERS[kind]), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for each in texts(inspect(connection).get_schema_names()):
            connection.execute(text(each))
    engine.dispose()


@pytest.fixture
def rig_at(place: str, tmp_path: Path) -> Callable[..., Rig]:
    """Return what makes a rig that lasts, on a topology."""
    state = None if "://" not in place else tmp_path / "state"

    def make(topology: Topology = SMALL) -> Rig:
        return Rig(topology, live=True, lasting=LastingCloud(place, state))

    return make


def in_directory(path: Path, topology: Topology = SMALL) -> Rig:
    return Rig(topology, live=True, lasting=LastingCloud(str(path)))


def test_the_next_rig_goes_on_with_all_that_there_is(rig_at: Callable[..., Rig]) -> None:
    data = bytes(range(256)) * 512
    with rig_at() as rig:
        runs = rig.servers.create(name="runs", networks=[rig.networks.find("private")])
        volume = rig.volumes.create(size=1)
        rig.servers.attach_volume(runs, volume)
        stopped = rig.servers.create(name="stopped")
        rig.servers.stop(stopped)
        moved = rig.servers.create(name="moved")
        rig.servers.resize(moved, "m1.small")
        image = rig.images.create("large", id=rig.new_uuid(), data=data)
        xml = rig.driver(str(runs.host)).domain_xml(runs.id)  # type: ignore[attr-defined]
        rig.flavors.delete("m1.large")
        before, drawn = _told(rig), {rig.new_uuid() for _time in range(500)}
        with pytest.raises(UnusableDatabase, match="another process has it open"):
            rig_at()
    # Each audits itself when it ends, and must find nothing.
    with rig_at() as rig:
        assert _told(rig) == before
        assert drawn.isdisjoint(rig.new_uuid() for _time in range(500))
        assert rig.driver(str(runs.host)).domain_xml(runs.id) == xml  # type: ignore[attr-defined]
        assert [each.instance_uuid for each in rig.volumes.attachments(volume)] == [runs.id]
        assert _data(rig, image.id) == data
        assert rig.servers.start(stopped).status == "ACTIVE"
        rig.servers.revert_resize(moved)
        assert rig.guest(moved).memory_mb == 512
        assert rig.servers.create(name="new").id not in {runs.id, stopped.id, moved.id}
        rig.servers.detach_volume(runs, volume)
        rig.servers.delete(runs)
    with rig_at() as rig:
        assert {each.name for each in rig.servers.list()} == {"stopped", "moved", "new"}
        assert rig.volumes.show(volume).status == "available"


def _data(rig: Rig, image: str) -> bytes:
    context = rig.new_context("admin", "admin", True)
    chunks = rig.request(lambda: rig.cloud.images.data(context, image))
    assert chunks is not None
    return b"".join(chunks)


def _told(rig: Rig) -> object:
    """What a user sees, but for what says when it was looked at."""
    return (
        {each.id: (each.name, each.status, each.host) for each in rig.servers.list()},
        sorted(each.name for each in rig.flavors.list()),
        sorted(each.id for each in rig.images.list()),
        sorted(each.id for each in rig.networks.list()),
        sorted(each.id for each in rig.volume_types.list()),
        sorted((each.id, each.status) for each in rig.volumes.list()),
        sorted(each.uuid for each in rig.hypervisors.list()),
        sorted(each.uuid for each in rig.services.list()),
        {each.name: sorted(each.hosts) for each in rig.aggregates.list()},
        sorted(each.uuid for each in rig.placement.list_providers()),
    )


def test_a_cloud_may_grow(tmp_path: Path) -> None:
    with in_directory(tmp_path) as rig:
        first = rig.servers.create()
    larger = msgspec.structs.replace(SMALL, cells=[Cell("cell1", 3), Cell("cell2", 1)])
    with in_directory(tmp_path, larger) as rig:
        names = ["cell1-host1", "cell1-host2", "cell1-host3", "cell2-host1"]
        assert sorted(each.host for each in rig.services.list()) == names
        assert rig.servers.create(host="cell2-host1").host == "cell2-host1"
        assert rig.servers.create(host="cell1-host3").host == "cell1-host3"
        assert rig.servers.show(first).status == "ACTIVE"
    with pytest.raises(InvalidTopology, match="cell 'cell2' is missing"):
        in_directory(tmp_path, msgspec.structs.replace(SMALL, cells=[Cell("cell1", 3)]))
    with in_directory(tmp_path, larger) as rig:
        assert len(rig.servers.list()) == 3


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"cells": [Cell("cell1", 1)]}, "host 'cell1-host2' of cell 'cell1' is missing"),
        ({"cells": [Cell("cell2", 2)]}, "cell 'cell1' is missing"),
        (
            {"cells": [Cell("cell1", 1), Cell("cell2", [Host("cell1-host2")])]},
            "host 'cell1-host2', cell is 'cell2', and was 'cell1'",
        ),
        ({"options": {"vcpus": 2}}, "host 'cell1-host1', options had no 'vcpus'"),
        ({"driver": "libvirt"}, "host 'cell1-host1', driver is 'libvirt', and was 'fake'"),
        ({"zones": {"north": ["cell1-host1"]}}, "zones has no 'south' any more"),
        (
            {"flavors": [Flavor("1", "m1.tiny", vcpus=2, memory_mb=512, root_gb=1)]},
            "flavors, number 1, vcpus is 2, and was 1",
        ),
        ({"networks": ()}, "there are 0 networks, and there were 1"),
    ],
)
def test_a_topology_that_does_not_fit_is_told_by_its_first_difference(
    changes: dict[str, object], told: str
) -> None:
    with pytest.raises(InvalidTopology) as refused:
        check_fits(SMALL, msgspec.structs.replace(SMALL, **changes))
    assert str(refused.value) == f"the topology does not fit the cloud that is there: {told}"


def test_how_services_work_may_change() -> None:
    other = {"scheduler": {"max_attempts": 1}, "compute": {"resize_confirm_window": 9}}
    check_fits(SMALL, msgspec.convert({**msgspec.to_builtins(SMALL), **other}, Topology))


def test_a_first_start_that_was_broken_off_is_begun_anew(tmp_path: Path) -> None:
    broken = msgspec.structs.replace(SMALL, networks=[NetworkTopology("private", ["nonsense"])])
    rig = in_directory(tmp_path, broken)
    with pytest.raises(CellrigError):
        rig.start()
    rig.stop()
    with in_directory(tmp_path) as rig:
        assert rig.is_new
        assert len(rig.flavors.list()) == 4
        assert len(rig.hypervisors.list()) == 2


def test_the_hypervisors_are_what_a_restore_has_made_of_them(tmp_path: Path) -> None:
    with in_directory(tmp_path) as rig:
        server = rig.servers.create()
        snapshot = rig.snapshot()
        rig.servers.stop(server)
        gone = rig.servers.create()
        rig.restore(snapshot)
    with in_directory(tmp_path) as rig:
        assert rig.guest(server).power_state is PowerState.RUNNING
        assert [each.id for each in rig.servers.list()] == [server.id]
        assert gone.id not in {
            info.uuid for host in rig.host_names for info in rig.driver(host).list_guests()
        }


def test_what_was_on_its_way_in_is_not_kept(tmp_path: Path) -> None:
    with in_directory(tmp_path) as rig:
        rig.images.create("large", id=rig.new_uuid(), data=b"1" * 70_000)
    (images,) = tmp_path.rglob("images.data")
    (images / "incoming-abc").write_bytes(b"half")
    with in_directory(tmp_path):
        assert len(list(images.iterdir())) == 1


def test_a_cloud_on_a_server_wants_a_directory_for_files() -> None:
    with pytest.raises(Invalid, match="--state DIR"):
        LastingCloud("postgresql://me:secret@127.0.0.1:1/db")


def test_a_rig_in_virtual_time_does_not_last(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="live=True"):
        Rig(lasting=LastingCloud(str(tmp_path)))


# -- versions --------------------------------------------------------------------------------------

SECOND = """
revision = "cell_2"
down_revision = "cell_1"


def upgrade():
    from alembic import op

    op.create_index("instances_by_nothing", "instances", ["launched_at"])
"""


@pytest.fixture
def later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return what lets this Cellrig be the next one, whose cells have other tables."""
    ours, theirs = tmp_path / "revisions", Path(upgrading.__file__).with_name("revisions")

    def come() -> None:
        for path in theirs.rglob("*.py"):
            (ours / path.relative_to(theirs)).parent.mkdir(parents=True, exist_ok=True)
            (ours / path.relative_to(theirs)).write_text(path.read_text())
        (ours / "cell" / "cell_2.py").write_text(SECOND)
        monkeypatch.setattr(upgrading, "_REVISIONS", ours)
        monkeypatch.setattr(cloud, "CELL_SCHEMA", Schema("cell", 2, CELL_SCHEMA.metadata))

    return come


def test_databases_of_another_version_are_refused_until_they_are_upgraded(
    rig_at: Callable[..., Rig], place: str, later: Callable[[], None]
) -> None:
    from cellrig.cli.upgrade import upgrade_all

    with rig_at() as rig:
        server = rig.servers.create()
    later()
    with pytest.raises(
        UnusableDatabase, match=r"cell0.* are of version cell_1, .* needs cell_2: c"
    ):
        rig_at()
    told = list(upgrade_all(place))
    assert "cell1: the tables are of version cell_2, from cell_1" in told
    assert "api: the tables are of version api_1, as they were" in told
    assert len(told) == 9
    with rig_at() as rig:
        assert rig.servers.show(server).status == "ACTIVE"


def test_a_newer_cloud_is_not_opened(tmp_path: Path) -> None:
    in_directory(tmp_path).__enter__().stop()
    with sqlite3.connect(tmp_path / "databases" / "volumes.sqlite") as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'volumes_9'")
    connection.close()
    with pytest.raises(UnusableDatabase, match=r"volumes.sqlite.* volumes_9.* use a newer one"):
        in_directory(tmp_path)
