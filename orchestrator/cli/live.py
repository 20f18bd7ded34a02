"""A run that is being watched: its log and states line by line, and on a terminal a last line that
shows its state and progress at every moment."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from orchestrator.cli.moments import span, stamp
from orchestrator.cli.output import console, state_text
from orchestrator.cli.run_page import print_log_line, print_step
from orchestrator.model.clock import SystemClock
from orchestrator.model.run import Run, Step
from orchestrator.wording import progress_words

if TYPE_CHECKING:
    from rich.table import Table

    from orchestrator.client.following import News
    from orchestrator.store.logs import LogLine

_BAR = 24
"""Columns of the progress bar."""


def show_live(looks: Iterator[News]) -> None:
    """Show everything until the looks end."""
    if sys.stdout.isatty():
        _on_terminal(looks)
    else:
        _in_pipe(looks)


def _in_pipe(looks: Iterator[News]) -> None:
    progress = None
    for news in looks:
        for happening in news.happened:
            _print(happening)
        if news.run.progress not in (None, progress):
            progress = news.run.progress
            now = stamp(SystemClock().now_ms() / 1000)
            print(f"{now} Progress {' '.join(progress_words(progress))}", flush=True)


def _on_terminal(looks: Iterator[News]) -> None:
    from rich.live import Live

    # What is printed through its console meanwhile appears above it.
    with Live(console=console(), transient=True, auto_refresh=False) as live:
        for news in looks:
            for happening in news.happened:
                _print(happening)
            live.update(_status(news.run), refresh=True)


def _print(happening: Step | LogLine) -> None:
    if isinstance(happening, Step):
        print_step(happening)
    else:
        print_log_line(happening)


def _status(run: Run) -> Table:
    """Name, state, time and progress of a run, in one line."""
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    now_ms = SystemClock().now_ms()
    cells: list[Any] = [Text(run.name, "bold"), state_text(run.shown_state(now_ms))]
    if run.attempt > 1:
        cells.append(f"attempt {run.attempt}")
    if run.started_at is not None:
        cells.append(span(max(0, now_ms - run.started_at) // 1000))
    if run.progress is not None:
        done, total = run.progress["done"], run.progress["total"]
        cells += [ProgressBar(total, done, width=_BAR), *map(Text, progress_words(run.progress))]
    status = Table.grid(padding=(0, 2, 0, 0))
    for _ in cells:
        status.add_column(no_wrap=True)
    status.add_row(*cells)
    return status
