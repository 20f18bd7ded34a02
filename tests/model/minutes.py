"""The oracle for cron: walk the minutes that a zone's clocks show, and see which ones match.

Independent of croniter and of the mapping under test: it reads the fields itself, and knows clock
changes only from what the clock shows from one minute to the next.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


class Matcher:
    """Five fields of numbers, lists, ranges and steps."""

    def __init__(self, expression: str) -> None:
        fields = expression.split()
        self.minutes, self.hours, self.days, self.months, weekdays = (
            numbers(field, *bounds) for field, bounds in zip(fields, BOUNDS, strict=True)
        )
        self.weekdays = {day % 7 for day in weekdays}
        self.every_hour = fields[1] == "*"
        self.either_day = fields[2] != "*" and fields[4] != "*"

    def matches(self, local: datetime) -> bool:
        by_month = local.day in self.days
        by_week = local.isoweekday() % 7 in self.weekdays
        return (
            local.minute in self.minutes
            and local.hour in self.hours
            and local.month in self.months
            and (by_month or by_week if self.either_day else by_month and by_week)
        )


def numbers(field: str, low: int, high: int) -> set[int]:
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        begin, end = (low, high) if span == "*" else (int(first), int(last or first))
        found.update(range(begin, end + 1, int(step or 1)))
    return found


def walk(expression: str, zone: ZoneInfo, begin: datetime, end: datetime) -> Iterator[datetime]:
    """The instants of [begin, end) at which the job runs. ``begin``: not near a clock change."""
    matcher = Matcher(expression)
    # The latest that the clock has ever shown: what lies below it has passed already.
    high_water = shown(begin - MINUTE, zone)
    instant = begin
    while instant < end:
        local = shown(instant, zone)
        if matcher.every_hour:
            fires = matcher.matches(local)
        else:
            # Usually one minute; none in a second pass; many behind a gap.
            new = int((local - high_water) / MINUTE)
            fires = any(matcher.matches(local - back * MINUTE) for back in range(new))
        if fires:
            yield instant
        high_water = max(high_water, local)
        instant += MINUTE


def shown(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None)


def clock_changes(zone: ZoneInfo, first_year: int, last_year: int) -> list[datetime]:
    """The days (UTC midnights) on which the zone's offset changes."""
    day, found = datetime(first_year, 1, 1, tzinfo=UTC), []
    while day.year <= last_year:
        following = day + timedelta(days=1)
        if day.astimezone(zone).utcoffset() != following.astimezone(zone).utcoffset():
            found.append(day)
        day = following
    return found
