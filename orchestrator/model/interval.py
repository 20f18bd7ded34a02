"""Intervals: every so often from an anchor.

Shorter than a day: elapsed time, whatever clocks do. A day or longer: calendar arithmetic from the
anchor's local time, so the local hour stays through clock changes; inside a gap an occurrence falls
at the instant the gap ends, in a repeated hour it falls in the first pass.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

from orchestrator.model.errors import InvalidSchedule
from orchestrator.model.zones import FIRST_INSTANT, LAST_INSTANT, first_valid, to_local

SHORTEST = timedelta(milliseconds=100)
"""Below this it is a loop and no schedule."""

LONGEST = timedelta(days=36_525)

DEFAULT_ANCHOR = datetime(2024, 1, 1)  # noqa: DTZ001 (local midnight in the schedule's zone)
"""Where intervals without an anchor are counted from: a Monday, midnight in the schedule's zone.

Fixed, so that serving again does not shift the phase: hourly is on the hour, daily at midnight,
weekly on Mondays."""

_DAY = timedelta(days=1)


class IntervalRule:
    """The instants ``anchor + k * every``, for every whole k."""

    def __init__(self, every: timedelta, anchor: datetime, zone: ZoneInfo) -> None:
        self._every = every
        self._anchor = anchor.astimezone(UTC)
        self._zone = zone

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Strictly rising instants later than ``moment``."""
        last = max(moment, FIRST_INSTANT)
        if last > LAST_INSTANT:
            return
        for instant in self._on_calendar(last) if self._every >= _DAY else self._elapsed(last):
            if instant > LAST_INSTANT:
                return
            # Two days may end at one instant: a zone that crosses the date line skips a day.
            if instant > last:
                last = instant
                yield instant

    def _elapsed(self, moment: datetime) -> Iterator[datetime]:
        return self._steps(self._anchor, moment)

    def _on_calendar(self, moment: datetime) -> Iterator[datetime]:
        anchor = to_local(self._anchor, self._zone)
        for local in self._steps(anchor, to_local(moment, self._zone)):
            yield first_valid(local, self._zone)

    def _steps(self, anchor: datetime, moment: datetime) -> Iterator[datetime]:
        """``anchor + k * every`` for all k that lead beyond ``moment``, by one kind of clock."""
        return (anchor + k * self._every for k in count((moment - anchor) // self._every + 1))


def interval_of(value: object) -> timedelta:
    """A length of time given as timedelta, seconds or their text, rounded to milliseconds.

    Raises:
        InvalidSchedule: not a length of time, not finite, too short or too long.
    """
    seconds = _seconds(value)
    if not math.isfinite(seconds):
        raise InvalidSchedule(value, "an interval must be a finite number of seconds")
    if seconds < SHORTEST.total_seconds():
        raise InvalidSchedule(
            value, f"an interval must be {SHORTEST.total_seconds()} seconds or longer"
        )
    if seconds > LONGEST.total_seconds():
        raise InvalidSchedule(value, f"an interval must be {LONGEST.days} days or shorter")
    return timedelta(milliseconds=round(seconds * 1000))


def _seconds(value: object) -> float:
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            return float(value)
        except (ValueError, OverflowError):  # no number, or an int beyond every float
            pass
    raise InvalidSchedule(value, "an interval is a timedelta or a number of seconds")


def interval_text(every: timedelta) -> str:
    """The seconds as text, as stored: ``90``, ``0.25``."""
    milliseconds = every // timedelta(milliseconds=1)
    whole, rest = divmod(milliseconds, 1000)
    return f"{whole}.{rest:03d}".rstrip("0") if rest else str(whole)
