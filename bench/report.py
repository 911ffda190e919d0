"""Figures against their targets: the table that a person reads, the JSON that a program reads."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import msgspec

from bench.measure import Machine, Sample
from cellrig.cli.screen import Screen


class Figure(msgspec.Struct, frozen=True):
    """One thing that was measured.

    Args:
        name: what it is.
        unit: of `value`, `cpu` and `target`.
        value: what was measured; of time, by the wall clock.
        cpu: the same in processor time, where that tells something.
        runs: over how many runs the median is.
        target: what it is held to, if anything.
        at_least: the target is the least that will do, not the most.
    """

    name: str
    unit: str
    value: float
    cpu: float | None = None
    runs: int = 1
    target: float | None = None
    at_least: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where there is none."""
        return self._meets(self.value)

    @property
    def met_by_cpu(self) -> bool | None:
        """Whether the target would be met if nobody else used the processor."""
        return None if self.cpu is None else self._meets(self.cpu)

    def _meets(self, value: float) -> bool | None:
        if self.target is None:
            return None
        return value >= self.target if self.at_least else value <= self.target


def milliseconds(name: str, sample: Sample, target: float | None = None) -> Figure:
    """Return the figure of a step in milliseconds."""
    return Figure(name, "ms", sample.wall_ms, sample.cpu_ms, sample.runs, target)


def seconds(name: str, sample: Sample, target: float | None = None) -> Figure:
    """Return the figure of a step in seconds."""
    return Figure(name, "s", sample.wall_ms / 1000, sample.cpu_ms / 1000, sample.runs, target)


class Report(msgspec.Struct, frozen=True):
    """All figures of one run, and the machine before and after it."""

    figures: tuple[Figure, ...]
    before: Machine
    after: Machine

    def missed(self) -> list[Figure]:
        """Return the figures that miss their target."""
        return [figure for figure in self.figures if figure.met is False]

    def show(self, screen: Screen) -> None:
        """Write the table, where it was measured, and what misses its target."""
        screen.table(
            ["what", "figure", "of processor", "target", "met", "runs"],
            [_row(figure) for figure in self.figures],
        )
        screen.show(f"before: {self.before}\nafter:  {self.after}")
        missed = self.missed()
        targets = sum(figure.target is not None for figure in self.figures)
        screen.verdict(not missed, f"{targets - len(missed)} of {targets} targets are met")
        busy = [figure.name for figure in missed if figure.met_by_cpu]
        if busy:
            screen.show(
                "These miss their targets by the wall clock, but not in processor time, "
                f"so somebody else was using the machine: {'; '.join(busy)}."
            )

    def write(self, path: Path) -> None:
        """Write everything as JSON, each figure with whether it meets its target."""
        value = msgspec.to_builtins(self)
        for figure, entry in zip(self.figures, value["figures"], strict=True):
            entry["met"] = figure.met
        path.write_bytes(msgspec.json.format(msgspec.json.encode(value)) + b"\n")


def file_to_write(text: str) -> Path:
    """Return a path of the command line, if a file can be there: measuring it takes minutes."""
    path = Path(text)
    if not path.absolute().parent.is_dir() or path.is_dir():
        raise argparse.ArgumentTypeError(f"it takes a file in a folder that exists, not {text!r}")
    return path


def amount(value: float) -> str:
    """Return a number with three digits that count, or all that stand before the point."""
    digits = 3 if value < 1 else 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:,.{digits}f}"


def _row(figure: Figure) -> Sequence[str]:
    sign = "≥" if figure.at_least else "≤"
    return (
        figure.name,
        f"{amount(figure.value)} {figure.unit}",
        "" if figure.cpu is None else f"{amount(figure.cpu)} {figure.unit}",
        "" if figure.target is None else f"{sign} {figure.target:,g} {figure.unit}",
        {None: "", True: "[green]yes[/]", False: "[bold red]NO[/]"}[figure.met],
        f"{figure.runs}",
    )
