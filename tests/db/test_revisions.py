"""Revisions: they lead from nothing to the tables there are, and an old database is upgraded."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from database_servers import KINDS
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

from cellrig.db import upgrade as upgrading
from cellrig.db.database import Database
from cellrig.db.places import OnServer, lasting, place_of
from cellrig.db.schema import Schema
from cellrig.db.schemas import SCHEMAS
from cellrig.db.sqlite import InFile
from cellrig.db.storage import UnusableDatabase
from cellrig.placement import Placement
from cellrig.placement.tables import PLACEMENT_SCHEMA
from cellrig.runtime.virtual import VirtualRuntime

HOST = "00000000-0000-4000-8000-000000000001"
LATER = Schema("placement", 2, PLACEMENT_SCHEMA.metadata)
SECOND = """
revision = "placement_2"
down_revision = "placement_1"


def upgrade():
    from alembic import op

    op.create_index("resource_providers_by_update", "resource_providers", ["updated_at"])
"""


@pytest.fixture
def second_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Revisions as they will be when there is one more for placement."""
    ours = tmp_path / "revisions"
    theirs = Path(upgrading.__file__).with_name("revisions")
    (ours / "placement").mkdir(parents=True)
    for name in ("env.py", "placement/placement_1.py"):
        (ours / name).write_text((theirs / name).read_text())
    (ours / "placement" / "placement_2.py").write_text(SECOND)
    monkeypatch.setattr(upgrading, "_REVISIONS", ours)


@pytest.fixture(params=["file", *KINDS])
def lasting_place(
    request: pytest.FixtureRequest, find_server: Callable[[str], str], tmp_path: Path
) -> Iterator[str]:
    """Where a database can stay: a directory, or one that is empty on each server."""
    if request.param == "file":
        yield str(tmp_path / "place")
        return
    url = make_url(find_server(request.param))
    place = place_of(str(url))
    assert isinstance(place, OnServer)
    server = place._server
    name = server.names.name("lasting", server.now())
    server._do(f"CREATE DATABASE {name}")  # type: ignore[attr-defined]
    try:
        yield url.set(database=name).render_as_string(hide_password=False)
    finally:
        server._do(f"DROP DATABASE {name}")  # type: ignore[attr-defined]
        place.close()


def opened(place: str, schema: Schema = PLACEMENT_SCHEMA) -> Database:
    return Database("placement", schema.image, VirtualRuntime(), lasting(place, schema))


@pytest.mark.parametrize("kind", SCHEMAS)
def test_revisions_lead_to_the_tables_that_there_are(kind: str) -> None:
    schema = SCHEMAS[kind]
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        upgrading.upgrade(connection, schema)
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, schema.metadata) == [], (
            f"tables have changed: python -m cellrig.db.revisions {kind} MESSAGE, and the number "
            "of the schema is one more"
        )
    engine.dispose()
    script = ScriptDirectory.from_config(upgrading._config(None, schema))  # type: ignore[arg-type]
    assert script.get_current_head() == schema.version


def test_a_database_stays_and_is_known_again(lasting_place: str) -> None:
    first = opened(lasting_place)
    Placement(first).create_provider("host", uuid=HOST)
    first.close()
    again = opened(lasting_place)
    assert Placement(again).get_provider(HOST).name == "host"
    again.close()


@pytest.mark.usefixtures("second_revision")
def test_an_older_database_is_refused_until_it_is_upgraded_and_keeps_its_rows(
    lasting_place: str,
) -> None:
    first = opened(lasting_place)
    Placement(first).create_provider("host", uuid=HOST)
    first.close()
    with pytest.raises(UnusableDatabase, match="needs placement_2: cellrig upgrade"):
        opened(lasting_place, LATER)
    assert upgrading.upgrade_database(lasting_place, LATER) == "placement_1"
    later = opened(lasting_place, LATER)
    assert Placement(later).get_provider(HOST).name == "host"
    later.close()
    with pytest.raises(UnusableDatabase, match="knows placement_1 at most"):
        opened(lasting_place)
    with pytest.raises(UnusableDatabase, match="knows placement_1 at most"):
        upgrading.upgrade_database(lasting_place, PLACEMENT_SCHEMA)
    assert upgrading.upgrade_database(lasting_place, LATER) == "placement_2"


@pytest.mark.usefixtures("second_revision")
def test_what_is_in_use_or_somebody_elses_is_not_upgraded(tmp_path: Path) -> None:
    user = opened(str(tmp_path))
    with pytest.raises(UnusableDatabase, match="locked"):
        upgrading.upgrade_database(str(tmp_path), LATER)
    user.close()
    other = tmp_path / "other"
    other.mkdir()
    engine = create_engine(f"sqlite:///{other / 'placement.sqlite'}")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE thesis (chapter)")
    engine.dispose()
    with pytest.raises(UnusableDatabase, match="not one that Cellrig has made"):
        upgrading.upgrade_database(str(other), LATER)
    with pytest.raises(UnusableDatabase, match="it is not there"):
        upgrading.upgrade_database(str(tmp_path / "nowhere"), LATER)
    assert not InFile(other / "nothing.sqlite")._path.exists()


def test_the_command_upgrades_what_a_service_has_kept(tmp_path: Path) -> None:
    opened(str(tmp_path)).close()
    code = f"from cellrig.cli import main; main(['upgrade', {str(tmp_path)!r}])"
    done = subprocess.run(  # noqa: S603 - our own text
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "the tables are of version placement_1, as they were\n"
