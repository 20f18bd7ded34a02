"""Local times and the instants they stand for, at the two kinds of hour that clocks make special.

A local time inside a gap (clocks go forward) stands for no instant, one inside a repeated hour
(clocks go back) for two. Local times are naive datetimes here, instants aware ones in UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from orchestrator.model.errors import InvalidSchedule

FIRST_INSTANT = datetime(1900, 1, 1, tzinfo=UTC)
LAST_INSTANT = datetime(2999, 12, 31, tzinfo=UTC)
"""No schedule has an occurrence before the first or after the last: every search ends."""


def zone_of(name: object, expression: object) -> ZoneInfo:
    """The time zone called ``name``, for the schedule ``expression``.

    Raises:
        InvalidSchedule: there is no such zone; similar names are given.
    """
    if not isinstance(name, str):
        raise InvalidSchedule(expression, f"timezone must be a text, not {type(name).__name__}")
    try:
        return named_zone(name)
    except ValueError as error:
        raise InvalidSchedule(expression, str(error)) from None


def named_zone(name: str) -> ZoneInfo:
    """The time zone called ``name``.

    Raises:
        ValueError: there is no such zone; similar names are given.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        similar = get_close_matches(name, sorted(available_timezones()), n=3)
        remedy = f"did you mean {' or '.join(similar)}?" if similar else "try Europe/Berlin or UTC"
        raise ValueError(f"there is no time zone {name!r}; {remedy}") from None


def to_local(instant: datetime, zone: ZoneInfo) -> datetime:
    """What clocks in the zone show at an instant."""
    return instant.astimezone(zone).replace(tzinfo=None)


def first_valid(local: datetime, zone: ZoneInfo) -> datetime:
    """The first instant at which clocks show ``local``; in a gap, the instant the gap ends.

    Never falls while ``local`` rises.
    """
    early = _instant(local, zone, 0)
    if to_local(early, zone) == local:
        return early
    # Inside a gap the two readings of a local time lie on the two sides of the change.
    return change_between(_instant(local, zone, 1), early, zone)


def all_valid(local: datetime, zone: ZoneInfo) -> list[datetime]:
    """Every instant at which clocks show ``local``: one, two in a repeated hour, none in a gap."""
    both = {_instant(local, zone, 0), _instant(local, zone, 1)}
    return sorted(instant for instant in both if to_local(instant, zone) == local)


def _instant(local: datetime, zone: ZoneInfo, fold: int) -> datetime:
    return local.replace(tzinfo=zone, fold=fold).astimezone(UTC)


@lru_cache(maxsize=1024)
def change_between(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The second at which the zone's offset changed; it did so once in between."""
    old = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after
