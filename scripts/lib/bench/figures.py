"""One measured figure, and a table of them."""

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

    def row(self) -> str:
        ratio = f"{self.value / self.beside:.2f} of {self.beside_what}" if self.beside else ""
        return f"| {self.name} | {self.value:,.2f} {self.unit} | {ratio} |"


def table(figures: Iterable[Figure]) -> str:
    """The figures as Markdown."""
    head = "| | figure | beside the machine |\n| --- | --- | --- |"
    return "\n".join([head, *(figure.row() for figure in figures)])


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` of the values do not exceed, nearly."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def spread(values: Sequence[float]) -> str:
    """Median and range."""
    return f"{statistics.median(values):,.2f} ({min(values):,.2f}-{max(values):,.2f})"
