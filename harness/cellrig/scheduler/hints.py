"""What earlier requests have found out, used to ask less. A wrong hint costs time, not a host."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence


class Hints:
    """Which cell knows which root provider, and whether busy servers are counted at all.

    A node hardly ever changes its cell, so a root's cell is asked for its node and no other is.
    What is not there any more is forgotten, and what is not known is asked of every cell.

    Attributes:
        counts_busy: whether a filter or weigher has asked for busy servers; then they are read
            together with the nodes.
    """

    def __init__(self) -> None:
        self._cells: dict[str, str] = {}
        self.counts_busy = False

    def by_cell(self, roots: Iterable[str], cells: Collection[str]) -> dict[str, list[str]]:
        """Return which of `roots` to ask each of `cells` for; cells without any are left out."""
        asked: dict[str, list[str]] = {name: [] for name in cells}
        for root in roots:
            known = self._cells.get(root)
            if known is None:
                for each in asked.values():
                    each.append(root)
            elif known in asked:
                asked[known].append(root)
        return {name: each for name, each in asked.items() if each}

    def learn(
        self, asked: Mapping[str, Sequence[str]], found: Mapping[str, Collection[str]]
    ) -> list[str]:
        """Note what the cells have answered.

        Args:
            asked: by cell, the roots it was asked for.
            found: by cell that answered, the roots it knows.

        Returns:
            The roots that the one cell that was asked for them no longer has.
        """
        lost = []
        for cell, known in found.items():
            self._cells.update(dict.fromkeys(known, cell))
            if len(known) != len(asked[cell]):
                for root in asked[cell]:
                    if root not in known and self._cells.get(root) == cell:
                        del self._cells[root]
                        lost.append(root)
        return lost
