"""The two outputs of every command: one JSON document, or text that looks good at 80 columns.

On a terminal text has colours and folds inside its columns. In a pipe it has neither: every line
is as long as it must be, so that ``grep`` and ``awk`` see whole values.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterable, Sequence
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.model.states import LATE, State

if TYPE_CHECKING:  # rich costs more than all else that --help needs
    from rich.console import Console
    from rich.text import Text


class Output(StrEnum):
    """How data is printed."""

    TEXT = "text"
    JSON = "json"


OutputOption = Annotated[
    Output, typer.Option("--output", "-o", help="text for people, json for programs.")
]

LimitOption = Annotated[int, typer.Option("--limit", min=1, help="How many to show at most.")]

_UNLIMITED = 100_000
"""Columns of a pipe: rich folds at the console's width, and a pipe has none."""

_STYLES: dict[str, str] = {
    LATE: "yellow",
    State.AWAITING_RETRY: "yellow",
    State.AWAITING_CONCURRENCY_SLOT: "yellow",
    State.PENDING: "cyan",
    State.RUNNING: "bold cyan",
    State.PAUSED: "magenta",
    State.CANCELLING: "magenta",
    State.COMPLETED: "green",
    State.FAILED: "bold red",
    State.TIMED_OUT: "bold red",
    State.CRASHED: "bold red",
    State.CANCELLED: "magenta",
    State.SKIPPED: "dim",
}


@cache
def console() -> Console:
    """Standard output for people."""
    from rich.console import Console

    if sys.stdout.isatty():
        return Console(highlight=False)
    return Console(highlight=False, force_terminal=False, no_color=True, width=_UNLIMITED)


def print_document(document: Any) -> None:
    """The one JSON document of a command; ASCII, so that it is the same in every locale."""
    print(json.dumps(document, indent=2))


def print_table(
    headings: Sequence[str],
    rows: Sequence[Sequence[str | Text]],
    folding: Collection[str] = (),
) -> None:
    """Rows under headings. On a terminal the columns ``folding`` give way when it is narrow."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for heading in headings:
        table.add_column(heading, overflow="fold", no_wrap=heading not in folding)
    for row in rows:
        table.add_row(*row)
    _print_trimmed(table)


def print_fields(fields: Iterable[tuple[str, str | Text | None]]) -> None:
    """Names and values below each other; those without a value are left out."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in fields:
        if value is not None:
            table.add_row(name, value)
    _print_trimmed(table)


def print_heading(text: str) -> None:
    """A title above a part of a page."""
    console().print(f"\n{text}", style="bold", markup=False)


def note(text: str) -> None:
    """Something for the person at the terminal that is not data: stderr."""
    print(text, file=sys.stderr)


def state_text(state: str) -> Text:
    """A state in its colour."""
    from rich.text import Text

    return Text(state, style=_STYLES.get(state, ""))


def as_json(value: Any) -> str:
    """A value inside text, in one line."""
    return json.dumps(value, ensure_ascii=False)


def _print_trimmed(table: Any) -> None:
    """Without the blanks that rich puts after the last column."""
    out = console()
    with out.capture() as captured:
        out.print(table)
    print("\n".join(line.rstrip() for line in captured.get().splitlines()))
