"""Finding the cell that something is in, and the cells there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from cellrig.cells.scatter import Scatter
from cellrig.db import ApiDatabase, CellDatabase
from cellrig.model import CELL0


class Cells:
    """The cells as one process of the API side sees them.

    Args:
        api: the API database.
        databases: cell name to its database, cell0 included.
        scatter: how to ask several at once.
    """

    def __init__(
        self, api: ApiDatabase, databases: Mapping[str, CellDatabase], scatter: Scatter
    ) -> None:
        self._api = api
        self.databases = databases
        self.scatter = scatter

    def of_instance(self, instance_uuid: str) -> CellDatabase | None:
        """Return the database of the cell that an instance is in, None before it is in one.

        Raises:
            NotFound: there was never such a server.
        """
        cell = self._api.mappings.instance_get(instance_uuid).cell
        return None if cell is None else self.databases[cell]

    def of_host(self, host: str) -> CellDatabase:
        """Return the database of the cell that a host belongs to.

        Raises:
            NotFound: no cell has it.
        """
        return self.databases[self._api.mappings.cell_of_host(host)]

    def with_hosts(self) -> dict[str, CellDatabase]:
        """Return all cells but cell0."""
        return {name: cell for name, cell in self.databases.items() if name != CELL0}

    def enabled(self) -> dict[str, CellDatabase]:
        """Return the cells that new servers may go to."""
        return {
            cell.name: self.databases[cell.name]
            for cell in self._api.mappings.cells()
            if not cell.disabled and cell.name != CELL0
        }

    def of_project(self, project_id: str) -> dict[str, CellDatabase]:
        """Return the cells where a project has, or had, servers."""
        return self._named(self._api.mappings.cells_of_project(project_id))

    def of_instances(self, instance_uuids: Sequence[str]) -> dict[str, CellDatabase]:
        """Return the cells that some instances are in."""
        mappings = self._api.mappings.instances(instance_uuids)
        return self._named(mapping.cell for mapping in mappings)

    def _named(self, names: Iterable[str | None]) -> dict[str, CellDatabase]:
        wanted = set(names)
        return {name: cell for name, cell in self.databases.items() if name in wanted}
