"""What a person sees: colours, bars and boxes in a terminal, plain lines where output is piped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich import box
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table

#: Characters in a line of piped output: tables are not broken for want of room.
_PIPED_WIDTH = 240
_INDENT = (0, 0, 0, 2)


class Screen:
    """Standard output."""

    def __init__(self) -> None:
        self.console = Console(highlight=False, emoji=False)
        self.is_terminal = self.console.is_terminal
        if not self.is_terminal:
            self.console = Console(
                highlight=False, emoji=False, width=_PIPED_WIDTH, color_system=None
            )
        self._sections = 0

    def section(self, title: str) -> None:
        """Begin a part of the report."""
        self._sections += 1
        self._print(f"\n[bold cyan]{self._sections}  {title}[/]")

    def show(self, what: RenderableType) -> None:
        """Write a text (rich's markup counts), or anything else that rich can draw, indented."""
        self._print(Padding(what, _INDENT, expand=False))

    def _print(self, what: RenderableType) -> None:
        if self.is_terminal:
            self.console.print(what)
            return
        with self.console.capture() as drawn:
            self.console.print(what)
        # Rich fills columns up with spaces, which in a file are only in the way.
        for line in drawn.get().splitlines():
            self.console.file.write(f"{line.rstrip()}\n")

    def verdict(self, holds: bool, sentence: str) -> bool:
        """Write what was to be proven, and whether it was; return that."""
        mark = "[bold green]ok[/]" if holds else "[bold red]FAILED[/]"
        self.show(f"{mark}  {sentence}")
        return holds

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Write a table; only the first column is never broken into lines.

        Args:
            columns: their titles.
            rows: the cells of each row; rich's markup counts.
        """
        table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, show_edge=False)
        for position, column in enumerate(columns):
            table.add_column(column, no_wrap=position == 0, overflow="fold")
        for row in rows:
            table.add_row(*row)
        self.show(table)

    def facts(self, facts: Sequence[tuple[str, str]]) -> None:
        """Write names with their values, one a line."""
        grid = Table.grid(padding=(0, 2))
        for name, value in facts:
            grid.add_row(f"[bold]{name}[/]", value)
        self.show(grid)

    @contextmanager
    def progress(self, title: str, total: int) -> Iterator[Callable[[], None]]:
        """Show a bar in a terminal while the block runs; gives what to call after each step."""
        if not self.is_terminal:
            yield lambda: None
            return
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        columns = (TextColumn(f"  {title}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=self.console, transient=True) as bar:
            task = bar.add_task(title, total=total)
            yield lambda: bar.advance(task)
