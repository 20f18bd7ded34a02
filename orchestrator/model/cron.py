"""Cron: which local times an expression names.

croniter answers one question only: which local days match (it knows ``L``, ``W``, ``#`` and how the
two day fields combine). It never sees a time zone; the clock changes are ours (``wallclock``): an
hour field of ``*`` follows the clock, with any other one each named time comes once per local day.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import copy
from datetime import date, datetime, time, timedelta
from itertools import count
from typing import TYPE_CHECKING

from orchestrator.model.errors import InvalidSchedule

if TYPE_CHECKING:
    from croniter import croniter

LONGEST_EXPRESSION = 500
"""Characters. Each field written out in full, number by number, is shorter."""

_ALIASES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_FIELDS = "5 fields (minute hour day month weekday), or 6 with seconds as the last"
_RANDOM_OR_HASHED = re.compile(r"[hr]([(/].*)?", re.IGNORECASE)
_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_MINUTE = timedelta(minutes=1)


class CronTimes:
    """The local times that a cron expression names."""

    def __init__(self, expression: str, day_or: bool = True) -> None:
        fields = _fields_of(expression)
        minutes, hours, seconds = _times_of(expression, fields)
        self.follows_clock = "*" in hours
        self._hours = _numbers(hours, 24)
        self._minutes = _numbers(minutes, 60)
        self._seconds = _numbers(seconds, 60)
        self._every_day = fields[2:5] == ["*", "*", "*"]
        self._day_search = _search(" ".join(["0", "0", *fields[2:5]]), day_or)

    def since(self, start: datetime) -> Iterator[datetime]:
        """Rising local times that match, none before ``start``."""
        for day in self._days(start.date()):
            midnight = datetime.combine(day, time())
            for hour in self._hours:
                begin = midnight + hour * _HOUR
                if begin + _HOUR > start:
                    yield from self._times_in_hour(begin, start)

    def _times_in_hour(self, hour: datetime, start: datetime) -> Iterator[datetime]:
        for minute in self._minutes:
            begin = hour + minute * _MINUTE
            if begin + _MINUTE > start:
                for second in self._seconds:
                    local = begin.replace(second=second)
                    if local >= start:
                        yield local

    def _days(self, first: date) -> Iterator[date]:
        """Rising days that match, from ``first`` on."""
        from croniter import CroniterBadDateError

        if self._every_day:
            yield from (first + n * _DAY for n in count())
        search = copy(self._day_search)  # its position is its own; the parsed fields are shared
        search.set_current(datetime.combine(first, time()) - timedelta(microseconds=1))
        while True:
            try:
                yield search.get_next(datetime).date()
            except CroniterBadDateError:
                return


def _search(fields: str, day_or: bool) -> croniter:
    # Imported for cron expressions only: a tenth of the start of a script that has none.
    from croniter import croniter

    return croniter(fields, 0.0, day_or=day_or)


def _fields_of(expression: str) -> list[str]:
    """The fields of an expression that may be parsed, or InvalidSchedule."""
    if len(expression) > LONGEST_EXPRESSION:
        raise InvalidSchedule(
            expression, f"is longer than {LONGEST_EXPRESSION} characters; write ranges and steps"
        )
    text = expression.strip().lower()
    fields = _ALIASES.get(text, text).split()
    if text.startswith("@") and text not in _ALIASES:
        raise InvalidSchedule(expression, f"is no alias; there are {', '.join(_ALIASES)}")
    if len(fields) not in (5, 6):
        raise InvalidSchedule(expression, f"has {len(fields)} fields; cron takes {_FIELDS}")
    if any(_RANDOM_OR_HASHED.fullmatch(part) for field in fields for part in field.split(",")):
        raise InvalidSchedule(
            expression,
            "R (random) and H (hashed) are refused: every scheduler must find the same instants; "
            "write the minute or hour that you want",
        )
    return fields


def _times_of(expression: str, fields: list[str]) -> tuple[list[object], ...]:
    """The parsed minutes, hours and seconds; lists of numbers or with ``*``."""
    from croniter import CroniterError, croniter

    try:
        parsed = croniter.expand(" ".join(fields))[0]
    # Whatever the parser trips over, it is the expression's fault: all of it is checked here.
    except (CroniterError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise InvalidSchedule(expression, f"cannot be read: {_reason(error)}") from None
    seconds: list[object] = [*parsed[5]] if len(parsed) > 5 else [0]
    return [*parsed[0]], [*parsed[1]], seconds


def _reason(error: Exception) -> str:
    """The last line of the parser's message (some of them carry a traceback), shortened."""
    lines = str(error).strip().splitlines()
    return lines[-1][:200] if lines else type(error).__name__


def _numbers(field: list[object], count: int) -> tuple[int, ...]:
    if "*" in field:
        return tuple(range(count))
    return tuple(sorted(number for number in field if isinstance(number, int)))
