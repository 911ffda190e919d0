"""Bringing a database that lasts to the tables that this Cellrig needs, by Alembic."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, create_engine, inspect, select
from sqlalchemy.exc import DBAPIError

from cellrig.db.images import Stamp
from cellrig.db.places import lasting
from cellrig.db.schema import VERSION_TABLE, Schema
from cellrig.db.storage import LastingStorage, UnusableDatabase
from cellrig.errors import ExtraMissing

try:
    from alembic import command
    from alembic.config import Config
except ImportError as error:
    raise ExtraMissing("upgrading a database", "alembic", "alembic") from error

_REVISIONS = Path(__file__).with_name("revisions")


def upgrade_database(database: str, schema: Schema) -> str:
    """Bring a database that lasts to the version of `schema`; return the version it had.

    All of it happens, or nothing; on MariaDB, whose definitions cannot be undone, each revision.

    Args:
        database: a directory or a URL, as `cellrig.db.places.lasting` takes it.

    Raises:
        UnusableDatabase: it is not there, is in use, is newer or of another kind.
        Invalid, ExtraMissing: as `cellrig.db.places.lasting`.
    """
    return upgrade_storage(lasting(database, schema), schema)


def upgrade_storage(storage: LastingStorage, schema: Schema) -> str:
    """Upgrade what is in one place; see `upgrade_database`.

    Args:
        storage: where.
    """
    engine = storage.engine()
    told = engine.url.render_as_string()
    try:
        with engine.begin() as connection:
            stamp = _stamp(connection)
            if stamp.is_older(Stamp(True, schema.version), told):
                upgrade(connection, schema)
    except DBAPIError as error:
        raise UnusableDatabase(told, " ".join(str(error.orig).split())) from error
    finally:
        engine.dispose()
    return str(stamp.version)


def upgrade(connection: Connection, schema: Schema, to: str = "head") -> None:
    """Run the revisions that a database has not had yet; one without tables gets them.

    Args:
        to: the last revision to run.
    """
    command.upgrade(_config(connection, schema), to)


def write_revision(schema: Schema, message: str) -> None:
    """Write the revision that leads from the last one to the tables of `schema`.

    Args:
        message: what it changes, in a few words.
    """
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        config = _config(connection, schema)
        command.upgrade(config, "head")
        command.revision(
            config,
            message,
            autogenerate=True,
            rev_id=schema.version,
            version_path=str(_REVISIONS / schema.kind),
        )
    engine.dispose()


def _stamp(connection: Connection) -> Stamp:
    if not inspect(connection).has_table(VERSION_TABLE.name):
        return Stamp(False, None)
    return Stamp.saying(connection.scalar(select(VERSION_TABLE.c.version_num)))


def _config(connection: Connection, schema: Schema) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_REVISIONS))
    config.set_main_option("version_locations", str(_REVISIONS / schema.kind))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("file_template", "%%(rev)s")
    config.attributes["connection"] = connection
    config.attributes["metadata"] = schema.metadata
    return config
