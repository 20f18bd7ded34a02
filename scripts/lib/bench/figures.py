"""One measured figure, and tables of them."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One row: what, how much, and beside what it was measured in the same run."""

    name: str
    value: float
    unit: str = ""
    beside: float | None = None
    beside_what: str = ""
    low: float | None = None
    """The least and the greatest of what ``value`` is the median of."""
    high: float | None = None
    at_least: bool = False
    """Nobody waited for the end: it was this much and more."""
    against: str = ""
    """What grows along the curve of which this is a point."""
    at: float | None = None
    """How much of it there was."""

    @property
    def amount(self) -> str:
        """The value as it is shown."""
        return f"{'> ' if self.at_least else ''}{short(self.value)} {self.unit}".rstrip()

    @property
    def ratio(self) -> str:
        """To what it was measured beside."""
        if not self.beside:
            return ""
        more = "more than " if self.at_least else ""
        return f"{more}{short(self.value / self.beside)} of {self.beside_what}"

    @property
    def spread(self) -> str:
        """From where to where its rounds went."""
        if self.low is None or self.high is None or self.low == self.high:
            return ""
        return f"{short(self.low)}–{short(self.high)}"  # noqa: RUF001 - a range, for people

    def row(self) -> str:
        return f"| {self.name} | {self.amount} | {self.spread} | {self.ratio} |"


def table(figures: Iterable[Figure]) -> str:
    """The figures as Markdown."""
    head = "| | figure | rounds from-to | ratio |\n| --- | --- | --- | --- |"
    return "\n".join([head, *(figure.row() for figure in figures)])


def curve_table(points: Sequence[Figure]) -> str:
    """The points of curves against one thing as Markdown: a line for each amount of it."""
    columns = list(dict.fromkeys((each.name, each.unit) for each in points))
    found = {(each.at, each.name): each for each in points}
    titles = " | ".join(f"{name}, {unit}" if unit else name for name, unit in columns)
    lines = [f"| {points[0].against} | {titles} |", "| --- |" + " --- |" * len(columns)]
    for at in sorted({each.at for each in points if each.at is not None}):
        cells = [found.get((at, name)) for name, _ in columns]
        shown = " | ".join("" if cell is None else short(cell.value) for cell in cells)
        lines.append(f"| {at:,.0f} | {shown} |")
    return "\n".join(lines)


def short(value: float) -> str:
    """Three digits that count, or all before the point."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def median(name: str, values: Sequence[float], unit: str = "") -> Figure:
    """The middle one of some rounds, with their spread."""
    return Figure(name, statistics.median(values), unit, low=min(values), high=max(values))


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` of the values do not exceed, nearly."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]
