"""The text of an rrule schedule: RRULE, RDATE and EXDATE lines after a DTSTART.

Taken is RFC 5545 without EXRULE (which it dropped), read more strictly than by dateutil: nothing
depends on the time of reading, and what is not understood is refused by name. Where RFC 5545 leaves
no meaning to a plain date (UNTIL and EXDATE beside a DTSTART with a time), it is the whole day.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from heapq import merge
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.rrule import weekday

from orchestrator.model.errors import InvalidSchedule
from orchestrator.model.interval import DEFAULT_ANCHOR
from orchestrator.model.recurrence import UNITS_PER_DAY, Parts, Recurrence
from orchestrator.model.zones import FIRST_INSTANT, LAST_INSTANT, to_local

LONGEST_TEXT = 6_500
"""Characters."""
LARGEST_COUNT = 10_000
LARGEST_INTERVAL = 1_000_000

_FREQUENCIES = ("YEARLY", "MONTHLY", "WEEKLY", *UNITS_PER_DAY)
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_WEEKDAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
_NUMBERS = {
    "BYMONTH": ("bymonth", 1, 12, False),
    "BYMONTHDAY": ("bymonthday", 1, 31, True),
    "BYYEARDAY": ("byyearday", 1, 366, True),
    "BYWEEKNO": ("byweekno", 1, 53, True),
    "BYHOUR": ("byhour", 0, 23, False),
    "BYMINUTE": ("byminute", 0, 59, False),
    "BYSECOND": ("bysecond", 0, 59, False),
    "BYSETPOS": ("bysetpos", 1, 366, True),
    "BYEASTER": ("byeaster", 0, 366, True),
}
"""Part -> dateutil's name, least and largest number, and whether it may be counted backwards."""
_PARTS = ("FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", *_NUMBERS)
_TZID = re.compile(r"TZID=([^:;\s]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Recurrences:
    """The local times of a set: all rules and extra dates without the excluded ones."""

    rules: tuple[Recurrence, ...]
    extra: tuple[datetime, ...]
    without: frozenset[datetime | date]

    @classmethod
    def read(cls, text: str, zone: ZoneInfo) -> Recurrences:
        """The set that a text describes; times without a zone are local ones of ``zone``.

        Raises:
            InvalidSchedule: it cannot be understood, or names another zone.
        """
        return _Reader(text, zone).recurrences()

    @property
    def follows_clock(self) -> bool:
        """Whether all of it is shorter than a day, without naming an hour."""
        return not self.extra and all(rule.follows_clock for rule in self.rules)

    def since(self, start: datetime) -> Iterator[datetime]:
        """Rising local times, none before ``start``."""
        last = None
        extra = (local for local in self.extra if local >= start)
        for local in merge(extra, *(rule.since(start) for rule in self.rules)):
            if local != last and local not in self.without and local.date() not in self.without:
                yield local
            last = local


def zone_named_in(text: str) -> str | None:
    """The zone that the lines of a set name, if they do."""
    found = _TZID.search(text)
    return None if found is None else found[1]


def normalized(text: object) -> str:
    """The text with one property a line, as it is stored.

    Raises:
        InvalidSchedule: no text, or too long.
    """
    if not isinstance(text, str):
        raise InvalidSchedule(text, "an rrule is a text such as 'FREQ=WEEKLY;BYDAY=MO,FR'")
    if len(text) > LONGEST_TEXT:
        raise InvalidSchedule(text, f"is longer than {LONGEST_TEXT} characters")
    return "\n".join(text.split())


class _Reader:
    """Reads one text."""

    def __init__(self, text: str, zone: ZoneInfo) -> None:
        self._text, self._zone = text, zone
        self._values: dict[str, list[tuple[list[str], str]]] = {}
        for line in normalized(text).split("\n"):
            head, colon, value = line.rpartition(":")
            name, *parameters = head.split(";") if colon else ["RRULE"]
            self._values.setdefault(name.upper(), []).append((parameters, value))

    def recurrences(self) -> Recurrences:
        values = self._values
        if "EXRULE" in values:
            raise self._fault("EXRULE is refused, as RFC 5545 dropped it; list dates with EXDATE")
        if unknown := values.keys() - {"DTSTART", "RRULE", "RDATE", "EXDATE"}:
            raise self._fault(f"{min(unknown)!r} is none of DTSTART, RRULE, RDATE, EXDATE")
        if "RRULE" not in values and "RDATE" not in values:
            raise self._fault("there is no RRULE and no RDATE")
        start = self._start()
        rules = tuple(self._rule(value, start) for _, value in values.get("RRULE", ()))
        extra = {_midnight(each) for each in self._dates("RDATE")}
        return Recurrences(rules, tuple(sorted(extra)), frozenset(self._dates("EXDATE")))

    def _start(self) -> datetime | None:
        found = self._dates("DTSTART")
        if len(found) > 1:
            raise self._fault("there are several DTSTART; give one")
        return _midnight(found[0]) if found else None

    def _rule(self, text: str, start: datetime | None) -> Recurrence:
        given: dict[str, str] = {}
        for part in text.upper().removesuffix(";").split(";"):
            name, equals, value = part.partition("=")
            if name == "BYWEEKDAY":
                name = "BYDAY"
            if name not in _PARTS or not equals:
                raise self._fault(f"{part!r} is none of {', '.join(_PARTS)}")
            if name in given:
                raise self._fault(f"{name} is given twice")
            given[name] = value
        if start is None and "COUNT" in given:
            raise self._fault("COUNT needs a DTSTART to count from")
        return Recurrence(self._parts(given, start or DEFAULT_ANCHOR))

    def _parts(self, given: dict[str, str], start: datetime) -> Parts:
        frequency = given.get("FREQ", "")
        if frequency not in _FREQUENCIES:
            raise self._fault(f"FREQ must be one of {', '.join(_FREQUENCIES)}")
        if given.get("WKST", "MO") not in _WEEKDAYS:
            raise self._fault(f"WKST must be one of {', '.join(_WEEKDAYS)}")
        named = self._named(given, frequency)
        if "bysetpos" in named and len(named) == 1:
            raise self._fault("BYSETPOS needs another BY part to choose from")
        parts = Parts(
            frequency=frequency,
            start=start,
            interval=self._number("INTERVAL", given.get("INTERVAL", "1"), 1, LARGEST_INTERVAL),
            week_start=_WEEKDAYS.index(given.get("WKST", "MO")),
            named=named,
        )
        if "UNTIL" in given:
            parts = replace(parts, until=_end(self._moment("UNTIL", given["UNTIL"])))
        if "COUNT" in given:
            count = self._number("COUNT", given["COUNT"], 1, LARGEST_COUNT)
            parts = replace(parts, count=count)
        return parts

    def _named(self, given: dict[str, str], frequency: str) -> dict[str, Any]:
        named: dict[str, Any] = {}
        for part, (name, least, largest, backwards) in _NUMBERS.items():
            if part in given:
                named[name] = [
                    self._number(part, each, least, largest, backwards)
                    for each in given[part].split(",")
                ]
        if "BYDAY" in given:
            named["byweekday"] = [self._weekday(d, frequency) for d in given["BYDAY"].split(",")]
        return named

    def _weekday(self, text: str, frequency: str) -> weekday | int:
        found = _WEEKDAY.fullmatch(text)
        if found is None:
            raise self._fault(f"BYDAY: {text!r} is no weekday such as MO, 1MO or -1FR")
        number = _WEEKDAYS.index(found[2])
        if found[1] is None:
            return number
        if frequency not in ("YEARLY", "MONTHLY") or not 1 <= abs(int(found[1])) <= 53:
            raise self._fault(f"BYDAY: {text!r} has a meaning in months and years only, 1 to 53")
        return weekday(number, int(found[1]))

    def _number(
        self, part: str, text: str, least: int, largest: int, backwards: bool = False
    ) -> int:
        if re.fullmatch(r"[+-]?[0-9]{1,9}", text):
            number = int(text)
            if least <= (abs(number) if backwards else number) <= largest:
                return number
        sign = ", also negative" if backwards else ""
        raise self._fault(f"{part}: {text!r} must be a whole number, {least} to {largest}{sign}")

    def _dates(self, name: str) -> list[datetime | date]:
        found = []
        for parameters, value in self._values.get(name, ()):
            for parameter in parameters:
                key, _, said = parameter.partition("=")
                if key.upper() == "TZID" and said != self._zone.key:
                    raise self._fault(f"{name} is in {said} and the schedule in {self._zone.key}")
                if key.upper() not in ("TZID", "VALUE"):
                    raise self._fault(f"{name}: {parameter!r} is not known")
            found += [self._moment(name, each) for each in value.split(",")]
        return found

    def _moment(self, name: str, text: str) -> datetime | date:
        """A local time, or a date where no time is said."""
        try:
            if "T" not in text.upper():
                found: datetime | date = date.fromisoformat(text)
            else:
                moment = datetime.fromisoformat(text.upper()).replace(microsecond=0)
                found = moment if moment.tzinfo is None else to_local(moment, self._zone)
        except (ValueError, OverflowError):
            raise self._fault(f"{name}: {text!r} is no time such as 20260131T090000") from None
        if not FIRST_INSTANT <= _midnight(found).replace(tzinfo=UTC) <= LAST_INSTANT:
            raise self._fault(f"{name}: {text!r} is beyond the years 1900 to 2999")
        return found

    def _fault(self, why: str) -> InvalidSchedule:
        return InvalidSchedule(self._text, why)


def _midnight(moment: datetime | date) -> datetime:
    return moment if isinstance(moment, datetime) else datetime.combine(moment, time())


def _end(moment: datetime | date) -> datetime:
    return moment if isinstance(moment, datetime) else datetime.combine(moment, time.max)
