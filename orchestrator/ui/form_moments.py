"""Moments as two fields: a local time and its zone; and what the two mean together."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from orchestrator.model.zones import all_valid, first_valid, named_zone, to_local

_LOCAL = r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?"
_WRITTEN = re.compile(rf"({_LOCAL})(Z|[+-]\d\d:\d\d)?")
_UTC_ZONE = ZoneInfo("UTC")
_OFFSET = re.compile(r"[+-]\d\d:\d\d")


class NoMoment(ValueError):
    """A time that cannot be used; says why, and what to write."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What was typed into the two fields."""

    text: str
    """RFC 3339; without an offset when no zone was given."""
    at: datetime | None
    """The instant, in UTC; None without a zone."""
    note: str = ""
    """What is special about it."""


def parts(text: object) -> tuple[str, str] | None:
    """Local time and zone; None when the two fields would lose something of the text."""
    match = _WRITTEN.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return None
    try:
        time = _time(match[0])
        _ = time.tzinfo and _utc(time)
    except NoMoment:
        return None
    return match[1], {None: "", "Z": "UTC"}.get(match[2], match[2])


def is_same(text: str, zone: str, written: object) -> bool:
    """Whether the two fields hold what they were filled with. A browser leaves out seconds that
    are zero."""
    before = parts(written)
    if before is None or before[1] != zone:
        return False
    now = parts(text)
    return now is not None and not now[1] and _time(now[0]) == _time(before[0])


def moment(local: str, zone: str) -> Moment:
    """What a local time means in a zone: a name, an offset such as +01:00, or none.

    Raises:
        NoMoment: there is no such time, or no such zone.
    """
    time = _time(local)
    if time.tzinfo:
        return Moment(local.strip(), _utc(time))
    if not zone:
        return Moment(_written(local, time), None)
    if zone == "UTC" or _OFFSET.fullmatch(zone):
        text = _written(local, time) + ("Z" if zone == "UTC" else zone)
        return Moment(text, _utc(_time(text)))
    try:
        known = named_zone(zone)
    except ValueError as error:
        raise NoMoment(str(error)) from None
    try:
        return _in_zone(local, time, known)
    except OverflowError:
        raise NoMoment("is outside the years that can be counted") from None


def _in_zone(local: str, time: datetime, zone: ZoneInfo) -> Moment:
    fitting = all_valid(time, zone)
    if not fitting:
        then = to_local(first_valid(time, zone), zone)
        raise NoMoment(
            f"does not exist in {zone.key}: clocks go forward then; they show {then:%H:%M} next"
        )
    aware = fitting[0].astimezone(zone)
    note = ""
    if len(fitting) > 1:
        second = fitting[1].astimezone(zone)
        note = (
            f"Clocks show it twice in {zone.key}; the first is meant."
            f" For the second write {second.isoformat()[-6:]} as the zone."
        )
    if (aware.utcoffset() or timedelta()) % timedelta(minutes=1):
        # RFC 3339 has no seconds in offsets, which local time had before there were zones.
        return Moment(f"{to_local(fitting[0], _UTC_ZONE).isoformat()}Z", fitting[0], note)
    return Moment(_written(local, time) + aware.isoformat()[-6:], fitting[0], note)


def _time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        why = "is no time: write 2026-11-22T15:04, and a zone such as Europe/Berlin"
        raise NoMoment(why) from None


def _utc(time: datetime) -> datetime:
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise NoMoment("is outside the years that can be counted") from None


def _written(local: str, time: datetime) -> str:
    """As it was typed; a browser leaves out seconds that are zero."""
    return local.strip() if parts(local) and local.count(":") == 2 else time.isoformat()


def meant(local: str, zone: str) -> Moment | str:
    """What the two fields mean, or why they mean nothing."""
    try:
        return moment(local, zone)
    except NoMoment as error:
        return str(error)
