"""What a person sees: colours, bars and boxes in a terminal, plain lines where output is piped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich import box
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
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
        self.console.print(f"\n[bold cyan]{self._sections}  {title}[/]")

    def say(self, text: str) -> None:
        """Write a sentence; rich's markup counts."""
        self.show(text)

    def show(self, what: RenderableType) -> None:
        """Write anything that rich can draw, indented."""
        self.console.print(Padding(what, _INDENT, expand=False))

    def verdict(self, holds: bool, sentence: str) -> None:
        """Write what was to be proven, and whether it was."""
        mark = "[bold green]ok[/]" if holds else "[bold red]FAILED[/]"
        self.show(f"{mark}  {sentence}")

    def table(
        self, columns: Sequence[str], rows: Sequence[Sequence[str]], *, last_folds: bool = False
    ) -> None:
        """Write a table.

        Args:
            columns: their titles.
            rows: the cells of each row; rich's markup counts.
            last_folds: whether the last column may be broken into lines; no other is.
        """
        table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, show_edge=False)
        for position, column in enumerate(columns, start=1):
            folds = last_folds and position == len(columns)
            table.add_column(column, no_wrap=not folds, overflow="fold" if folds else "ellipsis")
        for row in rows:
            table.add_row(*row)
        self.show(table)

    @contextmanager
    def progress(self, title: str, total: int) -> Iterator[Callable[[], None]]:
        """Show a bar in a terminal while the block runs; gives what to call after each step."""
        bar = Progress(
            TextColumn(f"  {title}"),
            BarColumn(),
            MofNCompleteColumn(),
            console=self.console,
            transient=True,
            disable=not self.is_terminal,
        )
        with bar:
            task = bar.add_task(title, total=total)
            yield lambda: bar.advance(task)
