"""OpenStack Placement in process over SQLite, as one side of `bench.placement`.

Its REST face takes a second for eight hosts, so hosts are written straight into its tables. The
database is a file in a folder of the caller's choice: one in memory waits for no disk.
"""

import argparse
import sqlite3
import tempfile
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from oslo_config import cfg
from placement_side import (
    PUBLIC,
    STORAGE,
    Application,
    ask,
    asking,
    keep_stdout_for_the_report,
    serve,
    tree,
)

from placement import conf, deploy


def application(database: Path) -> Application:
    """Build Placement's application over a database file; the token admin is an administrator."""
    config = cfg.ConfigOpts()
    conf.register_opts(config)
    config.set_override("auth_strategy", "noauth2", group="api")
    config.set_override("connection", f"sqlite:///{database}", group="placement_database")
    config.set_override("sync_on_startup", True, group="placement_database")
    config([], project="placement", default_config_files=[], default_config_dirs=[])
    built: Application = deploy.loadapp(config)
    return built


def fill(database: Path, hosts: int) -> None:
    """Write the trees of `hosts` hosts into the tables of a database that has no providers."""
    moment = datetime(2026, 1, 1).isoformat(" ")  # noqa: DTZ001 - as its tables have it
    connection = sqlite3.connect(database)
    with connection:
        classes = dict(connection.execute("SELECT name, id FROM resource_classes"))
        traits = dict(connection.execute("SELECT name, id FROM traits"))
        ids: dict[str | None, int] = {}
        for host in range(hosts):
            planned = list(tree(host))
            for each in planned:
                number = ids[each.uuid] = len(ids) + 1
                connection.execute(
                    "INSERT INTO resource_providers (id, uuid, name, generation,"
                    " root_provider_id, parent_provider_id, created_at, updated_at)"
                    " VALUES (?, ?, ?, 0, ?, ?, ?, ?)",
                    (
                        number,
                        each.uuid,
                        each.name,
                        ids[planned[0].uuid],
                        ids.get(each.parent),
                        moment,
                        moment,
                    ),
                )
                connection.executemany(
                    "INSERT INTO inventories (resource_provider_id, resource_class_id, total,"
                    " reserved, min_unit, max_unit, step_size, allocation_ratio, created_at,"
                    " updated_at) VALUES (?, ?, ?, 0, 1, 2147483647, 1, 1.0, ?, ?)",
                    [
                        (number, classes[name], total, moment, moment)
                        for name, total in each.totals.items()
                    ],
                )
                connection.executemany(
                    "INSERT INTO resource_provider_traits (trait_id, resource_provider_id,"
                    " created_at, updated_at) VALUES (?, ?, ?, ?)",
                    [(traits[name], number, moment, moment) for name in each.traits],
                )
    connection.close()


def main() -> None:
    """Build, fill, tell the version, answer until stdin ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, required=True, help="how many are there to begin with")
    parser.add_argument("--folder", help="where its database is (default: for temporary files)")
    arguments = parser.parse_args()
    stdout = keep_stdout_for_the_report()
    with tempfile.TemporaryDirectory(prefix="placement-", dir=arguments.folder) as path:
        database = Path(path, "placement.sqlite")
        built = application(database)
        for trait in (PUBLIC, STORAGE):
            ask(built, "PUT", f"/traits/{trait}", b"")
        fill(database, arguments.hosts)
        print(f"openstack-placement {version('openstack-placement')}", file=stdout, flush=True)
        serve({"ask": asking(built)}, stdout)


if __name__ == "__main__":
    main()
