"""From the local times that a rule names to the instants at which it fires.

A rule that follows the clock fires at each instant at which clocks show a named time: in both
passes of a repeated hour, never for times inside a gap. Any other rule fires once for each named
time: in the first pass; times inside a gap fall together at the instant the gap ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import heappop, heappush
from typing import Protocol
from zoneinfo import ZoneInfo

from orchestrator.model.zones import (
    FIRST_INSTANT,
    LAST_INSTANT,
    all_valid,
    first_valid,
    to_local,
)

_DAY = timedelta(days=1)


class LocalTimes(Protocol):
    """The local times (naive) that a rule names."""

    def since(self, start: datetime) -> Iterator[datetime]:
        """Rising local times, none before ``start``."""


@dataclass(frozen=True, slots=True)
class WallClock:
    """The instants of local times in a zone."""

    times: LocalTimes
    zone: ZoneInfo
    follows_clock: bool

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Strictly rising instants later than ``moment``."""
        last = max(moment, FIRST_INSTANT)
        if last > LAST_INSTANT:
            return
        waiting: list[datetime] = []
        for local in self.times.since(self._first_local(last)):
            # Nothing that is still to come can fall before this instant.
            settled = first_valid(local, self.zone)
            if settled > LAST_INSTANT:
                break
            for instant in all_valid(local, self.zone) if self.follows_clock else (settled,):
                heappush(waiting, instant)
            while waiting and waiting[0] <= settled:
                instant = heappop(waiting)
                if instant > last:
                    last = instant
                    yield instant
        yield from sorted({instant for instant in waiting if last < instant <= LAST_INSTANT})

    def _first_local(self, moment: datetime) -> datetime:
        """The earliest local time whose instants may lie after ``moment``."""
        local = to_local(moment, self.zone)
        if self.follows_clock and local + _DAY != to_local(moment + _DAY, self.zone):
            # Clocks change soon: local times that have passed may come a second time.
            return local - _DAY
        return local
