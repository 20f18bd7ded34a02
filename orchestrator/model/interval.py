"""Intervals: every so often from an anchor.

Shorter than a day: elapsed time, whatever clocks do. A day or longer: calendar arithmetic from the
anchor's local time, so the local hour stays through clock changes; inside a gap an occurrence falls
at the instant the gap ends, in a repeated hour it falls in the first pass.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count, takewhile
from zoneinfo import ZoneInfo

from orchestrator.model.errors import InvalidSchedule
from orchestrator.model.wallclock import WallClock
from orchestrator.model.zones import FIRST_INSTANT, LAST_INSTANT, to_local

SHORTEST = timedelta(milliseconds=100)
"""Below this it is a loop and no schedule."""

LONGEST = timedelta(days=36_525)

DEFAULT_ANCHOR = datetime(2024, 1, 1)  # noqa: DTZ001 (local midnight in the schedule's zone)
"""Where intervals without an anchor are counted from: a Monday, midnight in the schedule's zone.

Fixed, so that serving again does not shift the phase: hourly is on the hour, daily at midnight,
weekly on Mondays."""

_DAY = timedelta(days=1)
_SMALLEST = timedelta(microseconds=1)


def interval_rule(every: timedelta, anchor: datetime, zone: ZoneInfo) -> WallClock | Elapsed:
    """The instants ``anchor + k * every``, for every whole k."""
    anchor = anchor.astimezone(UTC)
    if every < _DAY:
        return Elapsed(every, anchor)
    return WallClock(CalendarTimes(every, to_local(anchor, zone)), zone, follows_clock=False)


@dataclass(frozen=True, slots=True)
class Elapsed:
    """By elapsed time, whatever clocks do."""

    every: timedelta
    anchor: datetime

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Strictly rising instants later than ``moment``."""
        first = max(moment, FIRST_INSTANT) + _SMALLEST
        if first <= LAST_INSTANT:
            steps = _steps(self.anchor, self.every, first)
            yield from takewhile(lambda instant: instant <= LAST_INSTANT, steps)


@dataclass(frozen=True, slots=True)
class CalendarTimes:
    """By the calendar: local times."""

    every: timedelta
    anchor: datetime

    def since(self, start: datetime) -> Iterator[datetime]:
        """Rising local times, none before ``start``."""
        return _steps(self.anchor, self.every, start)


def _steps(anchor: datetime, every: timedelta, first: datetime) -> Iterator[datetime]:
    """``anchor + k * every`` for all k that lead to ``first`` or beyond, by one kind of clock."""
    return (anchor + k * every for k in count(-((anchor - first) // every)))


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
