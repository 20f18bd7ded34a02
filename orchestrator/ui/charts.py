"""Charts as numbers: where each bar stands. Templates draw them as SVG, coloured by class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10

from orchestrator.model.clock import from_ms
from orchestrator.model.spans import span
from orchestrator.store.glances import Glance
from orchestrator.ui.rendering import TONES, WORDS

LEAST = 8.0
"""Percent of the height that the shortest run gets: it must be seen, and hit."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One run in a chart. Places and sizes in percent, from the left and from the top."""

    run: Glance
    tone: str
    x: float
    y: float
    width: float
    height: float
    tip: str


@dataclass(frozen=True, slots=True)
class Lane:
    """The runs of one deployment along the time; those at the same time below each other."""

    deployment: str
    bars: tuple[Bar, ...]
    rows: int


def durations(runs: Sequence[Glance], now_ms: int, places: int) -> list[Bar]:
    """A bar for each run, the newest at the right, as high as it took long.

    Heights follow the logarithm: a run of a second is seen beside one of an hour.
    """
    taken = [run.seconds(now_ms) for run in runs]
    longest = max((seconds for seconds in taken if seconds is not None), default=1.0)
    slot = 100 / places
    bars = []
    for position, (run, seconds) in enumerate(zip(runs, taken, strict=True)):
        height = _height(seconds, longest)
        left = 100 - (position + 1) * slot
        bars.append(_bar(run, now_ms, left + slot * 0.1, 100 - height, slot * 0.8, height))
    return bars[::-1]


def lanes(runs: Sequence[Sequence[Glance]], now_ms: int, window_ms: int) -> list[Lane]:
    """A lane for each deployment that has runs in the window before now."""
    begin = now_ms - window_ms
    found = []
    for group in runs:
        shown = [run for run in group if run.started_at and (run.ended_at or now_ms) >= begin]
        if shown:
            found.append(_lane(shown, now_ms, begin, window_ms))
    return found


ROWS = 4
"""Runs at the same time that a lane shows below each other; the rest share the last row."""


def _lane(runs: Sequence[Glance], now_ms: int, begin: int, window_ms: int) -> Lane:
    ends: list[int] = []
    placed = []
    for run in sorted(runs, key=lambda run: run.started_at or 0):
        start, end = run.started_at or 0, run.ended_at or now_ms
        free = [row for row, taken_until in enumerate(ends) if taken_until <= start]
        row = free[0] if free else min(len(ends), ROWS - 1)
        ends[row : row + 1] = [end]
        placed.append((run, row, max(start, begin), end))
    height = 100 / len(ends)
    bars = [
        _bar(
            run,
            now_ms,
            100 * (start - begin) / window_ms,
            row * height + 5,
            max(0.35, 100 * (end - start) / window_ms),
            height - 10 / len(ends),
        )
        for run, row, start, end in placed
    ]
    return Lane(runs[0].deployment, tuple(bars), len(ends))


def _bar(run: Glance, now_ms: int, x: float, y: float, width: float, height: float) -> Bar:
    state = run.shown_state(now_ms)
    return Bar(
        run=run,
        tone=TONES.get(state, "idle"),
        x=round(x, 3),
        y=round(y, 3),
        width=round(width, 3),
        height=round(height, 3),
        tip=_tip(run, state, now_ms),
    )


def _tip(run: Glance, state: str, now_ms: int) -> str:
    seconds = run.seconds(now_ms)
    took = "" if seconds is None else f", {span(seconds)}" + ("" if run.is_final else " so far")
    at = from_ms(run.started_at or run.scheduled_at)
    return f"{run.name}: {WORDS.get(state, state)}{took}\n{at:%Y-%m-%d %H:%M:%S} UTC"


def _height(seconds: float | None, longest: float) -> float:
    if seconds is None:
        return LEAST
    share = log10(1 + seconds * 1000) / log10(1 + max(longest, 0.001) * 1000)
    return LEAST + (100 - LEAST) * min(1.0, share)
