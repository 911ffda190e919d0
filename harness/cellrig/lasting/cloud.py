"""A cloud that lasts: where it is, what it was built from, and whether it is being used."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec
from sqlalchemy import select

from cellrig.db.database import Database, Statement
from cellrig.db.lasting import Anew, LastingPlace, directory_beside, lasting_place
from cellrig.db.statements import delete_by, insert_into
from cellrig.db.storage import UnusableDatabase
from cellrig.driver.fabric import Fabric
from cellrig.driver.interface import ComputeDriver
from cellrig.errors import Invalid
from cellrig.lasting import tables
from cellrig.lasting.fitting import check_fits
from cellrig.lasting.hypervisors import KeptHypervisors
from cellrig.lasting.tables import RIG_SCHEMA
from cellrig.runtime import Runtime
from cellrig.topology import Topology

#: What the database of this package's tables is called.
RIG = "rig"
_ONLY = 1
_TOPOLOGY = Statement(select(tables.topologies.c.topology, tables.topologies.c.complete))


class LastingCloud:
    """Where a cloud is that stays when its process ends.

    Args:
        database: a directory, also as a URL, or the URL of a database of a server.
        state: the directory for what is in files, such as large images; None for one in
            `database`, where that is a directory.

    Attributes:
        directory: for what is in files.

    Raises:
        Invalid: no directory is known; `database` is nothing that is taken.
    """

    def __init__(self, database: str, state: Path | None = None) -> None:
        directory = state or directory_beside(database)
        if directory is None:
            raise Invalid(
                "a cloud whose databases are on a server takes a directory for what is in files, "
                "such as large images: --state DIR"
            )
        self._database = database
        self.directory = directory

    def open(self, runtime: Runtime, topology: Topology) -> OpenCloud:
        """Take the cloud for this process alone.

        Args:
            runtime: of the rig that it is to be.
            topology: what the cloud is to be built from, or was.

        Raises:
            InvalidTopology: it was built from another one, which does not fit.
            Invalid: the directory for files cannot be used.
            UnusableDatabase: another process has it, it has other tables, or it cannot be had.
            DatabaseUnavailable, ExtraMissing: as `cellrig.db.places.place_of`.
        """
        _make(self.directory)
        place = lasting_place(self._database)
        try:
            database = Database(RIG, RIG_SCHEMA.image, runtime, place.storage(RIG, RIG_SCHEMA))
        except BaseException:
            place.close()
            raise
        try:
            return OpenCloud(place, database, self.directory, topology)
        except BaseException:
            database.close()
            place.close()
            raise


class OpenCloud:
    """A cloud that lasts, in the hands of this process.

    A first start that was broken off leaves nothing that anybody has been told of: it is begun
    anew.

    Args:
        place: where its databases are.
        database: of this package's tables.
        directory: for what is in files; made where it is missing.
        topology: what the cloud is to be built from.

    Attributes:
        place: where the rig's databases are.
        is_new: it is to be built; else it goes on.

    Raises:
        InvalidTopology: the cloud that is there does not fit the topology.
    """

    def __init__(
        self, place: LastingPlace, database: Database, directory: Path, topology: Topology
    ) -> None:
        self._database = database
        self._directory = directory
        self._topology = topology
        with database.reading() as transaction:
            row = transaction.one(_TOPOLOGY)
        self.is_new = row is None or not row[1]
        if row is not None and not self.is_new:
            check_fits(_read(row[0]), topology)
        elif row is not None:
            database.load(RIG_SCHEMA.image)
        self.place = Anew(place) if self.is_new else place

    def begin(self) -> None:
        """Note what the cloud is built from; it has its databases."""
        self._write(is_complete=not self.is_new)

    def complete(self) -> None:
        """Note that the cloud is built."""
        if self.is_new:
            self._write(is_complete=True)

    def _write(self, *, is_complete: bool) -> None:
        with self._database.transaction() as transaction:
            transaction.run(delete_by(tables.topologies, "id"), id=_ONLY)
            transaction.run(
                insert_into(tables.topologies),
                id=_ONLY,
                topology=msgspec.json.encode(self._topology).decode(),
                complete=int(is_complete),
            )

    def hypervisors(self, drivers: Mapping[str, ComputeDriver], fabric: Fabric) -> KeptHypervisors:
        """Return what keeps the hypervisors of a rig."""
        return KeptHypervisors(self._database, drivers, fabric)

    def directory(self, name: str) -> Path:
        """Return the directory of something that has a name; it is made where it is missing."""
        return _make(self._directory / name)

    def close(self) -> None:
        """Let the next process have it."""
        self._database.close()


def _make(path: Path) -> Path:
    """Make a directory, which only its owner can look into, where it is missing."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Invalid(f"{path} cannot be a directory for files: {error.strerror}") from error
    return path


def _read(told: str) -> Topology:
    try:
        return msgspec.json.decode(told, type=Topology)
    except msgspec.ValidationError as error:
        raise UnusableDatabase(RIG, f"its topology cannot be read: {error}") from error
