"""Time as a value that is handed in, so that nothing pure ever reads a clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What time it is, twice: for people (UTC) and for measuring (seconds since boot)."""

    def now_ms(self) -> int:
        """Milliseconds since 1970, UTC. May jump; never used for safety (I18)."""

    def elapsed(self) -> float:
        """Seconds that never go back and go on while the machine sleeps."""


class SystemClock:
    """The machine's clocks."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def elapsed(self) -> float:
        # CLOCK_BOOTTIME counts suspended time: a lease must not survive a closed lid (F61).
        return time.clock_gettime(_ELAPSED)


_ELAPSED = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def to_ms(moment: datetime) -> int:
    """Milliseconds since 1970 of an aware moment."""
    return round(moment.timestamp() * 1000)


def can_be_shown(moment: datetime) -> bool:
    """Whether an aware moment has a year in UTC, too: at both ends of the calendar some have none,
    and a record that holds one could not be read again."""
    try:
        moment.astimezone(UTC)
    except OverflowError:
        return False
    return True


def from_ms(ms: int) -> datetime:
    """The aware UTC moment of milliseconds since 1970."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def rfc3339(ms: int | None) -> str | None:
    """``2026-11-22T15:04:05.123Z``, the form of every time in JSON."""
    if ms is None:
        return None
    # Not strftime: of a year before 1000 it leaves out the zeros, and nobody reads that again.
    whole = from_ms(ms - ms % 1000).isoformat(timespec="seconds").removesuffix("+00:00")
    return f"{whole}.{ms % 1000:03d}Z"


def in_microseconds(at: float) -> str:
    """The same of seconds since 1970, with six digits behind the point: what is logged in one
    millisecond has an order, too."""
    return f"{datetime.fromtimestamp(at, UTC).replace(tzinfo=None).isoformat('T', 'microseconds')}Z"
