"""Counting the servers of hosts, when somebody asks and once for a whole request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cellrig.cells import Scatter
from cellrig.db import CellDatabase
from cellrig.scheduler.hints import Hints


class CellCounts:
    """The counts of one request's hosts, read from all their cells at once at the first question.

    A host whose cell has gone down since its node was read counts as empty: it was a candidate, and
    whoever then writes to its cell will be told.

    Args:
        scatter: how to ask the cells.
        cells: by name.
        hosts: by cell name, all that may be asked for.
        busy: busy servers by host, where they have been read already.
        hints: told when busy servers are asked for.
    """

    def __init__(
        self,
        scatter: Scatter,
        cells: Mapping[str, CellDatabase],
        hosts: Mapping[str, Sequence[str]],
        busy: dict[str, int] | None,
        hints: Hints,
    ) -> None:
        self._scatter = scatter
        self._cells = cells
        self._hosts = hosts
        self._hints = hints
        self._instances: dict[str, int] | None = None
        self._busy = busy

    def instances(self, host: str) -> int:
        """Return how many servers the cell's database places on `host`."""
        if self._instances is None:
            self._instances = self._read(busy=False)
        return self._instances.get(host, 0)

    def busy(self, host: str) -> int:
        """Return how many of them have a task going on."""
        if self._busy is None:
            self._hints.counts_busy = True
            self._busy = self._read(busy=True)
        return self._busy.get(host, 0)

    def _read(self, busy: bool) -> dict[str, int]:
        def count(cell: CellDatabase) -> dict[str, int]:
            return cell.instances.count_by_host(self._hosts[cell.name], busy=busy)

        cells = {name: self._cells[name] for name in self._hosts}
        counts: dict[str, int] = {}
        for answer in self._scatter.gather(cells, count).answers.values():
            counts.update(answer)
        return counts
