"""One RRULE of RFC 5545: which local times it names.

dateutil answers one question only: which days of a year, month or week match. It walks from the
rule's start, cannot be stopped while nothing matches, and takes what is not given from today. So it
is begun anew near the time in question, at the same place of the rule's cycle, and days, hours,
minutes and seconds are counted here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import dropwhile, islice, product, takewhile
from math import gcd
from typing import Any

from dateutil.rrule import MONTHLY, WEEKLY, YEARLY, rrule

from orchestrator.model.zones import LAST_INSTANT

_DATEUTIL: dict[str, Any] = {"YEARLY": YEARLY, "MONTHLY": MONTHLY, "WEEKLY": WEEKLY}
UNITS_PER_DAY = {"DAILY": 1, "HOURLY": 24, "MINUTELY": 1440, "SECONDLY": 86_400}
DAYS = ("byweekno", "byyearday", "bymonthday", "byweekday", "byeaster")
_LAST = LAST_INSTANT.replace(tzinfo=None)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What an RRULE says. ``named`` holds its BY parts, called as dateutil calls them."""

    frequency: str
    start: datetime
    interval: int = 1
    week_start: int = 0
    until: datetime = _LAST
    count: int | None = None
    named: Mapping[str, Any] = field(default_factory=dict)

    def clock(self, part: str, usual: int) -> list[int]:
        """The hours, minutes or seconds that are named, else the start's."""
        return sorted({*self.named.get(part, (usual,))})


class Recurrence:
    """The local times of an RRULE, from its start on."""

    def __init__(self, parts: Parts) -> None:
        shorter = parts.frequency in UNITS_PER_DAY
        self._parts = parts
        self._walk = _ByUnits(parts) if shorter else _ByPeriods(parts)
        self._counted: tuple[datetime, ...] | None = None
        if parts.count is not None:
            self._counted = tuple(islice(self._all(parts.start), parts.count))

    @property
    def follows_clock(self) -> bool:
        """Shorter than a day, and no hour is named."""
        parts = self._parts
        return UNITS_PER_DAY.get(parts.frequency, 0) > 1 and "byhour" not in parts.named

    def since(self, start: datetime) -> Iterator[datetime]:
        """Rising local times, none before ``start``."""
        if self._counted is not None:
            return dropwhile(lambda local: local < start, self._counted)
        return self._all(max(start, self._parts.start))

    def _all(self, start: datetime) -> Iterator[datetime]:
        found = dropwhile(lambda local: local < start, self._walk.since(start))
        return takewhile(lambda local: local <= self._parts.until, found)


class _ByPeriods:
    """Years, months, weeks: dateutil's, begun with the period that holds the time in question."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        start, named = parts.start, dict(parts.named)
        if not any(each in named for each in DAYS):
            if parts.frequency == "WEEKLY":
                named["byweekday"] = [start.weekday()]
            else:
                named["bymonthday"] = [start.day]
            if parts.frequency == "YEARLY":
                named.setdefault("bymonth", [start.month])
        named["byhour"] = parts.clock("byhour", start.hour)
        named["byminute"] = parts.clock("byminute", start.minute)
        named["bysecond"] = parts.clock("bysecond", start.second)
        self._named = named

    def since(self, moment: datetime) -> Iterator[datetime]:
        parts = self._parts
        found = rrule(
            _DATEUTIL[parts.frequency],
            dtstart=datetime.combine(self._period(moment), time()),
            interval=parts.interval,
            wkst=parts.week_start,
            **self._named,
        )
        return iter(found)

    def _period(self, moment: datetime) -> date:
        """The first day of the last period of the cycle that begins no later than ``moment``."""
        start, every = self._parts.start, self._parts.interval
        if self._parts.frequency == "WEEKLY":
            week = start.date() - (start.weekday() - self._parts.week_start) % 7 * _DAY
            return week + (moment.date() - week).days // (7 * every) * 7 * every * _DAY
        if self._parts.frequency == "YEARLY":
            return date(moment.year - (moment.year - start.year) % every, 1, 1)
        first = 12 * start.year + start.month
        now = 12 * moment.year + moment.month
        year, month = divmod(now - (now - first) % every - 1, 12)
        return date(year, month + 1, 1)


class _ByUnits:
    """Days, hours, minutes, seconds: every so many units from the start, on the days that match.

    Which units of a day these are depends on the day's number modulo ``_cycle`` only.
    """

    def __init__(self, parts: Parts) -> None:
        per_day = UNITS_PER_DAY[parts.frequency]
        self._unit = timedelta(seconds=86_400 // per_day)
        begin = parts.start - datetime.combine(parts.start, time())
        first = parts.start.toordinal() * per_day + begin // self._unit
        common = gcd(per_day, parts.interval)
        self._cycle = parts.interval // common
        step = pow(per_day // common, -1, self._cycle)
        self._units: dict[int, list[int]] = {}
        for unit in _units(parts, per_day):
            whole, rest = divmod(first - unit, common)
            if not rest:
                self._units.setdefault(whole * step % self._cycle, []).append(unit)
        self._offsets = _offsets(parts, per_day)
        self._filter = {n: parts.named[n] for n in (*DAYS, "bymonth") if n in parts.named}
        self._week_start = parts.week_start

    def since(self, moment: datetime) -> Iterator[datetime]:
        if not self._units or not self._offsets:
            return
        for day in self._days(moment.date()):
            midnight = datetime.combine(day, time())
            for unit in self._units.get(day.toordinal() % self._cycle, ()):
                begin = midnight + unit * self._unit
                if begin + self._unit > moment:
                    yield from (begin + offset for offset in self._offsets)

    def _days(self, first: date) -> Iterator[date]:
        if not self._filter:
            return map(date.fromordinal, range(first.toordinal(), _LAST.toordinal() + 1))
        days = rrule(
            YEARLY,
            dtstart=datetime.combine(first, time()),
            wkst=self._week_start,
            byhour=0,
            byminute=0,
            bysecond=0,
            # Without any day dateutil would take the start's.
            **{"byweekday": range(7), **self._filter},
        )
        return (each.date() for each in days)


def _units(parts: Parts, per_day: int) -> list[int]:
    """The numbers within a day of the units that the BY parts leave."""
    if per_day == 1:
        return [0]
    hours = parts.named.get("byhour", range(24))
    if per_day == 24:
        return sorted({*hours})
    minutes = parts.named.get("byminute", range(60))
    if per_day == 24 * 60:
        return sorted({hour * 60 + minute for hour in hours for minute in minutes})
    seconds = parts.named.get("bysecond", range(60))
    times = product(hours, minutes, seconds)
    return sorted({hour * 3600 + minute * 60 + second for hour, minute, second in times})


def _offsets(parts: Parts, per_day: int) -> list[timedelta]:
    """When within each unit, after BYSETPOS."""
    start = parts.start
    hours = parts.clock("byhour", start.hour) if per_day == 1 else [0]
    minutes = parts.clock("byminute", start.minute) if per_day <= 24 else [0]
    seconds = parts.clock("bysecond", start.second) if per_day <= 24 * 60 else [0]
    found = [
        timedelta(hours=hour, minutes=minute, seconds=second)
        for hour, minute, second in product(hours, minutes, seconds)
    ]
    places = parts.named.get("bysetpos")
    if places is None:
        return found
    wanted = {place - 1 if place > 0 else len(found) + place for place in places}
    return [offset for at, offset in enumerate(found) if at in wanted]
