"""Time Nova's own lister of instances over many cells, on the servers that `bench.listing` lists.

`nova.compute.instance_list` is used as the compute API uses it, on databases with Nova's schema: an
API database, cell0 and the cells, in SQLite files or on a PostgreSQL server. One line of JSON goes
to stdout, figures in milliseconds; logs go to stderr. It needs requirements-nova.txt and runs in an
environment of its own.
"""

import argparse
import contextlib
import datetime
import importlib
import json
import secrets
import sys
from collections.abc import Callable, Iterator
from typing import Any

from listing_side import PAGE, WALK_PAGES, digest, listed_servers, timed

SORTED = (["created_at", "uuid"], ["desc", "desc"])
DETAILS = ("metadata", "system_metadata", "info_cache", "fault", "tags")
START = datetime.datetime(2026, 1, 1)  # noqa: DTZ001 - as Nova's columns have it


class Nova:
    """The parts of Nova that are used."""

    def __init__(self) -> None:
        self.config = importlib.import_module("nova.conf").CONF
        # Its services have this option of oslo.messaging.
        self.config.register_opt(importlib.import_module("oslo_config.cfg").StrOpt("transport_url"))
        self.context = importlib.import_module("nova.context")
        self.objects = importlib.import_module("nova.objects")
        self.objects.register_all()
        self.lists = importlib.import_module("nova.compute.instance_list")
        self.main = importlib.import_module("nova.db.main.api")
        self.main_models = importlib.import_module("nova.db.main.models")
        self.api = importlib.import_module("nova.db.api.api")
        self.api_models = importlib.import_module("nova.db.api.models")
        self.sql = importlib.import_module("sqlalchemy")

    def begin(self, url_of: Callable[[str], str], cells: int) -> tuple[Any, list[Any]]:
        """Make all databases and the cells' mappings; return an administrator and the cells."""
        self.config([], project="nova", default_config_files=[])
        self.config.set_override("connection", url_of("api"), "api_database")
        self.config.set_override("connection", url_of("cell0"), "database")
        self.api.configure(self.config)
        self.main.configure(self.config)
        self.api_models.BASE.metadata.create_all(self.api.get_engine())
        admin = self.context.RequestContext("user", "project", is_admin=True)
        mappings = []
        for number in range(cells + 1):
            mapping = self.objects.CellMapping(
                context=admin,
                uuid=self.objects.CellMapping.CELL0_UUID if number == 0 else f"{number:032x}",
                name=f"cell{number}",
                transport_url="none:///",
                database_connection=url_of(f"cell{number}"),
            )
            mapping.create()
            mappings.append(mapping)
            with self.context.target_cell(admin, mapping) as target:
                self.main_models.BASE.metadata.create_all(self.main.get_engine(context=target))
        return admin, mappings[1:]

    def fill(self, admin: Any, cells: list[Any], servers: int) -> None:
        """Write instances with their mappings."""
        rows: list[list[dict[str, Any]]] = [[] for _ in cells]
        mappings: list[dict[str, Any]] = []
        for server in listed_servers(len(cells), servers):
            row = {
                "uuid": server.uuid,
                "display_name": server.name,
                "hostname": server.name,
                "project_id": server.project,
                "user_id": "user",
                "vm_state": "active",
                "host": server.host,
                "node": server.host,
                "image_ref": "image",
                "created_at": START + datetime.timedelta(seconds=server.created_at),
                "deleted": 0,
            }
            rows[server.cell].append(row)
            mappings.append(
                {
                    "instance_uuid": server.uuid,
                    "cell_id": cells[server.cell].id,
                    "project_id": server.project,
                }
            )
        for cell, of_cell in zip(cells, rows, strict=True):
            caches = [{"instance_uuid": row["uuid"], "deleted": 0} for row in of_cell]
            with self.context.target_cell(admin, cell) as target:
                engine = self.main.get_engine(context=target)
            self._write(engine, self.main_models.Instance, of_cell)
            self._write(engine, self.main_models.InstanceInfoCache, caches)
        self._write(self.api.get_engine(), self.api_models.InstanceMapping, mappings)

    def _write(self, engine: Any, model: Any, rows: list[dict[str, Any]]) -> None:
        with engine.begin() as connection:
            connection.execute(model.__table__.insert(), rows)
            if engine.dialect.name == "postgresql":
                # As it does by itself within a minute.
                connection.execute(self.sql.text("ANALYZE"))


def measure(nova: Nova, url_of: Callable[[str], str], cells: int, servers: int, runs: int) -> Any:
    """Run the lister."""
    admin, mappings = nova.begin(url_of, cells)
    nova.fill(admin, mappings, servers)

    def records() -> list[Any]:
        nova.context.load_cells()
        batch = nova.lists.get_instance_list_cells_batch_size(PAGE, nova.context.CELLS)
        _lister, found = nova.lists.get_instances_sorted(
            admin, {"deleted": False}, PAGE, None, [], *SORTED, batch_size=batch
        )
        return list(found)

    def objects(marker: str | None = None, wanted: tuple[str, ...] = ()) -> Any:
        found, down = nova.lists.get_instance_objects_sorted(
            admin, {"deleted": False}, PAGE, marker, list(wanted), *SORTED
        )
        if down:
            raise RuntimeError(f"cells {down} have not answered")
        return found

    walked = min(servers, WALK_PAGES * PAGE)

    def walk() -> None:
        total, page = 0, objects()
        while len(page):
            total += len(page)
            if total == walked < servers:
                break
            page = objects(page[-1].uuid)
        if total != walked:
            raise RuntimeError(f"a walk has shown {total} servers, not {walked}")

    return {
        "cells": cells,
        "servers": servers,
        "records": timed(records, runs),
        "objects": timed(objects, runs),
        "details": timed(lambda: objects(wanted=DETAILS), runs),
        "walk": timed(walk, 1, servers / walked, warm_up=0),
        "listed": digest(server.uuid for server in objects()),
    }


@contextlib.contextmanager
def places(nova: Nova, where: str) -> Iterator[Callable[[str], str]]:
    """Yield what tells the URL of a database by its name; those on a server are dropped after it.

    There they are schemas of one database, as ours are.

    Args:
        nova: for its SQLAlchemy.
        where: a directory, or the URL of a database on a PostgreSQL server.
    """
    if "://" not in where:
        yield lambda name: f"sqlite:///{where}/{name}.sqlite"
        return
    url = nova.sql.make_url(where).set(drivername="postgresql+psycopg2")
    database = f"nova_listing_{secrets.token_hex(4)}"
    there = url.set(database=database)

    def run(at: Any, text: str) -> None:
        engine = nova.sql.create_engine(at, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(nova.sql.text(text))
        engine.dispose()

    def url_of(name: str) -> str:
        run(there, f"CREATE SCHEMA IF NOT EXISTS {name}")
        own = there.update_query_dict({"options": f"-csearch_path={name}"})
        return str(own.render_as_string(hide_password=False))

    run(url, f"CREATE DATABASE {database}")
    try:
        yield url_of
    finally:
        run(url, f"DROP DATABASE {database} WITH (FORCE)")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("where", help="an empty directory, or a URL of PostgreSQL")
    parser.add_argument("--cells", type=int, default=16)
    parser.add_argument("--servers", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    with contextlib.redirect_stdout(sys.stderr):
        nova = Nova()
        with places(nova, arguments.where) as url_of:
            found = measure(nova, url_of, arguments.cells, arguments.servers, arguments.runs)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
