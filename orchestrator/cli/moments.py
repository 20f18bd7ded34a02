"""Times and durations as people write and read them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import typer

from orchestrator.model.clock import from_ms
from orchestrator.model.spans import relative, span

__all__ = [
    "from_now",
    "local",
    "parse_duration",
    "parse_moment",
    "parse_since",
    "relative",
    "span",
    "stamp",
]

_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)")
_SECONDS = {
    "": 1,
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1),
    **dict.fromkeys(("m", "min", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hour", "hours"), 3600),
    **dict.fromkeys(("d", "day", "days"), 86_400),
    **dict.fromkeys(("w", "week", "weeks"), 7 * 86_400),
}


def parse_duration(text: str) -> timedelta:
    """``90``, ``30s``, ``1h30m`` or ``2 days``; a bare number is seconds.

    Raises:
        typer.BadParameter: none of these, or too long for a calendar.
    """
    seconds, rest = 0.0, text.strip().lower()
    while rest:
        part = _PART.match(rest)
        if part is None or part[2] not in _SECONDS:
            break
        seconds += float(part[1]) * _SECONDS[part[2]]
        rest = rest[part.end() :].lstrip()
    if rest or not text.strip():
        raise typer.BadParameter(f"{text!r} is no duration; write 90, 30s, 5m, 1h30m or 2d")
    try:
        return timedelta(seconds=seconds)
    except OverflowError:
        raise typer.BadParameter(f"{text!r} is too long") from None


def parse_moment(text: str) -> datetime:
    """An ISO 8601 time; without an offset it is the local time of this machine.

    Raises:
        typer.BadParameter: not an ISO 8601 time.
    """
    try:
        return datetime.fromisoformat(text.strip()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise typer.BadParameter(
            f"{text!r} is no time; write 2026-11-22T15:04 (local) or 2026-11-22T15:04:00Z"
        ) from None


def parse_since(text: str) -> datetime:
    """A time, or how long ago it is.

    Raises:
        typer.BadParameter: neither of them.
    """
    try:
        return datetime.now(UTC) - parse_duration(text)
    except typer.BadParameter:
        return parse_moment(text)
    except OverflowError:
        raise typer.BadParameter("that is before the beginning of the calendar") from None


def from_now(delay: timedelta) -> datetime:
    """The moment after ``delay``.

    Raises:
        typer.BadParameter: beyond the end of the calendar.
    """
    try:
        return datetime.now(UTC) + delay
    except OverflowError:
        raise typer.BadParameter("that is beyond the end of the calendar") from None


def local(ms: int, now_ms: int) -> str:
    """Local date and time, and how far away that is."""
    moment = from_ms(ms).astimezone()
    return f"{moment:%Y-%m-%d %H:%M:%S} ({relative(ms, now_ms)})"


def stamp(seconds: float) -> str:
    """The local time of a log line, with its day unless that is today."""
    moment = datetime.fromtimestamp(seconds, UTC).astimezone()
    today = datetime.now(UTC).astimezone().date()
    clock = f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}"
    return clock if moment.date() == today else f"{moment:%Y-%m-%d} {clock}"
